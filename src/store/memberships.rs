//! Who belongs to a problem: which tickets are in it, since when and by whom.

use super::conn::Conn;
use super::prepared::insert_rows;
use super::schema::{membership, problem, ticket, ticket_contact};
use super::{StoreError, Tx};
use crate::domain::problem::{PlacedBy, ProblemKind};
use chrono::NaiveDateTime;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = membership)]
#[diesel(treat_none_as_default_value = false)]
pub struct Membership {
    pub id: String,
    pub ticket_id: String,
    pub problem_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub level: ProblemKind,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub placed_by: PlacedBy,
    pub person_id: Option<String>,
    pub engine_version: i32,
    pub score: f64,
    pub runner_up_id: Option<String>,
    pub runner_up_score: Option<f64>,
    pub since: NaiveDateTime,
    pub until: Option<NaiveDateTime>,
}

/// Rows read at a stretch: a millisecond or two.
const READ_BETWEEN: usize = 512;

/// A ticket of a problem as counting needs it.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct Call {
    pub ticket_id: String,
    pub received_at: NaiveDateTime,
    pub caller_hash: Option<String>,
    pub district: Option<String>,
}

impl Membership {
    pub fn is_by_person(&self) -> bool {
        self.placed_by == PlacedBy::Person
    }
}

/// Puts tickets into problems; what they were in before must have been ended.
pub fn place(tx: &mut Tx, rows: Vec<Membership>) -> Result<(), StoreError> {
    insert_rows!(tx, membership::table, rows);
    Ok(())
}

/// Tells PostgreSQL how these tables have grown. A plan kept from when they were small would go through all their rows, and
/// its own look comes once a minute: too late for an archive that is read in one go.
pub fn analyze(tx: &mut Tx) -> Result<(), StoreError> {
    match tx.0 {
        Conn::Sqlite(_) => Ok(()),
        Conn::Pg(conn) => Ok(conn.batch_execute("ANALYZE problem, membership")?),
    }
}

/// Takes a ticket out of its problem; gives back which it was.
pub fn take_out(tx: &mut Tx, ticket_id: &str, now: NaiveDateTime) -> Result<Option<String>, StoreError> {
    let open = problem_of(tx, ticket_id)?;
    let held = membership::table.filter(membership::ticket_id.eq(ticket_id)).filter(membership::until.is_null());
    diesel::update(held.filter(membership::level.eq(ProblemKind::Local.code())))
        .set(membership::until.eq(now))
        .execute(tx.0)?;
    Ok(open)
}

/// Takes tickets out of the problems of this level that they are in; one that is in none stays so.
pub fn take_all_out(tx: &mut Tx, tickets: &[String], level: ProblemKind, now: NaiveDateTime) -> Result<(), StoreError> {
    for chunk in tickets.chunks(1000) {
        let open = membership::table.filter(membership::ticket_id.eq_any(chunk)).filter(membership::until.is_null());
        diesel::update(open.filter(membership::level.eq(level.code()))).set(membership::until.eq(now)).execute(tx.0)?;
    }
    Ok(())
}

/// The tickets that are in the problem.
pub fn members(tx: &mut Tx, problem_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(membership::table
        .filter(membership::problem_id.eq(problem_id))
        .filter(membership::until.is_null())
        .order(membership::ticket_id)
        .select(membership::ticket_id)
        .load(tx.0)?)
}

/// The local problem that the ticket is in.
pub fn problem_of(tx: &mut Tx, ticket_id: &str) -> Result<Option<String>, StoreError> {
    Ok(membership::table
        .filter(membership::ticket_id.eq(ticket_id))
        .filter(membership::level.eq(ProblemKind::Local.code()))
        .filter(membership::until.is_null())
        .select(membership::problem_id)
        .first(tx.0)
        .optional()?)
}

/// Where these tickets are, at local level.
pub fn standing(tx: &mut Tx, tickets: &[String]) -> Result<Vec<Membership>, StoreError> {
    Ok(membership::table
        .filter(membership::ticket_id.eq_any(tickets))
        .filter(membership::level.eq(ProblemKind::Local.code()))
        .filter(membership::until.is_null())
        .select(Membership::as_select())
        .load(tx.0)?)
}

/// Whether no ticket is in the problem.
pub fn is_empty(tx: &mut Tx, problem_id: &str) -> Result<bool, StoreError> {
    let open = membership::table.filter(membership::problem_id.eq(problem_id)).filter(membership::until.is_null());
    let any: bool = diesel::select(diesel::dsl::exists(open)).get_result(tx.0)?;
    Ok(!any)
}

/// The tickets that are under a theme without a problem of their own: (ticket, theme).
pub fn theme_memberships(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    Ok(membership::table
        .filter(membership::level.eq(ProblemKind::Theme.code()))
        .filter(membership::until.is_null())
        .select((membership::ticket_id, membership::problem_id))
        .load(tx.0)?)
}

/// The tickets of one theme without a problem of their own.
pub fn lone_of_theme(tx: &mut Tx, theme_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(membership::table
        .filter(membership::problem_id.eq(theme_id))
        .filter(membership::level.eq(ProblemKind::Theme.code()))
        .filter(membership::until.is_null())
        .select(membership::ticket_id)
        .load(tx.0)?)
}

