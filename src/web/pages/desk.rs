//! The coordinator's desk, the unit's tasks, the leaders' view, the search box.

use crate::app::case_views::{self, CaseLine};
use crate::app::desk::{self, Leadership, Waiting};
use crate::app::search::{self, Found};
use crate::app::task_views::{self, TaskLine};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "desk.html", config = "src/web/askama.toml")]
struct DeskPage {
    page: Page,
    waiting: Vec<Waiting>,
    cases: Vec<CaseLine>,
}

#[derive(Template)]
#[template(path = "unit.html", config = "src/web/askama.toml")]
struct UnitPage {
    page: Page,
    count: usize,
    empty: bool,
    /// Each under a heading (a translation key, empty for the unit's own).
    groups: [(&'static str, Vec<TaskLine>); 2],
}

#[derive(Template)]
#[template(path = "lead.html", config = "src/web/askama.toml")]
struct LeadPage {
    page: Page,
    view: Leadership,
}

#[derive(Template)]
#[template(path = "search.html", config = "src/web/askama.toml")]
struct SearchPage {
    page: Page,
    q: String,
    found: Found,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk", Access::SignedIn(Action::OwnAccount), show),
        Route::get("/unit", Access::SignedIn(Action::WorkTask), unit),
        Route::get("/lead", Access::SignedIn(Action::ReadLeadership), lead),
        Route::get("/search", Access::SignedIn(Action::Search), search),
    ]
}

async fn show(page: Page) -> PageResult {
    let may_read_cases = page.may(Action::ReadCase);
    let (waiting, cases) = page
        .read(move |ctx| {
            let open =
                [CaseState::Issued, CaseState::Verifying, CaseState::Draft, CaseState::Consulted, CaseState::Approved];
            let cases = if may_read_cases { case_views::list(ctx, &open)? } else { Vec::new() };
            Ok((desk::waiting(ctx)?, cases))
        })
        .await?;
    page.html(&DeskPage { page: page.clone(), waiting, cases })
}

async fn unit(page: Page) -> PageResult {
    let (own, asked) = page.read(|ctx| task_views::of_my_units(ctx, false)).await?;
    page.html(&UnitPage {
        page: page.clone(),
        count: own.len(),
        empty: own.is_empty(),
        groups: [("", own), ("请求我单位协助", asked)],
    })
}

async fn lead(page: Page) -> PageResult {
    let view = page.read(desk::leadership).await?;
    page.html(&LeadPage { page: page.clone(), view })
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
}

async fn search(page: Page, asked: Query<Asked>) -> PageResult {
    let (q, text) = (asked.q.clone(), asked.into_inner().q);
    let found = page.read(move |ctx| search::search(ctx, &text)).await?;
    page.html(&SearchPage { page: page.clone(), q, found })
}
