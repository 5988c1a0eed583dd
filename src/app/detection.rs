//! Tickets are matched to problems in the background, by their place in the order of commits.

use super::{Actor, App, Clock, Ctx, Error, attaching, counting};
use crate::detect::{self, By, Document, Engine, Placed};
use crate::domain::mask;
use crate::domain::problem::{PlacedBy, ProblemKind, ProblemState};
use crate::store::problems::{self, Membership, Problem};
use crate::store::tickets::{self, Ticket};
use crate::store::{StoreError, Tx, cases, house, new_id};
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

const WATERMARK: &str = "detection.watermark";
const LEASE: &str = "detection";
const ORDER_LEASE: &str = "ordering";
const LEASE_LASTS: TimeDelta = TimeDelta::minutes(2);
/// Tickets taken in one transaction.
const CHUNK: i64 = 100;
/// Tickets that are given their place in one transaction.
const ORDERED_AT_ONCE: i64 = 250;
/// Which engine placed a ticket: a later one may place it anew.
const ENGINE_VERSION: i32 = 2;
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
            EngineChange::Move(ticket, problem) => engine.move_ticket(&ticket, problem.as_deref(), By::Person),
            EngineChange::Merge { from, into } => engine.merge(&from, &into),
            EngineChange::NeverTogether(a, b) => never_together(engine, &a, &b),
        }
    }
}

