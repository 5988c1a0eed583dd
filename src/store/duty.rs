//! The duty roster.

use super::conn::on_backend;
use super::schema::duty;
use super::{StoreError, Tx};
use chrono::NaiveDate;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = duty)]
#[diesel(treat_none_as_default_value = false)]
pub struct Duty {
    pub id: String,
    pub unit_id: String,
    pub day: NaiveDate,
    pub person: String,
    pub phone: String,
    /// The account of whoever has one.
    pub person_id: Option<String>,
}

pub fn between(tx: &mut Tx, from: NaiveDate, until: NaiveDate) -> Result<Vec<Duty>, StoreError> {
    let asked = duty::table.filter(duty::day.ge(from)).filter(duty::day.le(until)).order((duty::day, duty::id));
    Ok(asked.select(Duty::as_select()).load(tx.0)?)
}

pub fn of_unit(tx: &mut Tx, unit_id: &str, day: NaiveDate) -> Result<Vec<Duty>, StoreError> {
    let asked = duty::table.filter(duty::unit_id.eq(unit_id)).filter(duty::day.eq(day)).order(duty::id);
    Ok(asked.select(Duty::as_select()).load(tx.0)?)
}

/// Replaces what was known of each unit's day that comes.
pub fn put(tx: &mut Tx, rows: &[Duty]) -> Result<(), StoreError> {
    for row in rows {
        clear(tx, &row.unit_id, row.day)?;
    }
    on_backend!(tx.0, c => diesel::insert_into(duty::table).values(rows).execute(c))?;
    Ok(())
}

/// Gives how many were on duty.
pub fn clear(tx: &mut Tx, unit_id: &str, day: NaiveDate) -> Result<usize, StoreError> {
    Ok(diesel::delete(duty::table.filter(duty::unit_id.eq(unit_id)).filter(duty::day.eq(day))).execute(tx.0)?)
}
