//! What is to be ticked off within a task.

use super::conn::on_backend;
use super::schema::checklist_item;
use super::{StoreError, Tx};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = checklist_item)]
pub struct ChecklistItem {
    pub id: String,
    pub task_id: String,
    pub text: String,
    pub done_by: Option<String>,
    pub done_at: Option<NaiveDateTime>,
}

/// A task's items in the order they were written.
pub fn of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<ChecklistItem>, StoreError> {
    Ok(on_backend!(tx.0, c => checklist_item::table
        .filter(checklist_item::task_id.eq(task_id))
        .order(checklist_item::id)
        .select(ChecklistItem::as_select())
        .load(c))?)
}

pub fn insert(tx: &mut Tx, rows: Vec<ChecklistItem>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(checklist_item::table).values(rows).execute(c))?;
    Ok(())
}

/// Ticks an item of a task, or takes the tick back; `false` when there is no such item.
pub fn tick(tx: &mut Tx, task_id: &str, id: &str, by: Option<(&str, NaiveDateTime)>) -> Result<bool, StoreError> {
    let (done_by, done_at) = by.unzip();
    let item = checklist_item::table.find(id).filter(checklist_item::task_id.eq(task_id));
    let ticked = diesel::update(item)
        .set((checklist_item::done_by.eq(done_by), checklist_item::done_at.eq(done_at)))
        .execute(tx.0)?;
    Ok(ticked == 1)
}

pub fn delete(tx: &mut Tx, task_id: &str, id: &str) -> Result<bool, StoreError> {
    let item = checklist_item::table.find(id).filter(checklist_item::task_id.eq(task_id));
    Ok(diesel::delete(item).execute(tx.0)? == 1)
}
