//! Where matching put tickets, stored: few statements for many tickets, for people wait behind them.

use crate::app::problems::counting::{self, EMPTY};
use crate::app::problems::detection::short;
use crate::app::{Ctx, Error, tickets::attaching};
use crate::detect::Placed;
use crate::domain::problem::{PlacedBy, ProblemKind, ProblemState};
use crate::store::memberships::{self, Membership};
use crate::store::problems::{self, Problem};
use crate::store::tickets::Ticket;
use crate::store::{cases, house, new_id};
use chrono::NaiveDateTime;
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Which engine placed a ticket: a later one may place it anew.
const ENGINE_VERSION: i32 = 8;

/// What changes, gathered before any of it is stored.
#[derive(Default)]
struct Gathered {
    memberships: HashMap<String, Membership>,
    /// Tickets whose stored membership ends.
    taken_out: HashSet<String>,
    touched: BTreeSet<String>,
}

/// Stores where these tickets, and those they took along, went; new ones of a problem under way join its case. Gives the
/// problems that are to be counted anew.
pub fn store(ctx: &mut Ctx, rows: &[Ticket], placed: Vec<Placed>) -> Result<BTreeSet<String>, Error> {
    let new: HashMap<&str, &Ticket> = rows.iter().map(|ticket| (&*ticket.id, ticket)).collect();
    found(ctx, &new, &placed)?;
    let mut gathered = Gathered::default();
    for placed in &placed {
        for (ticket, score) in &placed.along {
            if !new.contains_key(&**ticket) {
                gathered.taken_out.insert(ticket.clone());
            }
            gathered.put(membership(ctx.now, ticket, *score, placed));
        }
        gathered.put(membership(ctx.now, &placed.ticket, placed.score, placed));
        for from in &placed.absorbed {
            absorb(ctx, from, placed, &mut gathered)?;
        }
        gathered.touched.insert(placed.problem.clone());
        gathered.touched.extend(placed.parted_from.clone());
    }
    let counted = counted_when_founded(ctx, &placed, &gathered);
    let taken_out: Vec<String> = gathered.taken_out.into_iter().collect();
    memberships::take_all_out(&mut ctx.tx, &taken_out, ProblemKind::Local, ctx.now)?;
    attach(ctx, &new, &gathered.touched, &gathered.memberships)?;
    memberships::place(&mut ctx.tx, gathered.memberships.into_values().collect())?;
    Ok(gathered.touched.into_iter().filter(|problem| !counted.contains(problem)).collect())
}

impl Gathered {
    fn put(&mut self, membership: Membership) {
        self.memberships.insert(membership.ticket_id.clone(), membership);
    }
}

fn found(ctx: &mut Ctx, new: &HashMap<&str, &Ticket>, placed: &[Placed]) -> Result<(), Error> {
    let founded = placed.iter().filter(|placed| placed.founded);
    let founded: Vec<(&str, &Ticket)> =
        founded.filter_map(|placed| Some((&*placed.problem, *new.get(&*placed.ticket)?))).collect();
    if founded.is_empty() {
        return Ok(());
    }
    let last = house::next_numbers(&mut ctx.tx, "problem", founded.len() as i64)?;
    let first = last - founded.len() as i64 + 1;
    let rows = founded.into_iter().zip(first..).map(|((id, ticket), no)| {
        let problem = blank_problem(id, no, &ticket.title, ticket.received_at, ctx.now);
        counting::with_first(ctx, problem, ticket)
    });
    let rows = rows.collect();
    Ok(problems::insert(&mut ctx.tx, rows)?)
}

/// Problems that were founded here and have one ticket yet. Most stay so: they need no look at the database to be counted.
fn counted_when_founded(ctx: &Ctx, placed: &[Placed], gathered: &Gathered) -> HashSet<String> {
    if ctx.app.settings.thresholds.distinct_callers < 2 {
        return HashSet::new();
    }
    let mut tickets: HashMap<&str, usize> = HashMap::new();
    for row in gathered.memberships.values() {
        *tickets.entry(&row.problem_id).or_default() += 1;
    }
    let founded = placed.iter().filter(|placed| placed.founded).map(|placed| &placed.problem);
    founded.filter(|problem| tickets.get(&***problem) == Some(&1)).cloned().collect()
}

