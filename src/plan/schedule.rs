//! Earliest and latest dates by a forward and a backward pass; actual dates replace planned ones.
//!
//! A date is the close of its day, as a deadline is: a task released on a day has its first day of work after it, and
//! one that follows it may be released on the day it ends. The passes are the critical path method's (J. E. Kelley,
//! M. R. Walker: Critical-path planning and scheduling, 1959) with the precedence diagram's links. A finish-to-finish
//! link holds the end of its successor, not its start: the work may begin and waits to be handed in.

use super::graph::Plan;
use super::network::{Dates, Network, Stage};
use super::workdays::{Calendars, Day, LAST_DAY, date_of, day_of};
use crate::domain::calendar::Calendar;
use crate::domain::task::{DependencyKind, DurationUnit};
use chrono::{NaiveDate, TimeDelta};
use petgraph::graph::{EdgeIndex, NodeIndex};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A working day has this many hours.
const HOURS_A_DAY: i32 = 8;

/// From when a plan is looked at, and on which calendars.
#[derive(Debug, Clone, Copy)]
pub struct AsOf<'a> {
    pub today: NaiveDate,
    /// When the plan began, or begins.
    pub begin: NaiveDate,
    pub calendars: &'a Calendars,
}

/// A task's dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDates {
    /// The day it is released; its first day of work comes after.
    pub start: NaiveDate,
    pub first_day: NaiveDate,
    /// The day its work ends.
    pub finish: NaiveDate,
    /// The last days it may be released and end without moving the end of the plan or missing a fixed date.
    pub latest_start: NaiveDate,
    pub latest_finish: NaiveDate,
    /// Total slack: working days of its unit to the latest dates. Negative when a fixed date cannot be met.
    pub slack_days: i64,
    /// Free slack: working days it may slip without moving any other task.
    pub free_slack_days: i64,
    /// Open, and without slack.
    pub critical: bool,
    pub start_cause: Cause,
    pub finish_cause: Cause,
}

/// What decided a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It happened.
    Actual,
    /// The plan begins, or the day is today's: nothing else holds it.
    Begin,
    NotBefore,
    Fixed,
    Dependency(EdgeIndex),
    /// Its own work takes that long.
    Work,
    /// Its unit has until then.
    Due,
    /// It is late: it ends today at the earliest.
    Late,
}

#[derive(Debug, Clone, Default)]
pub struct Schedule {
    index: Arc<FxHashMap<String, NodeIndex>>,
    /// By the task's place in the graph; cancelled tasks have none.
    dates: Vec<Option<TaskDates>>,
    /// When the last task will have ended.
    pub forecast: Option<NaiveDate>,
    /// Ids of one longest chain of open tasks, in order: what the forecast hangs on.
    pub critical_path: Vec<String>,
}

impl Schedule {
    pub fn dates(&self, task_id: &str) -> Option<&TaskDates> {
        self.dates.get(self.index.get(task_id)?.index())?.as_ref()
    }

    pub fn all_dates(&self) -> impl Iterator<Item = &TaskDates> {
        self.dates.iter().flatten()
    }
}

/// The due date of a task released on `release`; the day of release does not count.
pub fn due_date(release: NaiveDate, duration: i32, unit: DurationUnit, calendar: &Calendar) -> NaiveDate {
    let days = i64::from(days_of(duration, unit));
    match unit {
        DurationUnit::NaturalDays => release + TimeDelta::days(days),
        DurationUnit::WorkingDays | DurationUnit::Hours => calendar.add_working_days(release, days),
    }
}

/// A duration in days: working days, or natural days where it counts those.
pub(super) fn days_of(duration: i32, unit: DurationUnit) -> i32 {
    match unit {
        DurationUnit::WorkingDays | DurationUnit::NaturalDays => duration.max(0),
        DurationUnit::Hours => (duration.max(0) + HOURS_A_DAY - 1) / HOURS_A_DAY,
    }
}

impl Plan {
    pub fn schedule(&self, as_of: &AsOf) -> Schedule {
        let net = Network::of(self, as_of);
        let mut dates = net.blank::<1>();
        net.forward(|at| [net.nodes[at].days], &mut dates);
        let Some(end) = dates.finish.iter().map(|[day]| *day).max() else { return Schedule::default() };
        let latest = Bounds::latest(&net, end);
        let free = Bounds::free(&net, &dates, end);
        let mut rows = vec![None; self.graph.node_count()];
        let mut causes = Vec::with_capacity(net.nodes.len());
        for at in 0..net.nodes.len() {
            let found = (self.start_cause(&net, &dates, at, as_of), self.finish_cause(&net, &dates, at, as_of));
            causes.push(found);
            rows[net.nodes[at].task.index()] = Some(row(&net, &dates, at, [&latest, &free], found));
        }
        Schedule {
            index: self.index.clone(),
            dates: rows,
            forecast: Some(date_of(end)),
            critical_path: self.longest_chain(&net, &dates, &causes),
        }
    }

    fn start_cause(&self, net: &Network, dates: &Dates<1>, at: usize, as_of: &AsOf) -> Cause {
        let (node, [start]) = (&net.nodes[at], dates.start[at]);
        if node.stage != Stage::Waiting {
            return Cause::Actual;
        }
        let task = &self.graph[node.task];
        match self.holder(net, dates, at, start, false) {
            Some(edge) if start > day_of(as_of.begin.max(as_of.today)) => Cause::Dependency(edge),
            _ if task.fixed_on.is_some_and(|day| day_of(day) == start) => Cause::Fixed,
            _ if task.not_before.is_some_and(|day| day_of(day) == start) => Cause::NotBefore,
            _ => Cause::Begin,
        }
    }

