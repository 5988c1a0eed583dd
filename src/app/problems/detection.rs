//! Tickets are matched to problems in the background, by their place in the order of commits.

use crate::app::{
    Actor, App, Clock, Ctx, Error,
    problems::{counting, placements, upkeep},
};
use crate::detect::{Document, Placed};
use crate::domain::mask;
use crate::store::tickets::{self, Ticket};
use crate::store::{StoreError, Tx, house, memberships, new_id, problems};
use chrono::TimeDelta;
use futures_util::future::join;
use std::collections::HashMap;

const WATERMARK: &str = "detection.watermark";
const LEASE: &str = "detection";
const ORDER_LEASE: &str = "ordering";
const LEASE_LASTS: TimeDelta = TimeDelta::minutes(2);
/// Tickets stored in one transaction while somebody is served, and while nobody is.
const CHUNK: usize = 32;
const LARGE_CHUNK: usize = 192;
/// Tickets read at once.
const READ_AT_ONCE: i64 = 2 * LARGE_CHUNK as i64;
/// From so many tickets on the database is told each time that they have doubled.
const TOLD_FROM: i64 = 1_024;
/// Counting goes through all of a problem's tickets: in a burst it waits for this many new ones.
const COUNTING_EVERY: i64 = 8_192;
/// Tickets that are given their place in one transaction.
const ORDERED_AT_ONCE: i64 = 64;
const TITLE_MAX_CHARS: usize = 40;

/// The place up to which tickets were matched.
pub(in crate::app) fn watermark(tx: &mut Tx) -> Result<i64, Error> {
    Ok(house::setting(tx, WATERMARK)?.and_then(|seq| seq.parse().ok()).unwrap_or(0))
}

/// By ticket: district and address in one text.
pub(in crate::app) type Places = HashMap<String, String>;

pub(in crate::app) fn places_of<'t>(tx: &mut Tx, rows: impl Iterator<Item = &'t Ticket>) -> Result<Places, Error> {
    let rows: Vec<&Ticket> = rows.collect();
    let ids: Vec<String> = rows.iter().map(|ticket| ticket.id.clone()).collect();
    let mut places: Places = tickets::addresses_of(tx, &ids)?.into_iter().collect();
    for ticket in rows {
        if let Some(district) = &ticket.district {
            let place = places.entry(ticket.id.clone()).or_default();
            *place = format!("{district} {place}").trim().to_owned();
        }
    }
    Ok(places)
}

pub(in crate::app) fn document<'a>(ticket: &'a Ticket, places: &'a Places) -> Document<'a> {
    Document {
        place: places.get(&ticket.id).map(String::as_str),
        coordinates: ticket.latitude.zip(ticket.longitude),
        caller: ticket.caller_hash.as_deref(),
        ..text_of(ticket)
    }
}

/// A ticket's words alone.
pub(in crate::app) fn text_of(ticket: &Ticket) -> Document<'_> {
    Document {
        id: &ticket.id,
        title: &ticket.title,
        body: &ticket.body,
        received_at: ticket.received_at,
        ..Document::default()
    }
}

