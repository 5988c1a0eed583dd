//! More time (延期): asked with a reason, decided with its effect on the plan in view.

use crate::app::cases::case_views::CaseView;
use crate::app::plans::cycle_of_version;
use crate::app::plans::what_if::{self, PlanChange, Tried};
use crate::app::tasks::{open, required, take_plan_of, tell, told, touch, with_unit};
use crate::app::{Ctx, Error, Recipient};
use crate::domain::access::Action;
use crate::domain::notice::Stage;
use crate::lang::Message;
use crate::store::new_id;
use crate::store::tasks::{self, Extension};
use chrono::NaiveDate;
use serde_json::json;

/// The unit asks for more time.
pub fn ask_extension(ctx: &mut Ctx, task_id: &str, asked_due_on: NaiveDate, reason: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    with_unit(&found)?;
    let reason = required("reason", reason)?;
    let Some(old_due_on) = found.task.due_on else {
        return Err(Error::Refused(Message::new("任务还没有期限。")));
    };
    if asked_due_on <= old_due_on {
        return Err(Error::field("asked_due_on", Message::new("新期限应晚于原期限")));
    }
    if tasks::extensions_of(&mut ctx.tx, task_id)?.iter().any(|asked| asked.decided_at.is_none()) {
        return Err(Error::Refused(Message::new("已有延期申请待批复。")));
    }
    let row = Extension {
        id: new_id(),
        task_id: task_id.to_owned(),
        reason: reason.clone(),
        old_due_on,
        asked_due_on,
        asked_by: ctx.actor.id().to_owned(),
        asked_at: ctx.now,
        granted: None,
        granted_due_on: None,
        note: None,
        decided_by: None,
        decided_at: None,
    };
    tasks::insert_extension(&mut ctx.tx, &row)?;
    let cycle = cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ExtensionAsked, Recipient::Unit(&found.lead_unit_id), cycle, &reason);
    ctx.record(
        "task.extension_asked",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "from": old_due_on, "to": asked_due_on })),
    );
    touch(ctx, found)
}

/// What is decided about an extension.
pub enum Decision {
    /// More time: until the day that was asked for, or until another.
    Granted {
        until: Option<NaiveDate>,
    },
    Refused,
}

/// Grants or refuses the extension that is asked; a grant moves the due date.
pub fn decide_extension(ctx: &mut Ctx, task_id: &str, decision: Decision, note: String) -> Result<(), Error> {
    take_plan_of(ctx, task_id)?;
    let mut found = open(ctx, task_id, None, Action::DecideTask)?;
    let asked = pending(ctx, task_id)?;
    let (until, note) = match decision {
        Decision::Granted { until } => (Some(until.unwrap_or(asked.asked_due_on)), note.trim().to_owned()),
        Decision::Refused => (None, required("note", note)?),
    };
    if until.is_some_and(|day| day <= asked.old_due_on) {
        return Err(Error::field("due_on", Message::new("新期限应晚于原期限")));
    }
    let person = ctx.actor.id().to_owned();
    tasks::decide_extension(&mut ctx.tx, &asked.id, until, &note, &person, ctx.now)?;
    found.task.due_on = until.or(found.task.due_on);
    let cycle = cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ExtensionDecided, Recipient::Unit(&found.task.unit_id), cycle, &note);
    ctx.record(
        "task.extension_decided",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "granted": until.is_some(), "due_on": found.task.due_on })),
    );
    touch(ctx, found)
}

/// What the plan becomes when the task is due on `day`, or on the day that is asked for; nothing is saved.
pub fn effect(ctx: &mut Ctx, task_id: &str, day: Option<NaiveDate>) -> Result<(CaseView, Tried), Error> {
    let found = open(ctx, task_id, None, Action::DecideTask)?;
    let day = match day {
        Some(day) => day,
        None => pending(ctx, task_id)?.asked_due_on,
    };
    let change = PlanChange::Due { task: found.task.no, day };
    what_if::show(ctx, &found.task.case_id, vec![change])
}

fn pending(ctx: &mut Ctx, task_id: &str) -> Result<Extension, Error> {
    let asked = tasks::extensions_of(&mut ctx.tx, task_id)?.into_iter().find(|asked| asked.decided_at.is_none());
    asked.ok_or_else(|| Error::Refused(Message::new("没有待批复的延期申请。")))
}
