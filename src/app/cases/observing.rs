//! Do the tickets really stop? Observation (成效观察), closure (销号), a new round, termination, and the return of a problem (回潮).

use crate::app::access::require_on_case;
use crate::app::cases::observation;
use crate::app::cases::{Basis, approve, load, same_version, save, tell_force};
use crate::app::plans::CasePlan;
use crate::app::plans::plan_changes::TaskDraft;
use crate::app::plans::plan_edits::add_task;
use crate::app::tasks::required;
use crate::app::{Actor, App, Ctx, Error, Owed, Recipient};
use crate::domain::access::Action;
use crate::domain::case::{
    self, ApprovalSubject, CallerCount, CaseMove, CaseState, LOOK_BACK_DAYS, ObservationResult, ObservationRule,
};
use crate::domain::notice::Stage;
use crate::domain::task::{self, TaskMove};
use crate::lang::Message;
use crate::store::cases::{self, Approval, Case};
use crate::store::observations::{self, LookBack, Observation};
use crate::store::{new_id, people};
use chrono::TimeDelta;
use serde_json::json;

/// A window without enough comparable days is prolonged by this many days at a time.
const PROLONGED_BY: TimeDelta = TimeDelta::days(7);

pub fn rule_of(case: &Case) -> ObservationRule {
    serde_json::from_str(&case.observation_rule).unwrap_or_default()
}

/// The last task has ended: freezes each problem's baseline and opens the window.
pub fn begin(ctx: &mut Ctx, case: &mut Case) -> Result<(), Error> {
    let rule = rule_of(case);
    case.state = case::next_state(case.state, CaseMove::Verify).map_err(Error::Refused)?;
    case.verifying_at = Some(ctx.now);
    save(ctx, case)?;
    let opened_on = ctx.app.clock.local_date(case.created_at);
    let baseline_from = opened_on - TimeDelta::weeks(i64::from(rule.baseline_weeks));
    let window_from = ctx.today + TimeDelta::days(1);
    let window_until = window_from + TimeDelta::days(i64::from(rule.window_days));
    let mut rows = Vec::new();
    for problem_id in cases::problems_of(&mut ctx.tx, &case.id)? {
        let baseline = observation::count(ctx, &problem_id, baseline_from, opened_on, rule.compare)?;
        rows.push(Observation {
            id: new_id(),
            case_id: case.id.clone(),
            problem_id,
            round: case.round,
            compare: rule.compare,
            baseline_from,
            baseline_until: opened_on,
            baseline_callers: baseline.callers,
            baseline_days: baseline.comparable_days,
            window_from,
            window_until,
            target_percent: rule.target_percent,
            observed_callers: None,
            observed_days: None,
            result: ObservationResult::Pending,
            decided_at: None,
        });
    }
    let figures: Vec<_> =
        rows.iter().map(|row| json!({ "callers": row.baseline_callers, "days": row.baseline_days })).collect();
    ctx.record(
        "case.verify",
        ("case", &case.id),
        Some(&case.id),
        json!({ "round": case.round, "until": window_until, "baseline": figures }),
    );
    observations::insert(&mut ctx.tx, rows)?;
    tell_force(ctx, case, Stage::CaseVerifying, case.round, "")
}

fn baseline_of(row: &Observation) -> CallerCount {
    CallerCount { callers: row.baseline_callers, comparable_days: row.baseline_days }
}

/// Judges every observation whose window has ended. Gives how many were judged or prolonged.
pub async fn judge_due(app: &App) -> Result<usize, Error> {
    let actor = Actor::job("成效观察");
    let due = app.read(&actor, |ctx| Ok(observations::cases_to_judge(&mut ctx.tx, ctx.today)?)).await?;
    let mut judged = 0;
    for case_id in due {
        judged += app.write(&actor, move |ctx| judge_case(ctx, &case_id)).await?;
    }
    Ok(judged)
}

