//! Endpoints that are pushed to, what was pushed, and each try.

use super::conn::on_backend;
use super::mails::{Claim, Mailed};
use super::schema::{lease, webhook, webhook_attempt, webhook_delivery};
use super::{StoreError, Tx};
use crate::domain::notice::AttemptOutcome;
use crate::domain::webhook::{DeliveryState, WebhookKind};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook)]
pub struct Webhook {
    pub id: String,
    pub name: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: WebhookKind,
    /// Sealed, as the address of a robot holds its key.
    #[diesel(column_name = url)]
    pub sealed_url: String,
    #[diesel(column_name = secret)]
    pub sealed_secret: String,
    /// Patterns of the events it wants, separated by spaces.
    pub events: String,
    /// Notices to people go this way.
    pub carries_notices: bool,
    /// Empty for the kind's own.
    pub template: String,
    pub active: bool,
    pub version: i64,
    pub created_at: NaiveDateTime,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({} {:?})", self.name, self.kind)
    }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_delivery)]
pub struct Delivery {
    pub id: String,
    pub webhook_id: String,
    /// What the receiver knows it by.
    pub message_id: String,
    /// The kind of event, `notice`, or `test`.
    pub event: String,
    pub title: String,
    pub body: String,
    /// Whom a notice is for.
    pub recipient_id: Option<String>,
    pub case_id: Option<String>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: DeliveryState,
    pub attempts: i32,
    pub next_attempt_at: NaiveDateTime,
    pub claimed_by: Option<String>,
    pub claimed_until: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub settled_at: Option<NaiveDateTime>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_attempt)]
#[diesel(treat_none_as_default_value = false)]
pub struct WebhookAttempt {
    pub id: String,
    pub delivery_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub outcome: AttemptOutcome,
    /// HTTP, when there was an answer.
    pub status: Option<i32>,
    pub response: String,
    pub at: NaiveDateTime,
}

pub fn insert(tx: &mut Tx, row: Webhook) -> Result<(), StoreError> {
    diesel::insert_into(webhook::table).values(row).execute(tx.0)?;
    Ok(())
}

