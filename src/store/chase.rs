//! The ladder's formal steps (督办单) and calls.

use super::conn::on_backend;
use super::schema::{phone_call, supervision};
use super::{StoreError, Tx};
use crate::domain::notice::{CallOutcome, Stage, SupervisionState};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = supervision)]
pub struct Supervision {
    pub id: String,
    /// Given when it is signed.
    pub no: Option<String>,
    pub task_id: String,
    pub case_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub stage: Stage,
    pub cycle: i32,
    /// Whom it goes to: the unit's head, or the lead unit's.
    pub unit_id: String,
    pub text: String,
    pub report_by: NaiveDate,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: SupervisionState,
    pub drafted_at: NaiveDateTime,
    pub decided_by: Option<String>,
    pub decided_at: Option<NaiveDateTime>,
    pub reason: Option<String>,
}

/// Drafts a 督办单; `false` when this step has one already.
pub fn draft(tx: &mut Tx, row: Supervision) -> Result<bool, StoreError> {
    let made = on_backend!(tx.0, c => diesel::insert_into(supervision::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(made == 1)
}

pub fn supervision(tx: &mut Tx, id: &str) -> Result<Option<Supervision>, StoreError> {
    Ok(supervision::table.find(id).select(Supervision::as_select()).first(tx.0).optional()?)
}

/// Those that wait to be signed, the oldest first.
pub fn drafted(tx: &mut Tx) -> Result<Vec<Supervision>, StoreError> {
    let drafted = supervision::table.filter(supervision::state.eq(SupervisionState::Drafted.code()));
    Ok(drafted.order(supervision::drafted_at).select(Supervision::as_select()).load(tx.0)?)
}

pub fn supervisions_of(tx: &mut Tx, task_id: &str) -> Result<Vec<Supervision>, StoreError> {
    let of_task = supervision::table.filter(supervision::task_id.eq(task_id)).order(supervision::drafted_at);
    Ok(of_task.select(Supervision::as_select()).load(tx.0)?)
}

/// Saves the decision on a draft; `false` when it was decided before.
pub fn decide(tx: &mut Tx, row: &Supervision) -> Result<bool, StoreError> {
    let open = supervision::table.find(&row.id).filter(supervision::state.eq(SupervisionState::Drafted.code()));
    let decided = diesel::update(open)
        .set((
            supervision::no.eq(&row.no),
            supervision::text.eq(&row.text),
            supervision::report_by.eq(row.report_by),
            supervision::state.eq(row.state.code()),
            supervision::decided_by.eq(&row.decided_by),
            supervision::decided_at.eq(row.decided_at),
            supervision::reason.eq(&row.reason),
        ))
        .execute(tx.0)?;
    Ok(decided == 1)
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = phone_call)]
pub struct PhoneCall {
    pub id: String,
    pub task_id: String,
    pub whom: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub outcome: CallOutcome,
    pub note: String,
    pub promised_on: Option<NaiveDate>,
    pub person_id: String,
    pub at: NaiveDateTime,
}

pub fn insert_call(tx: &mut Tx, row: PhoneCall) -> Result<(), StoreError> {
    diesel::insert_into(phone_call::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn calls_of(tx: &mut Tx, task_id: &str) -> Result<Vec<PhoneCall>, StoreError> {
    let of_task = phone_call::table.filter(phone_call::task_id.eq(task_id)).order(phone_call::at.desc());
    Ok(of_task.select(PhoneCall::as_select()).load(tx.0)?)
}
