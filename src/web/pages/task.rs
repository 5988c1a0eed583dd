//! One task: the officer's page, with one clear next action.

use super::by_name;
use super::case_tried::Trial;
use crate::app::cases::before_assigning::loads;
use crate::app::tasks::extensions;
use crate::app::tasks::task_views::{self, Neighbour, TaskView};
use crate::domain::access::Action;
use crate::domain::task::TaskState;
use crate::store::tasks::Extension;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpRequest;
use actix_web::web::Path;
use askama::Template;
use chrono::NaiveDate;

#[derive(Template)]
#[template(path = "task.html", config = "src/web/askama.toml")]
struct TaskPage {
    page: Page,
    /// The reader's next act's name and its button's translation key.
    next: Option<(&'static str, &'static str)>,
    unit_options: Vec<(String, String)>,
    view: TaskView,
    /// The day chosen in place of the one that is asked for, and what more time until then would do.
    until: Option<NaiveDate>,
    effect: Option<Trial>,
}

impl TaskView {
    fn unit(&self, id: &str) -> String {
        self.units.get(id).cloned().unwrap_or_default()
    }

    /// A person's name; who acted by mail is kept as the unit and the name.
    fn person(&self, id: &str) -> String {
        let by_mail = || if id.contains(' ') { id.to_owned() } else { String::new() };
        self.people.get(id).cloned().unwrap_or_else(by_mail)
    }
}

impl TaskPage {
    /// What last happened to the task's state, and when.
    fn since(&self) -> Option<(&'static str, chrono::NaiveDateTime)> {
        let task = &self.view.found.task;
        let (word, at) = match task.state {
            TaskState::Ready => ("发出", task.released_at),
            TaskState::Acknowledged => ("签收", task.acknowledged_at),
            TaskState::InProgress => ("开始", task.started_at),
            TaskState::Submitted => ("提交", task.submitted_at),
            TaskState::Done | TaskState::Cancelled => ("办结", task.ended_at),
            TaskState::Waiting => return None,
        };
        Some((word, at?))
    }

    /// A neighbour's unit, as the reader sees it.
    fn whose(&self, row: &Neighbour) -> String {
        let own = row.task.unit_id == self.view.found.task.unit_id && self.view.may(Action::WorkTask);
        if own { self.page.t("贵单位").into_owned() } else { row.unit.clone() }
    }

    /// A neighbour's state with its date.
    fn stands(&self, row: &Neighbour) -> String {
        let ended = row.task.ended_at.map(|at| self.page.app.clock.local_date(at));
        let day = ended.or(row.task.due_on).map(|day| format!("{} ", self.page.date(&day)));
        format!("{}{}", day.unwrap_or_default(), self.page.t(row.task.state.label()))
    }

    /// What a coordinator pastes into a group chat: which task, how it stands, where.
    fn three_lines(&self) -> String {
        let (found, page) = (&self.view.found, &self.page);
        let due = found.task.due_on.map(|day| format!("{}{}", page.t("，期限 "), page.due(&day))).unwrap_or_default();
        let stands = if self.view.late { page.t("已超期") } else { page.t(found.task.state.label()) };
        format!(
            "【{}】{} · {}\n{stands}{due}\n{}/tasks/{}",
            found.number(),
            found.task.title,
            found.unit_name,
            page.app.settings.public_url,
            found.task.id
        )
    }

    /// Until when more time would be given: the day chosen, else the one that is asked for.
    fn until(&self, asked: &Extension) -> NaiveDate {
        self.until.unwrap_or(asked.asked_due_on)
    }

    fn evidence(&self) -> String {
        self.view.found.task.evidence.lines().collect::<Vec<_>>().join("、")
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/tasks/{id}", Access::SignedIn(Action::ReadTask), show)]
}

async fn show(page: Page, id: Path<String>, req: HttpRequest) -> PageResult {
    let asked = Fields::from_form(req.query_string().as_bytes());
    let until = asked.optional_date("until").map_err(|error| page.failed(error))?;
    let (view, effect, loads) = page
        .read(move |ctx| {
            let view = task_views::show(ctx, &id)?;
            let effect = view.decides_extension().then(|| extensions::effect(ctx, &id, until)).transpose()?;
            let loads = view.may(Action::DecideTask).then(|| loads(ctx)).transpose()?;
            Ok((view, effect, loads))
        })
        .await?;
    let effect = effect.map(|(case, tried)| Trial::told(&page, &case, tried));
    let next = match view.found.task.state {
        TaskState::Ready => Some(("acknowledge", "签收", Action::ReceiveTask)),
        TaskState::Acknowledged => Some(("start", "开始办理", Action::WorkTask)),
        TaskState::InProgress => Some(("submit", "提交办结", Action::WorkTask)),
        _ => None,
    };
    let next = next.filter(|(_, _, needs)| view.may(*needs)).map(|(name, label, _)| (name, label));
    let unit_options = loads.map_or_else(|| by_name(&view.units), |loads| page.units_with_load(loads));
    page.html(&TaskPage { page: page.clone(), next, unit_options, view, until, effect })
}