/// `false` when the row has another version by now.
pub fn update(tx: &mut Tx, row: &Webhook) -> Result<bool, StoreError> {
    let same = webhook::table.find(&row.id).filter(webhook::version.eq(row.version));
    let updated = diesel::update(same)
        .set((
            webhook::name.eq(&row.name),
            webhook::url.eq(&row.sealed_url),
            webhook::secret.eq(&row.sealed_secret),
            webhook::events.eq(&row.events),
            webhook::carries_notices.eq(row.carries_notices),
            webhook::template.eq(&row.template),
            webhook::active.eq(row.active),
            webhook::version.eq(row.version + 1),
        ))
        .execute(tx.0)?;
    Ok(updated == 1)
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Webhook>, StoreError> {
    Ok(webhook::table.find(id).select(Webhook::as_select()).first(tx.0).optional()?)
}

pub fn all(tx: &mut Tx) -> Result<Vec<Webhook>, StoreError> {
    Ok(webhook::table.order((webhook::created_at, webhook::id)).select(Webhook::as_select()).load(tx.0)?)
}

/// How many deliveries of each endpoint stand in each state.
pub fn counts(tx: &mut Tx) -> Result<Vec<(String, DeliveryState, i64)>, StoreError> {
    let rows: Vec<(String, String, i64)> = webhook_delivery::table
        .group_by((webhook_delivery::webhook_id, webhook_delivery::state))
        .select((webhook_delivery::webhook_id, webhook_delivery::state, diesel::dsl::count(webhook_delivery::id)))
        .load(tx.0)?;
    Ok(rows.into_iter().filter_map(|(id, state, count)| Some((id, DeliveryState::parse(&state)?, count))).collect())
}

/// Queues a message; one the endpoint was given before stays as it is.
pub fn queue(tx: &mut Tx, row: Delivery) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(webhook_delivery::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// Whether a delivery is due at `now`: a look that costs no commit.
pub fn any_due(tx: &mut Tx, now: NaiveDateTime) -> Result<bool, StoreError> {
    let due = queued().filter(webhook_delivery::next_attempt_at.le(now)).select(webhook_delivery::id);
    Ok(due.first::<String>(tx.0).optional()?.is_some())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn queued() -> _ {
    let state: &'static str = "queued";
    webhook_delivery::table.filter(webhook_delivery::state.eq(state))
}

/// Claims deliveries of the endpoint that waits longest among those nobody is sending to: one that hangs holds up no other.
pub fn claim(tx: &mut Tx, claim: &Claim, now: NaiveDateTime, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    let running = lease::table.filter(lease::until.ge(claim.word_held_after)).select(lease::name.nullable());
    let free = webhook_delivery::claimed_until
        .is_null()
        .or(webhook_delivery::claimed_until.lt(claim.real))
        .or(webhook_delivery::claimed_by.ne_all(running));
    let due = webhook_delivery::next_attempt_at.le(now);
    let busy: Vec<String> = queued()
        .filter(webhook_delivery::claimed_until.ge(claim.real))
        .filter(webhook_delivery::claimed_by.eq_any(running))
        .select(webhook_delivery::webhook_id)
        .distinct()
        .load(tx.0)?;
    let first: Option<String> = queued()
        .filter(due)
        .filter(free)
        .filter(webhook_delivery::webhook_id.ne_all(busy))
        .order(webhook_delivery::next_attempt_at)
        .select(webhook_delivery::webhook_id)
        .first(tx.0)
        .optional()?;
    let Some(first) = first else { return Ok(Vec::new()) };
    let ids: Vec<String> = queued()
        .filter(due)
        .filter(free)
        .filter(webhook_delivery::webhook_id.eq(first))
        .order((webhook_delivery::next_attempt_at, webhook_delivery::created_at, webhook_delivery::id))
        .limit(limit)
        .select(webhook_delivery::id)
        .load(tx.0)?;
    let mut claimed = Vec::with_capacity(ids.len());
    for id in ids {
        // Two replicas may have read the same row: the one whose update still finds it free has it.
        let row = on_backend!(tx.0, c => diesel::update(webhook_delivery::table.find(&id)
                .filter(webhook_delivery::state.eq(DeliveryState::Queued.code())).filter(free))
            .set((
                webhook_delivery::claimed_by.eq(claim.holder),
                webhook_delivery::claimed_until.eq(claim.until),
                webhook_delivery::attempts.eq(webhook_delivery::attempts + 1),
            ))
            .returning(Delivery::as_returning())
            .get_result(c)
            .optional())?;
        claimed.extend(row);
    }
    Ok(claimed)
}

/// Gives claimed deliveries back untried.
pub fn give_back(tx: &mut Tx, holder: &str, deliveries: &[String]) -> Result<(), StoreError> {
    let own = webhook_delivery::table
        .filter(webhook_delivery::id.eq_any(deliveries))
        .filter(webhook_delivery::claimed_by.eq(holder));
    diesel::update(own)
        .set((
            webhook_delivery::claimed_by.eq(None::<String>),
            webhook_delivery::claimed_until.eq(None::<NaiveDateTime>),
            webhook_delivery::attempts.eq(webhook_delivery::attempts - 1),
        ))
        .execute(tx.0)?;
    Ok(())
}

/// What is due of an endpoint that cannot be reached waits until `until`.
pub fn hold_off(tx: &mut Tx, webhook_id: &str, until: NaiveDateTime) -> Result<(), StoreError> {
    let due = webhook_delivery::table
        .filter(webhook_delivery::webhook_id.eq(webhook_id))
        .filter(webhook_delivery::state.eq(DeliveryState::Queued.code()))
        .filter(webhook_delivery::next_attempt_at.lt(until));
    diesel::update(due).set(webhook_delivery::next_attempt_at.eq(until)).execute(tx.0)?;
    Ok(())
}

/// Records how an attempt ended and where that leaves the delivery; `false` when the claim was lost meanwhile.
pub fn record_attempt(
    tx: &mut Tx,
    row: WebhookAttempt,
    holder: &str,
    state: DeliveryState,
    next_attempt_at: NaiveDateTime,
) -> Result<bool, StoreError> {
    let (delivery_id, at) = (row.delivery_id.clone(), row.at);
    diesel::insert_into(webhook_attempt::table).values(row).execute(tx.0)?;
    let claimed = webhook_delivery::table.find(&delivery_id).filter(webhook_delivery::claimed_by.eq(holder));
    let recorded = diesel::update(claimed)
        .set((
            webhook_delivery::state.eq(state.code()),
            webhook_delivery::next_attempt_at.eq(next_attempt_at),
            webhook_delivery::claimed_by.eq(None::<String>),
            webhook_delivery::claimed_until.eq(None::<NaiveDateTime>),
            webhook_delivery::settled_at.eq((state != DeliveryState::Queued).then_some(at)),
        ))
        .execute(tx.0)?;
    Ok(recorded == 1)
}

/// Puts settled deliveries back into the queue: one, or all that failed of an endpoint. Gives how many.
pub fn requeue(tx: &mut Tx, which: Requeued, now: NaiveDateTime) -> Result<usize, StoreError> {
    let again = (
        webhook_delivery::state.eq(DeliveryState::Queued.code()),
        webhook_delivery::attempts.eq(0),
        webhook_delivery::next_attempt_at.eq(now),
        webhook_delivery::settled_at.eq(None::<NaiveDateTime>),
    );
    let settled = webhook_delivery::table.filter(webhook_delivery::state.ne(DeliveryState::Queued.code()));
    Ok(match which {
        Requeued::One(id) => diesel::update(settled.filter(webhook_delivery::id.eq(id))).set(again).execute(tx.0)?,
        Requeued::Failed(webhook_id) => {
            let failed = settled
                .filter(webhook_delivery::webhook_id.eq(webhook_id))
                .filter(webhook_delivery::state.eq(DeliveryState::Failed.code()));
            diesel::update(failed).set(again).execute(tx.0)?
        }
    })
}

/// Forgets up to `limit` of the events that were settled before a moment. What somebody was told by another channel is
/// kept, as mails are.
pub fn forget(tx: &mut Tx, settled_before: NaiveDateTime, limit: i64) -> Result<usize, StoreError> {
    let ids: Vec<String> = webhook_delivery::table
        .filter(webhook_delivery::settled_at.lt(settled_before))
        .filter(webhook_delivery::state.ne(DeliveryState::Queued.code()))
        .filter(webhook_delivery::recipient_id.is_null())
        .order(webhook_delivery::settled_at)
        .limit(limit)
        .select(webhook_delivery::id)
        .load(tx.0)?;
    diesel::delete(webhook_attempt::table.filter(webhook_attempt::delivery_id.eq_any(&ids))).execute(tx.0)?;
    // One that somebody sent again meanwhile is owed: it stays.
    let settled = webhook_delivery::table
        .filter(webhook_delivery::id.eq_any(&ids))
        .filter(webhook_delivery::state.ne(DeliveryState::Queued.code()));
    Ok(diesel::delete(settled).execute(tx.0)?)
}

pub enum Requeued<'a> {
    One(&'a str),
    Failed(&'a str),
}

/// Gives up what an endpoint still had to get; gives those deliveries' ids.
pub fn give_up(tx: &mut Tx, webhook_id: &str, now: NaiveDateTime) -> Result<Vec<String>, StoreError> {
    let waiting = queued().filter(webhook_delivery::webhook_id.eq(webhook_id));
    let ids: Vec<String> = waiting.select(webhook_delivery::id).load(tx.0)?;
    diesel::update(webhook_delivery::table.filter(webhook_delivery::id.eq_any(&ids)))
        .set((
            webhook_delivery::state.eq(DeliveryState::Failed.code()),
            webhook_delivery::settled_at.eq(now),
            webhook_delivery::claimed_by.eq(None::<String>),
            webhook_delivery::claimed_until.eq(None::<NaiveDateTime>),
        ))
        .execute(tx.0)?;
    Ok(ids)
}

/// Messages to one recipient about one case since some moment, as [`super::mails::mailed_since`] counts mails.
pub fn messaged_since(tx: &mut Tx, recipients: &[String], since: NaiveDateTime) -> Result<Vec<Mailed>, StoreError> {
    type Row = (Option<String>, Option<String>, i64, Option<NaiveDateTime>);
    let rows: Vec<Row> = webhook_delivery::table
        .filter(webhook_delivery::recipient_id.eq_any(recipients))
        .filter(webhook_delivery::created_at.gt(since))
        .group_by((webhook_delivery::recipient_id, webhook_delivery::case_id))
        .select((
            webhook_delivery::recipient_id,
            webhook_delivery::case_id,
            diesel::dsl::count(webhook_delivery::id),
            diesel::dsl::max(webhook_delivery::created_at),
        ))
        .load(tx.0)?;
    let told = |(recipient_id, case_id, count, last): Row| {
        Some(Mailed { recipient_id: recipient_id?, case_id, count, last: last? })
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// An endpoint's deliveries, newest first, in one state or in all.
pub fn deliveries(
    tx: &mut Tx,
    webhook_id: &str,
    state: Option<DeliveryState>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Delivery>, i64), StoreError> {
    let filtered = || {
        let query = webhook_delivery::table.filter(webhook_delivery::webhook_id.eq(webhook_id)).into_boxed();
        match state {
            Some(state) => query.filter(webhook_delivery::state.eq(state.code())),
            None => query,
        }
    };
    let total = filtered().count().get_result(tx.0)?;
    let newest = filtered().order((webhook_delivery::created_at.desc(), webhook_delivery::id.desc()));
    Ok((newest.offset(offset).limit(limit).select(Delivery::as_select()).load(tx.0)?, total))
}

pub fn delivery(tx: &mut Tx, id: &str) -> Result<Option<Delivery>, StoreError> {
    Ok(webhook_delivery::table.find(id).select(Delivery::as_select()).first(tx.0).optional()?)
}

/// The tries of deliveries, the oldest first.
pub fn attempts(tx: &mut Tx, deliveries: &[String]) -> Result<Vec<WebhookAttempt>, StoreError> {
    let tries = webhook_attempt::table.filter(webhook_attempt::delivery_id.eq_any(deliveries));
    Ok(tries.order((webhook_attempt::at, webhook_attempt::id)).select(WebhookAttempt::as_select()).load(tx.0)?)
}
