//! Calls about a task: whom, what came of it, what was promised.

use crate::app::tasks::{open, required, told};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::notice::CallOutcome;
use crate::store::chase::{self, PhoneCall};
use crate::store::new_id;
use chrono::NaiveDate;
use serde_json::json;

/// A call about a task.
pub struct NewCall {
    pub whom: String,
    pub outcome: CallOutcome,
    pub note: String,
    pub promised_on: Option<NaiveDate>,
}

pub fn record(ctx: &mut Ctx, task_id: &str, call: NewCall) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::DecideTask)?;
    let whom = required("whom", call.whom)?;
    let row = PhoneCall {
        id: new_id(),
        task_id: task_id.to_owned(),
        whom,
        outcome: call.outcome,
        note: call.note.trim().to_owned(),
        promised_on: call.promised_on,
        person_id: ctx.actor.id().to_owned(),
        at: ctx.now,
    };
    let payload = told(&found, json!({ "outcome": row.outcome.code(), "to": row.promised_on }));
    chase::insert_call(&mut ctx.tx, row)?;
    ctx.record("task.called", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}
