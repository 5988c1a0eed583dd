//! Problems: the ranked list, one problem with its reasons, and what people decide about it.

use super::detection::EngineChange;
use super::observation::{members_changed, rebase};
use super::placements::blank_problem;
use super::tickets::masked;
use super::{Ctx, Error};
use crate::detect::{explain, trend};
use crate::domain::access::Action;
use crate::domain::problem::{DecisionKind, PlacedBy, ProblemKind, ProblemState};
use crate::lang::Message;
use crate::store::cases::{self, Case};
use crate::store::problems::{self, Decision, Filter, Membership, Problem};
use crate::store::tickets::{self, Ticket};
use crate::store::{house, new_id};
use chrono::TimeDelta;
use serde_json::json;

/// Days a problem's chart looks back.
pub const CHART_DAYS: i64 = 90;
const SPARK_WEEKS: i64 = 13;
const TYPICAL: usize = 3;
const FOLDED_MAX: usize = 200;

/// A row of the ranked list.
#[derive(Debug, Clone)]
pub struct ProblemLine {
    pub problem: Problem,
    pub terms: Vec<String>,
    /// Tickets a week, the oldest first.
    pub weekly: Vec<u32>,
    pub case: Option<Case>,
}

/// A problem and why its tickets are together.
#[derive(Debug, Clone)]
pub struct ProblemView {
    pub problem: Problem,
    pub terms: Vec<String>,
    pub places: Vec<(String, usize)>,
    /// Tickets a day over [`CHART_DAYS`], the oldest first.
    pub daily: Vec<u32>,
    /// The usual level a day: lower and upper quartile.
    pub usual: (u32, u32),
    pub typical: Vec<Ticket>,
    /// Other tickets, each with how many near-duplicates are folded into it.
    pub others: Vec<(Ticket, usize)>,
    pub case: Option<Case>,
    pub merged_into: Option<Problem>,
}

pub fn terms_of(problem: &Problem) -> Vec<String> {
    serde_json::from_str(&problem.terms).unwrap_or_default()
}

pub fn list(ctx: &mut Ctx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<ProblemLine>, i64), Error> {
    ctx.require_anywhere(Action::ReadProblems)?;
    let (rows, total) = problems::list(&mut ctx.tx, filter, offset, limit)?;
    let mut lines = Vec::with_capacity(rows.len());
    for problem in rows {
        let weekly = weekly(ctx, &problem.id)?;
        let case = cases::open_case_of(&mut ctx.tx, &problem.id)?;
        lines.push(ProblemLine { terms: terms_of(&problem), weekly, case, problem });
    }
    Ok((lines, total))
}

/// Tickets a week over the last quarter, the oldest first.
pub fn weekly(ctx: &mut Ctx, problem_id: &str) -> Result<Vec<u32>, Error> {
    let until = ctx.today + TimeDelta::days(1);
    let from = until - TimeDelta::weeks(SPARK_WEEKS);
    let calls = problems::calls(&mut ctx.tx, problem_id, Some(ctx.app.clock.start_of(from)))?;
    Ok(trend::weekly(&counted(ctx, &calls), from, until))
}

