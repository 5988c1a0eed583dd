//! Problems, who belongs to them, and what people decided about tickets.

use super::conn::{Conn, on_backend};
use super::schema::{case_problem, decision, decision_ticket, membership, problem, ticket, ticket_contact};
use super::{StoreError, Tx};
use crate::domain::problem::{DecisionKind, PlacedBy, ProblemKind, ProblemState};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = problem)]
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
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = membership)]
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

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = decision)]
pub struct Decision {
    pub id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: DecisionKind,
    pub reason: Option<String>,
    pub person_id: String,
    pub at: NaiveDateTime,
    /// The decision that this one takes back.
    pub inverse_of: Option<String>,
}

/// A ticket of a problem as counting needs it.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct Call {
    pub ticket_id: String,
    pub received_at: NaiveDateTime,
    pub caller_hash: Option<String>,
    pub district: Option<String>,
}

/// What the list of problems is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub states: Vec<ProblemState>,
    pub text: Option<String>,
}

pub fn insert(tx: &mut Tx, rows: Vec<Problem>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(problem::table).values(rows).execute(c))?;
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Problem>, StoreError> {
    Ok(problem::table.find(id).select(Problem::as_select()).first(tx.0).optional()?)
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

/// A page of problems, the hottest first, and how many there are.
pub fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Problem>, i64), StoreError> {
    let total = narrowed(filter).count().get_result(tx.0)?;
    let rows = narrowed(filter)
        .order((problem::heat.desc(), problem::no))
        .offset(offset)
        .limit(limit)
        .select(Problem::as_select())
        .load(tx.0)?;
    Ok((rows, total))
}

/// Saves what people and counting change, when the stored version is still `row.version`.
pub fn save(tx: &mut Tx, row: &Problem) -> Result<bool, StoreError> {
    let changed =
        diesel::update(problem::table.filter(problem::id.eq(&row.id)).filter(problem::version.eq(row.version)))
            .set((
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
            ))
            .execute(tx.0)?;
    Ok(changed == 1)
}

/// Puts tickets into problems; what they were in before must have been ended.
pub fn place(tx: &mut Tx, rows: Vec<Membership>) -> Result<(), StoreError> {
    for chunk in rows.chunks(1000) {
        let chunk = chunk.to_vec();
        on_backend!(tx.0, c => diesel::insert_into(membership::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// Takes a ticket out of its problem; gives back which it was.
pub fn take_out(tx: &mut Tx, ticket_id: &str, now: NaiveDateTime) -> Result<Option<String>, StoreError> {
    let open = problem_of(tx, ticket_id)?;
    diesel::update(membership::table.filter(membership::ticket_id.eq(ticket_id)).filter(membership::until.is_null()))
        .set(membership::until.eq(now))
        .execute(tx.0)?;
    Ok(open)
}

/// Takes tickets out of the problems they are in; one that is in none stays so.
pub fn take_all_out(tx: &mut Tx, tickets: &[String], now: NaiveDateTime) -> Result<(), StoreError> {
    for chunk in tickets.chunks(1000) {
        let open = membership::table.filter(membership::ticket_id.eq_any(chunk)).filter(membership::until.is_null());
        diesel::update(open).set(membership::until.eq(now)).execute(tx.0)?;
    }
    Ok(())
}

/// The tickets that are in the problem.
pub fn members(tx: &mut Tx, problem_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(membership::table
        .filter(membership::problem_id.eq(problem_id))
        .filter(membership::until.is_null())
        .select(membership::ticket_id)
        .load(tx.0)?)
}

pub fn problem_of(tx: &mut Tx, ticket_id: &str) -> Result<Option<String>, StoreError> {
    Ok(membership::table
        .filter(membership::ticket_id.eq(ticket_id))
        .filter(membership::until.is_null())
        .select(membership::problem_id)
        .first(tx.0)
        .optional()?)
}

/// The problems that a person decided about: watched, dismissed, renamed, or made a case.
pub fn decided(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let mut decided: Vec<String> =
        problem::table.filter(problem::decided_at.is_not_null()).select(problem::id).load(tx.0)?;
    decided.extend(case_problem::table.select(case_problem::problem_id).load::<String>(tx.0)?);
    Ok(decided)
}

/// Every open membership as (ticket, problem, whether by a person), for rebuilding the index.
pub fn open_memberships(tx: &mut Tx) -> Result<Vec<(String, String, bool)>, StoreError> {
    Ok(membership::table
        .filter(membership::until.is_null())
        .order(membership::since)
        .select((membership::ticket_id, membership::problem_id, membership::placed_by.eq(PlacedBy::Person.code())))
        .load(tx.0)?)
}

/// The tickets of a problem as counting needs them, oldest first.
pub fn calls(tx: &mut Tx, problem_id: &str, from: Option<NaiveDateTime>) -> Result<Vec<Call>, StoreError> {
    let mut query = membership::table
        .inner_join(ticket::table.on(ticket::id.eq(membership::ticket_id)))
        .filter(membership::problem_id.eq(problem_id))
        .filter(membership::until.is_null())
        .order(ticket::received_at)
        .select((ticket::id, ticket::received_at, ticket::caller_hash, ticket::district))
        .into_boxed();
    if let Some(from) = from {
        query = query.filter(ticket::received_at.ge(from));
    }
    Ok(query.load(tx.0)?)
}

/// Addresses of a problem's tickets.
pub fn addresses(tx: &mut Tx, problem_id: &str) -> Result<Vec<String>, StoreError> {
    let found: Vec<Option<String>> = membership::table
        .inner_join(ticket_contact::table.on(ticket_contact::ticket_id.eq(membership::ticket_id)))
        .filter(membership::problem_id.eq(problem_id))
        .filter(membership::until.is_null())
        .select(ticket_contact::address)
        .load(tx.0)?;
    Ok(found.into_iter().flatten().collect())
}

/// Records a decision with the tickets on its two sides.
pub fn decide(tx: &mut Tx, row: Decision, sides: &[&[String]]) -> Result<(), StoreError> {
    let id = row.id.clone();
    diesel::insert_into(decision::table).values(row).execute(tx.0)?;
    for (side, tickets) in (0i32..).zip(sides) {
        for ticket_id in *tickets {
            let row = (
                decision_ticket::decision_id.eq(&id),
                decision_ticket::side.eq(side),
                decision_ticket::ticket_id.eq(ticket_id),
            );
            on_backend!(tx.0, c => diesel::insert_into(decision_ticket::table).values(row).on_conflict_do_nothing().execute(c))?;
        }
    }
    Ok(())
}

/// Pairs of tickets that people decided never belong together: the first of each side.
pub fn never_together(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    let rows: Vec<(String, i32, String)> = decision::table
        .inner_join(decision_ticket::table.on(decision_ticket::decision_id.eq(decision::id)))
        .filter(decision::kind.eq(DecisionKind::NeverTogether.code()))
        .order((decision::at, decision::id, decision_ticket::side))
        .select((decision::id, decision_ticket::side, decision_ticket::ticket_id))
        .load(tx.0)?;
    let mut pairs = Vec::new();
    for (id, side, left) in &rows {
        if *side == 0 {
            let right = rows.iter().filter(|(other, side, _)| other == id && *side == 1);
            pairs.extend(right.map(|(_, _, right)| (left.clone(), right.clone())));
        }
    }
    Ok(pairs)
}
