//! Links in mails; only hashes of their tokens are kept.

use super::conn::on_backend;
use super::schema::mail_link;
use super::{StoreError, Tx};
use crate::domain::mail_link::LinkAct;
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = mail_link)]
pub struct MailLink {
    /// SHA-256 of the token, hex.
    pub token_hash: String,
    pub mail_id: String,
    pub task_id: String,
    pub unit_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub act: LinkAct,
    /// On real time.
    pub expires_at: NaiveDateTime,
    pub opened_at: Option<NaiveDateTime>,
    pub used_at: Option<NaiveDateTime>,
    pub used_by: Option<String>,
}

pub fn insert(tx: &mut Tx, row: MailLink) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(mail_link::table).values(row).execute(c))?;
    Ok(())
}

pub fn by_hash(tx: &mut Tx, hash: &str) -> Result<Option<MailLink>, StoreError> {
    Ok(mail_link::table.find(hash).select(MailLink::as_select()).first(tx.0).optional()?)
}

pub fn of_mails(tx: &mut Tx, mails: &[String]) -> Result<Vec<MailLink>, StoreError> {
    Ok(mail_link::table.filter(mail_link::mail_id.eq_any(mails)).select(MailLink::as_select()).load(tx.0)?)
}

/// Notes that somebody looked at the page; the first time counts.
pub fn opened(tx: &mut Tx, hash: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(mail_link::table.find(hash).filter(mail_link::opened_at.is_null()))
        .set(mail_link::opened_at.eq(now))
        .execute(tx.0)?;
    Ok(())
}

pub fn used(tx: &mut Tx, hash: &str, by: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(mail_link::table.find(hash))
        .set((mail_link::used_at.eq(now), mail_link::used_by.eq(by)))
        .execute(tx.0)?;
    Ok(())
}
