//! Cases: the list, and one case with its plan as graph, Gantt chart or table.

use super::case_charts::{Chart, Graph};
use super::case_drawn::{self as drawn, CardView, GanttRow, Link, Panel};
use super::case_read::{self as parts, Asked, Parts};
use super::case_tried::{self as tried, Trial};
use super::{Narrowed, Pager, ROWS, by_name};
use crate::app::cases::before_assigning::Nearby;
use crate::app::cases::case_people::{CasePeople, Opinions};
use crate::app::cases::case_views::{self, CaseLine, CaseView};
use crate::app::plans::outlook::Upcoming;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::{CaseState, Opinion};
use crate::domain::directive::DirectiveSource;
use crate::domain::task::{DependencyKind, TaskState};
use crate::domain::webhook::Means;
use crate::plan::gantt::gantt;
use crate::plan::layout::layout;
use crate::store::events::Event;
use crate::store::sent::Sent;
use crate::store::tickets::Ticket;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageError, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::http::header;
use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

#[derive(Template)]
#[template(path = "cases.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    cases: Vec<CaseLine>,
    pager: Pager,
    asked: Narrowed,
    states: [(&'static str, &'static str); 5],
}

impl ListPage {
    /// The list's address with another state.
    fn narrowed(&self, state: &str) -> String {
        self.asked.with_state("/cases", state)
    }
}

#[derive(Template)]
#[template(path = "case.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    view: CaseView,
    /// The case's own address.
    here: String,
    tab: &'static str,
    tabs: Vec<(&'static str, &'static str, i64)>,
    shown: &'static str,
    /// On a phone the plan is a list until another view is asked for.
    is_list: bool,
    views: [(&'static str, &'static str); 3],
    panel: Option<Panel>,
    /// Beside the graph in the place of a task.
    link: Option<Link>,
    unannounced: Option<i32>,
    /// The drawings as SVG, only for the view that shows them.
    graph: Option<String>,
    gantt: Option<String>,
    cards: Vec<CardView>,
    rows: Vec<GanttRow>,
    upcoming: Vec<Upcoming>,
    events: Vec<Event>,
    opinions: Opinions,
    people: Option<CasePeople>,
    tickets: Vec<Ticket>,
    mails: Vec<Sent>,
    unit_options: Vec<(String, String)>,
    /// Whether a task is being added: what to know before it is given out is looked up only then.
    is_adding: bool,
    /// Other open cases at the same places.
    nearby: Vec<Nearby>,
    /// Changes that are being tried; the plan shown is then the one with them.
    trial: Option<Trial>,
}

impl CaseView {
    pub(super) fn unit(&self, id: &str) -> String {
        self.units.get(id).cloned().unwrap_or_default()
    }
}

impl OnePage {
    /// The plan in another view, or beside another task; what is tried stays.
    fn at(&self, view: &str, task: Option<&i32>) -> String {
        tried::address_of(&self.here, view, task, self.trial.as_ref())
    }

    /// Whether the reader may change the plan here, where nothing is tried.
    fn may_reshape(&self) -> bool {
        let state = self.view.line.case.state;
        self.trial.is_none() && self.view.may_shape && state.is_open() && state != CaseState::Verifying
    }

    /// The dates of a task that can be tried: the change, its label, the date as it is.
    fn dates_to_try(&self, panel: &Panel) -> Vec<(&'static str, &'static str, String)> {
        let said = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let task = &panel.task;
        match task.state {
            TaskState::Waiting => {
                vec![("not_before", "不早于", said(task.not_before)), ("fixed", "定于", said(task.fixed_on))]
            }
            state if state.is_with_unit() => vec![("due", "期限", said(task.due_on))],
            _ => Vec::new(),
        }
    }

    /// This page, to come back to: its view, beside its task.
    fn beside(&self) -> String {
        let view = if self.is_list { "" } else { self.shown };
        self.at(view, self.panel.as_ref().map(|panel| &panel.task.no))
    }

