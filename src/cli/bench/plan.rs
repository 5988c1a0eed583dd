//! `shenban bench plan`: what scheduling and forecasting cost, beside petgraph's topological pass over the same graph,
//! and what a large case's page costs.

use super::{Goal, case_page, print_beside_goals};
use crate::cli::Outcome;
use crate::domain::calendar::Calendar;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use crate::plan::{AsOf, Calendars, History, Plan, PlanDependency, PlanTask, Runs};
use chrono::NaiveDate;
use petgraph::graph::DiGraph;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

/// The middle of this many measurements counts.
const ROUNDS: usize = 15;
const CASE_TASKS: usize = 200;
const RUNS: Runs = Runs { count: 10_000, seed: 1 };
/// Dependencies a task has, on average.
const DENSITY: usize = 3;
const CHECKS: usize = 10_000;

#[derive(clap::Args)]
pub struct Args {
    /// Tasks of the plan; it has three dependencies a task.
    #[arg(long, default_value_t = 10_000)]
    tasks: usize,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    tasks: usize,
    dependencies: usize,
    build_ms: f64,
    schedule_ms: f64,
    toposort_ms: f64,
    schedule_of_toposort: f64,
    /// The most memory the process held, building and scheduling included; nothing where the system does not tell.
    peak_memory_mib: f64,
    tasks_ten_times: usize,
    schedule_ten_times_ms: f64,
    toposort_ten_times_ms: f64,
    /// What a task costs in the ten times larger plan, of what it costs in this one.
    cost_of_a_task_ten_times: f64,
    forecast_tasks: usize,
    forecast_runs: usize,
    forecast_ms: f64,
    cycle_check_us: f64,
    /// The pages of a case of as many tasks as the forecast's, over HTTP; and what reading the case is of that.
    case_graph_page_ms: f64,
    case_gantt_page_ms: f64,
    case_table_page_ms: f64,
    case_read_ms: f64,
}

const GOALS: [(&str, Goal); 8] = [
    ("schedule_ms", Goal::AtMost(50.0)),
    ("schedule_of_toposort", Goal::AtMost(5.0)),
    ("peak_memory_mib", Goal::AtMost(64.0)),
    ("cost_of_a_task_ten_times", Goal::AtMost(2.0)),
    ("forecast_ms", Goal::AtMost(100.0)),
    ("case_graph_page_ms", Goal::AtMost(20.0)),
    ("case_gantt_page_ms", Goal::AtMost(20.0)),
    ("case_table_page_ms", Goal::AtMost(20.0)),
];

pub fn run(args: &Args) -> Outcome {
    let calendars = Calendars::new(&Calendar::mainland());
    let today = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_default();
    let as_of = AsOf { today, begin: today, calendars: &calendars };
    let tasks = args.tasks.max(2);
    let (made, edges) = random_parts(tasks);
    let began = Instant::now();
    let plan = built(made, edges)?;
    let build_ms = began.elapsed().as_secs_f64() * 1e3;
    let schedule_ms = middle_ms(|| plan.schedule(&as_of));
    let peak_memory_mib = peak_memory_mib();
    let bare = bare_graph(&plan);
    let toposort_ms = middle_ms(|| petgraph::algo::toposort(&bare, None));
    let (made, edges) = random_parts(tasks * 10);
    let larger = built(made, edges)?;
    let schedule_ten_times_ms = middle_ms(|| larger.schedule(&as_of));
    let bare = bare_graph(&larger);
    let toposort_ten_times_ms = middle_ms(|| petgraph::algo::toposort(&bare, None));
    let (made, edges) = random_parts(CASE_TASKS);
    let case = built(made, edges)?;
    let forecast_ms = middle_ms(|| case.forecast(&as_of, &History::default(), RUNS));
    let pages = case_page::measure(CASE_TASKS)?;
    let figures = Figures {
        tasks,
        dependencies: plan.dependencies().count(),
        build_ms,
        schedule_ms,
        toposort_ms,
        schedule_of_toposort: schedule_ms / toposort_ms,
        peak_memory_mib,
        tasks_ten_times: tasks * 10,
        schedule_ten_times_ms,
        toposort_ten_times_ms,
        cost_of_a_task_ten_times: schedule_ten_times_ms / schedule_ms / 10.0,
        forecast_tasks: CASE_TASKS,
        forecast_runs: RUNS.count,
        forecast_ms,
        cycle_check_us: cycle_check_us(&plan),
        case_graph_page_ms: pages.graph_ms,
        case_gantt_page_ms: pages.gantt_ms,
        case_table_page_ms: pages.table_ms,
        case_read_ms: pages.read_ms,
    };
    print_beside_goals(&figures, &GOALS, args.json)
}