    fn finish_cause(&self, net: &Network, dates: &Dates<1>, at: usize, as_of: &AsOf) -> Cause {
        let (node, [finish]) = (&net.nodes[at], dates.finish[at]);
        match node.stage {
            Stage::Done => Cause::Actual,
            _ if dates.worked[at] == [finish] => Cause::Work,
            _ => match self.holder(net, dates, at, finish, true) {
                Some(edge) => Cause::Dependency(edge),
                None if finish == day_of(as_of.today) => Cause::Late,
                None => Cause::Due,
            },
        }
    }

    /// The link that holds a node's start (or its end) on a day; of several, from the task with the smallest number.
    fn holder(&self, net: &Network, dates: &Dates<1>, at: usize, day: Day, end: bool) -> Option<EdgeIndex> {
        net.links_into(at)
            .iter()
            .filter(|link| (link.kind == DependencyKind::FinishToFinish) == end)
            .filter(|link| {
                let from = link.from as usize;
                let before = if link.kind == DependencyKind::StartToStart { &dates.start } else { &dates.finish };
                net.gate(link, before[from][0]) == day
            })
            .min_by_key(|link| self.graph[net.nodes[link.from as usize].task].no)
            .map(|link| link.edge)
    }

    /// From the open task that ends last backwards along whatever held it.
    fn longest_chain(&self, net: &Network, dates: &Dates<1>, causes: &[(Cause, Cause)]) -> Vec<String> {
        let no = |at: usize| self.graph[net.nodes[at].task].no;
        let open = (0..net.nodes.len()).filter(|at| net.nodes[*at].stage != Stage::Done);
        let mut at = open.max_by_key(|at| (dates.finish[*at], -no(*at)));
        let mut by_start = false;
        let mut chain = Vec::new();
        while let Some(here) = at.filter(|at| net.nodes[*at].stage != Stage::Done) {
            chain.push(self.graph[net.nodes[here].task].id.clone());
            let (start, finish) = causes[here];
            let cause = if by_start || finish == Cause::Work { start } else { finish };
            let Cause::Dependency(edge) = cause else { break };
            let held_by = net.links_into(here).iter().find(|link| link.edge == edge);
            by_start = held_by.is_some_and(|link| link.kind == DependencyKind::StartToStart);
            at = held_by.map(|link| link.from as usize);
        }
        chain.reverse();
        chain
    }
}

/// The last days each node may start and end under some condition.
struct Bounds {
    start: Vec<Day>,
    finish: Vec<Day>,
}

impl Bounds {
    fn open(net: &Network, end: Day) -> Bounds {
        Bounds { start: vec![LAST_DAY; net.nodes.len()], finish: vec![end; net.nodes.len()] }
    }

    /// The backward pass: without moving the end of the plan or missing a fixed date.
    fn latest(net: &Network, end: Day) -> Bounds {
        let mut bounds = Bounds::open(net, end);
        for at in (0..net.nodes.len()).rev() {
            let node = &net.nodes[at];
            let start = bounds.start[at].min(node.latest_start).min(node.begin_for(bounds.finish[at]));
            bounds.start[at] = start;
            bounds.hold_back(net, at, start, bounds.finish[at]);
        }
        bounds
    }

    /// Without moving any other task.
    fn free(net: &Network, dates: &Dates<1>, end: Day) -> Bounds {
        let mut bounds = Bounds::open(net, end);
        for at in 0..net.nodes.len() {
            bounds.hold_back(net, at, dates.start[at][0], dates.finish[at][0]);
        }
        for (at, node) in net.nodes.iter().enumerate() {
            bounds.start[at] = bounds.start[at].min(node.begin_for(bounds.finish[at]));
        }
        bounds
    }

    /// What a node's start and finish allow those before it.
    fn hold_back(&mut self, net: &Network, at: usize, start: Day, finish: Day) {
        for link in net.links_into(at) {
            let (bound, day) = match link.kind {
                DependencyKind::FinishToStart => (&mut self.finish, start),
                DependencyKind::StartToStart => (&mut self.start, start),
                DependencyKind::FinishToFinish => (&mut self.finish, finish),
            };
            let bound = &mut bound[link.from as usize];
            *bound = (*bound).min(net.back(link, day));
        }
    }

    /// Working days of a node's unit to these days, the nearer of start and finish.
    fn room(&self, net: &Network, dates: &Dates<1>, at: usize) -> i32 {
        let node = &net.nodes[at];
        let finish = node.working_days(dates.finish[at][0], self.finish[at]);
        match node.stage {
            Stage::Done => 0,
            Stage::Running => finish,
            Stage::Waiting => finish.min(node.working_days(dates.start[at][0], self.start[at])),
        }
    }
}

fn row(
    net: &Network,
    dates: &Dates<1>,
    at: usize,
    [latest, free]: [&Bounds; 2],
    (start_cause, finish_cause): (Cause, Cause),
) -> TaskDates {
    let node = &net.nodes[at];
    let ([start], [finish]) = (dates.start[at], dates.finish[at]);
    let slack = latest.room(net, dates, at);
    let later = |day: Day| date_of(node.calendar.add(day, slack));
    TaskDates {
        start: date_of(start),
        first_day: date_of(node.end_of(start, 1).min(finish)),
        finish: date_of(finish),
        latest_start: if node.stage == Stage::Waiting { later(start) } else { date_of(start) },
        latest_finish: later(finish),
        slack_days: i64::from(slack),
        free_slack_days: i64::from(free.room(net, dates, at).min(slack).max(0)),
        critical: slack <= 0 && node.stage != Stage::Done,
        start_cause,
        finish_cause,
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
