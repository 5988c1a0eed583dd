//! What becomes of single tickets: attached to a case, chased by their caller.

use super::schema::{attachment, ticket, urge};
use super::{StoreError, Tx};
use crate::domain::ticket::{AttachMode, Disposition, TicketState};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = attachment)]
pub struct Attachment {
    pub id: String,
    pub ticket_id: String,
    pub case_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub mode: AttachMode,
    /// What the caller was told.
    pub told: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub prior_state: TicketState,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub prior_disposition: Disposition,
    pub since: NaiveDateTime,
    pub until: Option<NaiveDateTime>,
    /// Empty when the server attached it.
    pub person_id: Option<String>,
    pub ended_by: Option<String>,
    pub end_reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = urge)]
pub struct Urge {
    pub id: String,
    pub ticket_id: String,
    pub note: Option<String>,
    pub person_id: String,
    pub at: NaiveDateTime,
}

pub fn insert(tx: &mut Tx, row: Attachment) -> Result<(), StoreError> {
    diesel::insert_into(attachment::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn open_of(tx: &mut Tx, ticket_id: &str) -> Result<Option<Attachment>, StoreError> {
    Ok(attachment::table
        .filter(attachment::ticket_id.eq(ticket_id))
        .filter(attachment::until.is_null())
        .select(Attachment::as_select())
        .first(tx.0)
        .optional()?)
}

/// Ends an attachment; it is never deleted.
pub fn end(tx: &mut Tx, id: &str, person_id: &str, reason: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let ended = diesel::update(attachment::table.find(id).filter(attachment::until.is_null()))
        .set((attachment::until.eq(now), attachment::ended_by.eq(person_id), attachment::end_reason.eq(reason)))
        .execute(tx.0)?;
    Ok(ended == 1)
}

/// Sets where a ticket stands.
pub fn set_standing(
    tx: &mut Tx,
    ticket_id: &str,
    state: TicketState,
    disposition: Disposition,
) -> Result<(), StoreError> {
    diesel::update(ticket::table.filter(ticket::id.eq(ticket_id)))
        .set((
            ticket::state.eq(state.code()),
            ticket::disposition.eq(disposition.code()),
            ticket::version.eq(ticket::version + 1),
        ))
        .execute(tx.0)?;
    Ok(())
}

pub fn insert_urge(tx: &mut Tx, row: &Urge) -> Result<(), StoreError> {
    diesel::insert_into(urge::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn urges_of(tx: &mut Tx, ticket_id: &str) -> Result<Vec<Urge>, StoreError> {
    Ok(urge::table.filter(urge::ticket_id.eq(ticket_id)).order(urge::at).select(Urge::as_select()).load(tx.0)?)
}
