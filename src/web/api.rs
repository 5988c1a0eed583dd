//! The JSON API under `/api/v1`: reading here, doing in [`super::acts`]. Errors are RFC 9457 problems with a stable `type`.

mod admin;
mod assigning;
mod briefs;
mod deadline;
mod directives;
mod duty;
pub(super) mod intake;
mod me;
mod meetings;
mod openapi;
mod read;
mod tasks;
mod webhooks;

use super::gate::{SignedIn, lang_of};
use super::page::status_of;
use super::routes::Route;
use super::server::State;
use crate::app::{Actor, App, Error};
use crate::lang::{Lang, Message};
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::future::{Ready, ready};

/// The reader of an answer.
pub struct Api {
    pub app: App,
    pub actor: Actor,
    pub lang: Lang,
    pub idempotency_key: Option<String>,
}

impl FromRequest for Api {
    type Error = ApiError;
    type Future = Ready<Result<Api, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let lang = lang_of(req);
        let key = req.headers().get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let api =
            req.extensions().get::<SignedIn>().cloned().zip(req.app_data::<Data<State>>()).map(|(signed_in, state)| {
                Api { app: state.app.clone(), actor: signed_in.actor, lang, idempotency_key: key }
            });
        ready(api.ok_or(ApiError { error: Error::Unauthenticated, lang }))
    }
}

impl Api {
    pub fn failed(&self, error: Error) -> ApiError {
        ApiError { error, lang: self.lang }
    }

    /// A JSON body; what cannot be read is named.
    pub fn parsed<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ApiError> {
        serde_json::from_slice(body)
            .map_err(|error| self.failed(Error::field("body", Message::new("读不懂：%{detail}").with("detail", error))))
    }
}

pub type ApiResult = Result<HttpResponse, ApiError>;

#[derive(Debug)]
pub struct ApiError {
    pub error: Error,
    pub lang: Lang,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status_of(&self.error)
    }

    fn error_response(&self) -> HttpResponse {
        problem_of(&self.error, self.lang)
    }
}

/// The stable name of an error.
fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::Invalid(_) => "invalid",
        Error::NotFound => "not-found",
        Error::Forbidden => "forbidden",
        Error::Unauthenticated => "unauthenticated",
        Error::Stale { .. } => "stale",
        Error::Refused(_) => "refused",
        Error::Cycle(_) => "cycle",
        Error::Busy => "busy",
        Error::FilesUnavailable(_) => "files-unavailable",
        Error::TooMany => "too-many-requests",
        Error::Internal(_) => "internal",
    }
}

/// An error as `application/problem+json`.
pub fn problem_of(error: &Error, lang: Lang) -> HttpResponse {
    if let Error::Internal(detail) | Error::FilesUnavailable(detail) = error {
        tracing::error!(detail, "a request failed");
    }
    let status = status_of(error);
    let mut problem = json!({
        "type": format!("urn:shenban:problem:{}", kind_of(error)),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": error.message().text(lang),
    });
    match error {
        Error::Invalid(faults) => {
            let errors: Vec<Value> =
                faults.iter().map(|fault| json!({ "field": fault.field, "detail": fault.reason.text(lang) })).collect();
            problem["errors"] = json!(errors);
        }
        Error::Stale { yours, current } => {
            problem["your_version"] = json!(yours);
            problem["current_version"] = json!(current);
        }
        Error::Cycle(titles) => problem["cycle"] = json!(titles),
        _ => {}
    }
    HttpResponse::build(status).content_type("application/problem+json").body(problem.to_string())
}

pub fn routes() -> Vec<Route> {
    let mut routes = read::routes();
    routes.extend(directives::routes());
    routes.extend(duty::routes());
    routes.extend(briefs::routes());
    routes.extend(tasks::routes());
    routes.extend(assigning::routes());
    routes.extend(deadline::routes());
    routes.extend(meetings::routes());
    routes.extend(intake::routes());
    routes.extend(admin::routes());
    routes.extend(webhooks::routes());
    routes.extend(me::routes());
    routes.extend(openapi::routes());
    routes
}
