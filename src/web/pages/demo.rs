//! The demo's own page: its clock and its caught mails. Nowhere else do these routes answer.

use crate::app::{Error, clock_control};
use crate::domain::access::Action;
use crate::mail::catcher::Caught;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use crate::web::server::State;
use actix_web::web::{Bytes, Data};
use askama::Template;

#[derive(Template)]
#[template(path = "demo.html", config = "src/web/askama.toml")]
struct DemoPage {
    page: Page,
    today: String,
    later: i64,
    caught: Vec<Caught>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/demo", Access::SignedIn(Action::OwnAccount), show),
        Route::post("/demo/clock", Access::SignedIn(Action::OwnAccount), advance),
    ]
}

async fn show(page: Page, state: Data<State>) -> PageResult {
    if !page.is_demo() {
        return Err(page.failed(Error::NotFound));
    }
    let caught = state.catcher.as_ref().map(|catcher| catcher.messages()).unwrap_or_default();
    let (today, later) = (page.today().to_string(), page.app.clock.days_later());
    page.html(&DemoPage { page: page.clone(), today, later, caught })
}

async fn advance(page: Page, body: Bytes) -> PageResult {
    if !page.is_demo() {
        return Err(page.failed(Error::NotFound));
    }
    let days: i64 = Fields::from_form(&body).parsed("days").map_err(|error| page.failed(error))?;
    clock_control::advance(&page.app, days).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/demo", "时钟已推进，后台任务随即按新的日期运行"))
}
