//! Other channels than mail (其他渠道): the endpoints an administrator keeps, and the log of what they were sent.

pub mod fan_out;
pub mod forgetting;
pub mod secrets;
pub mod sending;

use super::tasks::required;
use super::{Clock, Ctx, Error};
use crate::app::letters::channels;
use crate::domain::access::Action;
use crate::domain::webhook::{DeliveryState, WebhookKind, check_patterns, mobile};
use crate::lang::Message;
use crate::store::webhooks::{self, Delivery, Requeued, Webhook, WebhookAttempt};
use crate::store::{new_id, people};
use crate::webhook::{self, To, address, body, signature, template};
use chrono::NaiveDateTime;
use secrets::Secrets;
use serde_json::json;

/// What an administrator says of an endpoint.
pub struct Edit {
    pub name: String,
    /// None leaves it as it is: it may hold a key and is not shown whole.
    pub url: Option<String>,
    /// None leaves it as it is, or makes one.
    pub secret: Option<String>,
    pub events: String,
    pub carries_notices: bool,
    pub template: String,
    pub active: bool,
}

/// An endpoint as it is shown: without its secrets.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub webhook: Webhook,
    pub address: String,
    pub has_secret: bool,
}

/// An endpoint with what waits and what failed.
#[derive(Debug, Clone)]
pub struct Line {
    pub endpoint: Endpoint,
    pub queued: i64,
    pub failed: i64,
}

/// Adds an endpoint; gives its id, and the secret that was made for it, which is not shown again.
pub fn add(ctx: &mut Ctx, kind: WebhookKind, edit: Edit) -> Result<(String, Option<String>), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let made = (kind.is_signed() && edit.secret.is_none()).then(signature::new_secret);
    let row = Webhook {
        id: new_id(),
        name: String::new(),
        kind,
        sealed_url: String::new(),
        sealed_secret: String::new(),
        events: String::new(),
        carries_notices: false,
        template: String::new(),
        active: true,
        version: 1,
        created_at: ctx.now,
    };
    let row = edited(ctx, row, Edit { secret: edit.secret.or_else(|| made.clone()), ..edit })?;
    let (id, name) = (row.id.clone(), row.name.clone());
    webhooks::insert(&mut ctx.tx, row)?;
    ctx.record("webhook.added", ("webhook", &id), None, json!({ "title": name, "kind": kind.code() }));
    Ok((id, made))
}

/// Changes an endpoint at the version it was read in. What one that is switched off still had to get is given up, to be
/// sent again by a person; notices find another way.
pub fn edit(ctx: &mut Ctx, id: &str, version: i64, edit: Edit) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let known = webhooks::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let row = edited(ctx, Webhook { version, ..known.clone() }, edit)?;
    if !webhooks::update(&mut ctx.tx, &row)? {
        return Err(Error::Stale { yours: version, current: known.version });
    }
    if !row.active {
        for delivery_id in webhooks::give_up(&mut ctx.tx, id, ctx.now)? {
            channels::fall_back(ctx, &delivery_id, known.kind)?;
        }
    }
    ctx.record("webhook.changed", ("webhook", id), None, json!({ "title": row.name, "active": row.active }));
    Ok(())
}

fn edited(ctx: &mut Ctx, row: Webhook, edit: Edit) -> Result<Webhook, Error> {
    let (kind, key) = (row.kind, &ctx.app.settings.caller_key);
    let (url, secret) = Secrets::open(key, &row).map(|known| (known.url, known.secret)).unzip();
    let secrets =
        Secrets { url: edit.url.or(url).unwrap_or_default(), secret: edit.secret.or(secret).unwrap_or_default() };
    let mut row = Webhook {
        name: required("name", edit.name)?,
        events: edit.events.split_whitespace().collect::<Vec<_>>().join(" "),
        carries_notices: edit.carries_notices,
        // The shipped words stay the shipped ones, whatever they will be.
        template: if edit.template == template::shipped(kind) { String::new() } else { edit.template },
        active: edit.active,
        ..row
    };
    address::check_url(&secrets.url, &ctx.app.settings.webhook_networks)
        .map_err(|reason| Error::field("url", reason))?;
    if kind.is_signed() {
        signature::check_secret(&secrets.secret).map_err(|reason| Error::field("secret", reason))?;
    }
    secrets.seal(key, &mut row);
    check_patterns(&row.events).map_err(|reason| Error::field("events", reason))?;
    template::check(&row.template).map_err(|reason| Error::field("template", reason))?;
    if row.carries_notices {
        may_carry_notices(ctx, &row)?;
    }
    Ok(row)
}

