//! Problems as people read them: the ranked list, and one problem with its reasons.

pub mod consolidating;
pub mod counting;
pub mod detection;
pub mod matching_index;
pub mod placements;
pub mod problem_decisions;
pub mod proposals;
pub mod themes;
pub mod upkeep;

use super::tickets::masked;
use super::{Ctx, Error};
use crate::app::problems::proposals::ProposalView;
use crate::detect::{explain, trend};
use crate::domain::access::Action;
use crate::store::cases::{self, Case};
use crate::store::decisions::{self, Decision};
use crate::store::memberships;
use crate::store::people;
use crate::store::problems::{self, Filter, Problem};
use crate::store::tickets::{self, Ticket};
use chrono::{NaiveDate, TimeDelta};

/// Days a problem's chart looks back.
pub const CHART_DAYS: i64 = 90;
const SPARK_WEEKS: i64 = 13;
const TYPICAL: usize = 3;
const FOLDED_MAX: usize = 200;
const PEAKS_SHOWN: usize = 3;

/// A row of the ranked list.
#[derive(Debug, Clone)]
pub struct ProblemLine {
    pub problem: Problem,
    pub terms: Vec<String>,
    /// Tickets a week, the oldest first.
    pub weekly: Vec<u32>,
    pub case: Option<Case>,
    pub signals: Vec<Signal>,
}

/// What is out of the ordinary about a problem.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// So many callers within hours.
    Burst(i64),
    /// Standard deviations above the usual day.
    Unusual(f64),
    /// So many of its calls are one caller's.
    Insistent(i64),
    /// From when on it is to be expected again, and the callers it had a year before.
    Returns(NaiveDate, i64),
}

impl Signal {
    /// Whether somebody should look today.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Signal::Burst(_) | Signal::Unusual(_))
    }
}

/// From so many standard deviations on a day is told to be unusual.
const UNUSUAL_FROM: f64 = 3.0;

fn signals(ctx: &Ctx, problem: &Problem) -> Vec<Signal> {
    let burst = problem.burst_at.filter(|at| ctx.now - *at < TimeDelta::days(1));
    let returns = problem.returns_on.filter(|on| *on >= ctx.today).zip(problem.returns_callers);
    let told = [
        burst.and(problem.burst_callers).map(Signal::Burst),
        problem.unusual.filter(|deviations| *deviations >= UNUSUAL_FROM).map(Signal::Unusual),
        problem.insistent_calls.map(Signal::Insistent),
        returns.map(|(on, callers)| Signal::Returns(on, callers)),
    ];
    told.into_iter().flatten().collect()
}

/// A decision about a problem as its history shows it.
#[derive(Debug, Clone)]
pub struct Decided {
    pub decision: Decision,
    pub by: String,
    /// The other problem that it names.
    pub other: Option<Problem>,
    pub is_undone: bool,
    /// How many tickets it moved or bound.
    pub tickets: usize,
}

