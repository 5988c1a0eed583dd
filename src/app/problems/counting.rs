//! What is counted of a problem: tickets, callers, window, growth, heat, terms, places.

use crate::app::problems::detection::{keep_lease, short, text_of};
use crate::app::{Actor, App, Ctx, Error};
use crate::detect::trend::{Burst, Return};
use crate::detect::{Document, explain, trend};
use crate::domain::mask::street;
use crate::domain::problem::{ProblemKind, ProblemState};
use crate::store::memberships::{self, Call};
use crate::store::problems::{self, Problem};
use crate::store::tickets::{self, Ticket};
use crate::store::{cases, house};
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The local day on which every problem was last counted.
const COUNTED_ON_SETTING: &str = "detection.counted_on";
/// Problems counted on one snapshot and saved in one transaction: people wait behind it.
const COUNTED_AT_ONCE: usize = 32;
/// Tickets of these problems: while they are read SQLite cannot begin its write-ahead log anew.
const TICKETS_AT_ONCE: i64 = 4_096;
/// A problem of fewer tickets keeps the title of its first: most never grow, and their words would cost as much.
const DESCRIBED_FROM: usize = 3;
const TERMS_SHOWN: usize = 8;
/// Tickets read to find a problem's terms, the latest.
const TEXTS_READ: usize = 60;
const PLACES_SHOWN: usize = 12;
/// JSON of no terms.
pub(in crate::app) const EMPTY: &str = "[]";
/// Days that tell what is usual: eight of each weekday.
const DAYS_BACK: i64 = 56;
/// Callers within these hours are compared with what the usual day brings.
const BURST_HOURS: i64 = 3;
/// Places with a proposed problem that make a theme one to propose.
const PLACES_OF_THEME: usize = 2;

/// What was counted of a problem.
pub struct Count {
    problem_id: String,
    tickets: i64,
    callers: i64,
    window_callers: i64,
    growth: f64,
    heat: f64,
    unusual: f64,
    burst: Option<Burst>,
    insistent_calls: Option<i64>,
    returns: Option<Return>,
    /// When the first and the last ticket came; none without tickets.
    span: Option<(NaiveDateTime, NaiveDateTime)>,
    is_recurring: bool,
    /// None while the index is not there, and when few tickets came since it was described.
    described: Option<Description>,
}

struct Description {
    /// Key terms with their strength, as JSON.
    terms: String,
    /// JSON of [name, percent of the tickets looked at].
    places: String,
    title: Option<String>,
}

/// Counts a problem anew and saves it; proposes it when it is past its thresholds.
pub fn refresh(ctx: &mut Ctx, problem_id: &str) -> Result<(), Error> {
    let counted = count_all(ctx, &[problem_id.to_owned()], || ())?;
    save_all(ctx, counted)
}

/// A new problem as it is counted with its first ticket alone.
pub(in crate::app) fn with_first(ctx: &Ctx, problem: Problem, ticket: &Ticket) -> Problem {
    let first = [trend::Counted {
        caller: ticket.caller_hash.clone(),
        received_on: ctx.app.clock.local_date(ticket.received_at),
    }];
    let days = ctx.app.settings.thresholds.window_days;
    Problem {
        tickets: 1,
        callers: 1,
        window_callers: i64::from(trend::window_callers(&first, ctx.today, days)),
        growth: Some(f64::from(trend::growth(&first, ctx.today, days))),
        heat: trend::heat(&first, ctx.today),
        ..problem
    }
}

/// How many of the problems, with their tickets, are counted on one snapshot; of some one at least.
fn at_once(problems: &[(String, i64)]) -> usize {
    let mut together = 0;
    let fits = problems.iter().take(COUNTED_AT_ONCE).take_while(|(_, tickets)| {
        together += tickets;
        together <= TICKETS_AT_ONCE
    });
    fits.count().max(1).min(problems.len())
}

/// [`count_all`] on a snapshot, where nobody waits for its end: people go first again and again.
fn count_behind(ctx: &mut Ctx, problems: &[(String, i64)]) -> Result<Vec<Count>, Error> {
    let ids: Vec<String> = problems.iter().map(|(id, _)| id.clone()).collect();
    let store = ctx.app.store.clone();
    count_all(ctx, &ids, || store.give_way())
}

