//! One case's plan as it is drawn: cards, Gantt rows, and the task beside the graph.

use crate::app::cases::case_views::CaseView;
use crate::app::plans::outlook::is_critical;
use crate::domain::task::{DependencyKind, TaskState};
use crate::lang::Message;
use crate::plan::gantt::Gantt;
use crate::plan::layout::Layout;
use crate::store::plans::{Dependency, Task};
use crate::store::tasks::Report;
use crate::web::page::Page;
use crate::web::show;
use chrono::{Datelike, NaiveDate};

/// What a task shows beside its name: class, shape and word (a translation key).
pub type Mark = (&'static str, &'static str, &'static str);

const LATE: Mark = ("late", "■", "超期");
const BLOCKED: Mark = ("blocked", "▲", "受阻");

/// The marks that occur in a plan, trouble first.
pub fn legend(cards: &[CardView]) -> Vec<Mark> {
    let states = TaskState::ALL.iter().map(|state| of_state(*state));
    let known = [LATE, BLOCKED].into_iter().chain(states);
    known.filter(|mark| cards.iter().any(|card| card.state == mark.0)).collect()
}

fn of_state(state: TaskState) -> Mark {
    (state.code(), state.shape(), state.label())
}

/// A task as drawn: on a card, in a table row.
pub struct CardView {
    pub id: String,
    pub no: i32,
    pub title: String,
    /// Its title on one line or two.
    pub name: Vec<String>,
    pub unit: String,
    pub x: i32,
    pub y: i32,
    pub state: &'static str,
    pub shape: &'static str,
    /// A translation key.
    pub word: &'static str,
    pub class: String,
    pub due: String,
    pub late: bool,
    pub blocked: bool,
    pub critical: bool,
    /// Done or cancelled.
    pub ended: bool,
    /// The one beside the graph.
    pub picked: bool,
    pub slack: String,
    /// Id and predecessor's number of each dependency.
    pub before: Vec<(String, i32)>,
}

/// A row of the Gantt chart.
pub struct GanttRow {
    pub id: String,
    pub label: String,
    pub unit: String,
    pub class: &'static str,
    pub shape: &'static str,
    /// A translation key.
    pub word: &'static str,
    pub x: i64,
    pub y: i32,
    pub width: i64,
    pub slack: i64,
    pub critical: bool,
}

/// Late and blocked go before a task's state.
fn mark(view: &CaseView, task: &Task) -> Mark {
    if view.late.contains(&task.id) {
        LATE
    } else if view.plan.blocked.contains(&task.id) {
        BLOCKED
    } else {
        of_state(task.state)
    }
}

pub fn cards(page: &Page, view: &CaseView, layout: Option<&Layout>, panel: Option<&Panel>) -> Vec<CardView> {
    view.plan
        .tasks
        .iter()
        .map(|task| {
            let (state, shape, word) = mark(view, task);
            let dates = view.schedule.dates(&task.id);
            let is_picked = panel.is_some_and(|panel| panel.task.id == task.id);
            let critical = view.schedule.critical_path.contains(&task.id);
            let place = layout.and_then(|layout| layout.cards.iter().find(|card| card.task_id == task.id));
            let (x, y) = place.map_or((0, 0), |card| (card.x, card.y));
            let due = task.due_on.or_else(|| dates.map(|dates| dates.finish));
            let before = view.plan.dependencies.iter().filter(|edge| edge.successor_id == task.id);
            CardView {
                id: task.id.clone(),
                no: task.no,
                title: task.title.clone(),
                name: show::card_name(&task.title),
                unit: view.unit(&task.unit_id),
                x,
                y,
                state,
                shape,
                word,
                class: [state, if critical { " critical" } else { "" }, if is_picked { " picked" } else { "" }]
                    .concat(),
                due: due.map_or_else(|| "—".to_owned(), |day| format!("{:02}-{:02}", day.month(), day.day())),
                late: view.late.contains(&task.id),
                blocked: view.plan.blocked.contains(&task.id),
                critical,
                ended: task.state.is_final(),
                picked: is_picked,
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

pub fn gantt_rows(view: &CaseView, gantt: &Gantt) -> Vec<GanttRow> {
    gantt
        .bars
        .iter()
        .filter_map(|bar| {
            let task = view.plan.task(&bar.task_id).ok()?;
            let (class, shape, word) = mark(view, task);
            Some(GanttRow {
                id: task.id.clone(),
                label: format!("{} {}", task.no, task.title),
                unit: view.unit(&task.unit_id),
                class,
                shape,
                word,
                x: bar.x,
                y: bar.y,
                width: bar.width,
                slack: bar.slack_width,
                critical: bar.critical,
            })
        })
        .collect()
}

/// A dependency as it is told beside the graph.
pub struct DependencyLine {
    pub id: String,
    pub from: i32,
    pub from_title: String,
    pub to: i32,
    pub to_title: String,
    pub kind: DependencyKind,
    pub lag_days: i32,
}

fn dependency_line(view: &CaseView, edge: &Dependency) -> Option<DependencyLine> {
    let (from, to) = (view.plan.task(&edge.predecessor_id).ok()?, view.plan.task(&edge.successor_id).ok()?);
    Some(DependencyLine {
        id: edge.id.clone(),
        from: from.no,
        from_title: from.title.clone(),
        to: to.no,
        to_title: to.title.clone(),
        kind: edge.kind,
        lag_days: edge.lag_days,
    })
}

/// What is picked at a line of the graph: two tasks, and how one depends on the other.
pub struct Link {
    pub from: i32,
    pub to: i32,
    pub lines: Vec<DependencyLine>,
}

/// The dependencies between two tasks, named as `1-3`.
pub fn link(view: &CaseView, asked: &str) -> Option<Link> {
    let (from, to) = asked.split_once('-')?;
    let (from, to): (i32, i32) = (from.parse().ok()?, to.parse().ok()?);
    let lines = view.plan.dependencies.iter().filter_map(|edge| dependency_line(view, edge));
    let lines: Vec<_> = lines.filter(|line| (line.from, line.to) == (from, to)).collect();
    (!lines.is_empty()).then_some(Link { from, to, lines })
}

/// The task beside the graph.
pub struct Panel {
    pub task: Task,
    pub state: &'static str,
    pub shape: &'static str,
    /// A translation key.
    pub word: &'static str,
    pub late_days: i64,
    /// When it will end, where no due date is set yet.
    pub finish: Option<NaiveDate>,
    /// The latest report, and who made it.
    pub report: Option<(Report, String)>,
    /// Titles of what it waits for, and of what waits for it.
    pub before: Vec<String>,
    pub after: Vec<String>,
    /// What it depends on and what depends on it, ended or not.
    pub lines: Vec<DependencyLine>,
    /// What it means for the whole case.
    pub sentence: Option<Message>,
    /// Why it starts and ends when it does.
    pub why: Vec<Message>,
}

/// The task asked for by its number; else the one that delays most: late before blocked, the critical path first.
pub fn picked(view: &CaseView, no: Option<i32>) -> Option<&Task> {
    let tasks = &view.plan.tasks;
    if let Some(task) = tasks.iter().find(|task| Some(task.no) == no) {
        return Some(task);
    }
    let troubles = &view.line.troubles;
    let worst = troubles.iter().min_by_key(|trouble| (trouble.late_days == 0, !trouble.critical));
    if let Some(trouble) = worst {
        return tasks.iter().find(|task| task.id == trouble.task.id);
    }
    let open = tasks.iter().filter(|task| !task.state.is_final());
    open.min_by_key(|task| (!is_critical(&view.schedule, &task.id), task.state == TaskState::Waiting, task.no))
}

pub fn panel(page: &Page, view: &CaseView, task_id: &str, report: Option<(Report, String)>) -> Option<Panel> {
    let task = view.plan.task(task_id).ok()?.clone();
    let (state, shape, word) = mark(view, &task);
    let trouble = view.line.troubles.iter().find(|trouble| trouble.task.id == task.id);
    let edges = &view.plan.dependencies;
    let open = |id: &String| view.plan.task(id).ok().filter(|task| !task.state.is_final());
    let before = edges.iter().filter(|edge| edge.successor_id == task.id).filter_map(|edge| open(&edge.predecessor_id));
    let after = edges.iter().filter(|edge| edge.predecessor_id == task.id).filter_map(|edge| open(&edge.successor_id));
    let titled = |task: &Task| format!("{} {}", task.no, task.title);
    Some(Panel {
        state,
        shape,
        word,
        late_days: trouble.filter(|_| state == "late").map_or(0, |trouble| trouble.late_days),
        finish: view.schedule.dates(&task.id).map(|dates| dates.finish),
        report,
        before: before.map(titled).collect(),
        after: after.map(titled).collect(),
        lines: edges
            .iter()
            .filter(|edge| [&edge.predecessor_id, &edge.successor_id].contains(&&task.id))
            .filter_map(|edge| dependency_line(view, edge))
            .collect(),
        sentence: meaning(page, view, &task),
        why: [
            view.graph.why_start(&view.schedule, task_id, page.today()),
            view.graph.why_finish(&view.schedule, task_id, page.today()),
        ]
        .into_iter()
        .flatten()
        .filter(|_| !task.state.is_final())
        .collect(),
        task,
    })
}

/// What the whole case has to do with a task, in one sentence.
fn meaning(page: &Page, view: &CaseView, task: &Task) -> Option<Message> {
    let dates = view.schedule.dates(&task.id).filter(|_| !task.state.is_final())?;
    if !dates.critical {
        let until = page.date(&dates.latest_finish);
        return Some(
            Message::new("它有 %{n} 个工作日的机动：到%{day}办结，都不影响整个专项。")
                .with("n", dates.slack_days)
                .with("day", until),
        );
    }
    Some(match view.line.drift {
        late @ 1.. => {
            Message::new("整个专项在等这一项：它每晚 1 天，完成就晚 1 天；现在预计晚 %{n} 个工作日。").with("n", late)
        }
        _ => Message::new("整个专项在等这一项：它每晚 1 天，预测完成晚 1 天。"),
    })
}
