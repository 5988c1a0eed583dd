//! What came in by mail, and addresses that take none.

use super::conn::on_backend;
use super::schema::{flagged_address, inbound};
use super::{StoreError, Tx};
use crate::domain::inbound::{InboundKind, InboundState};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = inbound)]
pub struct Inbound {
    pub id: String,
    /// SHA-256 of the raw message, hex: the name of the file that keeps it.
    pub digest: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: InboundKind,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: InboundState,
    pub sender: String,
    pub subject: String,
    pub mail_id: Option<String>,
    pub case_id: Option<String>,
    /// A translation key: what was done, or why a person has to look.
    pub verdict: String,
    pub received_at: NaiveDateTime,
    pub handled_by: Option<String>,
    pub handled_at: Option<NaiveDateTime>,
    pub note: Option<String>,
}

pub fn insert(tx: &mut Tx, row: Inbound) -> Result<(), StoreError> {
    diesel::insert_into(inbound::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn is_known(tx: &mut Tx, digest: &str) -> Result<bool, StoreError> {
    let known = inbound::table.filter(inbound::digest.eq(digest)).count().get_result::<i64>(tx.0)?;
    Ok(known > 0)
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Inbound>, StoreError> {
    Ok(inbound::table.find(id).select(Inbound::as_select()).first(tx.0).optional()?)
}

/// Messages, newest first, in one state or in all.
pub fn list(
    tx: &mut Tx,
    state: Option<InboundState>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Inbound>, i64), StoreError> {
    let filtered = || {
        let query = inbound::table.into_boxed();
        match state {
            Some(state) => query.filter(inbound::state.eq(state.code())),
            None => query,
        }
    };
    let total = filtered().count().get_result(tx.0)?;
    let newest = filtered().order((inbound::received_at.desc(), inbound::id.desc()));
    Ok((newest.offset(offset).limit(limit).select(Inbound::as_select()).load(tx.0)?, total))
}

/// (mail, sender, when) of the replies that were acted on to any of `mails`.
pub fn answers(tx: &mut Tx, mails: &[String]) -> Result<Vec<(Option<String>, String, NaiveDateTime)>, StoreError> {
    let replies = inbound::table.filter(inbound::kind.eq(InboundKind::Reply.code()));
    Ok(replies
        .filter(inbound::state.eq(InboundState::Done.code()))
        .filter(inbound::mail_id.eq_any(mails))
        .select((inbound::mail_id, inbound::sender, inbound::received_at))
        .load(tx.0)?)
}

/// How many messages a sender sent since `since`.
pub fn count_from(tx: &mut Tx, sender: &str, since: NaiveDateTime) -> Result<i64, StoreError> {
    let recent = inbound::table.filter(inbound::sender.eq(sender)).filter(inbound::received_at.ge(since));
    Ok(recent.count().get_result(tx.0)?)
}

/// A person settles what waits for review; `false` when somebody has already.
pub fn settle(tx: &mut Tx, id: &str, person_id: &str, note: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let waiting = inbound::table.find(id).filter(inbound::state.eq(InboundState::Review.code()));
    let settled = diesel::update(waiting)
        .set((
            inbound::state.eq(InboundState::Done.code()),
            inbound::handled_by.eq(person_id),
            inbound::handled_at.eq(now),
            inbound::note.eq(note),
        ))
        .execute(tx.0)?;
    Ok(settled == 1)
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = flagged_address)]
pub struct Flagged {
    pub address: String,
    pub reason: String,
    pub mail_id: Option<String>,
    pub since: NaiveDateTime,
}

/// Flags an address; `false` when it was flagged before.
pub fn flag(tx: &mut Tx, row: Flagged) -> Result<bool, StoreError> {
    let flagged = on_backend!(tx.0, c => diesel::insert_into(flagged_address::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(flagged == 1)
}

pub fn unflag(tx: &mut Tx, address: &str) -> Result<(), StoreError> {
    diesel::delete(flagged_address::table.find(address)).execute(tx.0)?;
    Ok(())
}

pub fn is_flagged(tx: &mut Tx, address: &str) -> Result<Option<Flagged>, StoreError> {
    Ok(flagged_address::table.find(address).select(Flagged::as_select()).first(tx.0).optional()?)
}