/// The middle of several measurements, in milliseconds.
fn middle_ms<T>(work: impl Fn() -> T) -> f64 {
    let mut took: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let made = black_box(work());
            let ms = began.elapsed().as_secs_f64() * 1e3;
            drop(made);
            ms
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[ROUNDS / 2]
}

/// Tasks of several units, two in three uncertain, with dependencies of all kinds, some with lags or leads. Always the
/// same for a size.
fn random_parts(tasks: usize) -> (Vec<PlanTask>, Vec<PlanDependency>) {
    let mut rng = StdRng::seed_from_u64(tasks as u64);
    let mut pairs = BTreeSet::new();
    let wanted = (tasks * DENSITY).min(tasks * (tasks - 1) / 2);
    while pairs.len() < wanted {
        let (a, b) = (rng.random_range(0..tasks), rng.random_range(0..tasks));
        if a != b {
            pairs.insert((a.min(b), a.max(b)));
        }
    }
    let made = (0..tasks).map(|no| random_task(no, &mut rng)).collect();
    let edges = pairs.into_iter().map(|(from, to)| random_edge(from, to, &mut rng)).collect();
    (made, edges)
}

fn built(tasks: Vec<PlanTask>, edges: Vec<PlanDependency>) -> Result<Plan, String> {
    Plan::build(tasks, edges).map_err(|error| format!("{error:?}"))
}

fn random_task(no: usize, rng: &mut StdRng) -> PlanTask {
    let duration = rng.random_range(1..30);
    PlanTask {
        id: format!("task-{no}"),
        no: no as i32,
        title: format!("Task {no}"),
        unit_id: format!("unit-{}", no % 12),
        kind: String::new(),
        state: TaskState::Waiting,
        duration,
        range: (!no.is_multiple_of(3)).then_some((duration - duration / 3, duration * 2)),
        duration_unit: if no.is_multiple_of(10) { DurationUnit::NaturalDays } else { DurationUnit::WorkingDays },
        not_before: None,
        fixed_on: None,
        release_on: None,
        due_on: None,
        released_on: None,
        started_on: None,
        ended_on: None,
        blocked: false,
    }
}

fn random_edge(from: usize, to: usize, rng: &mut StdRng) -> PlanDependency {
    PlanDependency {
        id: format!("edge-{from}-{to}"),
        predecessor: format!("task-{from}"),
        successor: format!("task-{to}"),
        kind: match rng.random_range(0..10) {
            0 => DependencyKind::StartToStart,
            1 => DependencyKind::FinishToFinish,
            _ => DependencyKind::FinishToStart,
        },
        lag_days: if rng.random_range(0..5) == 0 { rng.random_range(-3..6) } else { 0 },
    }
}

fn bare_graph(plan: &Plan) -> DiGraph<(), ()> {
    let number = |id: &str| id.trim_start_matches("task-").parse::<u32>().unwrap_or_default();
    DiGraph::from_edges(plan.dependencies().map(|edge| (number(&edge.predecessor), number(&edge.successor))))
}

/// What it costs to ask whether a new dependency closes a cycle, in microseconds.
fn cycle_check_us(plan: &Plan) -> f64 {
    let tasks = plan.tasks().count();
    let mut rng = StdRng::seed_from_u64(1);
    let mut name = || format!("task-{}", rng.random_range(0..tasks));
    let pairs: Vec<(String, String)> = (0..CHECKS).map(|_| (name(), name())).collect();
    let began = Instant::now();
    for (from, to) in &pairs {
        black_box(plan.would_cycle(from, to));
    }
    began.elapsed().as_secs_f64() * 1e6 / CHECKS as f64
}

fn peak_memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}