    /// Cards as a phone lists them: late and blocked first, then what a unit has, then what waits.
    fn open_first(&self) -> Vec<&CardView> {
        let mut open: Vec<&CardView> = self.cards.iter().filter(|card| !card.ended).collect();
        open.sort_by_key(|card| (!card.late, !card.blocked, card.state == "waiting", card.no));
        open
    }

    fn ended(&self) -> Vec<&CardView> {
        self.cards.iter().filter(|card| card.ended).collect()
    }

    /// The one thing to do next with the case: where it is done (from `tab=` on) and its label.
    fn primary(&self) -> Option<(&'static str, &'static str)> {
        let (view, case) = (&self.view, &self.view.line.case);
        let is_open = case.state.is_open();
        if view.may_issue && is_open && case.issued_at.is_none() {
            Some(("plan#issue", "交办"))
        } else if view.may_end && case.state == CaseState::Verifying {
            Some(("plan#close", "销号"))
        } else if view.may_shape && is_open && case.state != CaseState::Verifying {
            Some(("plan&add=1#add-task", "添加任务"))
        } else if view.may_instruct && is_open {
            Some(("people#instruct", "批示"))
        } else {
            None
        }
    }

    /// The timeline, with tickets that came in one after the other told once: the newest, and how many.
    fn timeline(&self) -> Vec<(&Event, usize)> {
        let alike =
            |a: &Event, b: &Event| a.subject_kind == "ticket" && a.kind == b.kind && a.actor_name == b.actor_name;
        self.events.chunk_by(alike).map(|run| (&run[0], run.len())).collect()
    }

    /// An event in words, with the task it is about.
    fn happened(&self, event: &Event) -> String {
        let told = self.page.told(event);
        match self.view.plan.task(&event.subject_id) {
            Ok(task) if !told.contains(&task.title) => format!("{told}{}{}", self.page.t("："), task.title),
            _ => told,
        }
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/cases", Access::SignedIn(Action::ReadCase), list),
        Route::get("/cases/{id}", Access::SignedIn(Action::ReadCase), one),
    ]
}

/// Some of the cases asked for, of those the reader may see, and how many there are.
pub(super) fn narrowed(ctx: &mut Ctx, asked: &Narrowed, from: i64, most: i64) -> Result<(Vec<CaseLine>, i64), Error> {
    let of_group = |state: CaseState| match state {
        CaseState::Issued => "issued",
        CaseState::Verifying => "verifying",
        state if state.is_open() => "draft",
        _ => "ended",
    };
    let wanted = CaseState::ALL.iter().copied();
    let wanted: Vec<_> = wanted.filter(|known| asked.state.is_empty() || of_group(*known) == asked.state).collect();
    case_views::page(ctx, &wanted, &asked.q, from as usize..(from + most) as usize)
}

const STATES: [(&str, &str); 5] =
    [("", "全部"), ("draft", "拟立项"), ("issued", "在办"), ("verifying", "成效观察"), ("ended", "已结束")];

async fn list(page: Page, asked: Query<Narrowed>) -> PageResult {
    let wanted = asked.clone();
    let (cases, total) = page.read(move |ctx| narrowed(ctx, &wanted, wanted.first_row(), ROWS)).await?;
    let pager = asked.pager("/cases", total);
    page.html(&ListPage { page: page.clone(), cases, pager, asked: asked.into_inner(), states: STATES })
}

const TABS: [(&str, &str); 5] =
    [("plan", "计划"), ("people", "专班与审批"), ("timeline", "动态"), ("tickets", "工单"), ("mails", "邮件")];
const VIEWS: [(&str, &str); 3] = [("graph", "关系图"), ("gantt", "甘特图"), ("table", "表格")];

fn chosen(known: &[(&'static str, &'static str)], asked: Option<&str>) -> &'static str {
    known.iter().map(|(code, _)| *code).find(|code| Some(*code) == asked).unwrap_or(known[0].0)
}

