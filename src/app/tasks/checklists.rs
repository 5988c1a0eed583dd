//! A task's checklist: written by whoever works on it, ticked off before the result is handed in.

use crate::app::tasks::{open, required, told};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::lang::Message;
use crate::store::checklists::{self, ChecklistItem};
use crate::store::new_id;
use serde_json::json;

const ITEMS_MAX: usize = 50;

/// Adds items, a line each.
pub fn add(ctx: &mut Ctx, task_id: &str, lines: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    let lines = required("items", lines)?;
    let known = checklists::of_task(&mut ctx.tx, task_id)?.len();
    let row = |text: &str| ChecklistItem {
        id: new_id(),
        task_id: task_id.to_owned(),
        text: text.to_owned(),
        done_by: None,
        done_at: None,
    };
    let rows: Vec<ChecklistItem> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(row).collect();
    if known + rows.len() > ITEMS_MAX {
        return Err(Error::field("items", Message::new("清单最多 %{max} 项").with("max", ITEMS_MAX)));
    }
    let payload = told(&found, json!({ "items": rows.len() }));
    checklists::insert(&mut ctx.tx, rows)?;
    ctx.record("task.checklist_added", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}

/// Ticks an item, or takes the tick back.
pub fn tick(ctx: &mut Ctx, task_id: &str, item_id: &str, done: bool) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    let (person, now) = (ctx.actor.id().to_owned(), ctx.now);
    if !checklists::tick(&mut ctx.tx, task_id, item_id, done.then_some((&person, now)))? {
        return Err(Error::NotFound);
    }
    let payload = told(&found, json!({ "item": item_id, "done": done }));
    ctx.record("task.checklist_ticked", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}

pub fn remove(ctx: &mut Ctx, task_id: &str, item_id: &str) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    if !checklists::delete(&mut ctx.tx, task_id, item_id)? {
        return Err(Error::NotFound);
    }
    let payload = told(&found, json!({ "item": item_id }));
    ctx.record("task.checklist_removed", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}

/// Refuses to hand in a task while items of its checklist are not ticked off.
pub fn all_ticked(unticked: i64) -> Result<(), Error> {
    if unticked == 0 {
        return Ok(());
    }
    Err(Error::Refused(Message::new("清单还有 %{n} 项没有完成。").with("n", unticked)))
}