/// Goes through all of the problems' tickets. `between` is called every now and then.
fn count_all(ctx: &mut Ctx, ids: &[String], between: impl FnMut()) -> Result<Vec<Count>, Error> {
    let city = City::now(ctx)?;
    let problems = problems::by_ids(&mut ctx.tx, ids)?;
    let calls = memberships::calls_of_all(&mut ctx.tx, ids, between)?;
    let calls_of = |problem: &Problem| calls.get(&problem.id).map_or(&[][..], Vec::as_slice);
    let described = problems.iter().filter(|problem| is_to_be_described(problem, calls_of(problem)));
    let latest: Vec<String> = described.flat_map(|problem| latest(calls_of(problem))).cloned().collect();
    let texts = tickets::by_ids(&mut ctx.tx, &latest)?.into_iter().map(|row| (row.id.clone(), row)).collect();
    problems.iter().map(|problem| count(ctx, problem, calls_of(problem), &texts, &city)).collect()
}

fn count(
    ctx: &mut Ctx,
    problem: &Problem,
    calls: &[Call],
    texts: &HashMap<String, Ticket>,
    city: &City,
) -> Result<Count, Error> {
    let counted: Vec<trend::Counted> = calls
        .iter()
        .map(|call| trend::Counted {
            caller: call.caller_hash.clone(),
            received_on: ctx.app.clock.local_date(call.received_at),
        })
        .collect();
    let thresholds = &ctx.app.settings.thresholds;
    let anonymous = counted.iter().filter(|call| call.caller.is_none()).count();
    let named: BTreeSet<&String> = counted.iter().filter_map(|call| call.caller.as_ref()).collect();
    let daily = trend::daily(&counted, ctx.today - TimeDelta::days(DAYS_BACK), ctx.today + TimeDelta::days(1));
    let (today, past) = daily.split_last().map_or((0, &[][..]), |(today, past)| (*today, past));
    let usual = past.iter().sum::<u32>() as f64 / past.len().max(1) as f64;
    Ok(Count {
        problem_id: problem.id.clone(),
        tickets: calls.len() as i64,
        callers: (anonymous + named.len()) as i64,
        window_callers: i64::from(trend::window_callers(&counted, ctx.today, thresholds.window_days)),
        growth: f64::from(trend::growth(&counted, ctx.today, thresholds.window_days)),
        heat: trend::heat(&counted, ctx.today),
        unusual: trend::unusual(today, past, city.today, &city.past),
        burst: trend::burst(callers_since(calls, ctx.now - TimeDelta::hours(BURST_HOURS)), BURST_HOURS as f64, usual),
        insistent_calls: trend::insistent(&counted).map(|(_, calls)| calls as i64),
        returns: trend::returns(thresholds, &counted, ctx.today),
        span: calls.first().zip(calls.last()).map(|(first, last)| (first.received_at, last.received_at)),
        is_recurring: trend::judge(thresholds, &counted, ctx.today),
        described: if is_to_be_described(problem, calls) { describe(ctx, problem, calls, texts)? } else { None },
    })
}

/// Distinct callers from a moment on.
fn callers_since(calls: &[Call], from: NaiveDateTime) -> u32 {
    let recent = calls.iter().filter(|call| call.received_at >= from);
    recent.map(|call| call.caller_hash.as_ref().unwrap_or(&call.ticket_id)).collect::<HashSet<_>>().len() as u32
}

/// Whether a fifth more tickets came than when it was last described.
fn is_to_be_described(problem: &Problem, calls: &[Call]) -> bool {
    let (then, now) = (problem.tickets as usize, calls.len());
    let is_described = problem.terms.len() > EMPTY.len();
    now >= DESCRIBED_FROM && (!is_described || now.abs_diff(then) * 5 >= then)
}

/// The tickets that tell what a problem is about.
fn latest(calls: &[Call]) -> impl Iterator<Item = &String> {
    calls.iter().rev().map(|call| &call.ticket_id).take(TEXTS_READ)
}

/// Key terms, places and a title, from the latest tickets.
fn describe(
    ctx: &mut Ctx,
    problem: &Problem,
    calls: &[Call],
    texts: &HashMap<String, Ticket>,
) -> Result<Option<Description>, Error> {
    let rows: Vec<&Ticket> = latest(calls).filter_map(|id| texts.get(id)).collect();
    let texts: Vec<Document> = rows.iter().map(|row| text_of(row)).collect();
    let read = ctx.app.index.read(|index| {
        (explain::terms(index, &texts, TERMS_SHOWN), explain::central(index, &problem.id, 1).into_iter().next())
    });
    let Some((terms, central)) = read else { return Ok(None) };
    let title = match central {
        Some(id) => match rows.iter().find(|row| row.id == id) {
            Some(ticket) => Some(short(&ticket.title)),
            None => tickets::by_id(&mut ctx.tx, &id)?.map(|ticket| short(&ticket.title)),
        },
        // The index knows no themes: what their tickets' titles have in common names them.
        None => {
            explain::matter(&texts.iter().map(|text| text.title).collect::<Vec<_>>(), &terms).map(|told| short(&told))
        }
    };
    let title = title.filter(|title| !title.is_empty());
    Ok(Some(Description { terms: json!(terms).to_string(), places: places(ctx, &problem.id, calls, &texts)?, title }))
}