/// There is one way a kind, so that everybody knows where their notices come from.
fn may_carry_notices(ctx: &mut Ctx, row: &Webhook) -> Result<(), Error> {
    if row.kind.means().is_none() {
        return Err(Error::field("carries_notices", Message::new("这一类接收端不能用来通知个人")));
    }
    let same = |other: &Webhook| other.kind == row.kind && other.id != row.id && other.active && other.carries_notices;
    match webhooks::all(&mut ctx.tx)?.into_iter().find(same) {
        Some(other) if row.active => {
            Err(Error::field("carries_notices", Message::new("已由“%{name}”承担").with("name", other.name)))
        }
        _ => Ok(()),
    }
}

/// Queues a message that says nothing but that it arrives. Gives the delivery's id.
pub fn test(ctx: &mut Ctx, id: &str) -> Result<String, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let hook = active(ctx, id)?;
    let person = ctx.actor.person_id.clone().filter(|_| hook.carries_notices);
    let person = person.map(|id| people::person_by_id(&mut ctx.tx, &id)).transpose()?.flatten();
    let to = person.and_then(|person| Some(To { phone: mobile(person.phone.as_deref()?)?, name: person.name }));
    let message = sample(ctx, to);
    let row = queued(ctx, &hook, &message, "test");
    let delivery_id = row.id.clone();
    webhooks::queue(&mut ctx.tx, row)?;
    ctx.record("webhook.tested", ("webhook", id), None, json!({ "title": hook.name }));
    Ok(delivery_id)
}

/// Sends one message again, the same: a person's decision.
pub fn replay(ctx: &mut Ctx, delivery_id: &str) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let delivery = webhooks::delivery(&mut ctx.tx, delivery_id)?.ok_or(Error::NotFound)?;
    let hook = active(ctx, &delivery.webhook_id)?;
    if webhooks::requeue(&mut ctx.tx, Requeued::One(delivery_id), ctx.now)? == 0 {
        return Err(Error::Refused(Message::new("这一条还在推送中。")));
    }
    ctx.record("webhook.replayed", ("webhook", &hook.id), None, json!({ "title": hook.name, "deliveries": 1 }));
    Ok(())
}

/// Sends all that failed again. Gives how many.
pub fn replay_failed(ctx: &mut Ctx, id: &str) -> Result<usize, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let hook = active(ctx, id)?;
    let count = webhooks::requeue(&mut ctx.tx, Requeued::Failed(id), ctx.now)?;
    ctx.record("webhook.replayed", ("webhook", id), None, json!({ "title": hook.name, "deliveries": count }));
    Ok(count)
}

fn active(ctx: &mut Ctx, id: &str) -> Result<Webhook, Error> {
    let hook = webhooks::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    if hook.active { Ok(hook) } else { Err(Error::Refused(Message::new("接收端已停用，请先启用。"))) }
}

pub fn list(ctx: &mut Ctx) -> Result<Vec<Line>, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let counts = webhooks::counts(&mut ctx.tx)?;
    let count = |id: &str, wanted: DeliveryState| {
        counts.iter().find(|(of, state, _)| of == id && *state == wanted).map_or(0, |(_, _, count)| *count)
    };
    let rows = webhooks::all(&mut ctx.tx)?.into_iter();
    let line = |webhook: Webhook| Line {
        queued: count(&webhook.id, DeliveryState::Queued),
        failed: count(&webhook.id, DeliveryState::Failed),
        endpoint: endpoint(ctx, webhook),
    };
    Ok(rows.map(line).collect())
}

