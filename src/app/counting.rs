//! What is counted of a problem: tickets, callers, window, growth, heat, terms, places.

use super::detection::{keep_lease, short};
use super::{Actor, App, Ctx, Error};
use crate::detect::{Document, explain, trend};
use crate::domain::problem::ProblemState;
use crate::store::tickets::Ticket;
use crate::store::{Tx, house, problems, tickets};
use chrono::NaiveDateTime;
use serde_json::json;
use std::collections::BTreeSet;

/// The local day on which every problem was last counted.
const COUNTED_ON_SETTING: &str = "detection.counted_on";
/// Ids of problems that wait to be counted.
const UNCOUNTED_SETTING: &str = "detection.uncounted";
/// So many wait at most, also while tickets keep coming.
pub const UNCOUNTED_MAX: usize = 1_000;
/// What a burst of tickets waits for between two chunks of it.
const COUNTED_AT_ONCE: usize = 32;
const RECOUNTED_AT_ONCE: usize = 8;
/// A problem of fewer tickets keeps the title of its first: most never grow, and their words would cost as much.
const DESCRIBED_FROM: usize = 3;
const TERMS_SHOWN: usize = 8;
/// Tickets read to find a problem's terms, the latest.
const TERMS_READ: usize = 200;
const PLACES_SHOWN: usize = 12;

/// What was counted of a problem.
pub struct Count {
    problem_id: String,
    tickets: i64,
    callers: i64,
    window_callers: i64,
    growth: f64,
    heat: f64,
    /// When the first and the last ticket came; none without tickets.
    span: Option<(NaiveDateTime, NaiveDateTime)>,
    /// JSON of {name, count}.
    places: String,
    is_recurring: bool,
    /// Key terms as JSON, and the most central ticket's title; none while the index is not there.
    described: Option<(String, Option<String>)>,
}

/// Counts a problem anew and saves it; proposes it when it is past its thresholds.
pub fn refresh(ctx: &mut Ctx, problem_id: &str) -> Result<(), Error> {
    let count = count(ctx, problem_id)?;
    save(ctx, count)
}

/// Goes through all of a problem's tickets: where others wait for the writer, on a snapshot.
fn count(ctx: &mut Ctx, problem_id: &str) -> Result<Count, Error> {
    let calls = problems::calls(&mut ctx.tx, problem_id, None)?;
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
    let districts: Vec<String> = calls.iter().filter_map(|call| call.district.clone()).collect();
    let addresses = if districts.is_empty() { problems::addresses(&mut ctx.tx, problem_id)? } else { Vec::new() };
    let mut places = explain::places(districts.iter().chain(&addresses).map(String::as_str));
    places.truncate(PLACES_SHOWN);
    Ok(Count {
        problem_id: problem_id.to_owned(),
        tickets: calls.len() as i64,
        callers: (anonymous + named.len()) as i64,
        window_callers: i64::from(trend::window_callers(&counted, ctx.today, thresholds.window_days)),
        growth: f64::from(trend::growth(&counted, ctx.today, thresholds.window_days)),
        heat: trend::heat(&counted, ctx.today),
        span: calls.first().zip(calls.last()).map(|(first, last)| (first.received_at, last.received_at)),
        places: json!(places).to_string(),
        is_recurring: trend::judge(thresholds, &counted, ctx.today),
        described: if calls.len() < DESCRIBED_FROM { None } else { describe(ctx, problem_id)? },
    })
}

/// Key terms, and the most central ticket's title.
fn describe(ctx: &mut Ctx, problem_id: &str) -> Result<Option<(String, Option<String>)>, Error> {
    let app = ctx.app.clone();
    let engine = || app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (latest, central) = match engine().as_ref() {
        Some(engine) => {
            let latest: Vec<String> = engine.members(problem_id).into_iter().rev().take(TERMS_READ).collect();
            (latest, explain::central(engine, problem_id, 1))
        }
        None => return Ok(None),
    };
    let rows = tickets::by_ids(&mut ctx.tx, &latest)?;
    let title = match central.first() {
        Some(id) => tickets::by_id(&mut ctx.tx, id)?.map(|ticket| short(&ticket.title)),
        None => None,
    };
    let texts: Vec<Document> = rows.iter().map(text).collect();
    let Some(terms) = engine().as_ref().map(|engine| explain::terms(engine, &texts, TERMS_SHOWN)) else {
        return Ok(None);
    };
    let terms: Vec<String> = terms.into_iter().map(|(term, _)| term).collect();
    Ok(Some((json!(terms).to_string(), title)))
}

fn save(ctx: &mut Ctx, count: Count) -> Result<(), Error> {
    let Some(mut problem) = problems::by_id(&mut ctx.tx, &count.problem_id)? else { return Ok(()) };
    (problem.tickets, problem.callers, problem.window_callers) = (count.tickets, count.callers, count.window_callers);
    (problem.growth, problem.heat, problem.places) = (Some(count.growth), count.heat, count.places);
    if let Some((first, last)) = count.span {
        (problem.first_at, problem.last_at) = (first, last);
    }
    if let Some((terms, title)) = count.described {
        problem.terms = terms;
        if let Some(title) = title.filter(|_| !problem.title_by_person) {
            problem.title = title;
        }
    }
    if problem.state == ProblemState::Quiet && count.is_recurring {
        problem.state = ProblemState::Proposed;
        problem.proposed_at = Some(ctx.now);
        let payload = json!({ "no": problem.no, "callers": problem.window_callers, "growth": problem.growth });
        ctx.record("problem.proposed", ("problem", &problem.id), None, payload);
    }
    if problems::save(&mut ctx.tx, &problem)? { Ok(()) } else { Err(Error::Busy) }
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
pub async fn count_some(app: &App, holder: String) -> Result<usize, Error> {
    let actor = Actor::job("归并");
    let counted = app.read(&actor, |ctx| {
        let waiting = uncounted(&mut ctx.tx)?;
        waiting.iter().take(COUNTED_AT_ONCE).map(|id| count(ctx, id)).collect::<Result<Vec<Count>, Error>>()
    });
    let counted = counted.await?;
    let many = counted.len();
    let save_all = move |ctx: &mut Ctx| {
        keep_lease(ctx, &holder)?;
        let mut waiting = uncounted(&mut ctx.tx)?;
        for count in counted {
            waiting.remove(&count.problem_id);
            save(ctx, count)?;
        }
        put_uncounted(ctx, &waiting)
    };
    app.write(&actor, save_all).await?;
    Ok(many)
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
    let many = ids.len();
    for chunk in ids.chunks(RECOUNTED_AT_ONCE) {
        let chunk = chunk.to_vec();
        let counted = app.read(&actor, move |ctx| chunk.iter().map(|id| count(ctx, id)).collect::<Result<Vec<_>, _>>());
        let counted = counted.await?;
        app.write(&actor, move |ctx| counted.into_iter().try_for_each(|count| save(ctx, count))).await?;
    }
    Ok(many)
}
