//! The duty roster: who is on duty, and a field to paste a sheet's rows into.

use crate::app::Ctx;
use crate::app::chase::duty::{self, DutyDay};
use crate::domain::access::Action;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpRequest;
use actix_web::web::Bytes;
use askama::Template;
use chrono::{Days, NaiveDate};

#[derive(Template)]
#[template(path = "duty.html", config = "src/web/askama.toml")]
struct DutyPage {
    page: Page,
    from: NaiveDate,
    until: NaiveDate,
    days: Vec<DutyDay>,
}

impl DutyPage {
    fn next(&self) -> NaiveDate {
        self.until + Days::new(1)
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/duty", Access::SignedIn(Action::ReadDuty), show),
        Route::post("/duty", Access::SignedIn(Action::KeepDuty), import),
        Route::post("/duty/remove", Access::SignedIn(Action::KeepDuty), remove),
    ]
}

async fn show(page: Page, req: HttpRequest) -> PageResult {
    let asked = Fields::from_form(req.query_string().as_bytes());
    let from = asked.optional_date("from").map_err(|error| page.failed(error))?.unwrap_or(page.today());
    let days = page.read(move |ctx| duty::roster(ctx, from)).await?;
    page.html(&DutyPage { page: page.clone(), from, until: from + duty::SHOWN_FOR, days })
}

async fn import(page: Page, body: Bytes) -> PageResult {
    let rows = Fields::from_form(&body).text("rows");
    let work = move |ctx: &mut Ctx| duty::import(ctx, &rows);
    page.app.write(&page.actor, work).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/duty", "值班表已更新"))
}

async fn remove(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let day = f.parsed("day").map_err(|error| page.failed(error))?;
    let work = move |ctx: &mut Ctx| duty::remove(ctx, &f.text("unit_id"), day);
    page.app.write(&page.actor, work).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/duty", "值班表已更新"))
}
