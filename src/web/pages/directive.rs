//! A leader's directive: what it asks, who has reported, what comes next.

use crate::app::directives::views::{self, DirectiveView};
use crate::domain::access::Action;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use askama::Template;

#[derive(Template)]
#[template(path = "directive.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    view: DirectiveView,
}

impl DirectiveView {
    fn person(&self, id: &str) -> String {
        self.people.get(id).cloned().unwrap_or_default()
    }

    /// Names of those who read it beside its leader, the office and the units that report.
    fn readers(&self) -> String {
        self.line.readers.iter().map(|id| self.person(id)).collect::<Vec<_>>().join("、")
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/directives/{id}", Access::SignedIn(Action::ReadDirective), show)]
}

async fn show(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| views::show(ctx, &id)).await?;
    page.html(&OnePage { page: page.clone(), view })
}
