//! Endpoints of other channels: which there are, what each is told and how, and the log of what it was sent.

use super::{Pager, ROWS};
use crate::app::webhooks::{self, Endpoint, Line, Tried};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::webhook::{DeliveryState, EVENT_GROUPS, WebhookKind};
use crate::store::webhooks::{Delivery, Webhook, WebhookAttempt};
use crate::web::acts::{endpoint, endpoint_kind};
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use crate::webhook::template;
use actix_web::web::{Bytes, Path, Query};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "webhooks.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "webhook.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    hook: Webhook,
    address: String,
    /// The words as the form shows them.
    words: String,
    /// What a message with these words looks like.
    preview: String,
    /// The words differ from what holds: they are looked at, not saved.
    unsaved: bool,
    /// A secret that was made just now: shown this once.
    fresh: Option<String>,
    state: Option<DeliveryState>,
    rows: Vec<Tried>,
    pager: Pager,
}

impl OnePage {
    fn groups(&self) -> &'static [(&'static str, &'static str)] {
        EVENT_GROUPS
    }

    fn placeholders(&self) -> &'static [(&'static str, &'static str)] {
        template::PLACEHOLDERS
    }

    fn shipped(&self) -> &'static str {
        template::shipped(self.hook.kind)
    }
}

#[derive(Template)]
#[template(path = "delivery.html", config = "src/web/askama.toml")]
struct DeliveryPage {
    page: Page,
    hook: Webhook,
    delivery: Delivery,
    body: String,
    attempts: Vec<WebhookAttempt>,
}

pub fn routes() -> Vec<Route> {
    let admin = Access::SignedIn(Action::Administer);
    vec![
        Route::get("/admin/webhooks", admin, list),
        Route::post("/admin/webhooks", admin, add),
        Route::get("/webhooks/{id}", admin, one),
        Route::post("/webhooks/{id}/preview", admin, preview),
        Route::get("/deliveries/{id}", admin, delivery),
    ]
}

async fn list(page: Page) -> PageResult {
    let lines = page.read(webhooks::list).await?;
    page.html(&ListPage { page: page.clone(), lines })
}

async fn add(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let kind = endpoint_kind(&f).map_err(|error| page.failed(error))?;
    let added = page.app.write(&page.actor, move |ctx| webhooks::add(ctx, kind, endpoint(&f))).await;
    let (id, fresh) = added.map_err(|error| page.failed(error))?;
    match fresh {
        Some(_) => shown(page, id, Asked::default(), None, fresh).await,
        None => Ok(page.done(&format!("/webhooks/{id}"), "已新增接收端")),
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: u32,
}

async fn one(page: Page, id: Path<String>, asked: Query<Asked>) -> PageResult {
    shown(page, id.into_inner(), asked.into_inner(), None, None).await
}

/// Only shows what a message would look like.
async fn preview(page: Page, id: Path<String>, body: Bytes) -> PageResult {
    let words = endpoint(&Fields::from_form(&body)).template;
    shown(page, id.into_inner(), Asked::default(), Some(words), None).await
}

async fn shown(page: Page, id: String, asked: Asked, looked_at: Option<String>, fresh: Option<String>) -> PageResult {
    let (state, at) = (DeliveryState::parse(&asked.state), i64::from(asked.page));
    let (path, unsaved) = (format!("/webhooks/{id}"), looked_at.is_some());
    let read = move |ctx: &mut Ctx| {
        let Endpoint { webhook: hook, address, .. } = webhooks::one(ctx, &id)?;
        let kept = if hook.template.is_empty() { template::shipped(hook.kind) } else { &hook.template };
        let words = looked_at.unwrap_or_else(|| kept.to_owned());
        let preview = webhooks::preview(ctx, &id, &words)?;
        let log = webhooks::log(ctx, &id, state, at * ROWS, ROWS)?;
        Ok((hook, address, words, preview, log))
    };
    let (hook, address, words, preview, (rows, total)) = page.read(read).await?;
    let pager = Pager::new(&path, &[("state", &asked.state)], at, total);
    page.html(&OnePage { page: page.clone(), hook, address, words, preview, unsaved, fresh, state, rows, pager })
}

async fn delivery(page: Page, id: Path<String>) -> PageResult {
    let (hook, delivery, attempts) = page.read(move |ctx| webhooks::delivery(ctx, &id)).await?;
    let body: serde_json::Value =
        serde_json::from_str(&delivery.body).map_err(|error| page.failed(Error::Internal(error.to_string())))?;
    let body = serde_json::to_string_pretty(&body).map_err(|error| page.failed(Error::Internal(error.to_string())))?;
    page.html(&DeliveryPage { page: page.clone(), hook, delivery, body, attempts })
}