/// Districts where the calls come from several; in one, the places that the texts name; without names, where people live.
fn places(ctx: &mut Ctx, problem_id: &str, calls: &[Call], texts: &[Document]) -> Result<String, Error> {
    let (mut places, mut among) =
        (explain::places(calls.iter().filter_map(|call| call.district.as_deref())), calls.len());
    if places.len() <= 1 {
        let named = explain::places_in(texts);
        (places, among) = if named.is_empty() { (places, among) } else { (named, texts.len()) };
    }
    if places.is_empty() {
        let addresses = memberships::addresses(&mut ctx.tx, problem_id)?;
        let streets: Vec<String> = addresses.iter().filter_map(|address| street(address)).collect();
        (places, among) = (explain::places(streets.iter().map(String::as_str)), calls.len());
    }
    places.truncate(PLACES_SHOWN);
    let percent = |count: usize| (100 * count + among / 2) / among.max(1);
    let shares: Vec<(String, usize)> = places.into_iter().map(|(name, count)| (name, percent(count))).collect();
    Ok(json!(shares).to_string())
}

/// How busy the whole city is today, and was on the same weekdays before.
struct City {
    today: u32,
    /// Tickets a day, the oldest first, up to yesterday; only the days are filled in that are compared with.
    past: Vec<u32>,
}

impl City {
    fn now(ctx: &mut Ctx) -> Result<City, Error> {
        let mut on = |days_ago: i64| -> Result<u32, Error> {
            let day = ctx.today - TimeDelta::days(days_ago);
            let (from, until) = (ctx.app.clock.start_of(day), ctx.app.clock.start_of(day + TimeDelta::days(1)));
            Ok(tickets::received_between(&mut ctx.tx, from, until)? as u32)
        };
        let today = on(0)?;
        let mut past = vec![0; DAYS_BACK as usize];
        for weeks in 1..=DAYS_BACK / 7 {
            past[(DAYS_BACK - 7 * weeks) as usize] = on(7 * weeks)?;
        }
        Ok(City { today, past })
    }
}

/// Saves what was counted of problems as they are now.
fn save_all(ctx: &mut Ctx, counted: Vec<Count>) -> Result<(), Error> {
    let ids: Vec<String> = counted.iter().map(|count| count.problem_id.clone()).collect();
    let rows = problems::by_ids(&mut ctx.tx, &ids)?.into_iter().map(|row| (row.id.clone(), row));
    let mut rows: HashMap<String, Problem> = rows.collect();
    for count in counted {
        if let Some(problem) = rows.remove(&count.problem_id) {
            save(ctx, problem, count)?;
        }
    }
    Ok(())
}

fn save(ctx: &mut Ctx, mut problem: Problem, count: Count) -> Result<(), Error> {
    (problem.tickets, problem.callers, problem.window_callers) = (count.tickets, count.callers, count.window_callers);
    (problem.growth, problem.heat) = (Some(count.growth), count.heat);
    (problem.unusual, problem.insistent_calls) = (Some(count.unusual), count.insistent_calls);
    (problem.returns_on, problem.returns_callers) =
        count.returns.map_or((None, None), |told| (Some(told.from), Some(i64::from(told.callers))));
    if let Some((first, last)) = count.span {
        (problem.first_at, problem.last_at) = (first, last);
    }
    if let Some(described) = count.described {
        (problem.terms, problem.places) = (described.terms, described.places);
        if let Some(title) = described.title.filter(|_| !problem.title_by_person) {
            problem.title = title;
        }
    }
    warn_of_burst(ctx, &mut problem, count.burst);
    let recurs = count.is_recurring || count.burst.is_some();
    if problem.state == ProblemState::Quiet && recurs && stands_out(ctx, &problem)? {
        problem.state = ProblemState::Proposed;
        problem.proposed_at = Some(ctx.now);
        let payload = json!({ "no": problem.no, "callers": problem.window_callers, "growth": problem.growth });
        ctx.record("problem.proposed", ("problem", &problem.id), None, payload);
    } else if has_fallen_apart(ctx, &problem, recurs)? {
        problem.state = ProblemState::Quiet;
        ctx.record("problem.withdrawn", ("problem", &problem.id), None, json!({ "no": problem.no }));
    }
    if problems::save(&mut ctx.tx, &problem)? { Ok(()) } else { Err(Error::Busy) }
}

