//! Links in mails that answer a consultation; only hashes of their tokens are kept.

use super::schema::opinion_link;
use super::{StoreError, Tx};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = opinion_link)]
pub struct OpinionLink {
    /// SHA-256 of the token, hex.
    pub token_hash: String,
    pub case_id: String,
    pub unit_id: String,
    /// On real time.
    pub expires_at: NaiveDateTime,
}

pub fn insert(tx: &mut Tx, row: OpinionLink) -> Result<(), StoreError> {
    diesel::insert_into(opinion_link::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn by_hash(tx: &mut Tx, hash: &str) -> Result<Option<OpinionLink>, StoreError> {
    Ok(opinion_link::table.find(hash).select(OpinionLink::as_select()).first(tx.0).optional()?)
}