fn judge_case(ctx: &mut Ctx, case_id: &str) -> Result<usize, Error> {
    let plan = CasePlan::take(ctx, case_id)?;
    if plan.case.state != CaseState::Verifying {
        return Ok(0);
    }
    let rule = rule_of(&plan.case);
    let due: Vec<Observation> = observations::of_case(&mut ctx.tx, case_id)?
        .into_iter()
        .filter(|row| row.result == ObservationResult::Pending && row.round == plan.case.round)
        .filter(|row| row.window_until <= ctx.today)
        .collect();
    for row in &due {
        judge_one(ctx, &plan.case, rule, row.clone())?;
    }
    Ok(due.len())
}

fn judge_one(ctx: &mut Ctx, case: &Case, rule: ObservationRule, mut row: Observation) -> Result<(), Error> {
    let observed = observation::count(ctx, &row.problem_id, row.window_from, row.window_until, row.compare)?;
    row.observed_callers = Some(observed.callers);
    row.observed_days = Some(observed.comparable_days);
    let rule = ObservationRule { target_percent: row.target_percent, compare: row.compare, ..rule };
    let (result, percent) = case::judge(&rule, baseline_of(&row), observed);
    let baseline_compares = row.baseline_callers > 0 && row.baseline_days > 0;
    if result == ObservationResult::NoData && baseline_compares {
        row.window_until += PROLONGED_BY;
        ctx.record(
            "case.observation_prolonged",
            ("case", &case.id),
            Some(&case.id),
            json!({ "until": row.window_until, "comparable_days": observed.comparable_days }),
        );
    } else {
        row.result = result;
        row.decided_at = Some(ctx.now);
        ctx.record(
            "case.observed",
            ("case", &case.id),
            Some(&case.id),
            json!({ "result": result.code(), "percent": percent.map(|p| p.round()), "target": row.target_percent,
                "baseline_callers": row.baseline_callers, "callers": observed.callers }),
        );
    }
    Ok(observations::save(&mut ctx.tx, &row)?)
}

/// Closes a case (销号): every observed problem met its target, and a named approver says so. Names the unit that keeps it cured.
pub fn close(ctx: &mut Ctx, case_id: &str, version: i64, basis: Basis, keeper_unit_id: &str) -> Result<(), Error> {
    let plan = CasePlan::take(ctx, case_id)?;
    require_on_case(ctx, Action::EndCase, case_id)?;
    same_version(&plan.case, version)?;
    let mut case = plan.case;
    let next = case::next_state(case.state, CaseMove::Close).map_err(Error::Refused)?;
    if plan.tasks.iter().any(|task| !task.state.is_final()) {
        return Err(Error::Refused(Message::new("还有任务没有办结，不能销号。")));
    }
    let observed: Vec<Observation> =
        observations::of_case(&mut ctx.tx, case_id)?.into_iter().filter(|row| row.round == case.round).collect();
    if observed.is_empty() || observed.iter().any(|row| row.result != ObservationResult::Met) {
        return Err(Error::Refused(Message::new("成效观察尚未达标，不能销号。")));
    }
    people::unit_by_id(&mut ctx.tx, keeper_unit_id)?
        .ok_or_else(|| Error::field("keeper_unit_id", Message::new("请选择长效管护单位")))?;
    let approval = approve(ctx, case_id, ApprovalSubject::Closure, basis, None)?;
    case.state = next;
    case.ended_at = Some(ctx.now);
    case.keeper_unit_id = Some(keeper_unit_id.to_owned());
    save(ctx, &mut case)?;
    let today = ctx.today;
    let look_backs: Vec<LookBack> = LOOK_BACK_DAYS
        .iter()
        .map(|days| LookBack {
            id: new_id(),
            case_id: case_id.to_owned(),
            due_on: ctx.calendar.next_working_day_on_or_after(today + TimeDelta::days(*days)),
            result: None,
            done_by: None,
            done_at: None,
        })
        .collect();
    observations::insert_look_backs(&mut ctx.tx, &look_backs)?;
    cases::set_problems_until(&mut ctx.tx, case_id, Some(ctx.now))?;
    ctx.record(
        "case.close",
        ("case", case_id),
        Some(case_id),
        json!({ "no": case.no, "basis": approval.basis, "approver": approval.approver, "keeper": keeper_unit_id }),
    );
    tell_force(ctx, &case, Stage::CaseClosed, case.round, "")
}

