//! Cases: the list, and one case with its plan as graph, Gantt chart or table.

use crate::app::case_views::{self, CaseLine, CaseView};
use crate::app::tickets;
use crate::domain::access::Action;
use crate::plan::gantt::{Gantt, gantt};
use crate::plan::layout::{Layout, Route as EdgeRoute, layout};
use crate::store::notices::{self, MailLine};
use crate::store::plans::Task;
use crate::store::tickets::{Filter, Ticket};
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Path, Query};
use askama::Template;
use chrono::Datelike;
use serde::Deserialize;

/// Characters of a title that fit a card.
const CARD_CHARS: usize = 10;
const TICKETS_SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "cases.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    cases: Vec<CaseLine>,
}

/// A task as drawn: on a card, in a table row.
struct CardView {
    id: String,
    no: i32,
    title: String,
    label: String,
    unit: String,
    x: i32,
    y: i32,
    state: &'static str,
    shape: &'static str,
    /// A translation key.
    word: &'static str,
    class: String,
    due: String,
    late: bool,
    blocked: bool,
    slack: String,
    /// Id and predecessor's number of each dependency.
    before: Vec<(String, i32)>,
}

/// A row of the Gantt chart.
struct GanttRow {
    id: String,
    label: String,
    unit: String,
    class: String,
    x: i64,
    y: i32,
    width: i64,
    slack: i64,
    critical: bool,
}

#[derive(Template)]
#[template(path = "case.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    view: CaseView,
    tab: &'static str,
    tabs: Vec<(&'static str, &'static str, usize)>,
    shown: &'static str,
    views: [(&'static str, &'static str); 3],
    progress: usize,
    late_forecast: bool,
    unannounced: Option<i32>,
    layout: Layout,
    cards: Vec<CardView>,
    gantt: Gantt,
    rows: Vec<GanttRow>,
    tickets: Vec<Ticket>,
    mails: Vec<MailLine>,
    unit_options: Vec<(String, String)>,
}

impl CaseView {
    fn unit(&self, id: &str) -> String {
        self.units.get(id).cloned().unwrap_or_default()
    }
}

impl OnePage {
    /// An edge of the critical path.
    fn on_path(&self, route: &EdgeRoute) -> bool {
        self.view
            .schedule
            .critical_path
            .windows(2)
            .any(|pair| pair[0] == route.predecessor && pair[1] == route.successor)
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/cases", Access::SignedIn(Action::ReadCase), list),
        Route::get("/cases/{id}", Access::SignedIn(Action::ReadCase), one),
    ]
}

async fn list(page: Page) -> PageResult {
    let cases = page.read(|ctx| case_views::list(ctx, &[])).await?;
    page.html(&ListPage { page: page.clone(), cases })
}

#[derive(Deserialize)]
struct Asked {
    tab: Option<String>,
    view: Option<String>,
}

const TABS: [(&str, &str); 5] =
    [("plan", "计划"), ("people", "专班与审批"), ("timeline", "动态"), ("tickets", "工单"), ("mails", "邮件")];
const VIEWS: [(&str, &str); 3] = [("graph", "关系图"), ("gantt", "甘特图"), ("table", "表格")];

fn chosen(known: &[(&'static str, &'static str)], asked: Option<&str>) -> &'static str {
    known.iter().map(|(code, _)| *code).find(|code| Some(*code) == asked).unwrap_or(known[0].0)
}

