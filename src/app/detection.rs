//! Tickets are matched to problems in the background, by their place in the order of commits.

use super::{Actor, App, Clock, Ctx, Error, attaching};
use crate::detect::{self, Document, Engine, explain, trend};
use crate::domain::mask;
use crate::domain::problem::{PlacedBy, ProblemKind, ProblemState};
use crate::store::problems::{self, Membership, Problem};
use crate::store::tickets::{self, Ticket};
use crate::store::{StoreError, Tx, cases, house, new_id};
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

const WATERMARK: &str = "detection.watermark";
/// The local day on which every problem was last counted.
const COUNTED_ON_SETTING: &str = "detection.counted_on";
const LEASE: &str = "detection";
const ORDER_LEASE: &str = "ordering";
const LEASE_LASTS: TimeDelta = TimeDelta::minutes(2);
/// Tickets taken in one transaction.
const CHUNK: i64 = 250;
/// Tickets that are given their place in one transaction.
const ORDERED_AT_ONCE: i64 = 2_000;
/// Which engine placed a ticket: a later one may place it anew.
const ENGINE_VERSION: i32 = 1;
const TERMS_SHOWN: usize = 8;
const PLACES_SHOWN: usize = 12;
const TITLE_MAX_CHARS: usize = 40;

/// What a person's decision changes in the matching index, after it is committed.
#[derive(Debug, Clone)]
pub enum EngineChange {
    Found(String),
    Move(String, Option<String>),
    Merge { from: String, into: String },
    NeverTogether(String, String),
}

/// Brings people's committed decisions into the index.
pub fn apply(app: &App, changes: Vec<EngineChange>) {
    let mut slot = app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(engine) = slot.as_mut() else { return };
    for change in changes {
        match change {
            EngineChange::Found(problem) => engine.found(&problem),
            EngineChange::Move(ticket, problem) => engine.move_ticket(&ticket, problem.as_deref()),
            EngineChange::Merge { from, into } => engine.merge(&from, &into),
            EngineChange::NeverTogether(a, b) => engine.never_together(&a, &b),
        }
    }
}

/// Rebuilds the index from what is stored: the same archive gives the same index.
pub async fn load(app: &App) -> Result<(), Error> {
    let engine = app.store.read(|tx| -> Result<Engine, Error> { rebuild(tx) }).await?;
    *app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(engine);
    Ok(())
}

fn rebuild(tx: &mut Tx) -> Result<Engine, Error> {
    let mut engine = Engine::new(detect::Settings::default());
    let watermark = watermark(tx)?;
    let mut seq = 0;
    loop {
        let rows = tickets::ordered_after(tx, seq, 2_000)?;
        let Some((last, _)) = rows.last() else { break };
        seq = *last;
        let places = places_of(tx, rows.iter().map(|(_, ticket)| ticket))?;
        for (at, ticket) in &rows {
            if *at <= watermark {
                engine.add(&document(ticket, &places));
            }
        }
    }
    for (ticket, problem) in problems::open_memberships(tx)? {
        if engine.contains(&ticket) {
            engine.found(&problem);
            engine.place(&ticket, &problem);
        }
    }
    for (a, b) in problems::never_together(tx)? {
        engine.never_together(&a, &b);
    }
    Ok(engine)
}

fn watermark(tx: &mut Tx) -> Result<i64, Error> {
    Ok(house::setting(tx, WATERMARK)?.and_then(|seq| seq.parse().ok()).unwrap_or(0))
}

/// Where each ticket happened: district and address in one text.
fn places_of<'t>(tx: &mut Tx, rows: impl Iterator<Item = &'t Ticket>) -> Result<HashMap<String, String>, Error> {
    let rows: Vec<&Ticket> = rows.collect();
    let ids: Vec<String> = rows.iter().map(|ticket| ticket.id.clone()).collect();
    let mut addresses: HashMap<String, String> = tickets::addresses_of(tx, &ids)?.into_iter().collect();
    for ticket in rows {
        if let Some(district) = &ticket.district {
            let place = addresses.entry(ticket.id.clone()).or_default();
            *place = format!("{district} {place}").trim().to_owned();
        }
    }
    Ok(addresses)
}

