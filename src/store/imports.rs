//! Imports of ticket files: what came of each.

use super::schema::import_run;
use super::{StoreError, Tx};
use crate::domain::ticket::ImportState;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// A run tells how far it is with every transaction, many times a second.
const TELLS_WITHIN: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = import_run, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct ImportRun {
    pub id: String,
    pub file_name: String,
    pub stored: i64,
    pub repeated: i64,
    pub rejected: i64,
    /// Where the rejected rows are, on the machine that imported.
    pub rejects_file: Option<String>,
    pub started_at: NaiveDateTime,
    pub finished_at: Option<NaiveDateTime>,
    pub started_by: Option<String>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: ImportState,
    pub failure: Option<String>,
    /// When it last told how far it is.
    pub saved_at: Option<NaiveDateTime>,
}

impl ImportRun {
    /// Its state; [`ImportState::Interrupted`], which is never stored, when it has stopped telling how far it is.
    pub fn standing(&self, now: NaiveDateTime) -> ImportState {
        let is_silent = self.saved_at.is_none_or(|at| now - at > TELLS_WITHIN);
        if self.state == ImportState::Running && is_silent { ImportState::Interrupted } else { self.state }
    }
}

pub fn insert(tx: &mut Tx, row: ImportRun) -> Result<(), StoreError> {
    diesel::insert_into(import_run::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn save(tx: &mut Tx, row: ImportRun) -> Result<(), StoreError> {
    diesel::update(import_run::table.find(row.id.clone())).set(row).execute(tx.0)?;
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<ImportRun>, StoreError> {
    Ok(import_run::table.find(id).select(ImportRun::as_select()).first(tx.0).optional()?)
}

/// The latest first.
pub fn latest(tx: &mut Tx, limit: i64) -> Result<Vec<ImportRun>, StoreError> {
    Ok(import_run::table.order(import_run::started_at.desc()).limit(limit).select(ImportRun::as_select()).load(tx.0)?)
}