fn counted(ctx: &Ctx, calls: &[problems::Call]) -> Vec<trend::Counted> {
    calls
        .iter()
        .map(|call| trend::Counted {
            caller: call.caller_hash.clone(),
            received_on: ctx.app.clock.local_date(call.received_at),
        })
        .collect()
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<ProblemView, Error> {
    ctx.require_anywhere(Action::ReadProblems)?;
    let problem = problems::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let until = ctx.today + TimeDelta::days(1);
    let from = until - TimeDelta::days(CHART_DAYS);
    let calls = problems::calls(&mut ctx.tx, id, None)?;
    let daily = trend::daily(&counted(ctx, &calls), from, until);
    let mut ids: Vec<String> = calls.iter().rev().map(|call| call.ticket_id.clone()).take(FOLDED_MAX).collect();
    let (typical, folded) = typical_and_folded(ctx, id, &ids);
    ids = typical.iter().cloned().chain(folded.iter().map(|(id, _)| id.clone())).collect();
    let rows: Vec<Ticket> = tickets::by_ids(&mut ctx.tx, &ids)?.into_iter().map(|row| masked(row, None)).collect();
    let row = |id: &String| rows.iter().find(|row| row.id == *id).cloned();
    let merged_into = match &problem.merged_into {
        Some(into) => problems::by_id(&mut ctx.tx, into)?,
        None => None,
    };
    Ok(ProblemView {
        terms: terms_of(&problem),
        places: serde_json::from_str(&problem.places).unwrap_or_default(),
        usual: quartiles(&daily),
        daily,
        typical: typical.iter().filter_map(row).collect(),
        others: folded.iter().filter_map(|(id, count)| Some((row(id)?, *count))).collect(),
        case: cases::open_case_of(&mut ctx.tx, id)?,
        merged_into,
        problem,
    })
}

/// The most central tickets, and the newest others with their near-duplicates folded. Without the index: the newest.
fn typical_and_folded(ctx: &Ctx, problem_id: &str, newest: &[String]) -> (Vec<String>, Vec<(String, usize)>) {
    let slot = ctx.app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(engine) = slot.as_ref() else {
        return (newest.iter().take(TYPICAL).cloned().collect(), Vec::new());
    };
    let typical = explain::central(engine, problem_id, TYPICAL);
    let rest: Vec<String> = newest.iter().filter(|id| !typical.contains(id)).cloned().collect();
    let folded = explain::near_duplicates(engine, &rest);
    (typical, folded)
}

fn quartiles(daily: &[u32]) -> (u32, u32) {
    let mut sorted = daily.to_vec();
    sorted.sort_unstable();
    let at = |share: usize| sorted.get(sorted.len() * share / 4).copied().unwrap_or(0);
    (at(1), at(3))
}

fn load(ctx: &mut Ctx, id: &str) -> Result<Problem, Error> {
    ctx.require_anywhere(Action::DecideProblems)?;
    let problem = problems::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    if problem.merged_into.is_some() {
        return Err(Error::Refused(Message::new("该问题已并入另一个问题。")));
    }
    Ok(problem)
}

fn save(ctx: &mut Ctx, problem: &Problem) -> Result<(), Error> {
    if problems::save(&mut ctx.tx, problem)? {
        return Ok(());
    }
    let current = problems::by_id(&mut ctx.tx, &problem.id)?.ok_or(Error::NotFound)?.version;
    Err(Error::Stale { yours: problem.version, current })
}

/// Watch, dismiss with a reason, or propose again.
pub fn set_state(ctx: &mut Ctx, id: &str, state: ProblemState, reason: String) -> Result<(), Error> {
    let mut problem = load(ctx, id)?;
    let reason = if state == ProblemState::Dismissed { super::tasks::required("reason", reason)? } else { reason };
    if cases::open_case_of(&mut ctx.tx, id)?.is_some() {
        return Err(Error::Refused(Message::new("该问题已有在办专项。")));
    }
    problem.state = state;
    problem.reason = Some(reason.clone());
    (problem.decided_by, problem.decided_at) = (Some(ctx.actor.name.clone()), Some(ctx.now));
    ctx.record(
        "problem.decided",
        ("problem", id),
        None,
        json!({ "no": problem.no, "state": state.code(), "reason": reason }),
    );
    save(ctx, &problem)
}

pub fn rename(ctx: &mut Ctx, id: &str, title: String) -> Result<(), Error> {
    let mut problem = load(ctx, id)?;
    problem.title = super::tasks::required("title", title)?;
    problem.title_by_person = true;
    (problem.decided_by, problem.decided_at) = (Some(ctx.actor.name.clone()), Some(ctx.now));
    ctx.record("problem.renamed", ("problem", id), None, json!({ "no": problem.no, "title": problem.title }));
    save(ctx, &problem)
}

/// Merges a problem into another. Two with an open case each cannot be merged until the cases are.
pub fn merge(ctx: &mut Ctx, from: &str, into: &str, reason: String) -> Result<Vec<EngineChange>, Error> {
    let mut source = load(ctx, from)?;
    let target = load(ctx, into)?;
    if from == into {
        return Err(Error::field("into", Message::new("不能并入自己")));
    }
    if cases::open_case_of(&mut ctx.tx, from)?.is_some() {
        return Err(Error::Refused(Message::new("该问题已有在办专项，不能并入其他问题。")));
    }
    let moving: Vec<String> =
        problems::calls(&mut ctx.tx, from, None)?.into_iter().map(|call| call.ticket_id).collect();
    let staying: Vec<String> =
        problems::calls(&mut ctx.tx, into, None)?.into_iter().map(|call| call.ticket_id).collect();
    let apart = problems::never_together(&mut ctx.tx)?;
    if let Some((a, b)) = apart
        .iter()
        .find(|(a, b)| (moving.contains(a) && staying.contains(b)) || (moving.contains(b) && staying.contains(a)))
    {
        let numbers: Vec<String> =
            tickets::by_ids(&mut ctx.tx, &[a.clone(), b.clone()])?.into_iter().map(|row| row.source_no).collect();
        return Err(Error::Refused(
            Message::new("此前已认定工单 %{numbers} 不是一个问题，不能合并。").with("numbers", numbers.join("、")),
        ));
    }
    for ticket in &moving {
        move_membership(ctx, ticket, Some(into))?;
    }
    let sides: [&[String]; 2] = [&moving, &staying[..staying.len().min(1)]];
    decide(ctx, DecisionKind::Together, Some(reason), &sides)?;
    source.merged_into = Some(into.to_owned());
    ctx.record(
        "problem.merged",
        ("problem", from),
        None,
        json!({ "no": source.no, "into": target.no, "tickets": moving.len() }),
    );
    save(ctx, &source)?;
    rebase(ctx, from)?;
    members_changed(ctx, into)?;
    Ok(vec![EngineChange::Merge { from: from.to_owned(), into: into.to_owned() }])
}

/// Splits tickets off into a problem of their own; they never come back by machine. Gives the new problem's id.
pub fn split(
    ctx: &mut Ctx,
    id: &str,
    ticket_ids: &[String],
    title: String,
) -> Result<(String, Vec<EngineChange>), Error> {
    let problem = load(ctx, id)?;
    let title = super::tasks::required("title", title)?;
    let members: Vec<String> = problems::calls(&mut ctx.tx, id, None)?.into_iter().map(|call| call.ticket_id).collect();
    let leaving: Vec<String> = members.iter().filter(|member| ticket_ids.contains(member)).cloned().collect();
    let staying: Vec<String> = members.into_iter().filter(|member| !leaving.contains(member)).collect();
    if leaving.is_empty() || staying.is_empty() {
        return Err(Error::field("ticket_ids", Message::new("请选择要拆出的一部分工单")));
    }
    let new = new_id();
    let no = house::next_number(&mut ctx.tx, "problem")?;
    let mut row = blank_problem(&new, no, &title, problem.first_at, ctx.now);
    row.title_by_person = true;
    (row.decided_by, row.decided_at) = (Some(ctx.actor.name.clone()), Some(ctx.now));
    problems::insert(&mut ctx.tx, vec![row])?;
    let mut changes = vec![EngineChange::Found(new.clone())];
    for ticket in &leaving {
        move_membership(ctx, ticket, Some(&new))?;
        changes.push(EngineChange::Move(ticket.clone(), Some(new.clone())));
        changes.push(EngineChange::NeverTogether(ticket.clone(), staying[0].clone()));
    }
    let sides: [&[String]; 2] = [&leaving, &staying[..1]];
    decide(ctx, DecisionKind::NeverTogether, None, &sides)?;
    ctx.record(
        "problem.split",
        ("problem", id),
        None,
        json!({ "no": problem.no, "tickets": leaving.len(), "into": new }),
    );
    members_changed(ctx, id)?;
    members_changed(ctx, &new)?;
    Ok((new, changes))
}

/// Moves one ticket into another problem, or out of its problem altogether.
pub fn move_ticket(ctx: &mut Ctx, ticket_id: &str, to: Option<&str>) -> Result<Vec<EngineChange>, Error> {
    ctx.require_anywhere(Action::DecideProblems)?;
    let ticket = tickets::by_id(&mut ctx.tx, ticket_id)?.ok_or(Error::NotFound)?;
    if let Some(to) = to {
        load(ctx, to)?;
    }
    let from = move_membership(ctx, ticket_id, to)?;
    let mut changes = vec![EngineChange::Move(ticket_id.to_owned(), to.map(str::to_owned))];
    if let Some(from) = &from {
        let left = problems::calls(&mut ctx.tx, from, None)?;
        if let Some(other) = left.first() {
            let sides: [&[String]; 2] = [std::slice::from_ref(&ticket.id), std::slice::from_ref(&other.ticket_id)];
            decide(ctx, DecisionKind::NeverTogether, None, &sides)?;
            changes.push(EngineChange::NeverTogether(ticket_id.to_owned(), other.ticket_id.clone()));
        }
        members_changed(ctx, from)?;
    }
    if let Some(to) = to {
        members_changed(ctx, to)?;
    }
    ctx.record("ticket.moved", ("ticket", ticket_id), None, json!({ "from": from, "to": to }));
    Ok(changes)
}

/// Gives back the problem the ticket was in.
fn move_membership(ctx: &mut Ctx, ticket_id: &str, to: Option<&str>) -> Result<Option<String>, Error> {
    let from = problems::take_out(&mut ctx.tx, ticket_id, ctx.now)?;
    if let Some(to) = to {
        let row = Membership {
            id: new_id(),
            ticket_id: ticket_id.to_owned(),
            problem_id: to.to_owned(),
            level: ProblemKind::Local,
            placed_by: PlacedBy::Person,
            person_id: ctx.actor.person_id.clone(),
            engine_version: 0,
            score: 1.0,
            runner_up_id: None,
            runner_up_score: None,
            since: ctx.now,
            until: None,
        };
        problems::place(&mut ctx.tx, vec![row])?;
    }
    Ok(from)
}

fn decide(ctx: &mut Ctx, kind: DecisionKind, reason: Option<String>, sides: &[&[String]]) -> Result<(), Error> {
    let row =
        Decision { id: new_id(), kind, reason, person_id: ctx.actor.id().to_owned(), at: ctx.now, inverse_of: None };
    Ok(problems::decide(&mut ctx.tx, row, sides)?)
}