/// A problem and why its tickets are together.
#[derive(Debug, Clone)]
pub struct ProblemView {
    pub problem: Problem,
    /// With their strength.
    pub terms: Vec<(String, f64)>,
    /// With the percent of the tickets looked at when they were last described: all, or the latest.
    pub places: Vec<(String, usize)>,
    /// The days with most tickets, the first of them first.
    pub peaks: Vec<(NaiveDate, u32)>,
    pub signals: Vec<Signal>,
    /// The theme that it is under.
    pub theme: Option<Problem>,
    /// Of a theme: the problems under it.
    pub under: Vec<Problem>,
    pub proposals: Vec<ProposalView>,
    pub decided: Vec<Decided>,
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

/// Key terms with their strength, the strongest first.
pub fn terms_of(problem: &Problem) -> Vec<(String, f64)> {
    serde_json::from_str(&problem.terms).unwrap_or_default()
}

pub fn list(ctx: &mut Ctx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<ProblemLine>, i64), Error> {
    ctx.require_anywhere(Action::ReadProblems)?;
    let (rows, total) = problems::list(&mut ctx.tx, filter, offset, limit)?;
    let mut lines = Vec::with_capacity(rows.len());
    for problem in rows {
        let weekly = weekly(ctx, &problem.id)?;
        let case = cases::open_case_of(&mut ctx.tx, &problem.id)?;
        let terms = terms_of(&problem).into_iter().map(|(term, _)| term).collect();
        lines.push(ProblemLine { terms, weekly, case, signals: signals(ctx, &problem), problem });
    }
    Ok((lines, total))
}

/// Tickets a week over the last quarter, the oldest first.
pub fn weekly(ctx: &mut Ctx, problem_id: &str) -> Result<Vec<u32>, Error> {
    let until = ctx.today + TimeDelta::days(1);
    let from = until - TimeDelta::weeks(SPARK_WEEKS);
    let received = memberships::received_since(&mut ctx.tx, problem_id, ctx.app.clock.start_of(from))?;
    Ok(trend::weekly(received.into_iter().map(|at| ctx.app.clock.local_date(at)), from, until))
}

fn counted(ctx: &Ctx, calls: &[memberships::Call]) -> Vec<trend::Counted> {
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
    let calls = memberships::calls(&mut ctx.tx, id, None)?;
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
    let theme = match &problem.parent_id {
        Some(theme) => problems::by_id(&mut ctx.tx, theme)?,
        None => None,
    };
    Ok(ProblemView {
        terms: terms_of(&problem),
        peaks: peaks(&daily, from),
        signals: signals(ctx, &problem),
        theme,
        under: problems::under(&mut ctx.tx, id)?,
        proposals: proposals::list(ctx, Some(id))?,
        decided: decided(ctx, id)?,
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

fn peaks(daily: &[u32], from: NaiveDate) -> Vec<(NaiveDate, u32)> {
    let mut days: Vec<(NaiveDate, u32)> = from.iter_days().zip(daily.iter().copied()).collect();
    days.retain(|(_, tickets)| *tickets > 1);
    days.sort_by_key(|(day, tickets)| (std::cmp::Reverse(*tickets), *day));
    days.truncate(PEAKS_SHOWN);
    days.sort_by_key(|(day, _)| *day);
    days
}

fn decided(ctx: &mut Ctx, id: &str) -> Result<Vec<Decided>, Error> {
    let mut told = Vec::new();
    for (decision, is_undone) in decisions::of_problem(&mut ctx.tx, id)? {
        let other =
            [&decision.from_problem_id, &decision.to_problem_id].into_iter().flatten().find(|other| *other != id);
        let other = match other {
            Some(other) => problems::by_id(&mut ctx.tx, other)?,
            None => None,
        };
        let by = people::person_by_id(&mut ctx.tx, &decision.person_id)?.map(|person| person.name).unwrap_or_default();
        let tickets = decisions::sides(&mut ctx.tx, &decision.id)?.0.len();
        told.push(Decided { decision, by, other, is_undone, tickets });
    }
    Ok(told)
}

/// The most central tickets, and the newest others with their near-duplicates folded. Without the index: the newest.
fn typical_and_folded(ctx: &Ctx, problem_id: &str, newest: &[String]) -> (Vec<String>, Vec<(String, usize)>) {
    let found = ctx.app.index.read(|index| {
        let mut typical = explain::central(index, problem_id, TYPICAL);
        if typical.is_empty() {
            typical = newest.iter().take(TYPICAL).cloned().collect();
        }
        let rest: Vec<String> = newest.iter().filter(|id| !typical.contains(id)).cloned().collect();
        let folded = explain::near_duplicates(index, &rest);
        (typical, folded)
    });
    found.unwrap_or_else(|| (newest.iter().take(TYPICAL).cloned().collect(), Vec::new()))
}

fn quartiles(daily: &[u32]) -> (u32, u32) {
    let mut sorted = daily.to_vec();
    sorted.sort_unstable();
    let at = |share: usize| sorted.get(sorted.len() * share / 4).copied().unwrap_or(0);
    (at(1), at(3))
}
