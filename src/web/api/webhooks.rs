//! Endpoints of other channels and the log of what they were sent. Secrets go in and do not come out.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::webhooks::{self, Endpoint, Line};
use crate::domain::access::Action;
use crate::domain::webhook::DeliveryState;
use crate::store::webhooks::{Delivery, WebhookAttempt};
use crate::web::acts::{endpoint, endpoint_kind};
use crate::web::fields::{Fields, code_of};
use crate::web::routes::{Access, Route};
use crate::webhook::template;
use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpResponse, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// The most of a log that one answer holds.
const ROWS_MAX: i64 = 200;

pub fn routes() -> Vec<Route> {
    let admin = Access::SignedIn(Action::Administer);
    vec![
        Route::get("/api/v1/webhooks", admin, list),
        Route::post("/api/v1/webhooks", admin, add),
        Route::get("/api/v1/webhooks/{id}", admin, one),
        Route::get("/api/v1/webhooks/{id}/deliveries", admin, log),
        Route::post("/api/v1/webhooks/{id}/preview", admin, preview),
        Route::get("/api/v1/deliveries/{id}", admin, delivery),
    ]
}

fn told(endpoint: &Endpoint) -> Value {
    let hook = &endpoint.webhook;
    let words = if hook.template.is_empty() { template::shipped(hook.kind) } else { &hook.template };
    json!({ "id": hook.id, "name": hook.name, "kind": hook.kind, "url": endpoint.address, "events": hook.events,
        "has_secret": endpoint.has_secret, "carries_notices": hook.carries_notices, "template": words,
        "active": hook.active, "version": hook.version })
}

fn with_counts(line: &Line) -> Value {
    let mut told = told(&line.endpoint);
    told["queued"] = json!(line.queued);
    told["failed"] = json!(line.failed);
    told
}

fn row(delivery: &Delivery) -> Value {
    json!({ "id": delivery.id, "message_id": delivery.message_id, "event": delivery.event, "title": delivery.title,
        "state": delivery.state, "attempts": delivery.attempts, "created_at": delivery.created_at.and_utc(),
        "next_attempt_at": delivery.next_attempt_at.and_utc(), "settled_at": delivery.settled_at.map(|at| at.and_utc()) })
}

fn attempt(row: &WebhookAttempt) -> Value {
    json!({ "outcome": row.outcome, "status": row.status, "response": row.response, "at": row.at.and_utc() })
}

async fn list(api: Api) -> ApiResult {
    answer(&api, webhooks::list, |lines| json!({ "webhooks": lines.iter().map(with_counts).collect::<Vec<_>>() })).await
}

/// The answer holds the secret that was made, this once.
async fn add(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let kind = endpoint_kind(&f).map_err(|error| api.failed(error))?;
    let added = api.app.write(&api.actor, move |ctx| webhooks::add(ctx, kind, endpoint(&f))).await;
    let (id, secret) = added.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(json!({ "id": id, "secret": secret })))
}

async fn one(api: Api, id: Path<String>) -> ApiResult {
    answer(&api, move |ctx| webhooks::one(ctx, &id), |hook| told(&hook)).await
}

#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    #[serde(default)]
    offset: i64,
    limit: Option<i64>,
}

async fn log(api: Api, id: Path<String>, asked: Query<Asked>) -> ApiResult {
    let state = asked.state.as_deref().map(|text| code_of("state", text, DeliveryState::parse));
    let state = state.transpose().map_err(|error| api.failed(error))?;
    let (offset, limit) = (asked.offset.max(0), asked.limit.unwrap_or(50).clamp(1, ROWS_MAX));
    let read = move |ctx: &mut crate::app::Ctx| webhooks::log(ctx, &id, state, offset, limit);
    answer(&api, read, |(rows, total)| {
        let rows = rows.iter().map(|(delivery, last)| {
            let mut told = row(delivery);
            told["last_attempt"] = last.as_ref().map(attempt).into();
            told
        });
        json!({ "total": total, "deliveries": rows.collect::<Vec<_>>() })
    })
    .await
}

async fn preview(api: Api, id: Path<String>, body: Bytes) -> ApiResult {
    let words = Fields::from_json(&api.parsed(&body)?).text("template");
    answer(&api, move |ctx| webhooks::preview(ctx, &id, &words), |shown| json!({ "body": shown })).await
}

async fn delivery(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| webhooks::delivery(ctx, &id),
        |(hook, delivery, attempts)| {
            let mut told = row(&delivery);
            told["webhook_id"] = json!(hook.id);
            told["body"] = json!(delivery.body);
            told["tries"] = attempts.iter().map(attempt).collect();
            told
        },
    )
    .await
}
