//! Meetings: who is invited, what the minutes say, what was decided.

use super::conn::on_backend;
use super::schema::{meeting, meeting_decision, meeting_unit};
use super::{StoreError, Tx};
use crate::domain::meeting::MeetingState;
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = meeting)]
pub struct Meeting {
    pub id: String,
    pub case_id: String,
    /// When it begins.
    pub held_at: NaiveDateTime,
    pub place: String,
    pub minutes: String,
    pub recorded_by: String,
    pub created_at: NaiveDateTime,
    pub topic: String,
    /// Minutes it is planned to take.
    pub duration: i32,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: MeetingState,
    /// Of its invitation (RFC 5545): each change that calendars must learn counts it up.
    pub sequence: i32,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = meeting_decision)]
pub struct MeetingDecision {
    pub id: String,
    pub meeting_id: String,
    pub text: String,
    /// The task it became.
    pub task_id: Option<String>,
    pub at: NaiveDateTime,
}

pub fn insert(tx: &mut Tx, row: Meeting) -> Result<(), StoreError> {
    diesel::insert_into(meeting::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Meeting>, StoreError> {
    Ok(meeting::table.find(id).select(Meeting::as_select()).first(tx.0).optional()?)
}

/// A case's meetings, the latest first.
pub fn of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<Meeting>, StoreError> {
    Ok(meeting::table
        .filter(meeting::case_id.eq(case_id))
        .order(meeting::held_at.desc())
        .select(Meeting::as_select())
        .load(tx.0)?)
}

/// Saves a meeting when its stored version is still `row.version`.
pub fn save(tx: &mut Tx, row: &Meeting) -> Result<bool, StoreError> {
    let saved = diesel::update(meeting::table.find(&row.id).filter(meeting::version.eq(row.version)))
        .set((
            meeting::held_at.eq(row.held_at),
            meeting::place.eq(&row.place),
            meeting::minutes.eq(&row.minutes),
            meeting::topic.eq(&row.topic),
            meeting::duration.eq(row.duration),
            meeting::state.eq(row.state.code()),
            meeting::sequence.eq(row.sequence),
            meeting::version.eq(row.version + 1),
        ))
        .execute(tx.0)?;
    Ok(saved == 1)
}

/// Invites these units and no others; gives those that were and are no longer.
pub fn set_units(tx: &mut Tx, id: &str, unit_ids: &[String]) -> Result<Vec<String>, StoreError> {
    let invited = units_of(tx, id)?;
    diesel::update(meeting_unit::table.filter(meeting_unit::meeting_id.eq(id)))
        .set(meeting_unit::dropped.eq(true))
        .execute(tx.0)?;
    for unit_id in unit_ids {
        let row = (meeting_unit::meeting_id.eq(id), meeting_unit::unit_id.eq(unit_id), meeting_unit::dropped.eq(false));
        let known = diesel::update(meeting_unit::table.find((id, unit_id)))
            .set(meeting_unit::dropped.eq(false))
            .execute(tx.0)?;
        if known == 0 {
            diesel::insert_into(meeting_unit::table).values(row).execute(tx.0)?;
        }
    }
    Ok(invited.into_iter().filter(|unit| !unit_ids.contains(unit)).collect())
}

/// Ids of the units that are invited.
pub fn units_of(tx: &mut Tx, id: &str) -> Result<Vec<String>, StoreError> {
    Ok(meeting_unit::table
        .filter(meeting_unit::meeting_id.eq(id))
        .filter(meeting_unit::dropped.eq(false))
        .select(meeting_unit::unit_id)
        .load(tx.0)?)
}

pub fn insert_decisions(tx: &mut Tx, rows: Vec<MeetingDecision>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(meeting_decision::table).values(rows).execute(c))?;
    Ok(())
}

/// What was decided, in the order it was entered.
pub fn decisions_of(tx: &mut Tx, id: &str) -> Result<Vec<MeetingDecision>, StoreError> {
    Ok(meeting_decision::table
        .filter(meeting_decision::meeting_id.eq(id))
        .order(meeting_decision::id)
        .select(MeetingDecision::as_select())
        .load(tx.0)?)
}
