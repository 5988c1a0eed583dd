//! Problems as they are stored.

use super::conn::{Conn, on_backend};
use super::prepared::{fixed, insert_rows, update};
use super::schema::{case_problem, problem};
use super::{StoreError, Tx};
use crate::domain::problem::{ProblemKind, ProblemState};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = problem)]
#[diesel(treat_none_as_default_value = false)]
pub struct Problem {
    pub id: String,
    /// What people call it.
    pub no: i64,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: ProblemKind,
    pub parent_id: Option<String>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: ProblemState,
    /// Where its tickets went when it was merged.
    pub merged_into: Option<String>,
    pub title: String,
    pub title_by_person: bool,
    /// JSON array of words, the most telling first.
    pub terms: String,
    /// JSON array of `[place, tickets]`, the most first.
    pub places: String,
    pub tickets: i64,
    pub callers: i64,
    /// Distinct callers within the detection window.
    pub window_callers: i64,
    pub growth: Option<f64>,
    /// What the list is ranked by.
    pub heat: f64,
    pub first_at: NaiveDateTime,
    pub last_at: NaiveDateTime,
    pub proposed_at: Option<NaiveDateTime>,
    pub reason: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<NaiveDateTime>,
    pub version: i64,
    pub created_at: NaiveDateTime,
    /// Standard deviations that today's tickets are above the usual ones.
    pub unusual: Option<f64>,
    /// When many callers came within hours, and how many.
    pub burst_at: Option<NaiveDateTime>,
    pub burst_callers: Option<i64>,
    /// Calls of the one caller who makes most of them.
    pub insistent_calls: Option<i64>,
    /// The day from which on it is to be expected again, as a year before, and the callers it had then.
    pub returns_on: Option<NaiveDate>,
    pub returns_callers: Option<i64>,
}

/// What the list of problems is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub states: Vec<ProblemState>,
    pub text: Option<String>,
}

pub fn insert(tx: &mut Tx, rows: Vec<Problem>) -> Result<(), StoreError> {
    insert_rows!(tx, problem::table, rows);
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Problem>, StoreError> {
    Ok(problem::table.find(id).select(Problem::as_select()).first(tx.0).optional()?)
}

/// Those that there are, in no order.
pub fn by_ids(tx: &mut Tx, ids: &[String]) -> Result<Vec<Problem>, StoreError> {
    Ok(problem::table.filter(problem::id.eq_any(ids)).select(Problem::as_select()).load(tx.0)?)
}

/// By the number that people see.
pub fn by_no(tx: &mut Tx, no: i64) -> Result<Option<Problem>, StoreError> {
    Ok(problem::table.filter(problem::no.eq(no)).select(Problem::as_select()).first(tx.0).optional()?)
}

/// The problem that this one was merged into, at the end of all merges; itself when it was not.
pub fn living(tx: &mut Tx, id: &str) -> Result<String, StoreError> {
    let mut id = id.to_owned();
    while let Some(into) =
        problem::table.find(&id).select(problem::merged_into).first::<Option<String>>(tx.0).optional()?.flatten()
    {
        id = into;
    }
    Ok(id)
}

fn narrowed(filter: &Filter) -> problem::BoxedQuery<'static, <Conn as Connection>::Backend> {
    let mut query = problem::table.filter(problem::merged_into.is_null()).into_boxed();
    if !filter.states.is_empty() {
        let codes: Vec<&'static str> = filter.states.iter().map(|state| state.code()).collect();
        query = query.filter(problem::state.eq_any(codes));
    }
    if let Some(text) = &filter.text {
        let like = super::tickets::containing(text);
        query = query.filter(problem::title.like(like.clone()).escape('\\').or(problem::terms.like(like).escape('\\')));
    }
    query
}

/// A page of problems, the hottest first.
pub fn hottest(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<Vec<Problem>, StoreError> {
    let ranked = narrowed(filter).order((problem::heat.desc(), problem::no));
    Ok(ranked.offset(offset).limit(limit).select(Problem::as_select()).load(tx.0)?)
}

/// [`hottest`], and how many there are.
pub fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Problem>, i64), StoreError> {
    let total = narrowed(filter).count().get_result(tx.0)?;
    Ok((hottest(tx, filter, offset, limit)?, total))
}

