//! What people decide about problems: named, watched, dismissed, merged, split, told apart; and any of it taken back.

use crate::app::cases::observation::{members_changed, rebase};
use crate::app::problems::matching_index::EngineChange;
use crate::app::problems::placements::blank_problem;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::problem::{DecisionKind, PlacedBy, ProblemKind, ProblemState};
use crate::lang::Message;
use crate::store::decisions::{self, Decision};
use crate::store::memberships::{self, Membership};
use crate::store::problems::{self, Problem};
use crate::store::{cases, house, new_id, tickets};
use serde_json::json;

/// Decisions by which tickets never come together again.
pub const APART: [DecisionKind; 3] = [DecisionKind::NeverTogether, DecisionKind::Split, DecisionKind::Moved];

fn load(ctx: &mut Ctx, id: &str) -> Result<Problem, Error> {
    ctx.require_anywhere(Action::DecideProblems)?;
    let problem = problems::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    if problem.merged_into.is_some() {
        return Err(Error::Refused(Message::new("该问题已并入另一个问题。")));
    }
    Ok(problem)
}

/// A theme gathers what single places have: its tickets are moved there.
fn load_local(ctx: &mut Ctx, id: &str) -> Result<Problem, Error> {
    let problem = load(ctx, id)?;
    if problem.kind == ProblemKind::Theme {
        return Err(Error::Refused(Message::new("全市主题由系统汇总，请在各处的问题上合并、拆分或移动。")));
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
    let reason = if state == ProblemState::Dismissed { crate::app::tasks::required("reason", reason)? } else { reason };
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
    problem.title = crate::app::tasks::required("title", title)?;
    problem.title_by_person = true;
    (problem.decided_by, problem.decided_at) = (Some(ctx.actor.name.clone()), Some(ctx.now));
    ctx.record("problem.renamed", ("problem", id), None, json!({ "no": problem.no, "title": problem.title }));
    save(ctx, &problem)
}

/// The id of the problem that somebody names: by its id, or by its number as people see it (`12`, `#12 …`).
pub fn chosen(ctx: &mut Ctx, field: &'static str, said: &str) -> Result<String, Error> {
    let number = said.trim().trim_start_matches('#').split_whitespace().next().and_then(|no| no.parse().ok());
    let found = match number {
        Some(no) => problems::by_no(&mut ctx.tx, no)?,
        None => problems::by_id(&mut ctx.tx, said.trim())?,
    };
    let found = found.map(|problem| problem.id);
    found.ok_or_else(|| Error::field(field, Message::new("没有编号为「%{said}」的问题").with("said", said)))
}

/// Merges a problem into another. Two with an open case each cannot be merged until the cases are.
pub fn merge(ctx: &mut Ctx, from: &str, into: &str, reason: String) -> Result<Vec<EngineChange>, Error> {
    let mut source = load_local(ctx, from)?;
    let target = load_local(ctx, into)?;
    if from == into {
        return Err(Error::field("into", Message::new("不能并入自己")));
    }
    if cases::open_case_of(&mut ctx.tx, from)?.is_some() {
        return Err(Error::Refused(Message::new("该问题已有在办专项，不能并入其他问题。")));
    }
    let moving = memberships::members(&mut ctx.tx, from)?;
    let staying = memberships::members(&mut ctx.tx, into)?;
    refuse_apart(ctx, &moving, &staying)?;
    for ticket in &moving {
        move_membership(ctx, ticket, Some(into))?;
    }
    let decided = Decided { kind: DecisionKind::Together, reason: Some(reason), from: Some(from), to: Some(into) };
    decide(ctx, decided, &moving, &staying[..staying.len().min(1)])?;
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

/// Refuses to bring tickets together that a decision keeps apart, and names them.
fn refuse_apart(ctx: &mut Ctx, moving: &[String], staying: &[String]) -> Result<(), Error> {
    let apart = decisions::pairs(&mut ctx.tx, &APART)?;
    let across = |(a, b): &&(String, String)| {
        (moving.contains(a) && staying.contains(b)) || (moving.contains(b) && staying.contains(a))
    };
    let Some((a, b)) = apart.iter().find(across) else { return Ok(()) };
    let numbers: Vec<String> =
        tickets::by_ids(&mut ctx.tx, &[a.clone(), b.clone()])?.into_iter().map(|row| row.source_no).collect();
    Err(Error::Refused(
        Message::new("此前已认定工单 %{numbers} 不是一个问题，不能合并。").with("numbers", numbers.join("、")),
    ))
}

/// Splits tickets off into a problem of their own; they never come back by machine. Gives the new problem's id.
pub fn split(
    ctx: &mut Ctx,
    id: &str,
    ticket_ids: &[String],
    title: String,
) -> Result<(String, Vec<EngineChange>), Error> {
    let problem = load_local(ctx, id)?;
    let title = crate::app::tasks::required("title", title)?;
    let members = memberships::members(&mut ctx.tx, id)?;
    let (leaving, staying): (Vec<String>, Vec<String>) =
        members.into_iter().partition(|member| ticket_ids.contains(member));
    if leaving.is_empty() || staying.is_empty() {
        return Err(Error::field("ticket_ids", Message::new("请选择要拆出的一部分工单")));
    }
    let (new, no) = (new_id(), house::next_number(&mut ctx.tx, "problem")?);
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
    let decided = Decided { kind: DecisionKind::Split, reason: None, from: Some(id), to: Some(&new) };
    decide(ctx, decided, &leaving, &staying[..1])?;
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
    tickets::by_id(&mut ctx.tx, ticket_id)?.ok_or(Error::NotFound)?;
    if let Some(to) = to {
        load_local(ctx, to)?;
    }
    let from = memberships::problem_of(&mut ctx.tx, ticket_id)?;
    let changes = take_ticket(ctx, ticket_id, to, None)?;
    if let Some(to) = to {
        members_changed(ctx, to)?;
    }
    ctx.record("ticket.moved", ("ticket", ticket_id), None, json!({ "from": from, "to": to }));
    Ok(changes)
}

/// Takes a ticket out of its problem, never to come back by machine, and into another if one is named.
pub fn take_ticket(
    ctx: &mut Ctx,
    ticket_id: &str,
    to: Option<&str>,
    reason: Option<String>,
) -> Result<Vec<EngineChange>, Error> {
    let mut changes = vec![EngineChange::Move(ticket_id.to_owned(), to.map(str::to_owned))];
    let from = move_membership(ctx, ticket_id, to)?;
    if from.is_none() && to.is_none() {
        return Ok(changes);
    }
    let left = from.as_ref().map(|from| memberships::members(&mut ctx.tx, from)).transpose()?.unwrap_or_default();
    let decided = Decided { kind: DecisionKind::Moved, reason, from: from.as_deref(), to };
    decide(ctx, decided, &[ticket_id.to_owned()], &left[..left.len().min(1)])?;
    changes.extend(left.first().map(|other| EngineChange::NeverTogether(ticket_id.to_owned(), other.clone())));
    if let Some(from) = from {
        members_changed(ctx, &from)?;
    }
    Ok(changes)
}

/// Two problems are not one: their tickets never come together by machine.
pub fn keep_apart(ctx: &mut Ctx, id: &str, other: &str, reason: String) -> Result<Vec<EngineChange>, Error> {
    let (problem, other) = (load_local(ctx, id)?, load_local(ctx, other)?);
    if problem.id == other.id {
        return Err(Error::field("other", Message::new("请选择另一个问题")));
    }
    let ours = memberships::members(&mut ctx.tx, &problem.id)?;
    let theirs = memberships::members(&mut ctx.tx, &other.id)?;
    let (Some(one), Some(two)) = (ours.first(), theirs.first()) else { return Err(Error::NotFound) };
    let kind = DecisionKind::NeverTogether;
    let decided = Decided { kind, reason: Some(reason), from: Some(&problem.id), to: Some(&other.id) };
    decide(ctx, decided, std::slice::from_ref(one), std::slice::from_ref(two))?;
    ctx.record("problem.kept_apart", ("problem", id), None, json!({ "no": problem.no, "other": other.no }));
    Ok(vec![EngineChange::NeverTogether(one.clone(), two.clone())])
}

/// A problem that consolidation would split is one: its parts belong together.
pub fn keep_whole(ctx: &mut Ctx, id: &str, part: &[String]) -> Result<Vec<EngineChange>, Error> {
    let problem = load(ctx, id)?;
    let rest = memberships::members(&mut ctx.tx, id)?.into_iter().find(|member| !part.contains(member));
    let Some(rest) = rest else { return Ok(Vec::new()) };
    let decided = Decided { kind: DecisionKind::OneProblem, reason: None, from: Some(id), to: None };
    decide(ctx, decided, part, std::slice::from_ref(&rest))?;
    ctx.record("problem.kept_whole", ("problem", id), None, json!({ "no": problem.no, "tickets": part.len() }));
    Ok(part.iter().map(|ticket| EngineChange::Together(ticket.clone(), rest.clone())).collect())
}

/// Takes a decision back: its tickets return to where they were, and the machine may bring together again what it kept
/// apart. Tickets that went elsewhere since stay there. Gives the problem that they went back to.
pub fn undo(ctx: &mut Ctx, decision_id: &str) -> Result<(String, Vec<EngineChange>), Error> {
    ctx.require_anywhere(Action::DecideProblems)?;
    let decision = decisions::by_id(&mut ctx.tx, decision_id)?.ok_or(Error::NotFound)?;
    if decisions::is_undone(&mut ctx.tx, decision_id)? {
        return Err(Error::Refused(Message::new("该认定已经撤销。")));
    }
    let (from, to) = (decision.from_problem_id.clone(), decision.to_problem_id.clone());
    let shown = from.clone().or_else(|| to.clone()).ok_or(Error::NotFound)?;
    let (first, second) = decisions::sides(&mut ctx.tx, decision_id)?;
    let mut changes = Vec::new();
    if APART.contains(&decision.kind) {
        changes.extend(across(&first, &second).map(|(a, b)| EngineChange::MayBeTogether(a, b)));
    }
    match decision.kind {
        DecisionKind::NeverTogether => {}
        DecisionKind::OneProblem => {
            changes.extend(across(&first, &second).map(|(a, b)| EngineChange::NeedNotBeTogether(a, b)));
        }
        DecisionKind::Together | DecisionKind::Split | DecisionKind::Moved => {
            changes.extend(move_back(ctx, &first, from.as_deref(), to.as_deref())?);
        }
    }
    let inverse = Decision {
        id: new_id(),
        reason: None,
        person_id: ctx.actor.id().to_owned(),
        at: ctx.now,
        inverse_of: Some(decision_id.to_owned()),
        from_problem_id: to,
        to_problem_id: from,
        kind: decision.kind,
    };
    decisions::decide(&mut ctx.tx, inverse, &[])?;
    ctx.record("problem.decision_undone", ("problem", &shown), None, json!({ "kind": decision.kind.code() }));
    Ok((shown, changes))
}

fn across<'t>(first: &'t [String], second: &'t [String]) -> impl Iterator<Item = (String, String)> + 't {
    first.iter().flat_map(|one| second.iter().map(|two| (one.clone(), two.clone())))
}

/// Tickets that are still where a decision put them go back, into no problem where they were in none. A problem that was merged away lives again, one that was
/// split off and is empty now is merged back.
fn move_back(
    ctx: &mut Ctx,
    tickets: &[String],
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Vec<EngineChange>, Error> {
    let mut changes = Vec::new();
    if let Some(from) = from {
        revive(ctx, from, to)?;
        changes.push(EngineChange::Found(from.to_owned()));
    }
    for ticket in tickets {
        if memberships::problem_of(&mut ctx.tx, ticket)?.as_deref() == to {
            move_membership(ctx, ticket, from)?;
            changes.push(EngineChange::Move(ticket.clone(), from.map(str::to_owned)));
        }
    }
    if let Some(to) = to {
        leave(ctx, to, from)?;
    }
    if let Some(from) = from {
        members_changed(ctx, from)?;
    }
    Ok(changes)
}

/// A problem that was merged away lives again.
fn revive(ctx: &mut Ctx, id: &str, merged_into: Option<&str>) -> Result<(), Error> {
    let mut problem = problems::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    if problem.merged_into.is_some() && problem.merged_into.as_deref() != merged_into {
        return Err(Error::Refused(Message::new("原来的问题已并入另一个问题，请先撤销那次合并。")));
    }
    if problem.merged_into.take().is_some() {
        (problem.decided_by, problem.decided_at) = (Some(ctx.actor.name.clone()), Some(ctx.now));
        save(ctx, &problem)?;
    }
    Ok(())
}

/// A problem that was split off and is empty now is merged back.
fn leave(ctx: &mut Ctx, id: &str, back_into: Option<&str>) -> Result<(), Error> {
    let mut problem = problems::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let (Some(into), None, true) = (back_into, &problem.merged_into, memberships::is_empty(&mut ctx.tx, id)?) else {
        return members_changed(ctx, id);
    };
    if cases::open_case_of(&mut ctx.tx, id)?.is_some() {
        return Err(Error::Refused(Message::new("该问题已有在办专项，不能并入其他问题。")));
    }
    problem.merged_into = Some(into.to_owned());
    save(ctx, &problem)?;
    rebase(ctx, id)
}

/// Gives back the problem the ticket was in.
fn move_membership(ctx: &mut Ctx, ticket_id: &str, to: Option<&str>) -> Result<Option<String>, Error> {
    let from = memberships::take_out(&mut ctx.tx, ticket_id, ctx.now)?;
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
        memberships::place(&mut ctx.tx, vec![row])?;
    }
    Ok(from)
}

/// What was decided, and between which problems.
struct Decided<'a> {
    kind: DecisionKind,
    reason: Option<String>,
    /// None for a ticket that was in no problem.
    from: Option<&'a str>,
    to: Option<&'a str>,
}

fn decide(ctx: &mut Ctx, decided: Decided, one: &[String], other: &[String]) -> Result<(), Error> {
    let row = Decision {
        id: new_id(),
        kind: decided.kind,
        reason: decided.reason.filter(|reason| !reason.trim().is_empty()),
        person_id: ctx.actor.id().to_owned(),
        at: ctx.now,
        inverse_of: None,
        from_problem_id: decided.from.map(str::to_owned),
        to_problem_id: decided.to.map(str::to_owned),
    };
    Ok(decisions::decide(&mut ctx.tx, row, &[one, other])?)
}
