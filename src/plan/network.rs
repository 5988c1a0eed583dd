//! A plan on flat arrays, in the order of its dependencies: what the passes of the schedule and the forecast run over.

use super::graph::{PlanDependency, PlanTask};
use super::schedule::{AsOf, days_of};
use super::workdays::{Day, LAST_DAY, WorkDays, day_of};
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use petgraph::Direction;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;

/// A task as a pass sees it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub calendar: &'a WorkDays,
    pub natural: bool,
    /// How long its work takes, in working or natural days.
    pub days: i32,
    pub stage: Stage,
    /// When it began; for a waiting task, before when it cannot.
    pub start: Day,
    /// Before when it cannot end.
    pub finish: Day,
    /// The latest start that its fixed date allows.
    pub latest_start: Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Running,
    Done,
}

impl Node<'_> {
    /// The day work that begins on `start` ends; the day of release does not count.
    #[inline]
    pub fn end_of(&self, start: Day, days: i32) -> Day {
        if self.natural { start.saturating_add(days).min(LAST_DAY) } else { self.calendar.add(start, days) }
    }

    /// The last day its work may begin to end by `finish`.
    #[inline]
    pub fn begin_for(&self, finish: Day) -> Day {
        if self.natural { finish - self.days } else { self.calendar.back(finish, self.days) }
    }

    /// How much longer its work may take to end on one day instead of another.
    pub fn work_between(&self, from: Day, to: Day) -> i32 {
        if self.natural { to - from } else { self.working_days(from, to) }
    }

    /// Working days of its unit from one day to another.
    pub fn working_days(&self, from: Day, to: Day) -> i32 {
        self.calendar.rank(to) - self.calendar.rank(from)
    }
}

/// A dependency that still moves its successor. `from` is a place in [`Frame::tasks`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub from: u32,
    pub lag: i32,
    pub kind: DependencyKind,
    pub edge: EdgeIndex,
}

/// The part of a plan that does not depend on when it is looked at: made once, when the plan is.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// Every predecessor before its successors; cancelled tasks are left out.
    pub tasks: Vec<FrameTask>,
    /// Links that still move their successor.
    links: Vec<Link>,
    /// Where the links into each task begin in `links`, and the end.
    into: Vec<u32>,
    /// Where each node of the graph stands in `tasks`.
    place: Vec<u32>,
    units: Vec<String>,
}

/// What of a task the passes need.
#[derive(Debug, Clone)]
pub(super) struct FrameTask {
    pub node: NodeIndex,
    pub no: i32,
    unit: u32,
    natural: bool,
    days: i32,
    stage: Stage,
    pub not_before: Option<Day>,
    pub fixed_on: Option<Day>,
    released_on: Option<Day>,
    due_on: Option<Day>,
    ended_on: Option<Day>,
}

const CANCELLED: u32 = u32::MAX;

impl Frame {
    pub fn of(graph: &DiGraph<PlanTask, PlanDependency>, order: &[NodeIndex]) -> Frame {
        let mut frame = Frame { place: vec![CANCELLED; order.len()], ..Frame::default() };
        frame.links.reserve(graph.edge_count());
        let mut units: FxHashMap<&str, u32> = FxHashMap::default();
        for index in order {
            let task = &graph[*index];
            if task.state == TaskState::Cancelled {
                continue;
            }
            let next = units.len() as u32;
            let unit = *units.entry(&task.unit_id).or_insert(next);
            if unit == next {
                frame.units.push(task.unit_id.clone());
            }
            frame.place[index.index()] = frame.tasks.len() as u32;
            frame.into.push(frame.links.len() as u32);
            let task = FrameTask::of(*index, task, unit);
            let held = |kind| match task.stage {
                Stage::Waiting => true,
                Stage::Running => kind == DependencyKind::FinishToFinish,
                Stage::Done => false,
            };
            for edge in graph.edges_directed(*index, Direction::Incoming) {
                let (from, dependency) = (frame.place[edge.source().index()], edge.weight());
                if from != CANCELLED && held(dependency.kind) {
                    let (lag, kind) = (dependency.lag_days, dependency.kind);
                    frame.links.push(Link { from, lag, kind, edge: edge.id() });
                }
            }
            frame.tasks.push(task);
        }
        frame.into.push(frame.links.len() as u32);
        frame
    }

    /// Where a task of the graph stands; `None` for a cancelled one.
    pub fn place(&self, node: NodeIndex) -> Option<usize> {
        self.place.get(node.index()).copied().filter(|at| *at != CANCELLED).map(|at| at as usize)
    }
}

