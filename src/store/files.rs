//! Files of a case. The bytes lie outside the database, under the storage key.

use super::schema::file;
use super::{StoreError, Tx};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = file)]
pub struct File {
    pub id: String,
    pub case_id: String,
    pub task_id: Option<String>,
    /// As whoever sent it named it.
    pub name: String,
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    pub sha256: String,
    pub storage_key: String,
    pub person_id: String,
    pub at: NaiveDateTime,
}

pub fn insert(tx: &mut Tx, row: &File) -> Result<(), StoreError> {
    diesel::insert_into(file::table).values(row.clone()).execute(tx.0)?;
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<File>, StoreError> {
    Ok(file::table.find(id).select(File::as_select()).first(tx.0).optional()?)
}

/// A task's files, oldest first.
pub fn of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<File>, StoreError> {
    Ok(file::table
        .filter(file::task_id.eq(task_id))
        .order((file::at, file::id))
        .select(File::as_select())
        .load(tx.0)?)
}