/// The target was missed: a new round of work begins with at least one new task.
pub fn resume(ctx: &mut Ctx, case_id: &str, version: i64, first: TaskDraft) -> Result<(), Error> {
    let plan = CasePlan::take(ctx, case_id)?;
    require_on_case(ctx, Action::IssueCase, case_id)?;
    same_version(&plan.case, version)?;
    let mut case = plan.case;
    case.state = case::next_state(case.state, CaseMove::Resume).map_err(Error::Refused)?;
    case.round += 1;
    case.verifying_at = None;
    save(ctx, &mut case)?;
    ctx.record("case.resume", ("case", case_id), Some(case_id), json!({ "round": case.round }));
    add_task(ctx, case_id, first, &[]).map(|_| ())
}

/// Asks for a case to end without proof (终止); a second person confirms it.
pub fn ask_termination(ctx: &mut Ctx, case_id: &str, version: i64, reason: String) -> Result<(), Error> {
    let case = load(ctx, case_id, version, Action::EndCase)?;
    let reason = required("reason", reason)?;
    if pending_termination(ctx, case_id)?.is_some() {
        return Err(Error::Refused(Message::new("已有终止申请待第二人确认。")));
    }
    let row = Approval {
        id: new_id(),
        case_id: case_id.to_owned(),
        subject: ApprovalSubject::Termination,
        basis: String::new(),
        approver: String::new(),
        decided_on: None,
        reason: Some(reason.clone()),
        file_id: None,
        recorded_by: ctx.actor.id().to_owned(),
        recorded_at: ctx.now,
    };
    cases::insert_approval(&mut ctx.tx, row)?;
    ctx.record("case.termination_asked", ("case", case_id), Some(case_id), json!({ "no": case.no, "reason": reason }));
    Ok(())
}

pub fn pending_termination(ctx: &mut Ctx, case_id: &str) -> Result<Option<Approval>, Error> {
    Ok(cases::approvals_of(&mut ctx.tx, case_id)?
        .into_iter()
        .find(|row| row.subject == ApprovalSubject::Termination && row.decided_on.is_none()))
}

/// Ends the case without proof, by a second person's word. Never counted as closed.
pub fn confirm_termination(ctx: &mut Ctx, case_id: &str, version: i64, basis: String) -> Result<(), Error> {
    let mut plan = CasePlan::take(ctx, case_id)?;
    require_on_case(ctx, Action::EndCase, case_id)?;
    same_version(&plan.case, version)?;
    let asked =
        pending_termination(ctx, case_id)?.ok_or_else(|| Error::Refused(Message::new("没有待确认的终止申请。")))?;
    if asked.recorded_by == ctx.actor.id() {
        return Err(Error::Refused(Message::new("终止须由另一人确认。")));
    }
    let basis = required("basis", basis)?;
    let (name, today) = (ctx.actor.name.clone(), ctx.today);
    cases::complete_approval(&mut ctx.tx, &asked.id, &basis, &name, today)?;
    plan.case.state = case::next_state(plan.case.state, CaseMove::Terminate).map_err(Error::Refused)?;
    plan.case.ended_at = Some(ctx.now);
    plan.case.end_reason = asked.reason;
    for mut task in plan.tasks.clone().into_iter().filter(|task| !task.state.is_final()) {
        task.state = task::next_state(task.state, TaskMove::Cancel).map_err(Error::Refused)?;
        task.ended_at = Some(ctx.now);
        plan.save(ctx, task)?;
    }
    let mut case = plan.case;
    save(ctx, &mut case)?;
    cases::set_problems_until(&mut ctx.tx, case_id, Some(ctx.now))?;
    ctx.record(
        "case.terminate",
        ("case", case_id),
        Some(case_id),
        json!({ "no": case.no, "reason": case.end_reason, "approver": name }),
    );
    if case.issued_at.is_some() {
        tell_force(ctx, &case, Stage::CaseTerminated, case.round, case.end_reason.as_deref().unwrap_or(""))?;
    }
    Ok(())
}

