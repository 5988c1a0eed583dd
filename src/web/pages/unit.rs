//! The tasks of the reader's units, and what others ask of them.

use super::{Narrowed, Pager, ROWS};
use crate::app::tasks::help::{self, HelpLine};
use crate::app::tasks::task_views::{self, TaskLine};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::task::TaskState;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Query;
use askama::Template;

#[derive(Template)]
#[template(path = "unit.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    own: Vec<TaskLine>,
    pager: Pager,
    asked: Narrowed,
    states: [(&'static str, &'static str); 7],
    /// What others ask of it.
    helps: Vec<HelpLine>,
}

impl ListPage {
    /// The list's address with another state.
    fn narrowed(&self, state: &str) -> String {
        self.asked.with_state("/unit", state)
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/unit", Access::SignedIn(Action::ReceiveTask), list)]
}

const STATES: [(&str, &str); 7] = [
    ("", "全部"),
    ("late", "超期"),
    ("ready", "待签收"),
    ("working", "办理中"),
    ("submitted", "待验收"),
    ("waiting", "待前序"),
    ("ended", "已结束"),
];

/// Those of the reader's tasks that are asked for: late first, then by due date.
pub(super) fn narrowed(ctx: &mut Ctx, asked: &Narrowed) -> Result<Vec<TaskLine>, Error> {
    let mut own = task_views::of_my_units(ctx, |state| may_be(&asked.state, state))?;
    own.retain(|line| (asked.state != "late" || line.late) && says(line, asked.q.trim()));
    Ok(own)
}

fn may_be(asked: &str, state: TaskState) -> bool {
    match asked {
        "" | "late" => true,
        "working" => matches!(state, TaskState::Acknowledged | TaskState::InProgress),
        "ended" => state.is_final(),
        code => state.code() == code,
    }
}

fn says(line: &TaskLine, text: &str) -> bool {
    let found = &line.found;
    let texts = [&found.number(), &found.task.title, &found.case_title, &found.unit_name];
    texts.into_iter().any(|known| known.contains(text))
}

async fn list(page: Page, asked: Query<Narrowed>) -> PageResult {
    let wanted = asked.clone();
    let (own, helps) = page.read(move |ctx| Ok((narrowed(ctx, &wanted)?, help::asked_of_my_units(ctx)?))).await?;
    let pager = asked.pager("/unit", own.len() as i64);
    let own = own.into_iter().skip(asked.first_row() as usize).take(ROWS as usize).collect();
    let asked = asked.into_inner();
    page.html(&ListPage { page: page.clone(), own, pager, asked, states: STATES, helps })
}
