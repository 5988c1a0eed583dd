//! Changes of a plan that are tried on its page (推演): they travel in the address, and nothing is stored.

use crate::app::Error;
use crate::app::cases::case_views::CaseView;
use crate::app::plans::Likely;
use crate::app::plans::what_if::{self, Outlook, PlanChange, Tried};
use crate::lang::Message;
use crate::web::fields::Fields;
use crate::web::page::Page;
use crate::web::show;
use chrono::NaiveDate;
use serde_json::json;

/// The address's names: that something is tried at all, each change that is, and one that a form adds.
const TRYING: &str = "trying";
const CHANGE: &str = "try";
pub const NEW: &str = "change";

/// What is tried, as the page tells it.
#[derive(Default)]
pub struct Trial {
    changes: Vec<PlanChange>,
    pub rows: Vec<Row>,
    pub figures: Vec<Figure>,
    pub units: Vec<UnitLine>,
    pub moved: Vec<MovedLine>,
    /// Without a fault and with something to apply.
    pub can_apply: bool,
}

/// A change in words.
pub struct Row {
    pub text: String,
    /// Why it cannot be made.
    pub fault: Option<String>,
    /// It comes after one that cannot be made.
    pub left_out: bool,
    /// The page without it.
    pub without: String,
    /// As a form sends it.
    pub json: String,
}

/// A figure as it is and as it would be.
pub struct Figure {
    /// A translation key.
    pub what: &'static str,
    pub now: String,
    pub then: String,
}

pub struct UnitLine {
    pub name: String,
    pub tasks: usize,
    pub from: String,
    pub to: String,
}

pub struct MovedLine {
    pub no: i32,
    pub title: String,
    pub unit: String,
    pub from: String,
    pub to: String,
}

/// The changes an address asks to try, with the one that a form adds; `None` when nothing is tried.
pub fn changes(asked: &Fields) -> Result<Option<Vec<PlanChange>>, Error> {
    if asked.one(TRYING).is_none() && asked.one(NEW).is_none() {
        return Ok(None);
    }
    let mut changes = what_if::parse(&asked.all(CHANGE))?;
    changes.extend(added(asked)?);
    Ok(Some(changes))
}

/// The change that a form's fields describe.
fn added(f: &Fields) -> Result<Option<PlanChange>, Error> {
    let Some(kind) = f.one(NEW) else { return Ok(None) };
    let numbers = |name| f.all(name).iter().filter_map(|no| no.parse().ok()).collect();
    let change = match kind {
        "duration" => PlanChange::Duration { task: f.parsed("task")?, duration: f.parsed("duration")? },
        "not_before" => PlanChange::NotBefore { task: f.parsed("task")?, day: f.optional_date("day")? },
        "fixed" => PlanChange::Fixed { task: f.parsed("task")?, day: f.optional_date("day")? },
        "due" => PlanChange::Due { task: f.parsed("task")?, day: f.parsed("day")? },
        "add_task" => PlanChange::AddTask {
            title: f.text("title"),
            unit: f.text("unit"),
            duration: f.parsed("duration")?,
            after: numbers("after"),
            before: numbers("before"),
        },
        "add_dependency" => PlanChange::AddDependency {
            from: f.parsed("from")?,
            to: f.parsed("to")?,
            kind: f.code("kind", crate::domain::task::DependencyKind::parse)?,
            lag_days: if f.one("lag_days").is_some() { f.parsed("lag_days")? } else { 0 },
        },
        _ => PlanChange::DropDependency {
            from: f.parsed("from")?,
            to: f.parsed("to")?,
            kind: f.code("kind", crate::domain::task::DependencyKind::parse)?,
        },
    };
    Ok(Some(change))
}

/// The plan of a case in a view, beside a task, with what is tried.
pub fn address_of(here: &str, view: &str, task: Option<&i32>, trial: Option<&Trial>) -> String {
    let changes = trial.map(|trial| trial.changes.iter().map(in_json).collect::<Vec<_>>());
    let task = task.map(i32::to_string);
    let mut query = vec![("tab", "plan")];
    query.extend(Some(("view", view)).filter(|_| !view.is_empty()));
    query.extend(task.as_deref().map(|no| ("task", no)));
    query.extend(trial.map(|_| (TRYING, "yes")));
    query.extend(changes.iter().flatten().map(|change| (CHANGE, change.as_str())));
    show::address(here, &query)
}

fn in_json(change: &PlanChange) -> String {
    json!(change).to_string()
}

impl Trial {
    pub fn of(changes: Vec<PlanChange>) -> Trial {
        Trial { changes, ..Trial::default() }
    }

    /// What forms carry along, so that a further change comes to these.
    pub fn carried(&self) -> Vec<String> {
        self.changes.iter().map(in_json).collect()
    }

