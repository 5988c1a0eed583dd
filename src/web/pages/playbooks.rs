//! Playbooks: how their cases went, which version a case began from, and a closed case as a playbook.

use crate::app::cases::learning::{self, PastCase, PastKind, Record, Version};
use crate::domain::access::Action;
use crate::playbook::{self, Playbook};
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;

#[derive(Template)]
#[template(path = "playbooks.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    playbooks: Vec<Playbook>,
}

#[derive(Template)]
#[template(path = "playbook.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    record: Record,
}

impl OnePage {
    /// What a task took in past cases, in words.
    fn took(&self, kind: &PastKind) -> String {
        match (kind.took.first(), kind.took.last()) {
            (Some(least), Some(most)) if least != most => format!("{least}–{most}"),
            (Some(only), _) => only.to_string(),
            _ => "—".to_owned(),
        }
    }

    fn days(&self, days: &Option<i64>) -> String {
        days.map_or_else(|| "—".to_owned(), |days| days.to_string())
    }

    /// It took longer than was planned.
    fn is_over(&self, past: &PastCase) -> bool {
        past.planned_days.zip(past.took_days).is_some_and(|(planned, took)| took > planned)
    }
}

#[derive(Template)]
#[template(path = "playbook_version.html", config = "src/web/askama.toml")]
struct VersionPage {
    page: Page,
    version: Version,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/playbooks", Access::SignedIn(Action::OpenCase), list),
        Route::get("/playbooks/{key}", Access::SignedIn(Action::OpenCase), one),
        Route::get("/cases/{id}/playbook", Access::SignedIn(Action::ReadCase), version),
        Route::get("/cases/{id}/learned.yaml", Access::SignedIn(Action::ReadCase), learned),
    ]
}

async fn list(page: Page) -> PageResult {
    page.html(&ListPage { page: page.clone(), playbooks: playbook::shipped() })
}

async fn one(page: Page, key: Path<String>) -> PageResult {
    let record = page.read(move |ctx| learning::record(ctx, &key)).await?;
    page.html(&OnePage { page: page.clone(), record })
}

async fn version(page: Page, id: Path<String>) -> PageResult {
    let version = page.read(move |ctx| learning::version(ctx, &id)).await?;
    page.html(&VersionPage { page: page.clone(), version })
}

async fn learned(page: Page, id: Path<String>) -> PageResult {
    let playbook = page.read(move |ctx| learning::learned(ctx, &id)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/yaml; charset=utf-8")
        .insert_header(("content-disposition", format!("attachment; filename=\"{}.yaml\"", playbook.key)))
        .body(playbook.text))
}
