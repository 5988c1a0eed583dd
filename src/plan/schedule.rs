//! Earliest and latest dates by a forward and a backward pass over working days; actual dates replace planned ones.

use super::graph::{Plan, PlanDependency, PlanTask};
use crate::domain::calendar::Calendar;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use chrono::{NaiveDate, TimeDelta};
use std::collections::HashMap;

/// A working day has this many hours.
const HOURS_A_DAY: i32 = 8;

/// A task's dates. `finish` is the day its work ends, as a deadline is: at the close of that day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDates {
    pub start: NaiveDate,
    pub finish: NaiveDate,
    /// The last day it may end without moving the end of the plan.
    pub latest_finish: NaiveDate,
    /// Working days between the two.
    pub slack_days: i64,
    /// Open, and without slack.
    pub critical: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    /// By task id; cancelled tasks have none.
    pub dates: HashMap<String, TaskDates>,
    /// When the last task will have ended.
    pub forecast: Option<NaiveDate>,
    /// Ids of one longest chain of open tasks, in order.
    pub critical_path: Vec<String>,
}

/// The due date of a task released on `release`; the day of release does not count.
pub fn due_date(release: NaiveDate, duration: i32, unit: DurationUnit, calendar: &Calendar) -> NaiveDate {
    match unit {
        DurationUnit::WorkingDays => calendar.add_working_days(release, i64::from(duration)),
        DurationUnit::NaturalDays => release + TimeDelta::days(i64::from(duration)),
        DurationUnit::Hours => {
            calendar.add_working_days(release, i64::from((duration + HOURS_A_DAY - 1) / HOURS_A_DAY))
        }
    }
}

impl Plan {
    /// The dates as of `today` of a plan that began (or begins) on `start`.
    pub fn schedule(&self, today: NaiveDate, calendar: &Calendar, start: NaiveDate) -> Schedule {
        let mut dates: HashMap<String, TaskDates> = HashMap::new();
        for task in self.tasks().filter(|task| task.state != TaskState::Cancelled) {
            let (start, finish) = self.earliest(task, &dates, today, calendar, start);
            let none = TaskDates { start, finish, latest_finish: finish, slack_days: 0, critical: false };
            dates.insert(task.id.clone(), none);
        }
        let forecast = dates.values().map(|dates| dates.finish).max();
        if let Some(end) = forecast {
            self.backward(&mut dates, end, calendar);
        }
        let critical_path = self.critical_path(&dates, calendar);
        Schedule { dates, forecast, critical_path }
    }

    fn earliest(
        &self,
        task: &PlanTask,
        dates: &HashMap<String, TaskDates>,
        today: NaiveDate,
        calendar: &Calendar,
        begin: NaiveDate,
    ) -> (NaiveDate, NaiveDate) {
        if task.state == TaskState::Done {
            let end = task.ended_on.unwrap_or(today);
            return (task.released_on.or(task.started_on).unwrap_or(end).min(end), end);
        }
        if let Some(released) = task.released_on {
            let planned = due_date(released, task.duration, task.duration_unit, calendar);
            let due = task.due_on.map_or(planned, |due| due.max(planned));
            return (released, self.held_by_finishes(task, dates, due.max(today), calendar));
        }
        let mut start = begin.max(today).max(task.not_before.unwrap_or(begin));
        for (edge, before) in self.before(&task.id) {
            let Some(before) = dates.get(&before.id) else { continue };
            let gate = match edge.kind {
                DependencyKind::FinishToStart => before.finish,
                DependencyKind::StartToStart => before.start,
                DependencyKind::FinishToFinish => continue,
            };
            start = start.max(lagged(gate, edge, calendar));
        }
        let start = calendar.next_working_day_on_or_after(start);
        let finish = due_date(start, task.duration, task.duration_unit, calendar);
        (start, self.held_by_finishes(task, dates, finish, calendar))
    }

    /// A finish-to-finish predecessor holds the finish, not the start.
    fn held_by_finishes(
        &self,
        task: &PlanTask,
        dates: &HashMap<String, TaskDates>,
        finish: NaiveDate,
        calendar: &Calendar,
    ) -> NaiveDate {
        self.before(&task.id)
            .into_iter()
            .filter(|(edge, _)| edge.kind == DependencyKind::FinishToFinish)
            .filter_map(|(edge, before)| Some(lagged(dates.get(&before.id)?.finish, edge, calendar)))
            .fold(finish, NaiveDate::max)
    }

    fn backward(&self, dates: &mut HashMap<String, TaskDates>, end: NaiveDate, calendar: &Calendar) {
        for task in self.tasks().rev() {
            let Some(own) = dates.get(&task.id) else { continue };
            let mut slack = calendar.working_days_between(own.finish, end);
            for (edge, after) in self.after(&task.id) {
                let Some(next) = dates.get(&after.id) else { continue };
                if matches!(after.state, TaskState::Done) {
                    continue;
                }
                let spare = match edge.kind {
                    DependencyKind::FinishToStart => self.gap(lagged(own.finish, edge, calendar), next.start, calendar),
                    DependencyKind::StartToStart => self.gap(lagged(own.start, edge, calendar), next.start, calendar),
                    DependencyKind::FinishToFinish => {
                        self.gap(lagged(own.finish, edge, calendar), next.finish, calendar)
                    }
                };
                slack = slack.min(spare + next.slack_days);
            }
            let slack = slack.max(0);
            let latest = calendar.add_working_days(own.finish, slack);
            if let Some(own) = dates.get_mut(&task.id) {
                own.slack_days = slack;
                own.latest_finish = latest;
                own.critical = slack == 0 && !task.state.is_final();
            }
        }
    }

