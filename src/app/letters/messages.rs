//! What is owed to one recipient as one message of another channel: short, and with no link that acts without signing in,
//! for a group may read it.

use super::drafts::Drafts;
use super::{Asked, Bundle, To, asked, worded};
use crate::app::webhooks::{queued, shown};
use crate::app::{Ctx, Error};
use crate::domain::mask;
use crate::mail::Ask;
use crate::store::notices::Notice;
use crate::store::webhooks::{Delivery, Webhook};
use crate::store::{cases, new_id};
use crate::webhook::{self, Message};
use serde_json::{Value, json};

/// Asks in one message; what is more waits for the next.
const ASKS_MAX: usize = 20;

pub fn draft(
    ctx: &mut Ctx,
    drafts: &mut Drafts,
    group: Vec<Notice>,
    bundle: Bundle,
    hook: &Webhook,
    to: To,
) -> Result<(), Error> {
    let Some(first) = group.first().cloned() else { return Ok(()) };
    let Asked { asks, settles } = asked(ctx, drafts, &group, None, to.lang, ASKS_MAX)?;
    if asks.is_empty() {
        return Ok(());
    }
    let case_id = first.case_id.clone().filter(|_| bundle == Bundle::OneCase);
    let message = message(ctx, &asks, case_id.as_deref(), bundle, to)?;
    let row = Delivery { recipient_id: Some(first.recipient_id), case_id, ..queued(ctx, hook, &message, "notice") };
    drafts.message(row, settles);
    Ok(())
}

fn message(ctx: &mut Ctx, asks: &[Ask], case_id: Option<&str>, bundle: Bundle, to: To) -> Result<Message, Error> {
    let case = case_id.map(|id| cases::by_id(&mut ctx.tx, id)).transpose()?.flatten();
    let case_line = case.map(|case| format!("{} {}", case.no, case.title)).unwrap_or_default();
    let (title, opening) = worded(ctx, asks, &to, &case_line, bundle)?;
    let text = match asks {
        [one] => one.due_shown.clone().unwrap_or(opening),
        several => several.iter().map(|ask| line(ask, &to)).collect::<Vec<_>>().join("\n"),
    };
    let site = &ctx.app.settings.public_url;
    let link = match (asks, case_id) {
        ([one], _) => one.links.last().map(|link| link.url.clone()).unwrap_or_else(|| site.clone()),
        (_, Some(case_id)) => format!("{site}/cases/{case_id}"),
        _ => format!("{site}/desk"),
    };
    let items: Vec<Value> =
        asks.iter().map(|ask| json!({ "stage": ask.stage, "due_at": ask.due_at.map(|at| at.and_utc()) })).collect();
    let id = new_id();
    Ok(Message {
        subject: format!("notice/{id}"),
        id,
        event: "shenban.notice".to_owned(),
        source: site.clone(),
        time: ctx.now.and_utc(),
        time_shown: shown(ctx, ctx.now),
        city: ctx.app.settings.city.clone(),
        title: mask::text(&title, None),
        text: mask::text(&text, None),
        link,
        to: Some(webhook::To { name: to.name, phone: to.address }),
        data: json!({ "case_id": case_id, "items": items }),
    })
}

/// `任务交办 ZX-2026-0007/03 现场踏勘 3月12日 周四 18:00前`.
fn line(ask: &Ask, to: &To) -> String {
    let stage = to.lang.t(ask.stage.label());
    let parts = [&*stage, &ask.heading, ask.due_shown.as_deref().unwrap_or_default()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