pub fn one(ctx: &mut Ctx, id: &str) -> Result<Endpoint, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let webhook = webhooks::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    Ok(endpoint(ctx, webhook))
}

fn endpoint(ctx: &Ctx, webhook: Webhook) -> Endpoint {
    match Secrets::open(&ctx.app.settings.caller_key, &webhook) {
        Some(secrets) => Endpoint { address: secrets.masked_url(), has_secret: !secrets.secret.is_empty(), webhook },
        None => Endpoint {
            address: ctx.actor.lang.t("本机密钥已更换，请重新填写地址和密钥").into_owned(),
            has_secret: false,
            webhook,
        },
    }
}

/// A message with its last try.
pub type Tried = (Delivery, Option<WebhookAttempt>);

/// The log of an endpoint, newest first.
pub fn log(
    ctx: &mut Ctx,
    id: &str,
    state: Option<DeliveryState>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Tried>, i64), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let (rows, total) = webhooks::deliveries(&mut ctx.tx, id, state, offset, limit)?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let tries = webhooks::attempts(&mut ctx.tx, &ids)?;
    let last = |id: &str| tries.iter().rev().find(|attempt| attempt.delivery_id == id).cloned();
    Ok((rows.into_iter().map(|row| (row.clone(), last(&row.id))).collect(), total))
}

/// One message with every try.
pub fn delivery(ctx: &mut Ctx, id: &str) -> Result<(Webhook, Delivery, Vec<WebhookAttempt>), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let delivery = webhooks::delivery(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let hook = webhooks::by_id(&mut ctx.tx, &delivery.webhook_id)?.ok_or(Error::NotFound)?;
    let attempts = webhooks::attempts(&mut ctx.tx, &[id.to_owned()])?;
    Ok((hook, delivery, attempts))
}

/// What a message with this template looks like on the wire.
pub fn preview(ctx: &mut Ctx, id: &str, words: &str) -> Result<String, Error> {
    let hook = one(ctx, id)?.webhook;
    template::check(words).map_err(|reason| Error::field("template", reason))?;
    let name = ctx.actor.lang.t("（收件人）").into_owned();
    let to = hook.carries_notices.then(|| To { name, phone: "13800000000".to_owned() });
    let shown: serde_json::Value = serde_json::from_str(&body::of(hook.kind, words, &sample(ctx, to)))
        .map_err(|error| Error::Internal(error.to_string()))?;
    serde_json::to_string_pretty(&shown).map_err(|error| Error::Internal(error.to_string()))
}

fn sample(ctx: &Ctx, to: Option<To>) -> webhook::Message {
    let settings = &ctx.app.settings;
    let lang = ctx.actor.lang;
    webhook::Message {
        id: new_id(),
        event: "shenban.test".to_owned(),
        source: settings.public_url.clone(),
        subject: "webhook/test".to_owned(),
        // The receiver's clock is the real one.
        time: Clock::real().and_utc(),
        time_shown: shown(ctx, ctx.now),
        city: settings.city.clone(),
        title: lang.t("测试推送").into_owned(),
        text: lang.t("收到这条消息，说明接收端已接通。").into_owned(),
        link: settings.public_url.clone(),
        to,
        data: json!({}),
    }
}

/// A moment as people read it.
pub(in crate::app) fn shown(ctx: &Ctx, at: NaiveDateTime) -> String {
    ctx.app.clock.local(at).format("%Y-%m-%d %H:%M").to_string()
}

/// A message to an endpoint as a row that waits to be sent; its bytes are frozen.
pub(in crate::app) fn queued(ctx: &Ctx, hook: &Webhook, message: &webhook::Message, event: &str) -> Delivery {
    Delivery {
        id: new_id(),
        webhook_id: hook.id.clone(),
        message_id: message.id.clone(),
        event: event.to_owned(),
        title: message.title.clone(),
        body: body::of(hook.kind, &hook.template, message),
        recipient_id: None,
        case_id: None,
        state: DeliveryState::Queued,
        attempts: 0,
        next_attempt_at: ctx.now,
        claimed_by: None,
        claimed_until: None,
        created_at: ctx.now,
        settled_at: None,
    }
}