/// Moves the tickets of a problem of the machine's making into the one that it turned out to be.
fn absorb(ctx: &mut Ctx, from: &str, placed: &Placed, gathered: &mut Gathered) -> Result<(), Error> {
    let Some(mut problem) = problems::by_id(&mut ctx.tx, from)? else { return Ok(()) };
    let stored = memberships::members(&mut ctx.tx, from)?;
    for ticket in stored.into_iter().filter(|ticket| !gathered.taken_out.contains(ticket)).collect::<Vec<_>>() {
        gathered.put(membership(ctx.now, &ticket, placed.score, placed));
        gathered.taken_out.insert(ticket);
    }
    let gone = gathered.memberships.values_mut().filter(|row| row.problem_id == from);
    gone.for_each(|row| row.problem_id.clone_from(&placed.problem));
    gathered.touched.remove(from);
    problem.merged_into = Some(placed.problem.clone());
    ctx.record("problem.merged", ("problem", from), None, json!({ "no": problem.no, "into": placed.problem }));
    if problems::save(&mut ctx.tx, &problem)? { Ok(()) } else { Err(Error::Busy) }
}

/// New tickets of a problem under way join its case.
fn attach(
    ctx: &mut Ctx,
    new: &HashMap<&str, &Ticket>,
    touched: &BTreeSet<String>,
    memberships: &HashMap<String, Membership>,
) -> Result<(), Error> {
    let under_way = cases::open_cases_of(&mut ctx.tx, touched)?;
    let case_of: HashMap<&str, &str> = under_way
        .iter()
        .filter(|(_, case)| case.state.is_running())
        .map(|(problem, case)| (&**problem, &*case.id))
        .collect();
    for row in memberships.values() {
        if let (Some(case), Some(ticket)) = (case_of.get(&*row.problem_id), new.get(&*row.ticket_id)) {
            attaching::attach_matched(ctx, ticket, case)?;
        }
    }
    Ok(())
}

fn membership(now: NaiveDateTime, ticket_id: &str, score: f64, placed: &Placed) -> Membership {
    Membership {
        score,
        runner_up_id: placed.runner_up.as_ref().map(|(id, _)| id.clone()),
        runner_up_score: placed.runner_up.as_ref().map(|(_, score)| *score),
        ..by_machine(now, ticket_id, &placed.problem, ProblemKind::Local)
    }
}

/// A ticket's place by the machine's doing.
pub fn by_machine(now: NaiveDateTime, ticket_id: &str, problem_id: &str, level: ProblemKind) -> Membership {
    Membership {
        id: new_id(),
        ticket_id: ticket_id.to_owned(),
        problem_id: problem_id.to_owned(),
        level,
        placed_by: PlacedBy::Machine,
        person_id: None,
        engine_version: ENGINE_VERSION,
        score: 1.0,
        runner_up_id: None,
        runner_up_score: None,
        since: now,
        until: None,
    }
}

/// A quiet problem with nothing counted yet.
pub fn blank_problem(id: &str, no: i64, title: &str, at: NaiveDateTime, now: NaiveDateTime) -> Problem {
    Problem {
        id: id.to_owned(),
        no,
        kind: ProblemKind::Local,
        parent_id: None,
        state: ProblemState::Quiet,
        merged_into: None,
        title: short(title),
        title_by_person: false,
        terms: EMPTY.to_owned(),
        places: EMPTY.to_owned(),
        tickets: 0,
        callers: 0,
        window_callers: 0,
        growth: None,
        heat: 0.0,
        first_at: at,
        last_at: at,
        proposed_at: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        version: 1,
        created_at: now,
        unusual: None,
        burst_at: None,
        burst_callers: None,
        insistent_calls: None,
        returns_on: None,
        returns_callers: None,
    }
}