/// Whether a problem that nobody decided about has lost its tickets to others, so that its callers alone make none.
fn has_fallen_apart(ctx: &mut Ctx, problem: &Problem, recurs: bool) -> Result<bool, Error> {
    let least = i64::from(ctx.app.settings.thresholds.distinct_callers);
    let is_open = problem.state == ProblemState::Proposed && problem.decided_at.is_none();
    let falls = is_open && !recurs && problem.burst_at.is_none() && problem.callers < least;
    Ok(falls && cases::open_case_of(&mut ctx.tx, &problem.id)?.is_none())
}

/// A theme does when places under it do by themselves: single tickets from all over the city are no problem yet.
fn stands_out(ctx: &mut Ctx, problem: &Problem) -> Result<bool, Error> {
    if problem.kind == ProblemKind::Local {
        return Ok(true);
    }
    let under = problems::under(&mut ctx.tx, &problem.id)?;
    Ok(under.iter().filter(|place| place.state == ProblemState::Proposed).count() >= PLACES_OF_THEME)
}

/// A burst is told of for a day, and recorded once.
fn warn_of_burst(ctx: &mut Ctx, problem: &mut Problem, burst: Option<Burst>) {
    let is_told = problem.burst_at.is_some_and(|at| ctx.now - at < TimeDelta::days(1));
    match burst {
        Some(burst) => {
            if !is_told {
                let payload = json!({ "no": problem.no, "callers": burst.callers, "expected": burst.expected });
                ctx.record("problem.burst", ("problem", &problem.id), None, payload);
                problem.burst_at = Some(ctx.now);
            }
            problem.burst_callers = problem.burst_callers.max(Some(i64::from(burst.callers)));
        }
        None if is_told => {}
        None => (problem.burst_at, problem.burst_callers) = (None, None),
    }
}

/// Counts a few of the problems that changed; gives back how many.
pub async fn count_some(app: &App, holder: String) -> Result<usize, Error> {
    let actor = Actor::job("归并");
    let counted = app.read(&actor, |ctx| {
        let waiting = problems::uncounted(&mut ctx.tx, COUNTED_AT_ONCE as i64)?;
        count_behind(ctx, &waiting[..at_once(&waiting)])
    });
    let counted = counted.await?;
    let many = counted.len();
    if many == 0 {
        return Ok(0);
    }
    let save = move |ctx: &mut Ctx| {
        keep_lease(ctx, &holder)?;
        problems::set_uncounted(&mut ctx.tx, counted.iter().map(|count| &count.problem_id), false)?;
        save_all(ctx, counted)
    };
    app.write(&actor, save).await?;
    Ok(many)
}

/// Counts every problem once a local day: windows, growth and heat change by the mere passing of days.
pub async fn recount_daily(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let today = app.clock.local_date(now).to_string();
    let counted_on = app.store.read_aside(|tx| house::setting(tx, COUNTED_ON_SETTING)).await?;
    if counted_on.as_ref() == Some(&today) {
        return Ok(());
    }
    recount(app).await?;
    Ok(app.store.write(move |tx| house::put_setting(tx, COUNTED_ON_SETTING, &today, now)).await?)
}

/// Counts every problem as of now.
pub async fn recount(app: &App) -> Result<usize, Error> {
    let actor = Actor::job("研判");
    let hottest = app.store.read_aside(|tx| problems::hottest(tx, &problems::Filter::default(), 0, 5_000)).await?;
    let problems: Vec<(String, i64)> = hottest.into_iter().map(|row| (row.id, row.tickets)).collect();
    let mut waiting = &problems[..];
    while !waiting.is_empty() {
        let (now, later) = waiting.split_at(at_once(waiting));
        let now = now.to_vec();
        let counted = app.read(&actor, move |ctx| count_behind(ctx, &now)).await?;
        app.write(&actor, |ctx| save_all(ctx, counted)).await?;
        waiting = later;
    }
    Ok(problems.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_tickets_are_read_on_one_snapshot_and_every_problem_gets_its_turn() {
        let of = |tickets: &[i64]| -> Vec<(String, i64)> {
            tickets.iter().enumerate().map(|(n, tickets)| (n.to_string(), *tickets)).collect()
        };
        assert_eq!(at_once(&of(&[1; 100])), COUNTED_AT_ONCE);
        assert_eq!(at_once(&of(&[3_000, 1_000, 1_000, 1])), 2);
        assert_eq!(at_once(&of(&[50_000, 1])), 1, "a large one alone");
        assert_eq!(at_once(&of(&[0; 3])), 3);
        assert_eq!(at_once(&[]), 0);
    }
}