fn document<'a>(ticket: &'a Ticket, places: &'a HashMap<String, String>) -> Document<'a> {
    Document {
        id: &ticket.id,
        title: &ticket.title,
        body: &ticket.body,
        place: places.get(&ticket.id).map(String::as_str),
        received_at: ticket.received_at,
    }
}

/// Where the engine put one ticket.
struct Placed {
    problem_id: String,
    score: f32,
    runner_up: Option<(String, f32)>,
    /// The lone ticket it founds a new problem with.
    with: Option<String>,
}

/// Gives committed tickets their place in the order; gives back how many. Nothing while another process holds the lease.
pub async fn order(app: &App, holder: &str) -> Result<usize, Error> {
    if !app.store.read(tickets::any_unordered).await? {
        return Ok(0);
    }
    let (holder, real) = (holder.to_owned(), Clock::real());
    let given: Result<usize, StoreError> = app
        .store
        .write(move |tx| {
            if house::take_lease(tx, ORDER_LEASE, &holder, real, real + LEASE_LASTS)? {
                tickets::give_order(tx, ORDERED_AT_ONCE)
            } else {
                Ok(0)
            }
        })
        .await;
    Ok(given?)
}

/// Matches up to one chunk of new tickets. Gives how many were taken; nothing while another process holds the lease or
/// the index is not there yet.
pub async fn catch_up(app: &App, holder: &str) -> Result<usize, Error> {
    let waiting = |tx: &mut Tx| -> Result<bool, Error> {
        let after = watermark(tx)?;
        Ok(!tickets::ordered_after(tx, after, 1)?.is_empty())
    };
    if !app.store.read(waiting).await? {
        return Ok(0);
    }
    let (name, real) = (holder.to_owned(), Clock::real());
    if !app.store.write(move |tx| house::take_lease(tx, LEASE, &name, real, real + LEASE_LASTS)).await? {
        return Ok(0);
    }
    let (rows, places) = app
        .store
        .read(|tx| -> Result<_, Error> {
            let after = watermark(tx)?;
            let rows = tickets::ordered_after(tx, after, CHUNK)?;
            let places = places_of(tx, rows.iter().map(|(_, ticket)| ticket))?;
            Ok((rows, places))
        })
        .await?;
    let Some(last) = rows.last().map(|(seq, _)| *seq) else { return Ok(0) };
    let count = rows.len();
    let Some(placed) = match_rows(app, &rows, &places) else { return Ok(0) };
    let actor = Actor::job("归并");
    let stored = app.write(&actor, move |ctx| store_chunk(ctx, rows, placed, last)).await;
    if stored.is_err() {
        // The index ran ahead of what is stored; it is rebuilt from there.
        load(app).await?;
    }
    stored.map(|()| count)
}

fn match_rows(app: &App, rows: &[(i64, Ticket)], places: &HashMap<String, String>) -> Option<Vec<Option<Placed>>> {
    let mut slot = app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let engine = slot.as_mut()?;
    Some(rows.iter().map(|(_, ticket)| match_one(engine, &document(ticket, places))).collect())
}

fn match_one(engine: &mut Engine, document: &Document) -> Option<Placed> {
    let placed = if let Some(found) = engine.suggest(document) {
        Some(Placed { problem_id: found.problem_id, score: found.score, runner_up: found.runner_up, with: None })
    } else {
        engine.neighbour(document).map(|(ticket, score)| {
            let problem_id = new_id();
            engine.found(&problem_id);
            engine.place(&ticket, &problem_id);
            Placed { problem_id, score, runner_up: None, with: Some(ticket) }
        })
    };
    engine.add(document);
    if let Some(placed) = &placed {
        engine.place(document.id, &placed.problem_id);
    }
    placed
}

