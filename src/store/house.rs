//! The house's own rows: settings, number series, leases, idempotency keys, the edited calendar.

use super::conn::on_backend;
use super::prepared::update;
use super::schema::{calendar_day, idempotency, lease, number_series, setting};
use super::{StoreError, Tx};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

pub fn setting(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    Ok(setting::table.find(key).select(setting::value).first(tx.0).optional()?)
}

pub fn put_setting(tx: &mut Tx, key: &str, value: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    let row = (setting::key.eq(key), setting::value.eq(value), setting::changed_at.eq(now));
    on_backend!(tx.0, c => diesel::insert_into(setting::table)
        .values(row)
        .on_conflict(setting::key)
        .do_update()
        .set((setting::value.eq(value), setting::changed_at.eq(now)))
        .execute(c))?;
    Ok(())
}

/// The next number of a series, from 1. Two transactions never get the same.
pub fn next_number(tx: &mut Tx, series: &str) -> Result<i64, StoreError> {
    next_numbers(tx, series, 1)
}

/// Takes `count` numbers at once; gives the last of them.
pub fn next_numbers(tx: &mut Tx, series: &str, count: i64) -> Result<i64, StoreError> {
    let row = (number_series::name.eq(series), number_series::last.eq(count));
    Ok(on_backend!(tx.0, c => diesel::insert_into(number_series::table)
        .values(row)
        .on_conflict(number_series::name)
        .do_update()
        .set(number_series::last.eq(number_series::last + count))
        .returning(number_series::last)
        .get_result(c))?)
}

/// Whether somebody else's lease holds.
pub fn is_leased_to_other(tx: &mut Tx, name: &str, holder: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let other = lease::table.find(name).filter(lease::holder.ne(holder)).filter(lease::until.ge(now));
    Ok(diesel::select(diesel::dsl::exists(other)).get_result(tx.0)?)
}

/// Takes or renews a lease; `false` while somebody else holds it. Leases live on real time.
pub fn take_lease(
    tx: &mut Tx,
    name: &str,
    holder: &str,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<bool, StoreError> {
    let row = (lease::name.eq(name), lease::holder.eq(holder), lease::until.eq(until));
    on_backend!(tx.0, c => diesel::insert_into(lease::table).values(row).on_conflict_do_nothing().execute(c))?;
    let free = lease::name.eq(name).and(lease::holder.eq(holder).or(lease::until.lt(now)));
    let taken = on_backend!(tx.0, c => update(lease::table, free, (lease::holder.eq(holder), lease::until.eq(until))).execute(c))?;
    Ok(taken == 1)
}

/// Gives up all leases of a holder that stops.
pub fn release_leases(tx: &mut Tx, holder: &str) -> Result<(), StoreError> {
    diesel::delete(lease::table.filter(lease::holder.eq(holder))).execute(tx.0)?;
    Ok(())
}

/// Forgets leases that ran out before `before`.
pub fn forget_leases(tx: &mut Tx, before: NaiveDateTime) -> Result<(), StoreError> {
    diesel::delete(lease::table.filter(lease::until.lt(before))).execute(tx.0)?;
    Ok(())
}

/// A request that was answered before, by its Idempotency-Key.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency)]
pub struct Answered {
    pub person_id: String,
    pub key: String,
    pub request_hash: String,
    pub status: i32,
    pub response: String,
    pub created_at: NaiveDateTime,
}

pub fn answered(tx: &mut Tx, person_id: &str, key: &str) -> Result<Option<Answered>, StoreError> {
    Ok(idempotency::table.find((person_id, key)).select(Answered::as_select()).first(tx.0).optional()?)
}

pub fn remember_answer(tx: &mut Tx, row: &Answered) -> Result<(), StoreError> {
    diesel::insert_into(idempotency::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn forget_answers(tx: &mut Tx, before: NaiveDateTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(idempotency::table.filter(idempotency::created_at.lt(before))).execute(tx.0)?)
}

/// A day of the edited calendar, which goes over the shipped one.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = calendar_day)]
pub struct CalendarRow {
    pub day: NaiveDate,
    pub kind: String,
    pub name: String,
}

pub fn calendar_days(tx: &mut Tx) -> Result<Vec<CalendarRow>, StoreError> {
    Ok(calendar_day::table.order(calendar_day::day).select(CalendarRow::as_select()).load(tx.0)?)
}

pub fn put_calendar_days(tx: &mut Tx, rows: &[CalendarRow]) -> Result<(), StoreError> {
    for row in rows {
        on_backend!(tx.0, c => diesel::insert_into(calendar_day::table)
            .values(row)
            .on_conflict(calendar_day::day)
            .do_update()
            .set((calendar_day::kind.eq(&row.kind), calendar_day::name.eq(&row.name)))
            .execute(c))?;
    }
    Ok(())
}

pub fn delete_calendar_day(tx: &mut Tx, day: NaiveDate) -> Result<bool, StoreError> {
    Ok(diesel::delete(calendar_day::table.find(day)).execute(tx.0)? == 1)
}
