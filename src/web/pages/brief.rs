//! Briefs to the leaders: what was issued, and what the next one would say.

use crate::app::Ctx;
use crate::app::chase::briefs::{self, BriefView};
use crate::domain::access::Action;
use crate::domain::brief::BriefKind;
use crate::store::briefs::Brief;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpRequest;
use actix_web::web::{Bytes, Path};
use askama::Template;

#[derive(Template)]
#[template(path = "briefs.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    rows: Vec<Brief>,
}

#[derive(Template)]
#[template(path = "brief.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    view: BriefView,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/briefs", Access::SignedIn(Action::ReadLeadership), list),
        Route::post("/briefs", Access::SignedIn(Action::IssueBrief), issue),
        Route::get("/briefs/new", Access::SignedIn(Action::IssueBrief), draft),
        Route::get("/briefs/{id}", Access::SignedIn(Action::ReadLeadership), one),
    ]
}

async fn list(page: Page) -> PageResult {
    let rows = page.read(briefs::list).await?;
    page.html(&ListPage { page: page.clone(), rows })
}

async fn draft(page: Page, req: HttpRequest) -> PageResult {
    let asked = Fields::from_form(req.query_string().as_bytes()).code("kind", BriefKind::parse);
    let kind = asked.map_err(|error| page.failed(error))?;
    let view = page.read(move |ctx| briefs::draft(ctx, kind)).await?;
    page.html(&OnePage { page: page.clone(), view })
}

async fn issue(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let kind = f.code("kind", BriefKind::parse).map_err(|error| page.failed(error))?;
    let work = move |ctx: &mut Ctx| briefs::issue(ctx, kind, f.text("note"));
    let id = page.app.write(&page.actor, work).await.map_err(|error| page.failed(error))?;
    Ok(page.done(&format!("/briefs/{id}"), "简报已签发"))
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| briefs::show(ctx, &id)).await?;
    page.html(&OnePage { page: page.clone(), view })
}
