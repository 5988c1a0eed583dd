//! A consultation answered from its mail, without signing in. Looking at the page changes nothing.

use crate::app::Error;
use crate::app::letters::{self, opinion_links};
use crate::domain::case::Opinion;
use crate::lang::{Lang, Message};
use crate::web::assets;
use crate::web::fields::Fields;
use crate::web::gate::lang_of;
use crate::web::page::{PageError, PageResult, status_of};
use crate::web::routes::{Access, Route};
use crate::web::server::State;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

#[derive(Template)]
#[template(path = "opinion.html", config = "src/web/askama.toml")]
struct OpinionPage<'a> {
    lang: Lang,
    city: &'a str,
    version: &'a str,
    token: &'a str,
    asked: opinion_links::OpinionAsked,
    due: String,
    /// What was sent and refused, to be filled in again.
    sent: Fields,
    faults: Vec<String>,
    done: bool,
}

impl OpinionPage<'_> {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.lang.t(key)
    }

    fn value(&self, name: &str) -> String {
        self.sent.text(name)
    }

    fn unit_of_days(&self, task: &crate::store::plans::Task) -> std::borrow::Cow<'static, str> {
        self.lang.t(task.duration_unit.label())
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/m/{token}/opinion", Access::Public, show),
        Route::post("/m/{token}/opinion", Access::Public, reply),
    ]
}

async fn show(req: HttpRequest, state: Data<State>, token: Path<String>) -> PageResult {
    shown(&state, lang_of(&req), &token, Fields::default(), None, false).await
}

async fn shown(
    state: &State,
    lang: Lang,
    token: &str,
    sent: Fields,
    refused: Option<&Error>,
    done: bool,
) -> PageResult {
    let failed = |error| PageError { error, lang };
    let asked = opinion_links::open(&state.app, token).await.map_err(failed)?;
    let faults = match refused {
        Some(Error::Invalid(faults)) => faults.iter().map(|fault| fault.reason.text(lang)).collect(),
        Some(error) => vec![error.message().text(lang)],
        None => Vec::new(),
    };
    let page = OpinionPage {
        lang,
        city: &state.app.settings.city,
        version: assets::VERSION.as_str(),
        token,
        due: letters::due_words(asked.asked.due_on, state.app.settings.close_of_day, lang),
        asked,
        sent,
        faults,
        done,
    };
    let html = page.render().map_err(|error| failed(Error::Internal(error.to_string())))?;
    Ok(HttpResponse::build(refused.map_or(StatusCode::OK, status_of))
        .content_type("text/html; charset=utf-8")
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-robots-tag", "noindex"))
        .insert_header(("referrer-policy", "no-referrer"))
        .body(html))
}

async fn reply(req: HttpRequest, state: Data<State>, token: Path<String>, body: Bytes) -> PageResult {
    let (lang, fields) = (lang_of(&req), Fields::from_form(&body));
    let opinion = fields.one("opinion").and_then(Opinion::parse);
    let done = match opinion.ok_or_else(|| Error::field("opinion", Message::new("请选择答复"))) {
        Ok(opinion) => {
            opinion_links::reply(&state.app, &token, &fields.text("name"), opinion, fields.text("comment")).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => shown(&state, lang, &token, Fields::default(), None, true).await,
        Err(error @ (Error::Invalid(_) | Error::Refused(_))) => {
            shown(&state, lang, &token, fields, Some(&error), false).await
        }
        Err(error) => Err(PageError { error, lang }),
    }
}
