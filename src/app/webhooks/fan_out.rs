//! Which endpoints are told of which events. The sealed order is read, in the sealing's own transaction: every committed
//! event is queued once for each endpoint that wants it, and none that was rolled back.

use super::{queued, shown};
use crate::app::{Actor, App, Ctx, Error};
use crate::domain::webhook::wants;
use crate::domain::{event, mask};
use crate::lang::Lang;
use crate::store::events::{self, Sealed};
use crate::store::webhooks::{self, Webhook};
use crate::store::{Tx, cases};
use crate::webhook::Message;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Queues what the endpoints want of up to `limit` events sealed after `after`.
pub fn fan_out(app: &App, tx: &mut Tx, after: i64, limit: i64) -> Result<(), Error> {
    let wanting: Vec<Webhook> =
        webhooks::all(tx)?.into_iter().filter(|hook| hook.active && !hook.events.is_empty()).collect();
    if wanting.is_empty() {
        return Ok(());
    }
    app.run(tx, Actor::job("推送"), |ctx| {
        let mut case_lines = HashMap::new();
        for sealed in events::sealed_after(&mut ctx.tx, after, limit)? {
            let kind = &sealed.event.kind;
            let mut hooks = wanting.iter().filter(|hook| wants(&hook.events, kind)).peekable();
            if hooks.peek().is_none() {
                continue;
            }
            let message = message(ctx, &sealed, &mut case_lines)?;
            for hook in hooks {
                let row = queued(ctx, hook, &message, kind);
                webhooks::queue(&mut ctx.tx, row)?;
            }
        }
        Ok(())
    })
}

fn message(ctx: &mut Ctx, sealed: &Sealed, case_lines: &mut HashMap<String, String>) -> Result<Message, Error> {
    let event = &sealed.event;
    let payload: Value = masked(serde_json::from_str(&event.payload).unwrap_or_default());
    let case_line = match &event.case_id {
        Some(id) if !case_lines.contains_key(id) => {
            let case = cases::by_id(&mut ctx.tx, id)?;
            let line = case.map(|case| format!("{} {}", case.no, mask::text(&case.title, None))).unwrap_or_default();
            case_lines.entry(id.clone()).insert_entry(line).get().clone()
        }
        Some(id) => case_lines[id].clone(),
        None => String::new(),
    };
    let words = Lang::Zh.t(event::words(&event.kind));
    let title = match payload["title"].as_str().filter(|title| !title.is_empty()) {
        Some(title) => format!("{words}：{title}"),
        None => words.into_owned(),
    };
    let text = [case_line.as_str(), &event.actor_name].into_iter().filter(|part| !part.is_empty());
    Ok(Message {
        id: event.id.clone(),
        event: format!("shenban.{}", event.kind),
        source: ctx.app.settings.public_url.clone(),
        subject: format!("{}/{}", event.subject_kind, event.subject_id),
        time: event.at.and_utc(),
        time_shown: shown(ctx, event.at),
        city: ctx.app.settings.city.clone(),
        title,
        text: text.collect::<Vec<_>>().join(" · "),
        link: link(ctx, sealed),
        to: None,
        data: json!({
            "sequence": sealed.seq,
            "case_id": event.case_id,
            "actor": { "kind": event.actor_kind, "name": event.actor_name },
            "channel": event.channel,
            "payload": payload,
        }),
    })
}

/// The page of what it is about, else of its case.
fn link(ctx: &Ctx, sealed: &Sealed) -> String {
    const PAGES: [(&str, &str); 6] = [
        ("case", "cases"),
        ("task", "tasks"),
        ("problem", "problems"),
        ("ticket", "tickets"),
        ("directive", "directives"),
        ("meeting", "meetings"),
    ];
    let (event, site) = (&sealed.event, &ctx.app.settings.public_url);
    match (PAGES.iter().find(|(kind, _)| *kind == event.subject_kind), &event.case_id) {
        (Some((_, page)), _) => format!("{site}/{page}/{}", event.subject_id),
        (None, Some(case_id)) => format!("{site}/cases/{case_id}"),
        (None, None) => site.clone(),
    }
}

/// Nothing of a citizen leaves, whatever somebody typed into a reason; ids stay what they are.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) if uuid::Uuid::parse_str(&text).is_err() => Value::String(mask::text(&text, None)),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, masked(value))).collect(),
        other => other,
    }
}
