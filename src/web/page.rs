//! What every page knows: who reads it, in which language, and how things are said.

use super::assets;
use super::gate::{SignedIn, lang_of};
use super::rail::Rails;
use super::server::State;
use super::show;
use crate::app::desk::Counts;
use crate::app::{Actor, App, Error};
use crate::domain::access::Action;
use crate::lang::{Lang, Message};
use crate::plan::gantt::Month;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use chrono::{NaiveDate, NaiveDateTime};
use futures_util::future::LocalBoxFuture;
use std::borrow::Cow;

/// The reader of a page.
#[derive(Clone)]
pub struct Page {
    pub app: App,
    pub actor: Actor,
    pub csrf: String,
    pub lang: Lang,
    pub path: String,
    /// What the rail counts.
    pub counts: Counts,
    /// What the last act said, told once.
    pub said: Option<String>,
}

impl FromRequest for Page {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Page, PageError>>;

    fn from_request(req: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let lang = lang_of(req);
        let signed_in = req.extensions().get::<SignedIn>().cloned();
        let (state, rails) = (req.app_data::<Data<State>>().cloned(), req.app_data::<Data<Rails>>().cloned());
        let path = req.path().to_owned();
        let said = req.cookie(SAID_COOKIE).map(|cookie| cookie.value().to_owned());
        Box::pin(async move {
            let (Some(signed_in), Some(state), Some(rails)) = (signed_in, state, rails) else {
                return Err(PageError { error: Error::Unauthenticated, lang });
            };
            let actor = Actor { lang, ..signed_in.actor };
            let counts = rails.counts(&state.app, &actor, said.is_some()).await;
            Ok(Page { app: state.app.clone(), actor, csrf: signed_in.csrf, lang, path, counts, said })
        })
    }
}

/// Holds the translation key of what an act did, until the next page.
const SAID_COOKIE: &str = "shenban_said";

impl Page {
    pub fn t<'k>(&self, key: &'k str) -> Cow<'k, str> {
        self.lang.t(key)
    }

    pub fn may(&self, action: Action) -> bool {
        self.actor.may_somewhere(action)
    }

    pub fn is_demo(&self) -> bool {
        self.app.settings.demo
    }

    pub fn version(&self) -> &'static str {
        assets::VERSION.as_str()
    }

    /// `aria-current` for the rail.
    pub fn at(&self, prefix: &str) -> bool {
        self.path == prefix || self.path.starts_with(&format!("{prefix}/"))
    }

    pub fn today(&self) -> NaiveDate {
        self.app.clock.local_date(self.app.clock.now())
    }

    /// `3月12日`, with the year when it is not this one.
    pub fn date(&self, day: &NaiveDate) -> String {
        self.lang.date(*day, self.today())
    }

    pub fn opt_date(&self, day: &Option<NaiveDate>) -> String {
        day.as_ref().map_or_else(|| "—".to_owned(), |day| self.date(day))
    }

    /// `3月12日 周四 18:00前`.
    pub fn due(&self, day: &NaiveDate) -> String {
        crate::app::letters::due_words(*day, &self.app, self.lang)
    }

    /// `3月12日 周四`.
    pub fn weekday(&self, day: &NaiveDate) -> String {
        self.lang.weekday(*day, self.today())
    }

    /// `3月`; another year's with its year.
    pub fn month(&self, month: &Month) -> String {
        self.lang.month(month.year, month.month, self.today())
    }

    /// `今天`, `明天`, or the date.
    pub fn soon(&self, day: &NaiveDate) -> String {
        show::soon(*day, self.today(), self.lang)
    }

    /// The moment the page was made: `11月23日 周一 18:40`.
    pub fn now(&self) -> String {
        let now = self.app.clock.local(self.app.clock.now());
        format!("{} {}", self.weekday(&now.date_naive()), now.format("%H:%M"))
    }

    /// How many working days are left, or have passed.
    pub fn left(&self, days: &i64) -> String {
        if *days < 0 {
            self.fill("超期 %{n} 个工作日", &[("n", &-days)])
        } else {
            self.fill("剩 %{n} 个工作日", &[("n", days)])
        }
    }

    /// A day beside the one it should keep: `早 3 个工作日`.
    pub fn against(&self, deadline: &NaiveDate, day: &NaiveDate) -> String {
        match self.app.calendar().working_days_between(*deadline, *day) {
            0 => self.t("当日").into_owned(),
            late if late > 0 => self.fill("晚 %{n} 个工作日", &[("n", &late)]),
            early => self.fill("早 %{n} 个工作日", &[("n", &-early)]),
        }
    }

    /// What the reader is: each post with its unit, as `协调员 · 市政务热线中心`.
    pub fn posts(&self) -> Vec<String> {
        self.actor.posts.iter().take(1).map(|post| self.t(post.role.label()).into_owned()).chain(self.unit()).collect()
    }

    fn unit(&self) -> Option<String> {
        self.counts.unit.clone()
    }

    /// Relative within a day, absolute beyond.
    pub fn when(&self, at: &NaiveDateTime) -> String {
        show::when(*at, self.app.clock.now(), self.app.clock.zone(), self.lang)
    }

    /// A moment to come, `3月12日 周四 09:00`.
    pub fn upcoming(&self, at: &NaiveDateTime) -> String {
        let local = self.app.clock.local(*at);
        format!("{} {}", self.weekday(&local.date_naive()), local.format("%H:%M"))
    }

    /// A moment's local date and time, as date and time fields hold them.
    pub fn local_day(&self, at: &NaiveDateTime) -> NaiveDate {
        self.app.clock.local_date(*at)
    }

    pub fn local_time(&self, at: &NaiveDateTime) -> String {
        self.app.clock.local(*at).format("%H:%M").to_string()
    }

    /// A file's size, `12 KB`.
    pub fn size(&self, bytes: &i64) -> String {
        show::size(*bytes)
    }

    /// The exact local time, for titles.
    pub fn exactly(&self, at: &NaiveDateTime) -> String {
        self.app.clock.local(*at).format("%Y-%m-%d %H:%M:%S").to_string()
    }

    pub fn fill(&self, key: &str, args: &[(&str, &dyn std::fmt::Display)]) -> String {
        self.lang.fill(key, args)
    }

    /// A sentence in the reader's language.
    pub fn say(&self, message: &Message) -> String {
        message.text(self.lang)
    }

    /// Runs a view for this reader.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut crate::app::Ctx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, PageError> {
        self.app.read(&self.actor, work).await.map_err(|error| self.failed(error))
    }

    pub fn failed(&self, error: Error) -> PageError {
        PageError { error, lang: self.lang }
    }

    /// Reads and draws a page on one thread: much is read for it, and what one thread makes another frees at a cost.
    pub async fn drawn<T>(
        &self,
        read: impl FnOnce(&mut crate::app::Ctx) -> Result<T, Error> + Send + 'static,
        draw: impl FnOnce(&Page, T) -> Result<String, PageError> + Send + 'static,
    ) -> PageResult {
        let page = self.clone();
        let html = self.read(move |ctx| Ok(draw(&page, read(ctx)?))).await??;
        Ok(self.answer(html))
    }

    pub fn html(&self, template: &impl Template) -> PageResult {
        Ok(self.answer(self.rendered(template)?))
    }

    pub fn rendered(&self, template: &impl Template) -> Result<String, PageError> {
        template.render().map_err(|error| self.failed(Error::Internal(error.to_string())))
    }

    fn answer(&self, html: String) -> HttpResponse {
        let mut answer = HttpResponse::Ok();
        if self.said.is_some() {
            answer.cookie(cookie(SAID_COOKIE, String::new(), actix_web::cookie::time::Duration::ZERO, &self.app));
        }
        answer.content_type("text/html; charset=utf-8").insert_header(("cache-control", "no-store")).body(html)
    }

    /// On to another page, which tells what was done.
    pub fn done(&self, to: &str, said: &'static str) -> HttpResponse {
        let minute = actix_web::cookie::time::Duration::minutes(1);
        HttpResponse::SeeOther()
            .insert_header((header::LOCATION, to))
            .cookie(cookie(SAID_COOKIE, said.to_owned(), minute, &self.app))
            .finish()
    }
}

