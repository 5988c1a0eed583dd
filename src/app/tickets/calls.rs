//! What comes by phone, chat or paper: calls are recorded, and a coordinator enters a unit's act for it (代录).

use crate::app::access::require_on_task;
use crate::app::tasks::{open, required, told};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::event::ActorKind;
use crate::domain::notice::CallOutcome;
use crate::lang::Message;
use crate::store::chase::{self, PhoneCall};
use crate::store::{new_id, plans};
use chrono::NaiveDate;
use serde_json::json;

const SOURCE_MAX_CHARS: usize = 60;

/// From here on the actor enters for the task's unit what came by `source`: each event is marked so.
pub fn enter_for_unit(ctx: &mut Ctx, task_id: &str, source: &str) -> Result<(), Error> {
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::DecideTask, &found)?;
    if source.chars().count() > SOURCE_MAX_CHARS {
        return Err(Error::field("proxy_source", Message::new("不能超过 %{max} 字").with("max", SOURCE_MAX_CHARS)));
    }
    ctx.actor.kind = ActorKind::Proxy;
    ctx.actor.name = format!("{}（{source}）", ctx.actor.name);
    Ok(())
}

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
