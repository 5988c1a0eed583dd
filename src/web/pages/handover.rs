//! A person's move to another post: what is open, and who takes it over.

use crate::app::handover::{self, Open};
use crate::domain::access::{Action, Role};
use crate::store::people::{self, PostRow, Unit};
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use askama::Template;

#[derive(Template)]
#[template(path = "handover.html", config = "src/web/askama.toml")]
struct MovePage {
    page: Page,
    open: Open,
    units: Vec<Unit>,
}

impl MovePage {
    fn unit(&self, post: &PostRow) -> &str {
        let unit = self.units.iter().find(|unit| Some(&unit.id) == post.unit_id.as_ref());
        unit.map_or("", |unit| &unit.name)
    }

    /// Posts that an administrator gives.
    fn roles(&self) -> impl Iterator<Item = &'static Role> {
        Role::ALL.iter().filter(|role| **role != Role::LeadManager)
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/people/{id}/move", Access::SignedIn(Action::Administer), show)]
}

async fn show(page: Page, id: Path<String>) -> PageResult {
    let (open, units) = page.read(move |ctx| Ok((handover::show(ctx, &id)?, people::units(&mut ctx.tx)?))).await?;
    page.html(&MovePage { page: page.clone(), open, units })
}