impl FrameTask {
    fn of(node: NodeIndex, task: &PlanTask, unit: u32) -> FrameTask {
        let stage = match task.state {
            TaskState::Done => Stage::Done,
            _ if task.released_on.is_some() => Stage::Running,
            _ => Stage::Waiting,
        };
        FrameTask {
            node,
            no: task.no,
            unit,
            natural: task.duration_unit == DurationUnit::NaturalDays,
            days: days_of(task.duration, task.duration_unit),
            stage,
            not_before: task.not_before.map(day_of),
            fixed_on: task.fixed_on.map(day_of),
            released_on: task.released_on.or(task.started_on).map(day_of),
            due_on: task.due_on.map(day_of),
            ended_on: task.ended_on.map(day_of),
        }
    }

    fn as_of<'a>(&self, today: Day, begin: Day, calendar: &'a WorkDays) -> Node<'a> {
        let (natural, days, stage) = (self.natural, self.days, self.stage);
        let node = Node { calendar, natural, days, stage, start: 1, finish: 1, latest_start: LAST_DAY };
        match stage {
            Stage::Done => {
                let end = self.ended_on.unwrap_or(today);
                let begun = self.released_on.unwrap_or(end).min(end);
                Node { natural: true, days: 0, start: begun, finish: end, ..node }
            }
            Stage::Running => {
                let finish = self.due_on.unwrap_or(today).max(today);
                Node { start: self.released_on.unwrap_or(today), finish, ..node }
            }
            Stage::Waiting => {
                let wanted = self.not_before.max(self.fixed_on).unwrap_or(1);
                let start = begin.max(today).max(wanted);
                Node { start, latest_start: self.fixed_on.unwrap_or(LAST_DAY), ..node }
            }
        }
    }
}

/// A frame as of a day, on calendars.
pub(super) struct Network<'a> {
    pub frame: &'a Frame,
    pub nodes: Vec<Node<'a>>,
    statutory: &'a WorkDays,
}

/// Starts and ends of all nodes, `L` runs at a time.
pub(super) struct Dates<const L: usize> {
    pub start: Vec<[Day; L]>,
    /// When the work alone would end.
    pub worked: Vec<[Day; L]>,
    /// When the task ends, held by whatever holds it.
    pub finish: Vec<[Day; L]>,
}

impl<'a> Network<'a> {
    pub fn of(frame: &'a Frame, as_of: &AsOf<'a>) -> Network<'a> {
        let calendars: Vec<&WorkDays> = frame.units.iter().map(|unit| as_of.calendars.of_unit(unit)).collect();
        let (today, begin) = (day_of(as_of.today), day_of(as_of.begin));
        let nodes = frame.tasks.iter().map(|task| task.as_of(today, begin, calendars[task.unit as usize])).collect();
        Network { frame, nodes, statutory: as_of.calendars.statutory() }
    }

    /// Working days of all from one day to another that are none of a node's unit.
    pub fn unit_days_off(&self, node: usize, from: Day, to: Day) -> i32 {
        let node = &self.nodes[node];
        if node.natural { 0 } else { self.statutory.rank(to) - self.statutory.rank(from) - node.working_days(from, to) }
    }

    #[inline]
    pub fn links_into(&self, node: usize) -> &[Link] {
        let (into, links) = (&self.frame.into, &self.frame.links);
        &links[into[node] as usize..into[node + 1] as usize]
    }

    /// The earliest day a link allows for its successor, given its predecessor's day.
    #[inline]
    pub fn gate(&self, link: &Link, day: Day) -> Day {
        if link.lag == 0 { day } else { self.statutory.add(day, link.lag) }
    }

    /// The last day of the predecessor that a link still allows, given its successor's day.
    #[inline]
    pub fn back(&self, link: &Link, day: Day) -> Day {
        if link.lag == 0 { day } else { self.statutory.back(day, link.lag) }
    }

    pub fn blank<const L: usize>(&self) -> Dates<L> {
        let rows = || vec![[0; L]; self.nodes.len()];
        Dates { start: rows(), worked: rows(), finish: rows() }
    }

    /// The forward pass: `days` tells how long a node's work takes in each run.
    pub fn forward<const L: usize>(&self, days: impl Fn(usize) -> [i32; L], dates: &mut Dates<L>) {
        for (at, node) in self.nodes.iter().enumerate() {
            let (mut start, mut finish) = ([node.start; L], [node.finish; L]);
            for link in self.links_into(at) {
                let from = link.from as usize;
                let before =
                    if link.kind == DependencyKind::StartToStart { dates.start[from] } else { dates.finish[from] };
                let held = if link.kind == DependencyKind::FinishToFinish { &mut finish } else { &mut start };
                for (held, before) in held.iter_mut().zip(before) {
                    *held = (*held).max(self.gate(link, before));
                }
            }
            let days = days(at);
            let mut worked = [0; L];
            for run in 0..L {
                worked[run] = node.end_of(start[run], days[run]);
                finish[run] = finish[run].max(worked[run]);
            }
            (dates.start[at], dates.worked[at], dates.finish[at]) = (start, worked, finish);
        }
    }
}
