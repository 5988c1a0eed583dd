//! A meeting: its invitation, its minutes, and what was decided.

use super::by_name;
use crate::app::cases::meetings::{self, MeetingView};
use crate::domain::access::Action;
use crate::web::acts::DECISIONS;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use askama::Template;

#[derive(Template)]
#[template(path = "meeting.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    unit_options: Vec<(String, String)>,
    view: MeetingView,
}

impl MeetingView {
    fn unit(&self, id: &str) -> &str {
        self.units.get(id).map_or("", String::as_str)
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/meetings/{id}", Access::SignedIn(Action::ReadCase), show)]
}

async fn show(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| meetings::show(ctx, &id)).await?;
    page.html(&OnePage { page: page.clone(), unit_options: by_name(&view.units), view })
}
