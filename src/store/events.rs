//! The event log's rows, and the seal that gives committed events a gapless order and a hash chain.

use super::conn::{Conn, on_backend};
use super::prepared::{CommittedAfter, insert_rows};
use super::schema::{event, event_seal};
use super::{StoreError, Tx};
use crate::domain::event::{ActorKind, Channel, SealedText, link_hash};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = event)]
#[diesel(treat_none_as_default_value = false)]
pub struct Event {
    pub id: String,
    pub at: NaiveDateTime,
    pub kind: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub case_id: Option<String>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub actor_kind: ActorKind,
    pub actor_id: Option<String>,
    pub actor_name: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub channel: Channel,
    pub correlation: String,
    /// JSON; never a phone, a name of a citizen or a ticket's text: a chain cannot forget.
    pub payload: String,
}

pub fn insert(tx: &mut Tx, rows: Vec<Event>) -> Result<(), StoreError> {
    insert_rows!(tx, event::table, rows);
    Ok(())
}

/// A case's timeline, newest first.
pub fn of_case(tx: &mut Tx, case_id: &str, limit: i64) -> Result<Vec<Event>, StoreError> {
    Ok(on_backend!(tx.0, c => event::table
        .filter(event::case_id.eq(case_id))
        .order((event::at.desc(), event::n.desc()))
        .limit(limit)
        .select(Event::as_select())
        .load(c))?)
}

/// The latest of a case without what happened to its tickets, newest first.
pub fn news_of_case(tx: &mut Tx, case_id: &str, limit: i64) -> Result<Vec<Event>, StoreError> {
    Ok(on_backend!(tx.0, c => event::table
        .filter(event::case_id.eq(case_id))
        .filter(event::subject_kind.ne("ticket"))
        .order((event::at.desc(), event::n.desc()))
        .limit(limit)
        .select(Event::as_select())
        .load(c))?)
}

/// How often a kind of thing happened to the given cases after `since`.
pub fn count_since(tx: &mut Tx, cases: &[&str], kind: &str, since: NaiveDateTime) -> Result<i64, StoreError> {
    let happened = event::table.filter(event::case_id.eq_any(cases)).filter(event::at.gt(since));
    Ok(happened.filter(event::kind.eq(kind)).count().get_result(tx.0)?)
}

/// What happened to one subject, newest first.
pub fn of_subject(tx: &mut Tx, subject_id: &str, limit: i64) -> Result<Vec<Event>, StoreError> {
    Ok(event::table
        .filter(event::subject_id.eq(subject_id))
        .order((event::at.desc(), event::n.desc()))
        .limit(limit)
        .select(Event::as_select())
        .load(tx.0)?)
}

/// An event with its place in the sealed order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    pub seq: i64,
    pub hash: String,
    pub event: Event,
}

/// Sealed events after `seq`, in order.
pub fn sealed_after(tx: &mut Tx, seq: i64, limit: i64) -> Result<Vec<Sealed>, StoreError> {
    let rows: Vec<(i64, String, Event)> = event_seal::table
        .inner_join(event::table.on(event::id.eq(event_seal::event_id)))
        .filter(event_seal::seq.gt(seq))
        .order(event_seal::seq)
        .limit(limit)
        .select((event_seal::seq, event_seal::hash, Event::as_select()))
        .load(tx.0)?;
    Ok(rows.into_iter().map(|(seq, hash, event)| Sealed { seq, hash, event }).collect())
}

pub fn last_sealed(tx: &mut Tx) -> Result<i64, StoreError> {
    let last: Option<i64> = event_seal::table.select(diesel::dsl::max(event_seal::seq)).first(tx.0)?;
    Ok(last.unwrap_or(0))
}

#[derive(Clone, Insertable)]
#[diesel(table_name = event_seal)]
#[diesel(treat_none_as_default_value = false)]
struct Seal {
    seq: i64,
    event_n: i64,
    event_tx: i64,
    event_id: String,
    hash: String,
}

/// Place, transaction, number and hash of the last seal; zeros and an empty hash before the first.
fn last_seal(tx: &mut Tx) -> Result<(i64, i64, i64, String), StoreError> {
    let last = event_seal::table
        .order(event_seal::seq.desc())
        .select((event_seal::seq, event_seal::event_tx, event_seal::event_n, event_seal::hash))
        .first(tx.0)
        .optional()?;
    Ok(last.unwrap_or((0, -1, 0, String::new())))
}

/// Committed events after a place, in their order.
fn committed(tx: &mut Tx, (after_tx, after_n): (i64, i64), limit: i64) -> Result<Vec<(i64, i64, Event)>, StoreError> {
    let after = event::table.select((event::tx, event::n, Event::as_select())).limit(limit).into_boxed();
    let after = match commit_horizon(tx)? {
        None => after.filter(event::n.gt(after_n)).order(event::n),
        Some(horizon) => after
            .filter(CommittedAfter { tx: after_tx, n: after_n })
            .filter(event::tx.lt(horizon))
            .order((event::tx, event::n)),
    };
    Ok(after.load(tx.0)?)
}

/// Whether committed events wait for their seal.
pub fn any_unsealed(tx: &mut Tx) -> Result<bool, StoreError> {
    let (_, after_tx, after_n, _) = last_seal(tx)?;
    Ok(!committed(tx, (after_tx, after_n), 1)?.is_empty())
}

/// Seals up to `limit` committed events; gives back how many. Call it under the sealer's lease.
pub fn seal(tx: &mut Tx, limit: i64) -> Result<usize, StoreError> {
    let (mut seq, after_tx, after_n, mut hash) = last_seal(tx)?;
    let seals: Vec<Seal> = committed(tx, (after_tx, after_n), limit)?
        .into_iter()
        .map(|(event_tx, event_n, event)| {
            seq += 1;
            hash = hash_of(&hash, seq, &event);
            Seal { seq, event_n, event_tx, event_id: event.id, hash: hash.clone() }
        })
        .collect();
    let sealed = seals.len();
    insert_rows!(tx, event_seal::table, seals);
    Ok(sealed)
}

/// The link that `event` makes at place `seq` after `previous`.
pub fn hash_of(previous: &str, seq: i64, event: &Event) -> String {
    let at = event.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let subject = format!("{}:{}:{}", event.subject_kind, event.subject_id, event.case_id.as_deref().unwrap_or("-"));
    let actor = format!(
        "{}:{}:{}:{}:{}",
        event.actor_kind.code(),
        event.actor_id.as_deref().unwrap_or("-"),
        event.actor_name,
        event.channel.code(),
        event.correlation
    );
    link_hash(
        previous,
        &SealedText {
            seq,
            event_id: &event.id,
            at: &at,
            kind: &event.kind,
            subject: &subject,
            actor: &actor,
            payload: &event.payload,
        },
    )
}

#[derive(QueryableByName)]
struct Horizon {
    #[diesel(sql_type = BigInt)]
    horizon: i64,
}

/// Rows of transactions below this number are all visible. On PostgreSQL a sequence has holes that fill later, and the
/// oldest running transaction is the limit. None on SQLite: writers come one after another, `n` is the order of commits.
pub(in crate::store) fn commit_horizon(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    match tx.0 {
        Conn::Sqlite(_) => Ok(None),
        Conn::Pg(c) => {
            let row: Horizon =
                diesel::sql_query("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon")
                    .get_result(c)?;
            Ok(Some(row.horizon))
        }
    }
}
