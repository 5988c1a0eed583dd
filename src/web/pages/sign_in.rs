//! Signing in and out, and the reader's language.

use crate::app::{Error, accounts};
use crate::domain::access::Action;
use crate::lang::Lang;
use crate::store::people;
use crate::web::fields::Fields;
use crate::web::gate::{LANG_COOKIE, SESSION_COOKIE, lang_of};
use crate::web::page::{Page, PageError, PageResult, cookie};
use crate::web::routes::{Access, Route};
use crate::web::server::State;
use actix_web::cookie::time::Duration;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

/// What every demo account's password is.
pub const DEMO_PASSWORD: &str = "shenban-demo";
const YEAR: Duration = Duration::days(365);

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/web/askama.toml")]
struct SignInPage<'a> {
    lang: Lang,
    city: &'a str,
    version: &'a str,
    next: &'a str,
    login: &'a str,
    error: Option<String>,
    logins: Vec<(String, String)>,
    password: &'a str,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/", Access::SignedIn(Action::OwnAccount), home),
        Route::get("/sign-in", Access::Public, form),
        Route::post("/sign-in", Access::Public, sign_in),
        Route::post("/sign-out", Access::SignedIn(Action::OwnAccount), sign_out),
        Route::post("/language", Access::SignedIn(Action::OwnAccount), set_language),
    ]
}

fn to(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// Leaders begin with their view, operators with a caller, the others at their desk.
async fn home(page: Page) -> HttpResponse {
    let leads = page.may(Action::ReadLeadership) && !page.may(Action::AcceptTask);
    let takes_calls = page.may(Action::AddTickets);
    to(if leads {
        "/lead"
    } else if takes_calls {
        "/tickets/new"
    } else {
        "/desk"
    })
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn form(req: HttpRequest, state: Data<State>, next: Query<Next>) -> PageResult {
    let next = next.into_inner().next.unwrap_or_default();
    show(&state, lang_of(&req), &next, "", None, StatusCode::OK).await
}

async fn show(
    state: &State,
    lang: Lang,
    next: &str,
    login: &str,
    error: Option<&Error>,
    status: StatusCode,
) -> PageResult {
    let logins = if state.app.settings.demo { demo_logins(state, lang).await? } else { Vec::new() };
    let page = SignInPage {
        lang,
        city: &state.app.settings.city,
        version: crate::web::assets::VERSION.as_str(),
        next,
        login,
        error: error.map(|error| error.message().text(lang)),
        logins,
        password: DEMO_PASSWORD,
    };
    let html = page.render().map_err(|error| PageError { error: Error::Internal(error.to_string()), lang })?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
}

async fn demo_logins(state: &State, lang: Lang) -> Result<Vec<(String, String)>, PageError> {
    let people = state.app.store.read(people::people).await.map_err(|error| PageError { error: error.into(), lang })?;
    Ok(people.into_iter().map(|person| (person.login, person.name)).collect())
}

async fn sign_in(req: HttpRequest, state: Data<State>, body: Bytes) -> PageResult {
    let (fields, lang) = (Fields::from_form(&body), lang_of(&req));
    let (login, next) = (fields.text("login"), fields.text("next"));
    match accounts::sign_in(&state.app, login.clone(), fields.text("password")).await {
        Ok(signed_in) => {
            let inside = next.starts_with('/') && !next.starts_with("//");
            let lasts = Duration::seconds(accounts::SESSION_LASTS.num_seconds());
            let mut answer = to(if inside { &next } else { "/" });
            answer
                .add_cookie(&cookie(SESSION_COOKIE, signed_in.token, lasts, &state.app))
                .map_err(|error| PageError { error: Error::Internal(error.to_string()), lang })?;
            Ok(answer)
        }
        Err(error @ Error::Refused(_)) => {
            show(&state, lang, &next, &login, Some(&error), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(PageError { error, lang }),
    }
}

async fn sign_out(page: Page, req: HttpRequest) -> PageResult {
    if let Some(session) = req.cookie(SESSION_COOKIE) {
        accounts::sign_out(&page.app, session.value().to_owned()).await.map_err(|error| page.failed(error))?;
    }
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/sign-in"))
        .cookie(cookie(SESSION_COOKIE, String::new(), Duration::ZERO, &page.app))
        .finish())
}

async fn set_language(page: Page, body: Bytes) -> PageResult {
    let fields = Fields::from_form(&body);
    let lang = fields.one("lang").and_then(Lang::parse).unwrap_or_default();
    accounts::set_language(&page.app, &page.actor, lang).await.map_err(|error| page.failed(error))?;
    let next = fields.text("next");
    let next = if next.starts_with('/') && !next.starts_with("//") { next.as_str() } else { "/" };
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, next))
        .cookie(cookie(LANG_COOKIE, lang.tag().to_owned(), YEAR, &page.app))
        .finish())
}