fn store_chunk(ctx: &mut Ctx, rows: Vec<(i64, Ticket)>, placed: Vec<Option<Placed>>, last: i64) -> Result<(), Error> {
    let mut touched: BTreeSet<String> = BTreeSet::new();
    let mut memberships = Vec::new();
    for ((_, ticket), placed) in rows.iter().zip(placed) {
        let Some(placed) = placed else { continue };
        if let Some(with) = &placed.with {
            problems_found(ctx, &placed.problem_id, ticket)?;
            memberships.push(membership(ctx.now, with, &placed));
        }
        memberships.push(membership(ctx.now, &ticket.id, &placed));
        touched.insert(placed.problem_id);
    }
    let of_ticket: HashMap<String, String> =
        memberships.iter().map(|row| (row.ticket_id.clone(), row.problem_id.clone())).collect();
    problems::place(&mut ctx.tx, memberships)?;
    for problem_id in &touched {
        refresh(ctx, problem_id)?;
        attach_new(
            ctx,
            problem_id,
            rows.iter().map(|(_, ticket)| ticket).filter(|t| of_ticket.get(&t.id) == Some(problem_id)),
        )?;
    }
    Ok(house::put_setting(&mut ctx.tx, WATERMARK, &last.to_string(), ctx.now)?)
}

fn membership(now: NaiveDateTime, ticket_id: &str, placed: &Placed) -> Membership {
    Membership {
        id: new_id(),
        ticket_id: ticket_id.to_owned(),
        problem_id: placed.problem_id.clone(),
        level: ProblemKind::Local,
        placed_by: PlacedBy::Machine,
        person_id: None,
        engine_version: ENGINE_VERSION,
        score: f64::from(placed.score),
        runner_up_id: placed.runner_up.as_ref().map(|(id, _)| id.clone()),
        runner_up_score: placed.runner_up.as_ref().map(|(_, score)| f64::from(*score)),
        since: now,
        until: None,
    }
}

fn problems_found(ctx: &mut Ctx, id: &str, ticket: &Ticket) -> Result<(), Error> {
    let row = blank_problem(ctx, id, &ticket.title, ticket.received_at)?;
    Ok(problems::insert(&mut ctx.tx, row)?)
}

/// A quiet problem with nothing counted yet.
pub fn blank_problem(ctx: &mut Ctx, id: &str, title: &str, at: NaiveDateTime) -> Result<Problem, Error> {
    Ok(Problem {
        id: id.to_owned(),
        no: house::next_number(&mut ctx.tx, "problem")?,
        kind: ProblemKind::Local,
        parent_id: None,
        state: ProblemState::Quiet,
        merged_into: None,
        title: short(title),
        title_by_person: false,
        terms: "[]".to_owned(),
        places: "[]".to_owned(),
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
        created_at: ctx.now,
    })
}

fn short(title: &str) -> String {
    mask::text(title, None).chars().take(TITLE_MAX_CHARS).collect()
}

/// New tickets of a problem under way join its case.
fn attach_new<'t>(ctx: &mut Ctx, problem_id: &str, new: impl Iterator<Item = &'t Ticket>) -> Result<(), Error> {
    let Some(case) = cases::open_case_of(&mut ctx.tx, problem_id)?.filter(|case| case.state.is_running()) else {
        return Ok(());
    };
    for ticket in new {
        attaching::attach_matched(ctx, ticket, &case.id)?;
    }
    Ok(())
}

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
    problem.terms = json!(explain::terms(engine, &problem.id, TERMS_SHOWN)).to_string();
    if !problem.title_by_person
        && let Some(central) = explain::central(engine, &problem.id, 1).first()
        && let Some(ticket) = tickets::by_id(&mut ctx.tx, central)?
    {
        problem.title = short(&ticket.title);
    }
    Ok(())
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
