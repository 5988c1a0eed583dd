//! A plan beside the plan as it is: what a change would do, before anything is saved.

use super::graph::{Plan, PlanTask};
use super::schedule::{AsOf, Schedule, TaskDates};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// A task whose dates change; `None` where it is not in the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    pub task: PlanTask,
    pub from: Option<TaskDates>,
    pub to: Option<TaskDates>,
}

/// A unit whose tasks move: how many of them, and when the last of all its tasks ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitMoved {
    pub unit_id: String,
    pub tasks: usize,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// A changed plan's dates beside those it has.
#[derive(Debug, Clone)]
pub struct Difference {
    pub before: Schedule,
    pub after: Schedule,
    /// By start, then number.
    pub moved: Vec<Moved>,
    pub units: Vec<UnitMoved>,
}

impl Plan {
    /// What becomes of the dates when this plan becomes `new`.
    pub fn compared_with(&self, new: &Plan, as_of: &AsOf) -> Difference {
        let (before, after) = (self.schedule(as_of), new.schedule(as_of));
        let moved = moved(self, &before, new, &after);
        let units = units(&moved, (self, &before), (new, &after));
        Difference { before, after, moved, units }
    }
}

fn moved(old: &Plan, before: &Schedule, new: &Plan, after: &Schedule) -> Vec<Moved> {
    let dropped = old.tasks().filter(|task| new.task(&task.id).is_none());
    let mut moved: Vec<Moved> = new
        .tasks()
        .chain(dropped)
        .map(|task| Moved { task: task.clone(), from: before.dates(&task.id), to: after.dates(&task.id) })
        .filter(|moved| ends(&moved.from) != ends(&moved.to))
        .collect();
    moved.sort_by_key(|moved| (ends(&moved.to).or(ends(&moved.from)), moved.task.no));
    moved
}

fn ends(dates: &Option<TaskDates>) -> Option<(NaiveDate, NaiveDate)> {
    dates.as_ref().map(|dates| (dates.start, dates.finish))
}

/// The units of moved tasks, and of tasks that changed hands.
fn units(moved: &[Moved], old: (&Plan, &Schedule), new: (&Plan, &Schedule)) -> Vec<UnitMoved> {
    let last = |(plan, schedule): (&Plan, &Schedule), unit: &str| {
        let own = plan.tasks().filter(|task| task.unit_id == unit);
        own.filter_map(|task| Some(schedule.dates(&task.id)?.finish)).max()
    };
    let mut tasks: BTreeMap<&str, usize> = BTreeMap::new();
    for moved in moved {
        *tasks.entry(&moved.task.unit_id).or_default() += 1;
    }
    for task in new.0.tasks() {
        if let Some(was) = old.0.task(&task.id).filter(|was| was.unit_id != task.unit_id) {
            tasks.entry(&was.unit_id).or_default();
            tasks.entry(&task.unit_id).or_default();
        }
    }
    tasks
        .into_iter()
        .map(|(unit, tasks)| UnitMoved { unit_id: unit.to_owned(), tasks, from: last(old, unit), to: last(new, unit) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::PlanDependency;
    use super::super::graph::tests::{any_plan, edge, task};
    use super::super::workdays::Calendars;
    use super::*;
    use crate::domain::calendar::Calendar;
    use proptest::prelude::*;

    fn monday() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()
    }

    /// The plan with its tasks and dependencies changed.
    fn changed(plan: &Plan, change: impl Fn(&mut Vec<PlanTask>, &mut Vec<PlanDependency>)) -> Plan {
        let (mut tasks, mut edges) = (plan.tasks().cloned().collect(), plan.dependencies().cloned().collect());
        change(&mut tasks, &mut edges);
        Plan::build(tasks, edges).unwrap()
    }

    fn lasting(plan: &Plan, id: &str, duration: i32) -> Plan {
        let set = |tasks: &mut Vec<PlanTask>| {
            tasks.iter_mut().filter(|task| task.id == id).for_each(|task| task.duration = duration);
        };
        changed(plan, |tasks, _| set(tasks))
    }

    fn compared(plan: &Plan, new: &Plan) -> Difference {
        let calendars = Calendars::new(&Calendar::mainland());
        plan.compared_with(new, &AsOf { today: monday(), begin: monday(), calendars: &calendars })
    }

    fn chain() -> Plan {
        let tasks = (1..=3).map(|no| PlanTask { duration: 2, ..task(no) }).collect();
        Plan::build(tasks, vec![edge(1, 2), edge(2, 3)]).unwrap()
    }

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    #[test]
    fn a_longer_task_moves_what_follows_it_and_says_whose() {
        let plan = chain();
        let found = compared(&plan, &lasting(&plan, "2", 5));
        assert_eq!((found.before.forecast, found.after.forecast), (day("2026-03-10"), day("2026-03-13")));
        assert_eq!(found.moved.iter().map(|moved| moved.task.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
        let units: Vec<_> = found.units.iter().map(|unit| (unit.unit_id.as_str(), unit.from, unit.to)).collect();
        assert_eq!(units, [("u0", day("2026-03-10"), day("2026-03-13")), ("u2", day("2026-03-06"), day("2026-03-11"))]);
    }

    #[test]
    fn a_dropped_dependency_shortens_and_a_new_unit_appears() {
        let plan = chain();
        let found = compared(&plan, &changed(&plan, |_, edges| edges.retain(|edge| edge.id != "2-3")));
        assert_eq!(found.after.forecast, day("2026-03-06"));
        let new = PlanTask { unit_id: "u9".into(), duration: 10, ..task(4) };
        let with_new = changed(&plan, |tasks, edges| {
            tasks.push(new.clone());
            edges.push(edge(1, 4));
        });
        let found = compared(&plan, &with_new);
        assert_eq!(found.after.critical_path, ["1", "4"]);
        assert_eq!(found.units.iter().map(|unit| unit.unit_id.as_str()).collect::<Vec<_>>(), ["u9"]);
    }

    #[test]
    fn a_task_that_changes_hands_concerns_both_units() {
        let plan = chain();
        let found = compared(&plan, &changed(&plan, |tasks, _| tasks[2].unit_id = "u9".into()));
        assert!(found.moved.is_empty());
        assert_eq!(found.units.iter().map(|unit| unit.unit_id.as_str()).collect::<Vec<_>>(), ["u0", "u9"]);
    }

    proptest! {
        /// Whatever is not listed as moved has the dates it had; a change and its inverse move nothing.
        #[test]
        fn what_is_not_listed_did_not_move(plan in any_plan(14), no in 0i32..14, duration in 1i32..30) {
            let Some(own) = plan.task(&no.to_string()).cloned() else { return Ok(()) };
            let new = lasting(&plan, &own.id, duration);
            let found = compared(&plan, &new);
            for task in plan.tasks().filter(|task| found.moved.iter().all(|moved| moved.task.id != task.id)) {
                prop_assert_eq!(ends(&found.before.dates(&task.id)), ends(&found.after.dates(&task.id)));
            }
            let back = compared(&new, &lasting(&new, &own.id, own.duration));
            prop_assert_eq!(back.after.forecast, found.before.forecast);
            prop_assert!(compared(&plan, &lasting(&new, &own.id, own.duration)).moved.is_empty());
        }
    }
}