async fn one(page: Page, id: Path<String>, req: HttpRequest) -> PageResult {
    let asked = Fields::from_form(req.query_string().as_bytes());
    let (tab, shown) = (chosen(&TABS, asked.one("tab")), chosen(&VIEWS, asked.one("view")));
    // The number of the task shown beside the graph.
    let wanted = asked.one("task").and_then(|no| no.parse().ok());
    let changes = tried::changes(&asked).map_err(|error| page.failed(error))?;
    if asked.one(tried::NEW).is_some() {
        let trial = changes.map(Trial::of).unwrap_or_default();
        let to = tried::address_of(&format!("/cases/{id}"), shown, wanted.as_ref(), Some(&trial));
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish());
    }
    let is_graph = tab == "plan" && shown == "graph";
    let is_adding = tab == "plan" && asked.one("add").is_some();
    let looked_at = Asked { id: id.into_inner(), tab, is_graph, task: wanted, is_adding, changes };
    let edge = asked.one("edge").filter(|_| is_graph).map(str::to_owned);
    let as_asked = Drawn { tab, shown, is_graph, is_list: is_graph && asked.one("view").is_none(), is_adding, edge };
    page.drawn(move |ctx| parts::read(ctx, looked_at), move |page, parts| drawn_as(page, parts, as_asked)).await
}

/// How a case is drawn.
struct Drawn {
    tab: &'static str,
    shown: &'static str,
    is_graph: bool,
    is_list: bool,
    is_adding: bool,
    /// The link shown beside the graph.
    edge: Option<String>,
}

fn drawn_as(page: &Page, parts: Parts, asked: Drawn) -> Result<String, PageError> {
    let Parts { view, tried, picked, upcoming, events, opinions, people, tickets, mails, nearby, loads } = parts;
    let Drawn { tab, shown, is_graph, is_list, is_adding, edge } = asked;
    let panel = picked.and_then(|picked| drawn::panel(page, &view, &picked.task_id, picked.report));
    let link = edge.and_then(|edge| drawn::link(&view, &edge));
    let trial = tried.map(|tried| Trial::told(page, &view, tried));
    let here = format!("/cases/{}", view.line.case.id);
    let layout = is_graph.then(|| layout(&view.graph));
    let cards = if tab == "plan" { drawn::cards(page, &view, layout.as_ref(), panel.as_ref()) } else { Vec::new() };
    let graph = layout.as_ref().map(|layout| {
        // On a phone a card stays in the list, until the graph is asked for.
        let at = tried::address_of(&here, if is_list { "" } else { "graph" }, None, trial.as_ref());
        let edge = link.as_ref().map(|link| (link.from, link.to));
        page.rendered(&Graph { page, view: &view, layout, cards: &cards, here: Some(at), edge, heading: None })
    });
    let gantt = (tab == "plan" && shown == "gantt")
        .then(|| gantt(&view.graph, &view.schedule, view.line.case.deadline, page.today()));
    let rows = gantt.as_ref().map_or_else(Vec::new, |gantt| drawn::gantt_rows(&view, gantt));
    let gantt = gantt.map(|gantt| page.rendered(&Chart { page, gantt: &gantt, rows: &rows, heading: None }));
    let unit_options = loads.map_or_else(|| by_name(&view.units), |loads| page.units_with_load(loads));
    let count = |code: &str| match code {
        "people" => view.force.len() as i64,
        "timeline" => view.counts.events,
        "tickets" => view.counts.tickets,
        "mails" => view.counts.sent,
        _ => 0,
    };
    let last = view.line.forecast.unwrap_or(page.today()).max(view.line.case.deadline);
    page.rendered(&OnePage {
        page: page.clone(),
        here,
        tab,
        tabs: TABS.iter().map(|(code, label)| (*code, *label, count(code))).collect(),
        shown,
        is_list,
        views: VIEWS,
        panel,
        link,
        unannounced: page.app.calendar().first_unannounced(page.today(), last),
        graph: graph.transpose()?,
        gantt: gantt.transpose()?,
        cards,
        rows,
        upcoming,
        events,
        opinions,
        people,
        tickets,
        mails,
        unit_options,
        is_adding,
        nearby,
        trial,
        view,
    })
}
