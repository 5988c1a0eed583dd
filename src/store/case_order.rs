//! A leader's order among open cases.

use super::conn::on_backend;
use super::schema::{case_order, cases};
use super::{StoreError, Tx};
use crate::domain::case::CaseState;
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = case_order)]
pub struct Ordered {
    pub case_id: String,
    /// 1 comes first.
    pub position: i32,
    pub reason: String,
    pub person_id: String,
    pub at: NaiveDateTime,
}

/// Of cases in the given states, the first first.
pub fn of_cases_in(tx: &mut Tx, states: &[CaseState]) -> Result<Vec<Ordered>, StoreError> {
    let codes: Vec<&str> = states.iter().map(|state| state.code()).collect();
    let in_states = cases::table.filter(cases::state.eq_any(codes)).select(cases::id);
    Ok(on_backend!(tx.0, c => case_order::table
        .filter(case_order::case_id.eq_any(in_states))
        .order(case_order::position)
        .select(Ordered::as_select())
        .load(c))?)
}

pub fn replace(tx: &mut Tx, rows: Vec<Ordered>) -> Result<(), StoreError> {
    diesel::delete(case_order::table).execute(tx.0)?;
    on_backend!(tx.0, c => diesel::insert_into(case_order::table).values(rows).execute(c))?;
    Ok(())
}
