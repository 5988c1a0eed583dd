//! A plan on flat arrays, in the order of its dependencies: what the passes of the schedule and the forecast run over.

use super::graph::{Plan, PlanTask};
use super::schedule::{AsOf, days_of};
use super::workdays::{Day, LAST_DAY, WorkDays, day_of};
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use petgraph::Direction;
use petgraph::graph::{EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef;

/// A task as a pass sees it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub task: NodeIndex,
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

/// A dependency that still moves its successor. `from` is a position in [`Network::nodes`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub from: u32,
    pub lag: i32,
    pub kind: DependencyKind,
    pub edge: EdgeIndex,
}

pub(super) struct Network<'a> {
    /// Every predecessor before its successors; cancelled tasks are left out.
    pub nodes: Vec<Node<'a>>,
    links: Vec<Link>,
    /// Where the links into each node begin in `links`, and the end.
    into: Vec<u32>,
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
    pub fn of(plan: &'a Plan, as_of: &AsOf<'a>) -> Network<'a> {
        const CANCELLED: u32 = u32::MAX;
        let order = plan.order.nodes();
        let mut place = vec![CANCELLED; order.len()];
        let mut net = Network {
            nodes: Vec::with_capacity(order.len()),
            links: Vec::with_capacity(plan.graph.edge_count()),
            into: Vec::with_capacity(order.len() + 1),
            statutory: as_of.calendars.statutory(),
        };
        for index in order {
            let task = &plan.graph[*index];
            if task.state == TaskState::Cancelled {
                continue;
            }
            place[index.index()] = net.nodes.len() as u32;
            net.into.push(net.links.len() as u32);
            let node = node(*index, task, as_of);
            let held = |kind| match node.stage {
                Stage::Waiting => true,
                Stage::Running => kind == DependencyKind::FinishToFinish,
                Stage::Done => false,
            };
            for edge in plan.graph.edges_directed(*index, Direction::Incoming) {
                let (from, dependency) = (place[edge.source().index()], edge.weight());
                if from != CANCELLED && held(dependency.kind) {
                    net.links.push(Link { from, lag: dependency.lag_days, kind: dependency.kind, edge: edge.id() });
                }
            }
            net.nodes.push(node);
        }
        net.into.push(net.links.len() as u32);
        net
    }

    pub fn links_into(&self, node: usize) -> &[Link] {
        &self.links[self.into[node] as usize..self.into[node + 1] as usize]
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

fn node<'a>(index: NodeIndex, task: &PlanTask, as_of: &AsOf<'a>) -> Node<'a> {
    let today = day_of(as_of.today);
    let node = Node {
        task: index,
        calendar: as_of.calendars.of_unit(&task.unit_id),
        natural: task.duration_unit == DurationUnit::NaturalDays,
        days: days_of(task.duration, task.duration_unit),
        stage: Stage::Waiting,
        start: 1,
        finish: 1,
        latest_start: LAST_DAY,
    };
    if task.state == TaskState::Done {
        let end = task.ended_on.map_or(today, day_of);
        let begun = task.released_on.or(task.started_on).map_or(end, day_of);
        return Node { stage: Stage::Done, natural: true, days: 0, start: begun.min(end), finish: end, ..node };
    }
    if let Some(released) = task.released_on.map(day_of) {
        let due = task.due_on.map_or(today, day_of);
        return Node { stage: Stage::Running, start: released, finish: due.max(today), ..node };
    }
    let start = day_of(as_of.begin).max(today);
    let wanted = [task.not_before, task.fixed_on].into_iter().flatten().map(day_of).max();
    Node { start: start.max(wanted.unwrap_or(start)), latest_start: task.fixed_on.map_or(LAST_DAY, day_of), ..node }
}