/// Saves what people and counting change, when the stored version is still `row.version`.
pub fn save(tx: &mut Tx, row: &Problem) -> Result<bool, StoreError> {
    let changed = on_backend!(tx.0, c => update(
        problem::table,
        problem::id.eq(&row.id).and(problem::version.eq(row.version)),
        (
            (
                problem::state.eq(row.state.code()),
                problem::merged_into.eq(&row.merged_into),
                problem::title.eq(&row.title),
                problem::title_by_person.eq(row.title_by_person),
                problem::terms.eq(&row.terms),
                problem::places.eq(&row.places),
                problem::tickets.eq(row.tickets),
                problem::callers.eq(row.callers),
                problem::window_callers.eq(row.window_callers),
                problem::growth.eq(row.growth),
            ),
            (
                problem::heat.eq(row.heat),
                problem::first_at.eq(row.first_at),
                problem::last_at.eq(row.last_at),
                problem::proposed_at.eq(row.proposed_at),
                problem::reason.eq(&row.reason),
                problem::decided_by.eq(&row.decided_by),
                problem::decided_at.eq(row.decided_at),
                problem::version.eq(row.version + 1),
            ),
            (
                problem::unusual.eq(row.unusual),
                problem::burst_at.eq(row.burst_at),
                problem::burst_callers.eq(row.burst_callers),
                problem::insistent_calls.eq(row.insistent_calls),
                problem::returns_on.eq(row.returns_on),
                problem::returns_callers.eq(row.returns_callers),
            ),
        ),
    )
    .execute(c))?;
    Ok(changed == 1)
}

/// Marks problems as having changed since they were counted, or as counted.
pub fn set_uncounted<'p>(
    tx: &mut Tx,
    problems: impl IntoIterator<Item = &'p String>,
    is_uncounted: bool,
) -> Result<(), StoreError> {
    let ids: Vec<&String> = problems.into_iter().collect();
    for chunk in ids.chunks(1000) {
        let changing = problem::table.filter(problem::id.eq_any(chunk)).filter(problem::is_uncounted.ne(is_uncounted));
        diesel::update(changing).set(problem::is_uncounted.eq(is_uncounted)).execute(tx.0)?;
    }
    Ok(())
}

/// Some of the problems that changed since they were counted, the oldest first, with the tickets they had then.
pub fn uncounted(tx: &mut Tx, limit: i64) -> Result<Vec<(String, i64)>, StoreError> {
    // Written as the index is, or SQLite would not use it.
    let uncounted = problem::table.filter(fixed::<diesel::sql_types::Bool>("is_uncounted"));
    Ok(uncounted.order(problem::id).limit(limit).select((problem::id, problem::tickets)).load(tx.0)?)
}

/// Those of the problems that there are.
pub fn existing<'p>(tx: &mut Tx, problems: impl IntoIterator<Item = &'p String>) -> Result<Vec<String>, StoreError> {
    let ids: Vec<&String> = problems.into_iter().collect();
    Ok(problem::table.filter(problem::id.eq_any(ids)).select(problem::id).load(tx.0)?)
}

/// Every theme.
pub fn themes(tx: &mut Tx) -> Result<Vec<Problem>, StoreError> {
    let kind = problem::kind.eq(ProblemKind::Theme.code());
    Ok(problem::table.filter(kind).select(Problem::as_select()).load(tx.0)?)
}

/// Every problem under a theme: (problem, theme, the problem's tickets).
pub fn under_themes(tx: &mut Tx) -> Result<Vec<(String, String, i64)>, StoreError> {
    Ok(problem::table
        .filter(problem::parent_id.is_not_null())
        .select((problem::id, problem::parent_id.assume_not_null(), problem::tickets))
        .load(tx.0)?)
}

/// The problems under a theme, the hottest first.
pub fn under(tx: &mut Tx, theme_id: &str) -> Result<Vec<Problem>, StoreError> {
    Ok(problem::table
        .filter(problem::parent_id.eq(theme_id))
        .order((problem::heat.desc(), problem::no))
        .select(Problem::as_select())
        .load(tx.0)?)
}

/// Puts problems under a theme, or under none.
pub fn put_under(tx: &mut Tx, problems: &[String], theme_id: Option<&str>) -> Result<(), StoreError> {
    for chunk in problems.chunks(1000) {
        diesel::update(problem::table.filter(problem::id.eq_any(chunk)))
            .set(problem::parent_id.eq(theme_id))
            .execute(tx.0)?;
    }
    Ok(())
}

/// The problems that a person decided about: watched, dismissed, renamed, or made a case.
pub fn decided(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let mut decided: Vec<String> =
        problem::table.filter(problem::decided_at.is_not_null()).select(problem::id).load(tx.0)?;
    decided.extend(case_problem::table.select(case_problem::problem_id).load::<String>(tx.0)?);
    Ok(decided)
}
