//! Leaders' directives (批示), who reads them, and which units report on them.

use super::conn::on_backend;
use super::schema::{directive, directive_reader, directive_unit, unit};
use super::{StoreError, Tx};
use crate::domain::directive::DirectiveSource;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = directive)]
pub struct Directive {
    pub id: String,
    pub case_id: String,
    pub task_id: Option<String>,
    pub text: String,
    /// Who gave it, by name.
    pub leader: String,
    /// The leader's account, where there is one.
    pub leader_id: Option<String>,
    pub given_on: NaiveDate,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub source: DirectiveSource,
    /// Until when it is to be reported on.
    pub due_on: Option<NaiveDate>,
    pub recorded_by: String,
    pub at: NaiveDateTime,
    /// When the last unit reported.
    pub reported_at: Option<NaiveDateTime>,
    pub version: i64,
    /// How often its date was moved.
    pub moved: i32,
}

/// A unit that must report on a directive, and its report.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct Reporting {
    pub directive_id: String,
    pub unit_id: String,
    pub unit_name: String,
    pub unit_path: String,
    pub report: Option<String>,
    pub reported_by: Option<String>,
    pub reported_at: Option<NaiveDateTime>,
}

pub fn insert(tx: &mut Tx, row: Directive, units: &[String], readers: &[String]) -> Result<(), StoreError> {
    let id = row.id.clone();
    diesel::insert_into(directive::table).values(row).execute(tx.0)?;
    let of = |unit_id| (directive_unit::directive_id.eq(&id), directive_unit::unit_id.eq(unit_id));
    let units: Vec<_> = units.iter().map(of).collect();
    on_backend!(tx.0, c => diesel::insert_into(directive_unit::table).values(&units).execute(c))?;
    let by = |person_id| (directive_reader::directive_id.eq(&id), directive_reader::person_id.eq(person_id));
    let readers: Vec<_> = readers.iter().map(by).collect();
    on_backend!(tx.0, c => diesel::insert_into(directive_reader::table).values(&readers).execute(c))?;
    Ok(())
}

/// Takes a directive for a change of what its units reported: the next one to take it waits. `None` when there is none.
pub fn take(tx: &mut Tx, id: &str) -> Result<Option<Directive>, StoreError> {
    diesel::update(directive::table.find(id)).set(directive::version.eq(directive::version + 1)).execute(tx.0)?;
    by_id(tx, id)
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Directive>, StoreError> {
    Ok(directive::table.find(id).select(Directive::as_select()).first(tx.0).optional()?)
}

pub fn of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<Directive>, StoreError> {
    let of_case = directive::table.filter(directive::case_id.eq(case_id)).order(directive::at);
    Ok(on_backend!(tx.0, c => of_case.select(Directive::as_select()).load(c))?)
}

pub fn of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<Directive>, StoreError> {
    let of_task = directive::table.filter(directive::task_id.eq(task_id)).order(directive::at);
    Ok(of_task.select(Directive::as_select()).load(tx.0)?)
}

/// Directives nobody has fully reported on (待反馈), the earliest due first.
pub fn unreported(tx: &mut Tx) -> Result<Vec<Directive>, StoreError> {
    let open = directive::table.filter(directive::reported_at.is_null()).order((directive::due_on, directive::at));
    Ok(open.select(Directive::as_select()).load(tx.0)?)
}

/// Those reported on after `since`, the latest first.
pub fn reported_since(tx: &mut Tx, since: NaiveDateTime) -> Result<Vec<Directive>, StoreError> {
    let reported = directive::table.filter(directive::reported_at.gt(since)).order(directive::reported_at.desc());
    Ok(reported.select(Directive::as_select()).load(tx.0)?)
}

/// Those whose text or leader contains `text`, the newest first.
pub fn containing(tx: &mut Tx, text: &str) -> Result<Vec<Directive>, StoreError> {
    let like = super::tickets::containing(text);
    let matches = directive::text.like(like.clone()).escape('\\').or(directive::leader.like(like).escape('\\'));
    Ok(directive::table.filter(matches).order(directive::at.desc()).select(Directive::as_select()).load(tx.0)?)
}

/// The units that must report on the given directives.
pub fn units_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<Reporting>, StoreError> {
    Ok(directive_unit::table
        .inner_join(unit::table.on(unit::id.eq(directive_unit::unit_id)))
        .filter(directive_unit::directive_id.eq_any(ids))
        .order(unit::path)
        .select((
            directive_unit::directive_id,
            directive_unit::unit_id,
            unit::name,
            unit::path,
            directive_unit::report,
            directive_unit::reported_by,
            directive_unit::reported_at,
        ))
        .load(tx.0)?)
}

/// (directive, person) of those who are named as readers.
pub fn readers_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let named = directive_reader::table.filter(directive_reader::directive_id.eq_any(ids));
    Ok(named.select((directive_reader::directive_id, directive_reader::person_id)).load(tx.0)?)
}

/// Saves a unit's report; `false` when it has reported before.
pub fn report(
    tx: &mut Tx,
    id: &str,
    unit_id: &str,
    report: &str,
    by: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let open = directive_unit::table.find((id, unit_id)).filter(directive_unit::reported_at.is_null());
    let reported = diesel::update(open)
        .set((
            directive_unit::report.eq(report),
            directive_unit::reported_by.eq(by),
            directive_unit::reported_at.eq(now),
        ))
        .execute(tx.0)?;
    Ok(reported == 1)
}

/// Gives an open directive another date.
pub fn move_to(tx: &mut Tx, id: &str, due_on: NaiveDate) -> Result<(), StoreError> {
    diesel::update(directive::table.find(id))
        .set((directive::due_on.eq(due_on), directive::moved.eq(directive::moved + 1)))
        .execute(tx.0)?;
    Ok(())
}

pub fn close(tx: &mut Tx, id: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(directive::table.find(id)).set(directive::reported_at.eq(now)).execute(tx.0)?;
    Ok(())
}
