//! 督办单: drafted by the ladder, edited, numbered and signed by a person, or not signed with a reason.

use crate::app::access::require_on_task;
use crate::app::tasks::{required, told};
use crate::app::{Ctx, Error, Owed, Recipient};
use crate::domain::access::{Action, Role};
use crate::domain::notice::{Stage, SupervisionState};
use crate::lang::Message;
use crate::store::chase::{self, Supervision};
use crate::store::plans::{self, Task, TaskInCase};
use crate::store::{house, new_id, people};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

/// Drafts one to the unit's head, or to the lead unit's.
pub fn draft(ctx: &mut Ctx, task: &Task, stage: Stage, cycle: i32) -> Result<(), Error> {
    let Some(found) = plans::task_in_case(&mut ctx.tx, &task.id)? else { return Ok(()) };
    let unit_id = if stage == Stage::SupervisedLead { found.lead_unit_id.clone() } else { task.unit_id.clone() };
    let report_by = ctx.calendar.add_working_days(ctx.today, ctx.app.settings.chase.report_within);
    let late = task.due_on.map_or(0, |due| ctx.calendar.working_days_between(due, ctx.today));
    let text = Message::new("%{unit}承办的“%{task}”（%{no}）应于%{due}完成，已超期 %{days} 个工作日，经催办仍未办结。请督促尽快办结，并报送进展、原因和完成时限。")
        .with("unit", &found.unit_name)
        .with("task", &task.title)
        .with("no", found.number())
        .with_day("due", task.due_on.unwrap_or(ctx.today), ctx.today)
        .with("days", late)
        .to_string();
    let row = Supervision {
        id: new_id(),
        no: None,
        task_id: task.id.clone(),
        case_id: task.case_id.clone(),
        stage,
        cycle,
        unit_id,
        text,
        report_by,
        state: SupervisionState::Drafted,
        drafted_at: ctx.now,
        decided_by: None,
        decided_at: None,
        reason: None,
    };
    if chase::draft(&mut ctx.tx, row)? {
        let payload = told(&found, json!({ "stage": stage.code() }));
        ctx.record("task.supervision_drafted", ("task", &task.id), Some(&task.case_id), payload);
    }
    Ok(())
}

pub struct SupervisionView {
    pub row: Supervision,
    pub found: TaskInCase,
    pub unit_name: String,
    /// Names of the people it goes to; none: the unit's mailbox.
    pub heads: Vec<String>,
    pub signed_by: Option<String>,
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<SupervisionView, Error> {
    let row = chase::supervision(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let found = plans::task_in_case(&mut ctx.tx, &row.task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::DecideTask, &found)?;
    let unit_name = people::unit_by_id(&mut ctx.tx, &row.unit_id)?.map(|unit| unit.name).unwrap_or_default();
    let heads = people::reachable_in_unit(&mut ctx.tx, &row.unit_id, &[Role::UnitHead], ctx.now)?;
    let signer: Vec<String> = row.decided_by.clone().into_iter().collect();
    let signed_by = people::names_of(&mut ctx.tx, &signer)?.into_iter().map(|(_, name)| name).next();
    Ok(SupervisionView { row, found, unit_name, heads: heads.into_iter().map(|head| head.name).collect(), signed_by })
}

/// Signs a draft: it gets its number and goes to the head, in the words and with the date the signer leaves in it.
pub fn sign(ctx: &mut Ctx, id: &str, text: String, report_by: NaiveDate) -> Result<(), Error> {
    let (mut row, found) = open(ctx, id)?;
    let text = required("text", text)?;
    if report_by <= ctx.today {
        return Err(Error::field("report_by", Message::new("期限应晚于今天")));
    }
    let year = ctx.today.year();
    let number = house::next_number(&mut ctx.tx, &format!("supervision.{year}"))?;
    row.no = Some(Message::new("督办〔%{year}〕%{number}号").with("year", year).with("number", number).to_string());
    (row.text, row.report_by) = (text, report_by);
    decide(ctx, row, &found, SupervisionState::Signed, None)
}

/// Does not sign a draft, and says why.
pub fn withdraw(ctx: &mut Ctx, id: &str, reason: String) -> Result<(), Error> {
    let (row, found) = open(ctx, id)?;
    let reason = required("reason", reason)?;
    decide(ctx, row, &found, SupervisionState::Withdrawn, Some(reason))
}

fn open(ctx: &mut Ctx, id: &str) -> Result<(Supervision, TaskInCase), Error> {
    let row = chase::supervision(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let found = plans::task_in_case(&mut ctx.tx, &row.task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::DecideTask, &found)?;
    Ok((row, found))
}

fn decide(
    ctx: &mut Ctx,
    mut row: Supervision,
    found: &TaskInCase,
    state: SupervisionState,
    reason: Option<String>,
) -> Result<(), Error> {
    row.state = state;
    row.decided_by = Some(ctx.actor.id().to_owned());
    (row.decided_at, row.reason) = (Some(ctx.now), reason.clone());
    if !chase::decide(&mut ctx.tx, &row)? {
        return Err(Error::Refused(Message::new("这份督办单已签发或已不予签发。")));
    }
    let payload = told(found, json!({ "no": found.task.no, "number": row.no, "reason": reason }));
    let kind = format!("task.supervision_{}", state.code());
    ctx.record(&kind, ("task", &row.task_id), Some(&row.case_id), payload);
    if state == SupervisionState::Signed {
        tell_heads(ctx, &row)?;
    }
    Ok(())
}

fn tell_heads(ctx: &mut Ctx, row: &Supervision) -> Result<(), Error> {
    let number = row.no.clone().unwrap_or_default();
    let by = crate::app::letters::due_words(row.report_by, &ctx.app, crate::lang::Lang::Zh);
    let detail = format!("{number}\n{}\n{by}", row.text);
    let heads = people::reachable_in_unit(&mut ctx.tx, &row.unit_id, &[Role::UnitHead], ctx.now)?;
    // Without a known head its unit gets it: in a cycle of its own, for the draft was recorded as the unit's step.
    let to_unit = heads.is_empty().then_some((Recipient::Unit(&row.unit_id), -row.cycle));
    let to_heads = heads.iter().map(|head| (Recipient::Person(&head.id), row.cycle));
    for (recipient, cycle) in to_heads.chain(to_unit) {
        ctx.owe(Owed {
            subject_kind: "task",
            subject_id: &row.task_id,
            stage: row.stage,
            recipient,
            cycle,
            case_id: Some(&row.case_id),
            detail: &detail,
        });
    }
    Ok(())
}
