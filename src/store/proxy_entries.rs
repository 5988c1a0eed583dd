//! What was entered for units (代录), and their corrections.

use super::schema::proxy_entry;
use super::{StoreError, Tx};
use crate::domain::task::ProxyAct;
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = proxy_entry)]
pub struct ProxyEntry {
    pub id: String,
    pub task_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub act: ProxyAct,
    /// How it came: by phone, by chat, on paper.
    pub source: String,
    pub entered_by: String,
    pub entered_at: NaiveDateTime,
    pub correction: Option<String>,
    pub corrected_by: Option<String>,
    pub corrected_at: Option<NaiveDateTime>,
}

pub fn insert(tx: &mut Tx, row: ProxyEntry) -> Result<(), StoreError> {
    diesel::insert_into(proxy_entry::table).values(row).execute(tx.0)?;
    Ok(())
}

/// The newest first.
pub fn of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<ProxyEntry>, StoreError> {
    let of_task = proxy_entry::table.filter(proxy_entry::task_id.eq(task_id)).order(proxy_entry::entered_at.desc());
    Ok(of_task.select(ProxyEntry::as_select()).load(tx.0)?)
}

/// Saves a unit's correction; `false` when there is one already.
pub fn correct(tx: &mut Tx, id: &str, correction: &str, by: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let open = proxy_entry::table.find(id).filter(proxy_entry::corrected_at.is_null());
    let corrected = diesel::update(open)
        .set((
            proxy_entry::correction.eq(correction),
            proxy_entry::corrected_by.eq(by),
            proxy_entry::corrected_at.eq(now),
        ))
        .execute(tx.0)?;
    Ok(corrected == 1)
}
