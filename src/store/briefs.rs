//! Briefs to the leaders, as they were issued.

use super::conn::on_backend;
use super::schema::brief;
use super::{StoreError, Tx};
use crate::domain::brief::BriefKind;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = brief)]
pub struct Brief {
    pub id: String,
    pub no: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: BriefKind,
    pub from_day: NaiveDate,
    pub until_day: NaiveDate,
    /// What the coordinator adds.
    pub note: String,
    /// JSON of [`crate::domain::brief::Content`].
    pub content: String,
    pub issued_by: String,
    pub issued_at: NaiveDateTime,
}

/// Keeps a brief; `false` when one of its kind was issued for that day.
pub fn insert(tx: &mut Tx, row: Brief) -> Result<bool, StoreError> {
    let kept =
        on_backend!(tx.0, c => diesel::insert_into(brief::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(kept == 1)
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Brief>, StoreError> {
    Ok(brief::table.find(id).select(Brief::as_select()).first(tx.0).optional()?)
}

/// The newest first.
pub fn latest(tx: &mut Tx, limit: i64) -> Result<Vec<Brief>, StoreError> {
    Ok(brief::table.order(brief::issued_at.desc()).limit(limit).select(Brief::as_select()).load(tx.0)?)
}