async fn one(page: Page, id: Path<String>, asked: Query<Asked>) -> PageResult {
    let (tab, shown) = (chosen(&TABS, asked.tab.as_deref()), chosen(&VIEWS, asked.view.as_deref()));
    let sees_tickets = page.may(Action::ReadTickets);
    let (view, tickets, mails) = page
        .read(move |ctx| {
            let view = case_views::show(ctx, &id)?;
            let filter = Filter { case_id: Some(view.line.case.id.clone()), ..Filter::default() };
            let tickets = if tab == "tickets" && sees_tickets {
                tickets::list(ctx, &filter, 0, TICKETS_SHOWN)?.0
            } else {
                Vec::new()
            };
            let mails = if tab == "mails" {
                notices::mails(&mut ctx.tx, filter.case_id.as_deref(), None, 0, TICKETS_SHOWN)?.0
            } else {
                Vec::new()
            };
            Ok((view, tickets, mails))
        })
        .await?;
    let layout = layout(&view.graph);
    let cards = cards(&page, &view, &layout);
    let gantt = gantt(&view.graph, &view.schedule, view.line.case.deadline, page.today());
    let rows = gantt_rows(&view, &gantt);
    let mut unit_options: Vec<(String, String)> = view.units.clone().into_iter().collect();
    unit_options.sort_by(|a, b| a.1.cmp(&b.1));
    let count = |code: &str| match code {
        "plan" => view.plan.tasks.len(),
        "people" => view.force.len(),
        "timeline" => view.events.len(),
        _ => 0,
    };
    let last = view.line.forecast.unwrap_or(page.today()).max(view.line.case.deadline);
    page.html(&OnePage {
        page: page.clone(),
        tab,
        tabs: TABS.iter().map(|(code, label)| (*code, *label, count(code))).collect(),
        shown,
        views: VIEWS,
        progress: view.line.done * 100 / view.line.total.max(1),
        late_forecast: view.line.forecast.is_some_and(|day| day > view.line.case.deadline),
        unannounced: page.app.calendar().first_unannounced(page.today(), last),
        layout,
        cards,
        gantt,
        rows,
        tickets,
        mails,
        unit_options,
        view,
    })
}

/// What a task shows beside its state: late and blocked go before it.
fn mark(view: &CaseView, task: &Task) -> (&'static str, &'static str, &'static str) {
    if view.late.contains(&task.id) {
        ("late", "■", "超期")
    } else if view.plan.blocked.contains(&task.id) {
        ("blocked", "▲", "受阻")
    } else {
        (task.state.code(), task.state.shape(), task.state.label())
    }
}

fn cards(page: &Page, view: &CaseView, layout: &Layout) -> Vec<CardView> {
    view.plan
        .tasks
        .iter()
        .map(|task| {
            let (state, shape, word) = mark(view, task);
            let dates = view.schedule.dates(&task.id);
            let critical = dates.is_some_and(|dates| dates.critical);
            let (x, y) =
                layout.cards.iter().find(|card| card.task_id == task.id).map_or((0, 0), |card| (card.x, card.y));
            let due = task.due_on.or_else(|| dates.map(|dates| dates.finish));
            let before = view.plan.dependencies.iter().filter(|edge| edge.successor_id == task.id);
            CardView {
                id: task.id.clone(),
                no: task.no,
                title: task.title.clone(),
                label: task.title.chars().take(CARD_CHARS).collect(),
                unit: view.unit(&task.unit_id),
                x,
                y,
                state,
                shape,
                word,
                class: format!("{state}{}", if critical { " critical" } else { "" }),
                due: due.map_or_else(|| "—".to_owned(), |day| format!("{:02}-{:02}", day.month(), day.day())),
                late: view.late.contains(&task.id),
                blocked: view.plan.blocked.contains(&task.id),
                slack: dates
                    .filter(|_| !task.state.is_final())
                    .map_or_else(String::new, |dates| page.fill("%{n} 天", &[("n", &dates.slack_days)])),
                before: before
                    .filter_map(|edge| Some((edge.id.clone(), view.plan.task(&edge.predecessor_id).ok()?.no)))
                    .collect(),
            }
        })
        .collect()
}

fn gantt_rows(view: &CaseView, gantt: &Gantt) -> Vec<GanttRow> {
    gantt
        .bars
        .iter()
        .filter_map(|bar| {
            let task = view.plan.task(&bar.task_id).ok()?;
            Some(GanttRow {
                id: task.id.clone(),
                label: format!("{} {}", task.no, task.title),
                unit: view.unit(&task.unit_id),
                class: mark(view, task).0.to_owned(),
                x: bar.x,
                y: bar.y,
                width: bar.width,
                slack: bar.slack_width,
                critical: bar.critical,
            })
        })
        .collect()
}
