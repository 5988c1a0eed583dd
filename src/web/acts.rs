//! What can be done to a task, case, problem or ticket: one table for the pages' forms and the JSON API.

mod on_cases;
mod on_directives;
mod on_houses;
mod on_mail;
mod on_matters;
mod on_meetings;
mod on_people;
mod on_problems;
mod on_tasks;
mod on_tickets;
mod on_webhooks;

pub use on_mail::{channels, muted};
pub use on_meetings::DECISIONS;
pub use on_people::{role, unit_days};
pub use on_webhooks::{edit as endpoint, kind as endpoint_kind};

use super::api::{Api, ApiResult};
use super::fields::Fields;
use super::files::form_of;
use super::page::{Page, PageResult};
use super::routes::{Access, Route};
use crate::app::problems::matching_index::EngineChange;
use crate::app::tasks::{files, proxy_entries};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// Name and type (as OpenAPI names it) of a field.
type Field = (&'static str, &'static str);

/// What the reader saw: a change of something newer is refused.
const VERSION: Field = ("version", "integer");

/// Groups of fields as one list of `N`.
const fn joined<const N: usize>(groups: &[&[Field]]) -> [Field; N] {
    let mut all = [("", ""); N];
    let (mut group, mut at) = (0, 0);
    while group < groups.len() {
        let mut field = 0;
        while field < groups[group].len() {
            all[at] = groups[group][field];
            (field, at) = (field + 1, at + 1);
        }
        group += 1;
    }
    assert!(at == N);
    all
}

/// One thing that can be done to a thing of a kind.
pub struct Act {
    /// The kind as URLs name it: `tasks`, `cases`, `problems`, `tickets`.
    pub on: &'static str,
    pub name: &'static str,
    pub needs: Action,
    /// A translation key: what the next page says.
    pub said: &'static str,
    /// What the form or body holds.
    pub fields: &'static [Field],
    pub run: fn(&mut Ctx, &str, &Fields) -> Result<Done, Error>,
}

impl Act {
    /// Runs it; what a coordinator enters for a unit (代录) is marked with how it came.
    fn perform(&self, ctx: &mut Ctx, id: &str, fields: &Fields) -> Result<Done, Error> {
        if let ("tasks", Some(source)) = (self.on, fields.one("proxy_source")) {
            proxy_entries::enter(ctx, id, self.name, source)?;
        }
        (self.run)(ctx, id, fields)
    }
}

/// What an act left behind.
#[derive(Default)]
pub struct Done {
    /// The page to go on to, when it is not the thing's own.
    pub go: Option<String>,
    /// The id of what was made.
    pub id: Option<String>,
    /// What the matching index has to learn.
    pub changes: Vec<EngineChange>,
}

impl From<()> for Done {
    fn from((): ()) -> Done {
        Done::default()
    }
}

impl From<Vec<EngineChange>> for Done {
    fn from(changes: Vec<EngineChange>) -> Done {
        Done { changes, ..Done::default() }
    }
}

/// Every act.
pub fn all() -> impl Iterator<Item = &'static Act> {
    let rooms = [
        on_tasks::ACTS,
        on_matters::ACTS,
        on_houses::ACTS,
        on_cases::ACTS,
        on_meetings::ACTS,
        on_directives::ACTS,
        on_problems::ACTS,
        on_tickets::ACTS,
        on_people::ACTS,
        on_mail::ACTS,
        on_webhooks::ACTS,
    ];
    rooms.into_iter().flatten()
}

pub fn routes() -> Vec<Route> {
    all()
        .flat_map(|act| {
            let access = Access::SignedIn(act.needs);
            let page = format!("/{}/{{id}}/{}", act.on, act.name);
            let api = format!("/api/v1/{}/{{id}}/{}", act.on, act.name);
            [
                Route::post(&page, access, move |page: Page, req: HttpRequest, id: Path<String>, body: Bytes| {
                    by_form(act, page, req, id, body)
                }),
                Route::post(&api, access, move |api: Api, id: Path<String>, body: Bytes| by_json(act, api, id, body)),
            ]
        })
        .collect()
}

async fn by_form(act: &'static Act, page: Page, req: HttpRequest, id: Path<String>, body: Bytes) -> PageResult {
    let id = id.into_inner();
    let (fields, uploads) = form_of(req.headers(), body).await.map_err(|error| page.failed(error))?;
    let kept = files::keep(&page.app, &page.actor, &id, uploads).await.map_err(|error| page.failed(error))?;
    let next = fields.one("next").filter(|next| next.starts_with('/') && !next.starts_with("//")).map(str::to_owned);
    let own = format!("/{}/{id}", act.on);
    let acted = page.app.write(&page.actor, move |ctx| {
        files::attach(ctx, &id, kept)?;
        act.perform(ctx, &id, &fields)
    });
    let done = acted.await.map_err(|error| page.failed(error))?;
    page.app.index.decide(done.changes);
    Ok(page.done(&done.go.or(next).unwrap_or(own), act.said))
}

async fn by_json(act: &'static Act, api: Api, id: Path<String>, body: Bytes) -> ApiResult {
    let value: Value = if body.is_empty() { json!({}) } else { api.parsed(&body)? };
    let (id, fields) = (id.into_inner(), Fields::from_json(&value));
    let done = api
        .app
        .write(&api.actor, move |ctx| act.perform(ctx, &id, &fields))
        .await
        .map_err(|error| api.failed(error))?;
    api.app.index.decide(done.changes);
    Ok(HttpResponse::Ok().json(json!({ "done": act.name, "id": done.id })))
}
