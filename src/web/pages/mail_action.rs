//! A link's page: one action of a unit on one task, without signing in. Looking at it changes nothing.

use super::by_link::Came;
use crate::app::letters::mail_links::{self, Opened, Said};
use crate::app::{
    Actor, Error,
    letters::{self, preferences},
};
use crate::lang::Lang;
use crate::web::assets;
use crate::web::fields::Fields;
use crate::web::files::form_of;
use crate::web::gate::lang_of;
use crate::web::page::{PageError, PageResult};
use crate::web::routes::{Access, Route};
use crate::web::server::State;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

/// What a browser shows and a scanner does not fetch: a transparent GIF of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

#[derive(Template)]
#[template(path = "mail_action.html", config = "src/web/askama.toml")]
struct ActionPage<'a> {
    lang: Lang,
    city: &'a str,
    version: &'a str,
    token: &'a str,
    opened: &'a Opened,
    due: Option<String>,
    faults: Vec<String>,
    came: &'a Came,
}

impl ActionPage<'_> {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.lang.t(key)
    }

    fn is(&self, act: &str) -> bool {
        self.opened.act.code() == act
    }

    fn value(&self, name: &str) -> String {
        self.came.sent(name)
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/m/{token}", Access::Public, show),
        Route::post("/m/{token}", Access::Public, act),
        Route::get("/m/{token}/seen.gif", Access::Public, seen),
        Route::get("/m/digests/{id}/{signed}", Access::Public, digests),
        Route::post("/m/digests/{id}/{signed}", Access::Public, end_digests),
    ]
}

async fn show(req: HttpRequest, state: Data<State>, token: Path<String>) -> PageResult {
    shown(&state, lang_of(&req), &token, Came::Looked).await
}

async fn shown(state: &State, lang: Lang, token: &str, came: Came) -> PageResult {
    let opened = mail_links::open(&state.app, token).await.map_err(|error| PageError { error, lang })?;
    // A request has a date of its own.
    let due_on = opened.request.as_ref().map(|request| request.due_on).or(opened.found.task.due_on);
    let page = ActionPage {
        lang,
        city: &state.app.settings.city,
        version: assets::VERSION.as_str(),
        token,
        due: due_on.map(|day| letters::due_words(day, &state.app, lang)),
        opened: &opened,
        faults: came.faults(lang),
        came: &came,
    };
    came.answer(&page, lang)
}

async fn act(req: HttpRequest, state: Data<State>, token: Path<String>, body: Bytes) -> PageResult {
    let lang = lang_of(&req);
    let (fields, uploads) = form_of(req.headers(), body).await.map_err(|error| PageError { error, lang })?;
    let done = match said(&fields, uploads) {
        Ok(said) => mail_links::act(&state.app, &token, said).await,
        Err(error) => Err(error),
    };
    shown(&state, lang, &token, Came::of(done, fields, lang)?).await
}

fn said(fields: &Fields, uploads: Vec<crate::app::tasks::files::Upload>) -> Result<Said, Error> {
    Ok(Said {
        name: fields.text("name"),
        text: fields.text("text"),
        percent: fields.one("percent").map(|_| fields.parsed("percent")).transpose()?,
        asked_due_on: fields.optional_date("asked_due_on")?,
        uploads,
    })
}

/// Browsers show the page's pictures; scanners only fetch the page.
async fn seen(state: Data<State>, token: Path<String>) -> HttpResponse {
    // Whether it was noted or not, the picture is shown.
    let _ = mail_links::seen(&state.app, &token).await;
    HttpResponse::Ok().content_type("image/gif").insert_header(("cache-control", "no-store")).body(PIXEL)
}

#[derive(Template)]
#[template(path = "digests_end.html", config = "src/web/askama.toml")]
struct DigestsPage {
    lang: Lang,
    version: &'static str,
    path: String,
    done: bool,
}

impl DigestsPage {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.lang.t(key)
    }
}

async fn digests(req: HttpRequest) -> PageResult {
    digests_page(&req, false)
}

fn digests_page(req: &HttpRequest, done: bool) -> PageResult {
    let lang = lang_of(req);
    let page = DigestsPage { lang, version: assets::VERSION.as_str(), path: req.path().to_owned(), done };
    let html = page.render().map_err(|error| PageError { error: Error::Internal(error.to_string()), lang })?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html))
}

/// One click, from a mail program (RFC 8058) or from the page.
async fn end_digests(req: HttpRequest, state: Data<State>, of: Path<(String, String)>) -> PageResult {
    let (recipient, signed) = of.into_inner();
    let ended =
        state.app.write(&Actor::holder_of_link(), move |ctx| preferences::end_digests(ctx, &recipient, &signed)).await;
    ended.map_err(|error| PageError { error, lang: lang_of(&req) })?;
    digests_page(&req, true)
}
