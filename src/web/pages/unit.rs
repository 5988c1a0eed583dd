//! The tasks of the reader's units, and what others ask of them.

use super::{Pager, ROWS};
use crate::app::tasks::help::{self, HelpLine};
use crate::app::tasks::task_views::{self, TaskLine};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::task::TaskState;
use crate::web::address;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "unit.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    own: Vec<TaskLine>,
    pager: Pager,
    state: String,
    q: String,
    states: [(&'static str, &'static str); 7],
    /// What others ask of it.
    asked: Vec<HelpLine>,
}

impl ListPage {
    /// The list's address with another state.
    fn narrowed(&self, state: &str) -> String {
        address("/unit", &[("state", state), ("q", &self.q)])
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

#[derive(Clone, Deserialize)]
pub(super) struct Narrowed {
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: u32,
}

impl Narrowed {
    /// Those of the reader's tasks that are asked for: late first, then by due date.
    pub(super) fn tasks(&self, ctx: &mut Ctx) -> Result<Vec<TaskLine>, Error> {
        let mut own = task_views::of_my_units(ctx, |state| self.may_be(state))?;
        own.retain(|line| (self.state != "late" || line.late) && self.says(line));
        Ok(own)
    }

    fn may_be(&self, state: TaskState) -> bool {
        match self.state.as_str() {
            "" | "late" => true,
            "working" => matches!(state, TaskState::Acknowledged | TaskState::InProgress),
            "ended" => state.is_final(),
            code => state.code() == code,
        }
    }

    fn says(&self, line: &TaskLine) -> bool {
        let (found, q) = (&line.found, self.q.trim());
        let texts = [&found.number(), &found.task.title, &found.case_title, &found.unit_name];
        texts.into_iter().any(|text| text.contains(q))
    }
}

async fn list(page: Page, asked: Query<Narrowed>) -> PageResult {
    let Narrowed { state, q, page: at } = asked.clone().into_inner();
    let at = i64::from(at);
    let (own, asked) = page.read(move |ctx| Ok((asked.tasks(ctx)?, help::asked_of_my_units(ctx)?))).await?;
    let pager = Pager::new("/unit", &[("state", &state), ("q", &q)], at, own.len() as i64);
    let own = own.into_iter().skip((at * ROWS) as usize).take(ROWS as usize).collect();
    page.html(&ListPage { page: page.clone(), own, pager, state, q, states: STATES, asked })
}
