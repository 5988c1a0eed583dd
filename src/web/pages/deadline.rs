//! Changing a case's deadline: what it would force, then by what right.

use crate::app::cases::deadline::{self, Effect};
use crate::domain::access::Action;
use crate::store::cases::Case;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Path, Query};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "deadline.html", config = "src/web/askama.toml")]
struct DeadlinePage {
    page: Page,
    case: Case,
    units: HashMap<String, String>,
    effect: Effect,
}

impl DeadlinePage {
    fn unit(&self, id: &str) -> &str {
        self.units.get(id).map_or("", String::as_str)
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/cases/{id}/deadline", Access::SignedIn(Action::IssueCase), show)]
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    deadline: String,
}

async fn show(page: Page, id: Path<String>, asked: Query<Asked>) -> PageResult {
    let wanted: Option<NaiveDate> = asked.deadline.parse().ok();
    let (case, units, effect) = page.read(move |ctx| deadline::preview(ctx, &id, wanted)).await?;
    page.html(&DeadlinePage { page: page.clone(), case, units, effect })
}