/// Gives committed tickets their place in the order; gives back how many. Nothing while another process holds the lease.
pub async fn order(app: &App, holder: &str) -> Result<usize, Error> {
    if !app.store.read_aside(tickets::any_unordered).await? {
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

/// What one turn of matching begins with.
struct Waiting {
    rows: Vec<(i64, Ticket)>,
    places: Places,
    /// Problems that a person decided about.
    decided: Vec<String>,
    /// The place up to which tickets were matched before.
    after: i64,
}

/// Tickets that the index has placed, to be stored.
struct Matched {
    /// The last ticket's place in the order.
    last: i64,
    rows: Vec<Ticket>,
    /// One for each ticket that went somewhere.
    placed: Vec<Placed>,
}

/// Matches some new tickets, or counts some of the problems they went to. Gives how many were taken; nothing while
/// another process holds the lease or the index is not there yet.
pub async fn catch_up(app: &App, holder: &str) -> Result<usize, Error> {
    let (name, reached) = (holder.to_owned(), app.index.reached().ticket);
    let Some(waiting) = app.store.read_aside(move |tx| waiting(tx, &name, reached)).await? else { return Ok(0) };
    let Some((last, _)) = waiting.rows.last() else { return counting::count_some(app, holder.to_owned()).await };
    let (last, count) = (*last, waiting.rows.len());
    let counting_is_due = waiting.after / COUNTING_EVERY != last / COUNTING_EVERY;
    if let Err(error) = place(app, holder, &waiting).await {
        // The index ran ahead of what is stored; it is rebuilt from there.
        upkeep::load(app).await?;
        return Err(error);
    }
    if last >= TOLD_FROM && waiting.after.max(1).ilog2() < last.ilog2() {
        app.store.write_behind(memberships::analyze).await?;
    }
    if counting_is_due {
        counting::count_some(app, holder.to_owned()).await?;
    }
    Ok(count)
}

/// Places the tickets chunk by chunk; the next chunk is matched while the one before it is being stored.
async fn place(app: &App, holder: &str, waiting: &Waiting) -> Result<(), Error> {
    let mut chunks = waiting.rows.chunks(if app.store.is_in_use() { CHUNK } else { LARGE_CHUNK });
    let mut matched = chunks.next().and_then(|chunk| match_rows(app, waiting, chunk));
    while let Some(ready) = matched.take() {
        let last = ready.last;
        let (stored, next) =
            join(store(app, holder, ready), async { chunks.next().and_then(|chunk| match_rows(app, waiting, chunk)) })
                .await;
        stored?;
        app.index.advance(|_, reached| reached.ticket = last);
        matched = next;
    }
    Ok(())
}

async fn store(app: &App, holder: &str, matched: Matched) -> Result<(), Error> {
    let name = holder.to_owned();
    app.write(&Actor::job("归并"), move |ctx| {
        keep_lease(ctx, &name)?;
        let touched = placements::store(ctx, &matched.rows, matched.placed)?;
        problems::set_uncounted(&mut ctx.tx, &touched, true)?;
        Ok(house::put_setting(&mut ctx.tx, WATERMARK, &matched.last.to_string(), ctx.now)?)
    })
    .await
}

/// None while another process holds the lease, or has matched tickets that the index has not read.
fn waiting(tx: &mut Tx, holder: &str, reached: i64) -> Result<Option<Waiting>, Error> {
    if house::is_leased_to_other(tx, LEASE, holder, Clock::real())? {
        return Ok(None);
    }
    let after = watermark(tx)?;
    if after != reached {
        return Ok(None);
    }
    let rows = tickets::ordered_after(tx, after, READ_AT_ONCE)?;
    let places = places_of(tx, rows.iter().map(|(_, ticket)| ticket))?;
    let decided = if rows.is_empty() { Vec::new() } else { problems::decided(tx)? };
    Ok(Some(Waiting { rows, places, decided, after }))
}

/// Whether no other process does detection.
pub(in crate::app) async fn is_free(app: &App, holder: &str) -> Result<bool, Error> {
    let holder = holder.to_owned();
    Ok(!app.store.read_aside(move |tx| house::is_leased_to_other(tx, LEASE, &holder, Clock::real())).await?)
}

/// Takes or renews the lease of detection in the transaction that needs it. Refused while another process holds it.
pub(in crate::app) fn keep_lease(ctx: &mut Ctx, holder: &str) -> Result<(), Error> {
    let real = Clock::real();
    if house::take_lease(&mut ctx.tx, LEASE, holder, real, real + LEASE_LASTS)? { Ok(()) } else { Err(Error::Busy) }
}

/// None for no index.
fn match_rows(app: &App, waiting: &Waiting, chunk: &[(i64, Ticket)]) -> Option<Matched> {
    let (last, _) = chunk.last()?;
    let documents = chunk.iter().map(|(_, ticket)| document(ticket, &waiting.places));
    let placed = app.index.change(|engine| {
        waiting.decided.iter().for_each(|problem| engine.decide(problem));
        documents.filter_map(|document| engine.arrive(&document, new_id)).collect()
    })?;
    Some(Matched { last: *last, rows: chunk.iter().map(|(_, ticket)| ticket.clone()).collect(), placed })
}

pub(in crate::app) fn short(title: &str) -> String {
    mask::text(title, None).chars().take(TITLE_MAX_CHARS).collect()
}