/// A cookie of ours: not for scripts, not for other sites.
pub fn cookie(
    name: &'static str,
    value: String,
    lasts: actix_web::cookie::time::Duration,
    app: &App,
) -> actix_web::cookie::Cookie<'static> {
    actix_web::cookie::Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(actix_web::cookie::SameSite::Lax)
        .secure(app.settings.secure_cookies)
        .max_age(lasts)
        .finish()
}

pub type PageResult = Result<HttpResponse, PageError>;

/// An error told as a page in the reader's language.
#[derive(Debug)]
pub struct PageError {
    pub error: Error,
    pub lang: Lang,
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        status_of(&self.error)
    }

    fn error_response(&self) -> HttpResponse {
        error_page(&self.error, self.lang)
    }
}

pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Forbidden => StatusCode::FORBIDDEN,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Stale { .. } | Error::Refused(_) | Error::Cycle(_) => StatusCode::CONFLICT,
        Error::Busy | Error::FilesUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[derive(Template)]
#[template(path = "error.html", config = "src/web/askama.toml")]
struct ErrorPage<'a> {
    lang: Lang,
    status: u16,
    message: String,
    fields: Vec<(&'a str, String)>,
    version: &'a str,
}

impl ErrorPage<'_> {
    fn t<'k>(&self, key: &'k str) -> Cow<'k, str> {
        self.lang.t(key)
    }
}

pub fn error_page(error: &Error, lang: Lang) -> HttpResponse {
    if let Error::Internal(detail) | Error::FilesUnavailable(detail) = error {
        tracing::error!(detail, "a request failed");
    }
    let fields = match error {
        Error::Invalid(faults) => faults.iter().map(|fault| (fault.field, fault.reason.text(lang))).collect(),
        _ => Vec::new(),
    };
    let status = status_of(error);
    let message = error.message().text(lang);
    let page = ErrorPage {
        lang,
        status: status.as_u16(),
        message: message.clone(),
        fields,
        version: assets::VERSION.as_str(),
    };
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.render().unwrap_or(message))
}
