//! What is counted of a problem: tickets, callers, window, growth, heat, terms, places.

use super::detection::short;
use super::{Actor, App, Ctx, Error};
use crate::detect::{Document, explain, trend};
use crate::domain::problem::ProblemState;
use crate::store::problems::Problem;
use crate::store::tickets::Ticket;
use crate::store::{Tx, house, problems, tickets};
use serde_json::json;
use std::collections::BTreeSet;

/// The local day on which every problem was last counted.
const COUNTED_ON_SETTING: &str = "detection.counted_on";
/// Ids of problems that wait to be counted.
const UNCOUNTED_SETTING: &str = "detection.uncounted";
/// So many wait at most, also while tickets keep coming.
pub const UNCOUNTED_MAX: usize = 1_000;
/// Few enough that nobody waits for the transaction.
const COUNTED_AT_ONCE: usize = 2;
const TERMS_SHOWN: usize = 8;
/// Tickets read to find a problem's terms, the latest.
const TERMS_READ: usize = 200;
const PLACES_SHOWN: usize = 12;

/// Counts a problem anew: tickets, callers, window, growth, heat, terms, places; proposes it when it is past its thresholds.
pub fn refresh(ctx: &mut Ctx, problem_id: &str) -> Result<(), Error> {
    let Some(mut problem) = problems::by_id(&mut ctx.tx, problem_id)? else { return Ok(()) };
    let calls = problems::calls(&mut ctx.tx, problem_id, None)?;
    let counted: Vec<trend::Counted> = calls
        .iter()
        .map(|call| trend::Counted {
            caller: call.caller_hash.clone(),
            received_on: ctx.app.clock.local_date(call.received_at),
        })
        .collect();
    let thresholds = ctx.app.settings.thresholds.clone();
    problem.tickets = calls.len() as i64;
    let anonymous = counted.iter().filter(|call| call.caller.is_none()).count();
    let named: BTreeSet<&String> = counted.iter().filter_map(|call| call.caller.as_ref()).collect();
    problem.callers = (anonymous + named.len()) as i64;
    problem.window_callers = i64::from(trend::window_callers(&counted, ctx.today, thresholds.window_days));
    problem.growth = Some(f64::from(trend::growth(&counted, ctx.today, thresholds.window_days)));
    problem.heat = trend::heat(&counted, ctx.today);
    if let (Some(first), Some(last)) = (calls.first(), calls.last()) {
        (problem.first_at, problem.last_at) = (first.received_at, last.received_at);
    }
    let addresses = problems::addresses(&mut ctx.tx, problem_id)?;
    let districts: Vec<String> = calls.iter().filter_map(|call| call.district.clone()).collect();
    let named = if districts.is_empty() { &addresses } else { &districts };
    let mut places = explain::places(named.iter().map(String::as_str));
    places.truncate(PLACES_SHOWN);
    problem.places = json!(places).to_string();
    describe(ctx, &mut problem)?;
    if problem.state == ProblemState::Quiet && trend::judge(&thresholds, &counted, ctx.today) {
        problem.state = ProblemState::Proposed;
        problem.proposed_at = Some(ctx.now);
        let payload = json!({ "no": problem.no, "callers": problem.window_callers, "growth": problem.growth });
        ctx.record("problem.proposed", ("problem", problem_id), None, payload);
    }
    if problems::save(&mut ctx.tx, &problem)? { Ok(()) } else { Err(Error::Busy) }
}

/// Key terms, and the most central ticket's title unless a person gave one.
fn describe(ctx: &mut Ctx, problem: &mut Problem) -> Result<(), Error> {
    let app = ctx.app.clone();
    let slot = app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(engine) = slot.as_ref() else { return Ok(()) };
    let latest: Vec<String> = engine.members(&problem.id).into_iter().rev().take(TERMS_READ).collect();
    let rows = tickets::by_ids(&mut ctx.tx, &latest)?;
    let terms = explain::terms(engine, &rows.iter().map(text).collect::<Vec<_>>(), TERMS_SHOWN);
    problem.terms = json!(terms.into_iter().map(|(term, _)| term).collect::<Vec<_>>()).to_string();
    if !problem.title_by_person
        && let Some(central) = explain::central(engine, &problem.id, 1).first()
        && let Some(ticket) = tickets::by_id(&mut ctx.tx, central)?
    {
        problem.title = short(&ticket.title);
    }
    Ok(())
}

fn text(ticket: &Ticket) -> Document<'_> {
    Document { id: &ticket.id, title: &ticket.title, body: &ticket.body, place: None, received_at: ticket.received_at }
}

/// Problems with new tickets since they were counted. Counting goes through all of a problem's tickets: it waits until
/// a burst has been matched.
pub fn uncounted(tx: &mut Tx) -> Result<BTreeSet<String>, Error> {
    let kept = house::setting(tx, UNCOUNTED_SETTING)?.unwrap_or_default();
    Ok(kept.split_whitespace().map(str::to_owned).collect())
}

pub fn add_uncounted(ctx: &mut Ctx, ids: BTreeSet<String>) -> Result<(), Error> {
    let mut uncounted = uncounted(&mut ctx.tx)?;
    uncounted.extend(ids);
    put_uncounted(ctx, &uncounted)
}

fn put_uncounted(ctx: &mut Ctx, ids: &BTreeSet<String>) -> Result<(), Error> {
    let kept = ids.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    Ok(house::put_setting(&mut ctx.tx, UNCOUNTED_SETTING, &kept, ctx.now)?)
}

/// Counts a few of the problems that wait for it; gives back how many.
pub fn count_some(ctx: &mut Ctx) -> Result<usize, Error> {
    let mut uncounted = uncounted(&mut ctx.tx)?;
    let now: Vec<String> = uncounted.iter().take(COUNTED_AT_ONCE).cloned().collect();
    for id in &now {
        refresh(ctx, id)?;
        uncounted.remove(id);
    }
    put_uncounted(ctx, &uncounted)?;
    Ok(now.len())
}

/// Counts every problem once a local day: windows, growth and heat change by the mere passing of days.
pub async fn recount_daily(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let today = app.clock.local_date(now).to_string();
    let counted_on = app.store.read(|tx| house::setting(tx, COUNTED_ON_SETTING)).await?;
    if counted_on.as_ref() == Some(&today) {
        return Ok(());
    }
    recount(app).await?;
    Ok(app.store.write(move |tx| house::put_setting(tx, COUNTED_ON_SETTING, &today, now)).await?)
}

/// Counts every problem as of now.
pub async fn recount(app: &App) -> Result<usize, Error> {
    let actor = Actor::job("研判");
    let ids: Vec<String> = app
        .store
        .read(|tx| -> Result<_, Error> {
            Ok(problems::list(tx, &problems::Filter::default(), 0, 5_000)?.0.into_iter().map(|row| row.id).collect())
        })
        .await?;
    let count = ids.len();
    for chunk in ids.chunks(50) {
        let chunk = chunk.to_vec();
        app.write(&actor, move |ctx| chunk.iter().try_for_each(|id| refresh(ctx, id))).await?;
    }
    Ok(count)
}
