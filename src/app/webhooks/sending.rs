//! Sending: queued messages are claimed, pushed, and recorded until the receiver has taken them or they are given up.

use crate::app::letters::channels;
use crate::app::webhooks::secrets::Secrets;
use crate::app::{Actor, App, Clock, Ctx, Error, sending};
use crate::domain::notice::AttemptOutcome;
use crate::domain::webhook::DeliveryState;
use crate::mail::backoff;
use crate::store::mails::Claim;
use crate::store::webhooks::{self, Delivery, Webhook, WebhookAttempt};
use crate::store::{StoreError, Tx, new_id};
use crate::webhook::client::DEADLINE;
use crate::webhook::{Answer, Client, Failure, Push};
use chrono::TimeDelta;
use std::time::{Duration, Instant};

/// Messages to one endpoint that are claimed at a time.
const CLAIMED_AT_ONCE: i64 = 8;
/// A claim outlives the sends that begin under it.
const CLAIM_LASTS: TimeDelta = TimeDelta::minutes(2);
const BEGINS_WITHIN: Duration = Duration::from_secs(30);
/// Some eight hours of trying. A notice's next channel waits: it is given up within some four minutes.
const ATTEMPTS_MAX: i32 = 14;
const NOTICE_ATTEMPTS_MAX: i32 = 4;
/// How long the rest waits when an endpoint cannot be reached.
const HOLDS_OFF: TimeDelta = TimeDelta::seconds(20);
/// The longest that a receiver can put a message off, in seconds.
const RETRY_AFTER_MAX: i64 = 3_600;
/// What the log keeps of an answer.
const RESPONSE_MAX_CHARS: usize = 500;

/// One worker's turn at one endpoint. Gives how many messages were tried.
pub async fn send(app: &App, client: &Client, holder: &str) -> Result<usize, Error> {
    let now = app.clock.now();
    if !app.store.read_aside(move |tx| webhooks::any_due(tx, now)).await? {
        return Ok(0);
    }
    let claimed_at = Instant::now();
    let Some((hook, deliveries)) = claim(app, holder).await? else { return Ok(0) };
    let mut waiting = deliveries.into_iter();
    let mut tried = 0;
    for delivery in waiting.by_ref() {
        let outcome = push(app, client, &hook, &delivery).await?;
        tried += 1;
        let away = matches!(outcome, Err(Failure::Unreachable(_)));
        let (name, hook) = (holder.to_owned(), hook.clone());
        sending::note(app, Actor::job("推送"), move |ctx| record(ctx, &name, &hook, &delivery, outcome)).await?;
        if away || claimed_at.elapsed() > BEGINS_WITHIN {
            break;
        }
    }
    let untried: Vec<String> = waiting.map(|delivery| delivery.id).collect();
    if !untried.is_empty() {
        let holder = holder.to_owned();
        app.store.write(move |tx| webhooks::give_back(tx, &holder, &untried)).await?;
    }
    Ok(tried)
}

async fn claim(app: &App, holder: &str) -> Result<Option<(Webhook, Vec<Delivery>)>, StoreError> {
    let now = app.clock.now();
    let take = move |tx: &mut Tx, claim: &Claim| {
        let deliveries = webhooks::claim(tx, claim, now, CLAIMED_AT_ONCE)?;
        let Some(first) = deliveries.first() else { return Ok(None) };
        Ok(webhooks::by_id(tx, &first.webhook_id)?.map(|hook| (hook, deliveries)))
    };
    sending::claim(app, holder, CLAIM_LASTS, DEADLINE, take).await
}

async fn push(
    app: &App,
    client: &Client,
    hook: &Webhook,
    delivery: &Delivery,
) -> Result<Result<Answer, Failure>, Error> {
    let Some(Secrets { url, secret }) = Secrets::open(&app.settings.caller_key, hook) else {
        return Ok(Err(Failure::Unreachable("the address was sealed with another caller_key: give it anew".into())));
    };
    let push = Push { kind: hook.kind, url, secret, id: delivery.message_id.clone(), body: delivery.body.clone() };
    let (client, now) = (client.clone(), Clock::real().and_utc().timestamp_millis());
    let pushed = tokio::task::spawn_blocking(move || client.push(&push, now));
    pushed.await.map_err(|error| Error::Internal(error.to_string()))
}

fn record(
    ctx: &mut Ctx,
    holder: &str,
    hook: &Webhook,
    delivery: &Delivery,
    outcome: Result<Answer, Failure>,
) -> Result<(), Error> {
    let most = if delivery.recipient_id.is_some() { NOTICE_ATTEMPTS_MAX } else { ATTEMPTS_MAX };
    let again = if delivery.attempts >= most { DeliveryState::Failed } else { DeliveryState::Queued };
    let away = matches!(outcome, Err(Failure::Unreachable(_)));
    let asked_for = outcome.as_ref().ok().and_then(|answer| answer.retry_after).unwrap_or(0);
    let (outcome, status, response, state) = match outcome {
        Ok(Answer { taken: true, status, text, .. }) => {
            (AttemptOutcome::Accepted, Some(status), text, DeliveryState::Delivered)
        }
        // The receiver has gone for good.
        Ok(Answer { status: 410, text, .. }) => (AttemptOutcome::Refused, Some(410), text, DeliveryState::Failed),
        Ok(Answer { status, text, .. }) => (AttemptOutcome::Refused, Some(status), text, again),
        Err(Failure::Unreachable(text)) => (AttemptOutcome::Deferred, None, text, again),
        // It may have arrived: sent again with the same id, so that the receiver takes it once.
        Err(Failure::Unknown(text)) => (AttemptOutcome::Unknown, None, text, again),
    };
    let row = WebhookAttempt {
        id: new_id(),
        delivery_id: delivery.id.clone(),
        outcome,
        status: status.map(i32::from),
        response: response.chars().filter(|c| !c.is_control()).take(RESPONSE_MAX_CHARS).collect(),
        at: ctx.now,
    };
    let wait = TimeDelta::from_std(backoff(delivery.attempts, rand::random())).unwrap_or(HOLDS_OFF);
    let wait = wait.max(TimeDelta::seconds(asked_for.clamp(0, RETRY_AFTER_MAX)));
    if !webhooks::record_attempt(&mut ctx.tx, row, holder, state, ctx.now + wait)? {
        tracing::warn!(delivery = delivery.id, "a push's claim was lost while it was sent");
        return Ok(());
    }
    if away {
        webhooks::hold_off(&mut ctx.tx, &hook.id, ctx.now + HOLDS_OFF)?;
    }
    if state == DeliveryState::Failed {
        channels::fall_back(ctx, &delivery.id, hook.kind)?;
    }
    Ok(())
}
