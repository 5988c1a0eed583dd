//! A 督办单: edited and signed, or printed once it is.

use crate::app::chase::supervisions::{self, SupervisionView};
use crate::domain::access::Action;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use askama::Template;

#[derive(Template)]
#[template(path = "supervision.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    view: SupervisionView,
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/supervisions/{id}", Access::SignedIn(Action::DecideTask), show)]
}

async fn show(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| supervisions::show(ctx, &id)).await?;
    page.html(&OnePage { page: page.clone(), view })
}