    /// `view` is the case with the plan as it would be.
    pub fn told(page: &Page, view: &CaseView, tried: Tried) -> Trial {
        let here = format!("/cases/{}", view.line.case.id);
        let row = |(at, change): (usize, &PlanChange)| {
            let fault = tried.fault.as_ref().filter(|(wrong, _)| *wrong == at).map(|(_, why)| page.say(why));
            let mut others = tried.changes.clone();
            others.remove(at);
            Row {
                text: page.say(&words(page, view, change)),
                fault,
                left_out: tried.fault.as_ref().is_some_and(|(wrong, _)| at > *wrong),
                without: address_of(&here, "graph", None, Some(&Trial::of(others))),
                json: in_json(change),
            }
        };
        let rows = tried.changes.iter().enumerate().map(row).collect();
        let span = |day: Option<NaiveDate>| page.opt_date(&day);
        let units = tried.difference.units.iter().map(|unit| UnitLine {
            name: view.unit(&unit.unit_id),
            tasks: unit.tasks,
            from: span(unit.from),
            to: span(unit.to),
        });
        let moved = tried.difference.moved.iter().map(|moved| MovedLine {
            no: moved.task.no,
            title: moved.task.title.clone(),
            unit: view.unit(&moved.task.unit_id),
            from: span(moved.from.map(|dates| dates.finish)),
            to: span(moved.to.map(|dates| dates.finish)),
        });
        Trial {
            figures: figures(page, view.line.case.deadline, &tried.before, &tried.after),
            units: units.collect(),
            moved: moved.collect(),
            can_apply: tried.fault.is_none() && !tried.changes.is_empty(),
            rows,
            changes: tried.changes,
        }
    }
}

fn figures(page: &Page, deadline: NaiveDate, before: &Outlook, after: &Outlook) -> Vec<Figure> {
    let figure = |what, told: &dyn Fn(&Outlook) -> String| Figure { what, now: told(before), then: told(after) };
    let likely = |told: &dyn Fn(&Likely) -> String, outlook: &Outlook| {
        outlook.likely.as_ref().map_or_else(|| "—".to_owned(), told)
    };
    let path = |outlook: &Outlook| outlook.path.iter().map(i32::to_string).collect::<Vec<_>>().join(" → ");
    let drift =
        |outlook: &Outlook| outlook.forecast.map_or_else(|| "—".to_owned(), |day| page.against(&deadline, &day));
    vec![
        figure("预测完成", &|outlook| page.opt_date(&outlook.forecast)),
        figure("与专项期限相比", &drift),
        figure("八成把握", &|outlook| likely(&|likely| page.date(&likely.p80), outlook)),
        figure("按期可能性", &|outlook| likely(&|likely| format!("{}%", likely.percent()), outlook)),
        figure("关键路径", &path),
    ]
}

/// A change in words; tasks that cannot be found are told by their number.
fn words(page: &Page, view: &CaseView, change: &PlanChange) -> Message {
    let title = |no: &i32| {
        let task = view.plan.tasks.iter().find(|task| task.no == *no);
        task.map_or_else(|| format!("{no:02}"), |task| format!("{no:02} {}", task.title))
    };
    let dated = |task: &i32, day: &Option<NaiveDate>, set: &'static str, unset: &'static str| match day {
        Some(day) => Message::new(set).with("task", title(task)).with("day", page.date(day)),
        None => Message::new(unset).with("task", title(task)),
    };
    match change {
        PlanChange::Duration { task, duration } => {
            let unit =
                view.plan.tasks.iter().find(|row| row.no == *task).map(|row| row.duration_unit).unwrap_or_default();
            Message::new("%{task}：工期改为 %{n} %{unit}")
                .with("task", title(task))
                .with("n", duration)
                .with_message("unit", Message::new(unit.label()))
        }
        PlanChange::NotBefore { task, day } => {
            dated(task, day, "%{task}：不早于%{day}开始", "%{task}：不再限定最早开始")
        }
        PlanChange::Fixed { task, day } => dated(task, day, "%{task}：定于%{day}放行", "%{task}：不再定死日期"),
        PlanChange::Due { task, day } => {
            Message::new("%{task}：期限改到%{day}").with("task", title(task)).with("day", page.date(day))
        }
        PlanChange::AddTask { title, unit, duration, .. } => {
            Message::new("添加任务“%{title}”（%{unit}，%{n} 个工作日）")
                .with("title", title)
                .with("unit", view.unit(unit))
                .with("n", duration)
        }
        PlanChange::AddDependency { from, to, kind, lag_days } => {
            Message::new("添加前置：%{from} → %{to}（%{kind}，间隔 %{n}）")
                .with("from", title(from))
                .with("to", title(to))
                .with("kind", page.t(kind.label()))
                .with("n", lag_days)
        }
        PlanChange::DropDependency { from, to, .. } => {
            Message::new("去掉前置：%{from} → %{to}").with("from", title(from)).with("to", title(to))
        }
    }
}