/// Reopens closed cases whose tickets have returned (回潮). Gives how many.
pub async fn reopen_returned(app: &App) -> Result<usize, Error> {
    let actor = Actor::job("回潮监测");
    let returned = app.read(&actor, returned_cases).await?;
    let mut reopened = 0;
    for case_id in returned {
        reopened += usize::from(app.write(&actor, move |ctx| reopen(ctx, &case_id)).await?);
    }
    Ok(reopened)
}

fn returned_cases(ctx: &mut Ctx) -> Result<Vec<String>, Error> {
    let mut returned = Vec::new();
    for case in cases::in_states(&mut ctx.tx, &[CaseState::Closed])? {
        if return_of(ctx, &case)?.is_some() {
            returned.push(case.id);
        }
    }
    Ok(returned)
}

/// The callers of the trailing days and the observation they are held against, when a closed case's tickets are back.
fn return_of(ctx: &mut Ctx, case: &Case) -> Result<Option<(CallerCount, Observation)>, Error> {
    let rule = rule_of(case);
    let Some(ended_on) =
        case.ended_at.map(|at| ctx.app.clock.local_date(at)).filter(|_| case.state == CaseState::Closed)
    else {
        return Ok(None);
    };
    let trailing_from = ctx.today - TimeDelta::days(i64::from(rule.reopen_days));
    let watched_until = ended_on + TimeDelta::days(i64::from(rule.reopen_within_days));
    if trailing_from < ended_on || ctx.today > watched_until {
        return Ok(None);
    }
    let last_round = observations::of_case(&mut ctx.tx, &case.id)?.into_iter().filter(|row| row.round == case.round);
    for row in last_round {
        let trailing = observation::count(ctx, &row.problem_id, trailing_from, ctx.today, row.compare)?;
        let taken = cases::open_case_of(&mut ctx.tx, &row.problem_id)?.is_some();
        if !taken && case::has_returned(&rule, baseline_of(&row), trailing) {
            return Ok(Some((trailing, row)));
        }
    }
    Ok(None)
}

fn reopen(ctx: &mut Ctx, case_id: &str) -> Result<bool, Error> {
    let mut case = CasePlan::take(ctx, case_id)?.case;
    let Some((trailing, observed)) = return_of(ctx, &case)? else { return Ok(false) };
    case.state = case::next_state(case.state, CaseMove::Reopen).map_err(Error::Refused)?;
    case.round += 1;
    (case.ended_at, case.verifying_at) = (None, None);
    save(ctx, &mut case)?;
    cases::set_problems_until(&mut ctx.tx, case_id, None)?;
    ctx.record(
        "case.reopen",
        ("case", case_id),
        Some(case_id),
        json!({ "no": case.no, "callers": trailing.callers, "days": trailing.comparable_days,
            "baseline_callers": observed.baseline_callers }),
    );
    tell_force(ctx, &case, Stage::CaseReopened, case.round, "")?;
    ctx.owe(Owed {
        subject_kind: "case",
        subject_id: case_id,
        stage: Stage::CaseReopened,
        recipient: Recipient::Person(case.coordinator()),
        cycle: case.round,
        case_id: Some(case_id),
        detail: "",
    });
    Ok(true)
}

/// Records what a look-back (回头看) found.
pub fn finish_look_back(ctx: &mut Ctx, case_id: &str, look_back_id: &str, result: String) -> Result<(), Error> {
    require_on_case(ctx, Action::EndCase, case_id)?;
    let result = required("result", result)?;
    let person = ctx.actor.id().to_owned();
    if !observations::finish_look_back(&mut ctx.tx, case_id, look_back_id, &result, &person, ctx.now)? {
        return Err(Error::NotFound);
    }
    ctx.record("case.looked_back", ("case", case_id), Some(case_id), json!({}));
    Ok(())
}
