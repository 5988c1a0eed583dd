//! What people decided about tickets, and what consolidation proposes to them.

use super::conn::on_backend;
use super::schema::{decision, decision_ticket, proposal, proposal_ticket};
use super::{StoreError, Tx};
use crate::domain::problem::{DecisionKind, ProposalKind};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

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
    /// Where the tickets of the first side were.
    pub from_problem_id: Option<String>,
    /// Where they went.
    pub to_problem_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = proposal)]
pub struct Proposal {
    pub id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: ProposalKind,
    pub problem_id: String,
    /// The problem to merge into.
    pub into_id: Option<String>,
    /// Likeness, 0–1.
    pub score: Option<f64>,
    pub at: NaiveDateTime,
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

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Decision>, StoreError> {
    Ok(decision::table.find(id).select(Decision::as_select()).first(tx.0).optional()?)
}

/// The decisions that moved tickets out of or into the problem, or named it, the latest first; each with whether it was
/// taken back. Those that take others back are left out.
pub fn of_problem(tx: &mut Tx, problem_id: &str) -> Result<Vec<(Decision, bool)>, StoreError> {
    let inverse = diesel::alias!(decision as inverse);
    let undone = inverse.filter(inverse.field(decision::inverse_of).eq(decision::id.nullable()));
    Ok(decision::table
        .filter(decision::from_problem_id.eq(problem_id).or(decision::to_problem_id.eq(problem_id)))
        .filter(decision::inverse_of.is_null())
        .order((decision::at.desc(), decision::id.desc()))
        .select((Decision::as_select(), diesel::dsl::exists(undone)))
        .load(tx.0)?)
}

/// How many decisions there are, those that take others back included. None is ever deleted.
pub fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(decision::table.count().get_result(tx.0)?)
}

pub fn is_undone(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    Ok(diesel::select(diesel::dsl::exists(decision::table.filter(decision::inverse_of.eq(id)))).get_result(tx.0)?)
}

/// The tickets of a decision: of its first side, and of its second.
pub fn sides(tx: &mut Tx, id: &str) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let rows: Vec<(i32, String)> = decision_ticket::table
        .filter(decision_ticket::decision_id.eq(id))
        .order(decision_ticket::ticket_id)
        .select((decision_ticket::side, decision_ticket::ticket_id))
        .load(tx.0)?;
    let (first, second): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(side, _)| *side == 0);
    let ids = |rows: Vec<(i32, String)>| rows.into_iter().map(|(_, ticket)| ticket).collect();
    Ok((ids(first), ids(second)))
}

/// Pairs of tickets across the sides of all standing decisions of these kinds.
pub fn pairs(tx: &mut Tx, kinds: &[DecisionKind]) -> Result<Vec<(String, String)>, StoreError> {
    let inverse = diesel::alias!(decision as inverse);
    let undone = inverse.filter(inverse.field(decision::inverse_of).eq(decision::id.nullable()));
    let codes: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
    let rows: Vec<(String, i32, String)> = decision::table
        .inner_join(decision_ticket::table.on(decision_ticket::decision_id.eq(decision::id)))
        .filter(decision::kind.eq_any(codes))
        .filter(decision::inverse_of.is_null())
        .filter(diesel::dsl::not(diesel::dsl::exists(undone)))
        .order((decision::at, decision::id, decision_ticket::side, decision_ticket::ticket_id))
        .select((decision::id, decision_ticket::side, decision_ticket::ticket_id))
        .load(tx.0)?;
    let mut second: HashMap<&str, Vec<&String>> = HashMap::new();
    for (id, _, ticket) in rows.iter().filter(|(_, side, _)| *side == 1) {
        second.entry(id).or_default().push(ticket);
    }
    let first = rows.iter().filter(|(_, side, _)| *side == 0);
    let across = |(id, _, left): &(String, i32, String)| {
        let right = second.get(&**id).into_iter().flatten();
        right.map(|right| (left.clone(), (*right).clone())).collect::<Vec<_>>()
    };
    Ok(first.flat_map(across).collect())
}

/// Replaces what was proposed before; each with the tickets to split off.
pub fn propose(tx: &mut Tx, proposals: Vec<(Proposal, Vec<String>)>) -> Result<(), StoreError> {
    diesel::delete(proposal_ticket::table).execute(tx.0)?;
    diesel::delete(proposal::table).execute(tx.0)?;
    for (row, tickets) in proposals {
        let id = row.id.clone();
        diesel::insert_into(proposal::table).values(row).execute(tx.0)?;
        let rows: Vec<_> = tickets
            .into_iter()
            .map(|ticket| (proposal_ticket::proposal_id.eq(id.clone()), proposal_ticket::ticket_id.eq(ticket)))
            .collect();
        on_backend!(tx.0, c => diesel::insert_into(proposal_ticket::table).values(rows).execute(c))?;
    }
    Ok(())
}

pub fn proposal(tx: &mut Tx, id: &str) -> Result<Option<Proposal>, StoreError> {
    Ok(proposal::table.find(id).select(Proposal::as_select()).first(tx.0).optional()?)
}

/// All that is proposed, the surest first.
pub fn proposals(tx: &mut Tx) -> Result<Vec<Proposal>, StoreError> {
    Ok(proposal::table.order((proposal::score.desc(), proposal::id)).select(Proposal::as_select()).load(tx.0)?)
}

/// The tickets that a proposal would split off.
pub fn proposed_tickets(tx: &mut Tx, proposal_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(proposal_ticket::table
        .filter(proposal_ticket::proposal_id.eq(proposal_id))
        .order(proposal_ticket::ticket_id)
        .select(proposal_ticket::ticket_id)
        .load(tx.0)?)
}

pub fn withdraw(tx: &mut Tx, proposal_id: &str) -> Result<(), StoreError> {
    diesel::delete(proposal_ticket::table.filter(proposal_ticket::proposal_id.eq(proposal_id))).execute(tx.0)?;
    diesel::delete(proposal::table.find(proposal_id)).execute(tx.0)?;
    Ok(())
}
