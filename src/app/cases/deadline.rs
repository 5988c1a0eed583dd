//! A case's deadline is changed: by what right, and what that forces, seen before it is saved.

use crate::app::access::require_on_case;
use crate::app::cases::case_views::unit_names;
use crate::app::cases::{Basis, approve, open_at, save};
use crate::app::plans::{CasePlan, Likely};
use crate::app::{Ctx, Error, Owed, Recipient};
use crate::domain::access::Action;
use crate::domain::case::ApprovalSubject;
use crate::domain::notice::Stage;
use crate::lang::Message;
use crate::store::cases::{self, Case};
use crate::store::plans::Task;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::HashMap;

/// What a deadline forces.
pub struct Effect {
    pub deadline: NaiveDate,
    pub forecast: Option<NaiveDate>,
    /// Working days the plan ends after it: more than none, and it cannot be kept as planned.
    pub late_days: i64,
    pub likely: Option<Likely>,
    pub forced: Vec<Forced>,
}

impl Effect {
    pub fn is_infeasible(&self) -> bool {
        self.late_days > 0
    }
}

/// An open task whose dates no longer fit.
pub struct Forced {
    pub task: Task,
    pub finish: NaiveDate,
    /// When it would have to end.
    pub must_finish: NaiveDate,
}

/// The case, its units' names, and what the deadline would force; none asked: the one that holds.
pub fn preview(
    ctx: &mut Ctx,
    case_id: &str,
    deadline: Option<NaiveDate>,
) -> Result<(Case, HashMap<String, String>, Effect), Error> {
    require_on_case(ctx, Action::IssueCase, case_id)?;
    let plan = CasePlan::read(ctx, case_id)?;
    let deadline = deadline.unwrap_or(plan.case.deadline);
    let case = plan.case.clone();
    Ok((case, unit_names(ctx)?, effect(ctx, plan, deadline)?))
}

fn effect(ctx: &mut Ctx, mut plan: CasePlan, deadline: NaiveDate) -> Result<Effect, Error> {
    plan.case.deadline = deadline;
    let graph = plan.graph(&ctx.app.clock)?;
    let schedule = plan.schedule(ctx, &graph);
    let late_days = schedule.forecast.map_or(0, |day| ctx.calendar.working_days_between(deadline, day)).max(0);
    let forced = |task: &Task| {
        let dates = schedule.dates(&task.id).filter(|_| !task.state.is_final())?;
        // The latest dates are those of the plan's own end: the deadline's are so many days before.
        let must_finish = ctx.calendar.subtract_working_days(dates.latest_finish, late_days).min(deadline);
        (dates.finish > must_finish).then(|| Forced { task: task.clone(), finish: dates.finish, must_finish })
    };
    let mut forced: Vec<Forced> = plan.tasks.iter().filter_map(forced).collect();
    forced.sort_by_key(|row| (row.must_finish, row.task.no));
    let likely = plan.likely(ctx, &graph)?;
    Ok(Effect { deadline, forecast: schedule.forecast, late_days, likely, forced })
}

/// Moves the deadline; the original one stays on record, and one that cannot be kept is marked so. Each unit of an issued
/// case is told once, with those of its tasks that no longer fit.
pub fn change(ctx: &mut Ctx, case_id: &str, version: i64, deadline: NaiveDate, basis: Basis) -> Result<(), Error> {
    let plan = CasePlan::take(ctx, case_id)?;
    open_at(ctx, &plan.case, version, Action::IssueCase)?;
    if deadline <= ctx.today {
        return Err(Error::field("deadline", Message::new("期限应晚于今天")));
    }
    if deadline == plan.case.deadline {
        return Err(Error::field("deadline", Message::new("与现在的期限相同")));
    }
    let mut case = plan.case.clone();
    let effect = effect(ctx, plan, deadline)?;
    let infeasible = effect
        .is_infeasible()
        .then(|| Message::new("按现有计划晚 %{n} 个工作日，须压缩工期").with("n", effect.late_days).to_string());
    let approval = approve(ctx, case_id, ApprovalSubject::Deadline, basis, infeasible.clone())?;
    let payload = json!({ "from": case.deadline, "to": deadline, "basis": approval.basis, "approver": approval.approver,
        "late_days": effect.late_days });
    ctx.record("case.deadline_moved", ("case", case_id), Some(case_id), payload);
    let moved = Message::new("专项期限由%{from}调整为%{to}。依据：%{basis}，%{approver}批准。")
        .with_day("from", case.deadline, ctx.today)
        .with_day("to", deadline, ctx.today)
        .with("basis", &approval.basis)
        .with("approver", &approval.approver)
        .to_string();
    case.deadline = deadline;
    save(ctx, &mut case)?;
    if case.issued_at.is_some() {
        tell_units(ctx, &case, &effect, [Some(moved), infeasible].into_iter().flatten().collect())?;
    }
    Ok(())
}

fn tell_units(ctx: &mut Ctx, case: &Case, effect: &Effect, common: Vec<String>) -> Result<(), Error> {
    for member in cases::force(&mut ctx.tx, &case.id)? {
        let own = effect.forced.iter().filter(|row| row.task.unit_id == member.unit_id);
        let told = own.map(|row| {
            Message::new("%{no} %{task}：现排到%{finish}，须提前到%{must}前完成。")
                .with("no", format!("{:02}", row.task.no))
                .with("task", &row.task.title)
                .with_day("finish", row.finish, ctx.today)
                .with_day("must", row.must_finish, ctx.today)
                .to_string()
        });
        let detail: Vec<String> = common.iter().cloned().chain(told).collect();
        ctx.owe(Owed {
            subject_kind: "case",
            subject_id: &case.id,
            stage: Stage::DeadlineMoved,
            recipient: Recipient::Unit(&member.unit_id),
            cycle: i32::try_from(case.version).unwrap_or(i32::MAX),
            case_id: Some(&case.id),
            detail: &detail.join("\n"),
        });
    }
    Ok(())
}