    /// Working days between a gate and what it gates; none when the gate falls on a day off before it.
    fn gap(&self, gate: NaiveDate, gated: NaiveDate, calendar: &Calendar) -> i64 {
        let gate = calendar.next_working_day_on_or_after(gate);
        if gated <= gate { 0 } else { calendar.working_days_between(gate, gated) }
    }

    /// From the last open task backwards along whatever held it.
    fn critical_path(&self, dates: &HashMap<String, TaskDates>, calendar: &Calendar) -> Vec<String> {
        let open = |task: &&PlanTask| dates.get(&task.id).is_some_and(|dates| dates.critical);
        let mut path: Vec<String> = Vec::new();
        let mut at = self.tasks().filter(open).max_by_key(|task| (dates[&task.id].finish, -task.no));
        while let Some(task) = at {
            path.push(task.id.clone());
            at = self
                .before(&task.id)
                .into_iter()
                .filter(|(_, before)| open(before))
                .max_by_key(|(edge, before)| (lagged(dates[&before.id].finish, edge, calendar), -before.no))
                .map(|(_, before)| before);
        }
        path.reverse();
        path
    }
}

/// A gate's day moved by the dependency's lag or lead.
fn lagged(day: NaiveDate, edge: &PlanDependency, calendar: &Calendar) -> NaiveDate {
    let days = i64::from(edge.lag_days.abs());
    if edge.lag_days >= 0 { calendar.add_working_days(day, days) } else { calendar.subtract_working_days(day, days) }
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{any_plan, edge, task};
    use super::super::lamp::Lamp;
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap_or_default()
    }

    fn lasting(no: i32, duration: i32) -> PlanTask {
        PlanTask { duration, ..task(no) }
    }

    #[test]
    fn the_longer_branch_is_critical_and_the_other_has_slack() {
        let tasks = vec![lasting(1, 2), lasting(2, 5), lasting(3, 1), lasting(4, 1)];
        let plan = Plan::build(tasks, vec![edge(1, 2), edge(1, 3), edge(2, 4), edge(3, 4)]).unwrap();
        let monday = day("2026-03-02");
        let schedule = plan.schedule(monday, &Calendar::mainland(), monday);
        assert_eq!(schedule.critical_path, vec!["1", "2", "4"]);
        assert_eq!(schedule.dates["3"].slack_days, 4);
        assert_eq!(schedule.forecast, Some(day("2026-03-12")), "8 working days after Monday");
    }

    #[test]
    fn what_happened_replaces_what_was_planned() {
        let done = PlanTask {
            state: TaskState::Done,
            released_on: Some(day("2026-03-02")),
            ended_on: Some(day("2026-03-20")),
            ..lasting(1, 2)
        };
        let plan = Plan::build(vec![done, lasting(2, 1)], vec![edge(1, 2)]).unwrap();
        let schedule = plan.schedule(day("2026-03-20"), &Calendar::mainland(), day("2026-03-02"));
        assert_eq!(schedule.dates["1"].finish, day("2026-03-20"));
        assert_eq!(schedule.forecast, Some(day("2026-03-23")));
        assert_eq!(schedule.critical_path, vec!["2"]);
    }

    #[test]
    fn the_lamp_follows_the_critical_path() {
        let calendar = Calendar::mainland();
        let today = day("2026-03-10");
        let late = PlanTask {
            state: TaskState::Ready,
            released_on: Some(day("2026-03-02")),
            due_on: Some(day("2026-03-05")),
            ..lasting(1, 3)
        };
        let plan = |blocked| {
            Plan::build(vec![PlanTask { blocked, ..late.clone() }, lasting(2, 9), lasting(3, 1)], vec![edge(1, 2)])
                .unwrap()
        };
        let is_late = |task: &PlanTask| task.due_on.is_some_and(|due| due < today);
        let lamp = |plan: &Plan, late: &dyn Fn(&PlanTask) -> bool, deadline: &str| {
            plan.lamp(&plan.schedule(today, &calendar, today), late, day(deadline), today)
        };
        assert_eq!(lamp(&plan(false), &is_late, "2026-06-01"), Lamp::Red, "late on the critical path");
        assert_eq!(lamp(&plan(false), &|_| false, "2026-06-01"), Lamp::Green);
        assert_eq!(lamp(&plan(false), &|_| false, "2026-03-12"), Lamp::Yellow, "the forecast is past the deadline");
        assert_eq!(lamp(&plan(true), &|_| false, "2026-06-01"), Lamp::Red);
        assert_eq!(lamp(&plan(false), &|_| false, "2026-03-09"), Lamp::Red, "past the deadline");
    }

    proptest! {
        #[test]
        fn no_task_begins_before_what_gates_it_ends_and_slack_never_moves_the_end(plan in any_plan(16)) {
            let calendar = Calendar::mainland();
            let today = day("2026-01-05");
            let schedule = plan.schedule(today, &calendar, today);
            for edge in plan.dependencies() {
                prop_assert!(schedule.dates[&edge.successor].start >= schedule.dates[&edge.predecessor].finish);
            }
            let end = schedule.forecast.unwrap();
            for dates in schedule.dates.values() {
                prop_assert!(dates.latest_finish >= dates.finish && dates.latest_finish <= end);
            }
            prop_assert!(schedule.critical_path.iter().all(|id| schedule.dates[id].critical));
        }
    }
}
