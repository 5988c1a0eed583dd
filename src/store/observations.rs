//! Whether the tickets stopped: observations after the work, look-backs after the closure.

use super::conn::on_backend;
use super::schema::{cases, look_back, observation};
use super::{StoreError, Tx};
use crate::domain::case::{CaseState, CompareDays, ObservationResult};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = observation)]
pub struct Observation {
    pub id: String,
    pub case_id: String,
    pub problem_id: String,
    pub round: i32,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub compare: CompareDays,
    pub baseline_from: NaiveDate,
    /// The day after the last of the baseline.
    pub baseline_until: NaiveDate,
    pub baseline_callers: i64,
    pub baseline_days: i64,
    pub window_from: NaiveDate,
    /// The day after the last of the window.
    pub window_until: NaiveDate,
    pub target_percent: i32,
    pub observed_callers: Option<i64>,
    pub observed_days: Option<i64>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub result: ObservationResult,
    pub decided_at: Option<NaiveDateTime>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = look_back)]
pub struct LookBack {
    pub id: String,
    pub case_id: String,
    pub due_on: NaiveDate,
    pub result: Option<String>,
    pub done_by: Option<String>,
    pub done_at: Option<NaiveDateTime>,
}

pub fn insert(tx: &mut Tx, rows: Vec<Observation>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(observation::table).values(rows).execute(c))?;
    Ok(())
}

/// Cases with an observation to judge on `today`.
pub fn cases_to_judge(tx: &mut Tx, today: NaiveDate) -> Result<Vec<String>, StoreError> {
    Ok(observation::table
        .filter(observation::result.eq(ObservationResult::Pending.code()))
        .filter(observation::window_until.le(today))
        .select(observation::case_id)
        .distinct()
        .load(tx.0)?)
}

pub fn of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<Observation>, StoreError> {
    Ok(observation::table
        .filter(observation::case_id.eq(case_id))
        .order((observation::round, observation::problem_id))
        .select(Observation::as_select())
        .load(tx.0)?)
}

/// What a problem's cases that are observed, or closed and watched for a return, hold it against.
pub fn standing_of_problem(tx: &mut Tx, problem_id: &str) -> Result<Vec<(Observation, CaseState)>, StoreError> {
    let states = [CaseState::Verifying.code(), CaseState::Closed.code()];
    let rows: Vec<(Observation, String)> = observation::table
        .inner_join(cases::table.on(cases::id.eq(observation::case_id)))
        .filter(observation::problem_id.eq(problem_id))
        .filter(observation::round.eq(cases::round))
        .filter(cases::state.eq_any(states))
        .select((Observation::as_select(), cases::state))
        .load(tx.0)?;
    Ok(rows.into_iter().filter_map(|(row, state)| Some((row, CaseState::parse(&state)?))).collect())
}

/// Saves the figures and the result of an observation.
pub fn save(tx: &mut Tx, row: &Observation) -> Result<(), StoreError> {
    diesel::update(observation::table.find(&row.id))
        .set((
            observation::baseline_callers.eq(row.baseline_callers),
            observation::baseline_days.eq(row.baseline_days),
            observation::window_until.eq(row.window_until),
            observation::observed_callers.eq(row.observed_callers),
            observation::observed_days.eq(row.observed_days),
            observation::result.eq(row.result.code()),
            observation::decided_at.eq(row.decided_at),
        ))
        .execute(tx.0)?;
    Ok(())
}

pub fn insert_look_backs(tx: &mut Tx, rows: &[LookBack]) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(look_back::table).values(rows).execute(c))?;
    Ok(())
}

pub fn look_backs_of(tx: &mut Tx, case_id: &str) -> Result<Vec<LookBack>, StoreError> {
    Ok(look_back::table
        .filter(look_back::case_id.eq(case_id))
        .order(look_back::due_on)
        .select(LookBack::as_select())
        .load(tx.0)?)
}

pub fn finish_look_back(
    tx: &mut Tx,
    case_id: &str,
    id: &str,
    result: &str,
    person_id: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let open = look_back::table.find(id).filter(look_back::case_id.eq(case_id)).filter(look_back::done_at.is_null());
    let done = diesel::update(open)
        .set((look_back::result.eq(result), look_back::done_by.eq(person_id), look_back::done_at.eq(now)))
        .execute(tx.0)?;
    Ok(done == 1)
}
