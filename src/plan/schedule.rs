//! Earliest and latest dates by a forward and a backward pass; actual dates replace planned ones.
//!
//! A date is the close of its day, as a deadline is: a task released on a day has its first day of work after it, and
//! one that follows it may be released on the day it ends. The passes are the critical path method's (J. E. Kelley,
//! M. R. Walker: Critical-path planning and scheduling, 1959) with the precedence diagram's links. A finish-to-finish
//! link holds the end of its successor, not its start: the work may begin and waits to be handed in.

use super::graph::Plan;
use super::network::{Dates, Frame, Network, Stage};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Working days from start to finish on which its own unit does not work; negative when it works on others' free days.
    pub unit_days_off: i64,
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
    frame: Arc<Frame>,
    /// In the frame's order.
    rows: Vec<Row>,
    /// When the last task will have ended.
    pub forecast: Option<NaiveDate>,
    /// Ids of one longest chain of open tasks, in order: what the forecast hangs on.
    pub critical_path: Vec<String>,
}

impl Schedule {
    /// `None` for a task that is cancelled or not in the plan.
    pub fn dates(&self, task_id: &str) -> Option<TaskDates> {
        let at = self.frame.place(*self.index.get(task_id)?)?;
        self.rows.get(at).map(Row::dates)
    }

    pub fn all_dates(&self) -> impl Iterator<Item = TaskDates> {
        self.rows.iter().map(Row::dates)
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
        let net = Network::of(&self.frame, as_of);
        let mut dates = net.blank::<1>();
        net.forward(|at| [net.nodes[at].days], &mut dates);
        let Some(end) = dates.finish.iter().map(|[day]| *day).max() else { return Schedule::default() };
        let pass = Pass { latest: Bounds::latest(&net, end), free: Bounds::free(&net, &dates, end), net, dates };
        let (begin, today) = (day_of(as_of.begin.max(as_of.today)), day_of(as_of.today));
        let rows: Vec<Row> = (0..pass.net.nodes.len()).map(|at| pass.row(at, begin, today)).collect();
        let chain = pass.longest_chain(&rows).into_iter();
        Schedule {
            index: self.index.clone(),
            frame: self.frame.clone(),
            forecast: Some(date_of(end)),
            critical_path: chain.map(|at| self.graph[self.frame.tasks[at].node].id.clone()).collect(),
            rows,
        }
    }
}

/// What the two passes found.
struct Pass<'a> {
    net: Network<'a>,
    dates: Dates<1>,
    latest: Bounds,
    free: Bounds,
}

impl Pass<'_> {
    fn row(&self, at: usize, begin: Day, today: Day) -> Row {
        let node = &self.net.nodes[at];
        let ([start], [finish]) = (self.dates.start[at], self.dates.finish[at]);
        let slack = self.latest.room(&self.net, &self.dates, at);
        let waiting = node.stage == Stage::Waiting;
        Row {
            start,
            first_day: node.end_of(start, 1).min(finish),
            finish,
            latest_start: if waiting { node.calendar.add(start, slack) } else { start },
            latest_finish: node.calendar.add(finish, slack),
            slack,
            free_slack: self.free.room(&self.net, &self.dates, at).min(slack).max(0),
            critical: slack <= 0 && node.stage != Stage::Done,
            start_cause: self.start_cause(at, begin),
            finish_cause: self.finish_cause(at, today),
            unit_days_off: self.net.unit_days_off(at, start, finish),
        }
    }

    fn start_cause(&self, at: usize, begin: Day) -> Cause {
        let [start] = self.dates.start[at];
        let task = &self.net.frame.tasks[at];
        if self.net.nodes[at].stage != Stage::Waiting {
            return Cause::Actual;
        }
        match self.holder(at, start, false) {
            Some(edge) if start > begin || self.is_in_hand_before(at, edge) => Cause::Dependency(edge),
            _ if task.fixed_on == Some(start) => Cause::Fixed,
            _ if task.not_before == Some(start) => Cause::NotBefore,
            _ => Cause::Begin,
        }
    }

    /// What a link waits for is being worked on: late, it ends today, when a plan would begin anyway.
    fn is_in_hand_before(&self, at: usize, edge: EdgeIndex) -> bool {
        let mut links = self.net.links_into(at).iter();
        links.any(|link| link.edge == edge && self.net.nodes[link.from as usize].stage == Stage::Running)
    }

    fn finish_cause(&self, at: usize, today: Day) -> Cause {
        let [finish] = self.dates.finish[at];
        if self.net.nodes[at].stage == Stage::Done {
            return Cause::Actual;
        }
        if self.dates.worked[at] == [finish] {
            return Cause::Work;
        }
        match self.holder(at, finish, true) {
            Some(edge) => Cause::Dependency(edge),
            None if finish == today => Cause::Late,
            None => Cause::Due,
        }
    }

    /// The link that holds a node's start (or its end) on a day; of several, from the task with the smallest number.
    fn holder(&self, at: usize, day: Day, end: bool) -> Option<EdgeIndex> {
        let links = self.net.links_into(at).iter();
        links
            .filter(|link| (link.kind == DependencyKind::FinishToFinish) == end)
            .filter(|link| {
                let started = link.kind == DependencyKind::StartToStart;
                let before = if started { &self.dates.start } else { &self.dates.finish };
                self.net.gate(link, before[link.from as usize][0]) == day
            })
            .min_by_key(|link| self.net.frame.tasks[link.from as usize].no)
            .map(|link| link.edge)
    }

    /// From the open task that ends last backwards along whatever held it.
    fn longest_chain(&self, rows: &[Row]) -> Vec<usize> {
        let is_open = |at: &usize| self.net.nodes[*at].stage != Stage::Done;
        let last = |at: &usize| (rows[*at].finish, -self.net.frame.tasks[*at].no);
        let mut at = (0..rows.len()).filter(is_open).max_by_key(last);
        let mut by_start = false;
        let mut chain = Vec::new();
        while let Some(here) = at.filter(is_open) {
            chain.push(here);
            let row = &rows[here];
            let by_start_here = by_start || row.finish_cause == Cause::Work;
            let Cause::Dependency(edge) = (if by_start_here { row.start_cause } else { row.finish_cause }) else {
                break;
            };
            let held_by = self.net.links_into(here).iter().find(|link| link.edge == edge);
            by_start = held_by.is_some_and(|link| link.kind == DependencyKind::StartToStart);
            at = held_by.map(|link| link.from as usize);
        }
        chain.reverse();
        chain
    }
}

/// A task's dates as numbers.
#[derive(Debug, Clone)]
struct Row {
    start: Day,
    first_day: Day,
    finish: Day,
    latest_start: Day,
    latest_finish: Day,
    slack: i32,
    free_slack: i32,
    critical: bool,
    start_cause: Cause,
    finish_cause: Cause,
    unit_days_off: i32,
}

impl Row {
    fn dates(&self) -> TaskDates {
        TaskDates {
            start: date_of(self.start),
            first_day: date_of(self.first_day),
            finish: date_of(self.finish),
            latest_start: date_of(self.latest_start),
            latest_finish: date_of(self.latest_finish),
            slack_days: i64::from(self.slack),
            free_slack_days: i64::from(self.free_slack),
            critical: self.critical,
            start_cause: self.start_cause,
            finish_cause: self.finish_cause,
            unit_days_off: i64::from(self.unit_days_off),
        }
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

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