/// A decision that goes against an earlier one was refused when it was made; what is stored holds.
fn never_together(engine: &mut Engine, a: &str, b: &str) {
    if let Err(contradiction) = engine.constraints().never_together(a, b) {
        tracing::warn!(%contradiction, "a stored decision goes against another");
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
    for (ticket, problem, by_person) in problems::open_memberships(tx)? {
        let by = if by_person { By::Person } else { By::Machine };
        engine.place(&ticket, &problem, by);
    }
    for (a, b) in problems::never_together(tx)? {
        never_together(&mut engine, &a, &b);
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

/// Gives committed tickets their place in the order; gives back how many. Nothing while another process holds the lease.
pub async fn order(app: &App, holder: &str) -> Result<usize, Error> {
    if !app.store.read(tickets::any_unordered).await? {
        return Ok(0);
    }
    let (holder, real) = (holder.to_owned(), Clock::real());
    let given: Result<usize, StoreError> = app
        .store
        .write_behind(move |tx| {
            if house::take_lease(tx, ORDER_LEASE, &holder, real, real + LEASE_LASTS)? {
                tickets::give_order(tx, ORDERED_AT_ONCE)
            } else {
                Ok(0)
            }
        })
        .await;
    Ok(given?)
}

/// Matches up to one chunk of new tickets, or counts some of the problems they went to. Gives how many were taken; nothing while another process holds the lease or
/// the index is not there yet.
pub async fn catch_up(app: &App, holder: &str) -> Result<usize, Error> {
    let (waits, uncounted) = app
        .store
        .read(|tx| -> Result<_, Error> {
            let after = watermark(tx)?;
            Ok((!tickets::ordered_after(tx, after, 1)?.is_empty(), counting::uncounted(tx)?.len()))
        })
        .await?;
    if !waits && uncounted == 0 {
        return Ok(0);
    }
    let (name, real) = (holder.to_owned(), Clock::real());
    if !app.store.write(move |tx| house::take_lease(tx, LEASE, &name, real, real + LEASE_LASTS)).await? {
        return Ok(0);
    }
    if !waits || uncounted >= counting::UNCOUNTED_MAX {
        return counting::count_some(app).await;
    }
    let (rows, places, decided) = app
        .store
        .read(|tx| -> Result<_, Error> {
            let after = watermark(tx)?;
            let rows = tickets::ordered_after(tx, after, CHUNK)?;
            let places = places_of(tx, rows.iter().map(|(_, ticket)| ticket))?;
            Ok((rows, places, problems::decided(tx)?))
        })
        .await?;
    let Some(last) = rows.last().map(|(seq, _)| *seq) else { return Ok(0) };
    let count = rows.len();
    let Some(placed) = match_rows(app, &rows, &places, &decided) else { return Ok(0) };
    let actor = Actor::job("归并");
    let stored = app.write(&actor, move |ctx| store_chunk(ctx, rows, placed, last)).await;
    if stored.is_err() {
        // The index ran ahead of what is stored; it is rebuilt from there.
        load(app).await?;
    }
    stored.map(|()| count)
}

fn match_rows(
    app: &App,
    rows: &[(i64, Ticket)],
    places: &HashMap<String, String>,
    decided: &[String],
) -> Option<Vec<Option<Placed>>> {
    let mut slot = app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let engine = slot.as_mut()?;
    decided.iter().for_each(|problem| engine.decide(problem));
    Some(rows.iter().map(|(_, ticket)| engine.arrive(&document(ticket, places), new_id)).collect())
}

fn store_chunk(ctx: &mut Ctx, rows: Vec<(i64, Ticket)>, placed: Vec<Option<Placed>>, last: i64) -> Result<(), Error> {
    let mut touched: BTreeSet<String> = BTreeSet::new();
    let mut memberships = Vec::new();
    for ((_, ticket), placed) in rows.iter().zip(placed) {
        let Some(placed) = placed else { continue };
        if placed.founded {
            problems_found(ctx, &placed.problem, ticket)?;
        }
        for (with, _) in &placed.along {
            problems::take_out(&mut ctx.tx, with, ctx.now)?;
            memberships.retain(|row: &Membership| row.ticket_id != *with);
        }
        memberships.extend(placed.along.iter().map(|(with, score)| membership(ctx.now, with, *score, &placed)));
        memberships.push(membership(ctx.now, &ticket.id, placed.score, &placed));
        for from in &placed.absorbed {
            absorb(ctx, from, &placed, &mut memberships)?;
            touched.remove(from);
        }
        touched.insert(placed.problem);
    }
    let of_ticket: HashMap<String, String> =
        memberships.iter().map(|row| (row.ticket_id.clone(), row.problem_id.clone())).collect();
    problems::place(&mut ctx.tx, memberships)?;
    for problem_id in &touched {
        attach_new(
            ctx,
            problem_id,
            rows.iter().map(|(_, ticket)| ticket).filter(|t| of_ticket.get(&t.id) == Some(problem_id)),
        )?;
    }
    counting::add_uncounted(ctx, touched)?;
    Ok(house::put_setting(&mut ctx.tx, WATERMARK, &last.to_string(), ctx.now)?)
}

/// Moves the tickets of a problem of the machine's making into the one that it turned out to be.
fn absorb(ctx: &mut Ctx, from: &str, placed: &Placed, memberships: &mut [Membership]) -> Result<(), Error> {
    let into = &placed.problem;
    let Some(mut problem) = problems::by_id(&mut ctx.tx, from)? else { return Ok(()) };
    let mut moved = Vec::new();
    for call in problems::calls(&mut ctx.tx, from, None)? {
        problems::take_out(&mut ctx.tx, &call.ticket_id, ctx.now)?;
        moved.push(membership(ctx.now, &call.ticket_id, placed.score, placed));
    }
    problems::place(&mut ctx.tx, moved)?;
    memberships.iter_mut().filter(|row| row.problem_id == from).for_each(|row| row.problem_id.clone_from(into));
    problem.merged_into = Some(into.clone());
    ctx.record("problem.merged", ("problem", from), None, json!({ "no": problem.no, "into": into }));
    if problems::save(&mut ctx.tx, &problem)? { Ok(()) } else { Err(Error::Busy) }
}

fn membership(now: NaiveDateTime, ticket_id: &str, score: f64, placed: &Placed) -> Membership {
    Membership {
        id: new_id(),
        ticket_id: ticket_id.to_owned(),
        problem_id: placed.problem.clone(),
        level: ProblemKind::Local,
        placed_by: PlacedBy::Machine,
        person_id: None,
        engine_version: ENGINE_VERSION,
        score,
        runner_up_id: placed.runner_up.as_ref().map(|(id, _)| id.clone()),
        runner_up_score: placed.runner_up.as_ref().map(|(_, score)| *score),
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

pub(super) fn short(title: &str) -> String {
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
