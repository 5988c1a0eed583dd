//! One task: the officer's page, with one clear next action.

use crate::app::task_views::{self, TaskView};
use crate::domain::access::Action;
use crate::domain::task::TaskState;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use askama::Template;

#[derive(Template)]
#[template(path = "task.html", config = "src/web/askama.toml")]
struct TaskPage {
    page: Page,
    /// The next act's name and its button's translation key.
    next: Option<(&'static str, &'static str)>,
    unit_options: Vec<(String, String)>,
    view: TaskView,
}

impl TaskView {
    fn unit(&self, id: &str) -> String {
        self.units.get(id).cloned().unwrap_or_default()
    }

    fn person(&self, id: &str) -> String {
        self.people.get(id).cloned().unwrap_or_default()
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/tasks/{id}", Access::SignedIn(Action::ReadTask), show)]
}

async fn show(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| task_views::show(ctx, &id)).await?;
    let next = match view.found.task.state {
        TaskState::Ready => Some(("acknowledge", "签收")),
        TaskState::Acknowledged => Some(("start", "开始办理")),
        TaskState::InProgress => Some(("submit", "提交办结")),
        _ => None,
    };
    let mut unit_options: Vec<(String, String)> = view.units.clone().into_iter().collect();
    unit_options.sort_by(|a, b| a.1.cmp(&b.1));
    page.html(&TaskPage { page: page.clone(), next, unit_options, view })
}