/// Every open membership in a local problem as (ticket, problem, whether by a person), for rebuilding the index.
pub fn open_memberships(tx: &mut Tx) -> Result<Vec<(String, String, bool)>, StoreError> {
    Ok(membership::table
        .filter(membership::until.is_null())
        .filter(membership::level.eq(ProblemKind::Local.code()))
        .order(membership::since)
        .select((membership::ticket_id, membership::problem_id, membership::placed_by.eq(PlacedBy::Person.code())))
        .load(tx.0)?)
}

/// The problem and, of a theme, the local ones under it.
#[diesel::dsl::auto_type]
fn with_those_under<'a>(problem_id: &'a str) -> _ {
    let it_or_under = problem::id.eq(problem_id).or(problem::parent_id.eq(problem_id));
    problem::table.filter(it_or_under).select(problem::id)
}

/// The tickets of a problem as counting needs them, oldest first; of a theme also those of the problems under it.
pub fn calls(tx: &mut Tx, problem_id: &str, from: Option<NaiveDateTime>) -> Result<Vec<Call>, StoreError> {
    let mut calls = calls_of_all(tx, &[problem_id.to_owned()], || ())?.remove(problem_id).unwrap_or_default();
    calls.retain(|call| from.is_none_or(|from| call.received_at >= from));
    Ok(calls)
}

/// [`calls`] of several problems at once, by problem. `between` is called every now and then while they are read.
pub fn calls_of_all(
    tx: &mut Tx,
    problems: &[String],
    between: impl FnMut(),
) -> Result<HashMap<String, Vec<Call>>, StoreError> {
    let parts: Vec<(String, Option<String>)> = problem::table
        .filter(problem::id.eq_any(problems).or(problem::parent_id.eq_any(problems)))
        .select((problem::id, problem::parent_id))
        .load(tx.0)?;
    // Sorted here: the database would have to read them all before it gave the first.
    let rows = membership::table
        .inner_join(ticket::table.on(ticket::id.eq(membership::ticket_id)))
        .filter(membership::problem_id.eq_any(parts.iter().map(|(part, _)| part)))
        .filter(membership::until.is_null())
        .select((membership::problem_id, (ticket::id, ticket::received_at, ticket::caller_hash, ticket::district)));
    let themes = parts.iter().filter_map(|(part, theme)| Some((part.as_str(), theme.as_deref()?))).collect();
    let mut calls = problems.iter().map(|problem| (problem.clone(), Vec::new())).collect();
    match tx.0 {
        Conn::Sqlite(c) => sort_in(&mut calls, &themes, rows.load_iter::<_, DefaultLoadingMode>(c)?, between)?,
        Conn::Pg(c) => sort_in(&mut calls, &themes, rows.load_iter::<_, PgRowByRowLoadingMode>(c)?, between)?,
    }
    for calls in calls.values_mut() {
        calls.sort_unstable_by(|a, b| (a.received_at, &a.ticket_id).cmp(&(b.received_at, &b.ticket_id)));
        // A ticket can be in two parts of a theme.
        calls.dedup();
    }
    Ok(calls)
}

/// Gives each call to its problem and to the theme of that, where they are asked for.
fn sort_in(
    calls: &mut HashMap<String, Vec<Call>>,
    themes: &HashMap<&str, &str>,
    rows: impl Iterator<Item = QueryResult<(String, Call)>>,
    mut between: impl FnMut(),
) -> QueryResult<()> {
    for (n, row) in rows.enumerate() {
        let (problem, call) = row?;
        for counted in [Some(problem.as_str()), themes.get(problem.as_str()).copied()].into_iter().flatten() {
            if let Some(calls) = calls.get_mut(counted) {
                calls.push(call.clone());
            }
        }
        if n % READ_BETWEEN == READ_BETWEEN - 1 {
            between();
        }
    }
    Ok(())
}

/// When each ticket of a problem came in since `from`; of a theme also those of the problems under it.
pub fn received_since(tx: &mut Tx, problem_id: &str, from: NaiveDateTime) -> Result<Vec<NaiveDateTime>, StoreError> {
    let rows: Vec<(String, NaiveDateTime)> = membership::table
        .inner_join(ticket::table.on(ticket::id.eq(membership::ticket_id)))
        .filter(membership::problem_id.eq_any(with_those_under(problem_id)))
        .filter(membership::until.is_null())
        .filter(ticket::received_at.ge(from))
        .select((ticket::id, ticket::received_at))
        .distinct()
        .load(tx.0)?;
    Ok(rows.into_iter().map(|(_, at)| at).collect())
}

/// Addresses of a problem's tickets.
pub fn addresses(tx: &mut Tx, problem_id: &str) -> Result<Vec<String>, StoreError> {
    let found: Vec<Option<String>> = membership::table
        .inner_join(ticket_contact::table.on(ticket_contact::ticket_id.eq(membership::ticket_id)))
        .filter(membership::problem_id.eq_any(with_those_under(problem_id)))
        .filter(membership::until.is_null())
        .select(ticket_contact::address)
        .load(tx.0)?;
    Ok(found.into_iter().flatten().collect())
}
