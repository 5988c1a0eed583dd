//! Problems: the ranked list, one problem, and its promotion to a case.

use super::{Pager, ROWS};
use crate::app::cases::before_assigning::{Nearby, at_same_places, loads};
use crate::app::problems::{self, ProblemLine, ProblemView, Signal};
use crate::app::{Error, cases::drafting};
use crate::domain::access::Action;
use crate::domain::problem::{ProblemKind, ProblemState};
use crate::playbook::{self, Answer, Parameter, Playbook};
use crate::store::people::{self, Unit};
use crate::store::problems::{self as rows, Filter, Problem};
use crate::web::api::intake::new_case;
use crate::web::chart::Chart;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Bytes, Path, Query};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "problems.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    lines: Vec<ProblemLine>,
    total: i64,
    state: String,
    q: String,
    states: Vec<(&'static str, &'static str)>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    chart: Chart,
    view: ProblemView,
    others: Vec<Problem>,
    may_decide: bool,
    may_split: bool,
}

#[derive(Template)]
#[template(path = "promote.html", config = "src/web/askama.toml")]
struct PromotePage {
    page: Page,
    problem: Problem,
    playbooks: Vec<Playbook>,
    chosen: String,
    goal: String,
    answer: String,
    lead: String,
    deadline: NaiveDate,
    unit_options: Vec<(String, String)>,
    /// Open cases at the same places.
    nearby: Vec<Nearby>,
    /// Key, title and the unit that usually takes it.
    roles: Vec<(String, String, String)>,
    /// What the playbook asks.
    parameters: Vec<Parameter>,
}

impl Page {
    /// What a signal says in a few words.
    fn signal(&self, signal: &Signal) -> String {
        match signal {
            Signal::Burst(callers) => self.fill("数小时内 %{n} 位市民", &[("n", callers)]),
            Signal::Unusual(deviations) => {
                self.fill("今日异常，高出平常 %{n} 个标准差", &[("n", &format!("{deviations:.1}"))])
            }
            Signal::Insistent(calls) => self.fill("其中 %{n} 件来自同一人", &[("n", calls)]),
            Signal::Returns(on, callers) => {
                self.fill("去年此后 %{n} 位市民反映，预计 %{day} 起再现", &[("n", callers), ("day", &self.date(on))])
            }
        }
    }
}

/// Further tickets shown before the rest is folded.
const OTHERS_SHOWN: usize = 12;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/problems", Access::SignedIn(Action::ReadProblems), list),
        Route::get("/problems/{id}", Access::SignedIn(Action::ReadProblems), one),
        Route::get("/problems/{id}/promote", Access::SignedIn(Action::OpenCase), promote),
        Route::post("/cases", Access::SignedIn(Action::OpenCase), open),
    ]
}

#[derive(Deserialize)]
pub(super) struct Asked {
    state: Option<String>,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: u32,
}

impl Asked {
    fn state(&self) -> &str {
        self.state.as_deref().unwrap_or(ProblemState::Proposed.code())
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            states: ProblemState::parse(self.state()).into_iter().collect(),
            text: Some(self.q.trim().to_owned()).filter(|q| !q.is_empty()),
        }
    }
}

async fn list(page: Page, asked: Query<Asked>) -> PageResult {
    let asked = asked.into_inner();
    let (state, filter) = (asked.state().to_owned(), asked.filter());
    let at = i64::from(asked.page);
    let (lines, total) = page.read(move |ctx| problems::list(ctx, &filter, at * ROWS, ROWS)).await?;
    let states = ProblemState::ALL.iter().map(|state| (state.code(), state.label())).chain([("", "全部")]).collect();
    let pager = Pager::new("/problems", &[("state", &state), ("q", &asked.q)], at, total);
    page.html(&ListPage { page: page.clone(), lines, total, state, q: asked.q, states, pager })
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let may_decide = page.may(Action::DecideProblems);
    let (mut view, others) = page
        .read(move |ctx| {
            let view = problems::show(ctx, &id)?;
            let others = rows::list(&mut ctx.tx, &Filter::default(), 0, ROWS)?.0;
            Ok((view, others))
        })
        .await?;
    let others =
        others.into_iter().filter(|other| other.kind == ProblemKind::Local && other.id != view.problem.id).collect();
    view.others.sort_by_key(|(ticket, _)| std::cmp::Reverse(ticket.received_at));
    let chart = Chart::new(&view.daily, view.usual, page.today());
    let may_split = may_decide && view.problem.kind == ProblemKind::Local;
    page.html(&OnePage { page: page.clone(), chart, view, others, may_decide, may_split })
}

#[derive(Deserialize)]
struct Chosen {
    playbook: Option<String>,
}

async fn promote(page: Page, id: Path<String>, chosen: Query<Chosen>) -> PageResult {
    let playbooks = playbook::shipped();
    let (problem, units, loads, nearby, today) = page
        .read(move |ctx| {
            let problem = rows::by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)?;
            let nearby = at_same_places(ctx, std::slice::from_ref(&problem.id), None)?;
            Ok((problem, people::units(&mut ctx.tx)?, loads(ctx)?, nearby, ctx.today))
        })
        .await?;
    let chosen = chosen.into_inner().playbook.unwrap_or_else(|| most_alike(&playbooks, &problem));
    let book = playbooks.iter().find(|book| book.key == chosen);
    let unit_of = |role: &str| book.and_then(|book| usual_unit(book, role, &units)).unwrap_or_default();
    let roles: Vec<(String, String, String)> = book
        .iter()
        .flat_map(|book| &book.roles)
        .map(|role| (role.key.clone(), role.title.clone(), unit_of(&role.key)))
        .collect();
    let days = book.map_or(60, |book| book.deadline_working_days);
    page.html(&PromotePage {
        page: page.clone(),
        goal: book.map(|book| playbook::filled(book, &book.goal, &HashMap::new())).unwrap_or_default(),
        answer: book.map(|book| playbook::filled(book, &book.agreed_wording, &HashMap::new())).unwrap_or_default(),
        parameters: book.map(|book| book.parameters.clone()).unwrap_or_default(),
        lead: book.map(|book| unit_of(&book.lead)).unwrap_or_default(),
        deadline: page.app.calendar().add_working_days(today, days),
        unit_options: page.units_with_load(loads),
        nearby,
        problem,
        chosen,
        roles,
        playbooks,
    })
}

/// The playbook that shares most characters with the problem's title and terms.
fn most_alike(playbooks: &[Playbook], problem: &Problem) -> String {
    let text = format!("{}{}", problem.title, problem.terms);
    let shared = |book: &&Playbook| book.title.chars().filter(|c| text.contains(*c)).count();
    playbooks.iter().max_by_key(shared).map(|book| book.key.clone()).unwrap_or_default()
}

/// A unit whose name holds what the role is called.
fn usual_unit(book: &Playbook, role: &str, units: &[Unit]) -> Option<String> {
    let role = book.roles.iter().find(|known| known.key == role)?;
    let alike = |unit: &&Unit| {
        let shared = role.title.chars().filter(|c| unit.name.contains(*c)).count();
        (shared, std::cmp::Reverse(unit.name.chars().count()))
    };
    units.iter().max_by_key(alike).map(|unit| unit.id.clone())
}

async fn open(page: Page, body: Bytes) -> PageResult {
    let new = new_case(&Fields::from_form(&body)).map_err(|error| page.failed(error))?;
    let id =
        page.app.write(&page.actor, move |ctx| drafting::open(ctx, new)).await.map_err(|error| page.failed(error))?;
    Ok(page.done(&format!("/cases/{id}"), "已生成拟立项专项"))
}
