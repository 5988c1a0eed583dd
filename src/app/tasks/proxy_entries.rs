//! What comes by phone, chat or paper has a door: a coordinator enters it for the unit (代录), and the unit can correct it.

use super::{checked_percent, help, open, required, told};
use crate::app::access::require_on_task;
use crate::app::plans::save_task;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::event::ActorKind;
use crate::domain::task::ProxyAct;
use crate::lang::Message;
use crate::store::proxy_entries::{self, ProxyEntry};
use crate::store::{new_id, plans, tasks};
use serde_json::json;

const SOURCE_MAX_CHARS: usize = 60;

/// From here on the actor enters for the task's unit what came by `source`: it is kept, and each event is marked so.
pub fn enter(ctx: &mut Ctx, task_id: &str, act: &str, source: &str) -> Result<(), Error> {
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::DecideTask, &found)?;
    if source.chars().count() > SOURCE_MAX_CHARS {
        return Err(Error::field("proxy_source", Message::new("不能超过 %{max} 字").with("max", SOURCE_MAX_CHARS)));
    }
    let act = ProxyAct::parse(act).ok_or_else(|| Error::field("proxy_source", Message::new("这件事不能代录")))?;
    let row = ProxyEntry {
        id: new_id(),
        task_id: task_id.to_owned(),
        act,
        source: source.to_owned(),
        entered_by: ctx.actor.id().to_owned(),
        entered_at: ctx.now,
        correction: None,
        corrected_by: None,
        corrected_at: None,
    };
    proxy_entries::insert(&mut ctx.tx, row)?;
    ctx.actor.kind = ActorKind::Proxy;
    ctx.actor.name = format!("{}（{source}）", ctx.actor.name);
    Ok(())
}

/// The unit says what is right. What the entry left open ends with it: the progress is the unit's, a block is cleared, an
/// extension that nobody has decided is no longer asked.
pub fn correct(ctx: &mut Ctx, task_id: &str, entry_id: &str, text: String, percent: Option<i32>) -> Result<(), Error> {
    let mut found = open(ctx, task_id, None, Action::CorrectProxy)?;
    let text = required("correction", text)?;
    let entries = proxy_entries::of_task(&mut ctx.tx, task_id)?;
    let entry = entries.into_iter().find(|entry| entry.id == entry_id).ok_or(Error::NotFound)?;
    let person = ctx.actor.id().to_owned();
    if !proxy_entries::correct(&mut ctx.tx, entry_id, &text, &person, ctx.now)? {
        return Err(Error::Refused(Message::new("这条代录已更正。")));
    }
    let payload = told(&found, json!({ "act": entry.act, "entry": entry_id, "percent": percent }));
    ctx.record("task.proxy_corrected", ("task", task_id), Some(&found.task.case_id), payload);
    match entry.act {
        ProxyAct::Block if tasks::open_block(&mut ctx.tx, task_id)?.is_some() => {
            return help::clear_block(ctx, task_id, text);
        }
        ProxyAct::AskExtension => {
            let open = tasks::extensions_of(&mut ctx.tx, task_id)?.into_iter().find(|asked| asked.decided_at.is_none());
            if let Some(asked) = open {
                tasks::decide_extension(&mut ctx.tx, &asked.id, None, &text, &person, ctx.now)?;
            }
        }
        _ => {}
    }
    if let Some(percent) = percent.filter(|_| found.task.state.is_with_unit()) {
        found.task.percent = checked_percent(percent)?;
    }
    save_task(ctx, &mut found.task)
}
