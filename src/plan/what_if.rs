//! What a change would do to a plan, before anything is saved.

use super::graph::{Plan, PlanDependency, PlanError, PlanTask};
use super::schedule::{AsOf, Schedule, TaskDates};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// A change of a plan. Tasks and dependencies are named by their ids.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// How long a task takes, in the unit its duration counts in.
    Duration {
        task: String,
        duration: i32,
    },
    NotBefore {
        task: String,
        day: Option<NaiveDate>,
    },
    FixedOn {
        task: String,
        day: Option<NaiveDate>,
    },
    /// Until when a unit that works on a task has time.
    Due {
        task: String,
        day: NaiveDate,
    },
    Unit {
        task: String,
        unit_id: String,
    },
    AddTask(Box<PlanTask>),
    /// Its dependencies go with it.
    DropTask(String),
    AddDependency(PlanDependency),
    DropDependency(String),
}

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

/// The plan with the changes, beside the plan as it is.
#[derive(Debug, Clone)]
pub struct Difference {
    pub plan: Plan,
    pub before: Schedule,
    pub after: Schedule,
    /// By start, then number.
    pub moved: Vec<Moved>,
    pub units: Vec<UnitMoved>,
}

impl Plan {
    /// Applies changes in order to a copy. Errors: a task or dependency that is not there, or one that cannot be added.
    pub fn what_if(&self, changes: &[Change], as_of: &AsOf) -> Result<Difference, PlanError> {
        let mut tasks: Vec<PlanTask> = self.graph.node_weights().cloned().collect();
        let mut dependencies: Vec<PlanDependency> = self.dependencies().cloned().collect();
        for change in changes {
            apply(change, &mut tasks, &mut dependencies)?;
        }
        let plan = Plan::build(tasks, dependencies)?;
        let (before, after) = (self.schedule(as_of), plan.schedule(as_of));
        let moved = moved(self, &before, &plan, &after);
        let units = units(&moved, (self, &before), (&plan, &after));
        Ok(Difference { plan, before, after, moved, units })
    }
}

fn apply(change: &Change, tasks: &mut Vec<PlanTask>, dependencies: &mut Vec<PlanDependency>) -> Result<(), PlanError> {
    let named = |tasks: &mut Vec<PlanTask>, id: &str, set: &dyn Fn(&mut PlanTask)| {
        let task = tasks.iter_mut().find(|task| task.id == id);
        task.map(set).ok_or_else(|| PlanError::UnknownTask(id.to_owned()))
    };
    match change {
        Change::Duration { task, duration } => named(tasks, task, &|task| task.duration = *duration),
        Change::NotBefore { task, day } => named(tasks, task, &|task| task.not_before = *day),
        Change::FixedOn { task, day } => named(tasks, task, &|task| task.fixed_on = *day),
        Change::Due { task, day } => named(tasks, task, &|task| task.due_on = Some(*day)),
        Change::Unit { task, unit_id } => named(tasks, task, &|task| task.unit_id.clone_from(unit_id)),
        Change::AddTask(task) => {
            tasks.push((**task).clone());
            Ok(())
        }
        Change::DropTask(id) => {
            named(tasks, id, &|_| ())?;
            tasks.retain(|task| task.id != *id);
            dependencies.retain(|edge| edge.predecessor != *id && edge.successor != *id);
            Ok(())
        }
        Change::AddDependency(edge) => {
            dependencies.push(edge.clone());
            Ok(())
        }
        Change::DropDependency(id) => {
            let at = dependencies.iter().position(|edge| edge.id == *id);
            dependencies.remove(at.ok_or_else(|| PlanError::UnknownDependency(id.clone()))?);
            Ok(())
        }
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
    use super::super::graph::tests::{any_plan, edge, task};
    use super::super::workdays::Calendars;
    use super::*;
    use crate::domain::calendar::Calendar;
    use proptest::prelude::*;

    fn monday() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()
    }

    fn tried(plan: &Plan, changes: &[Change]) -> Result<Difference, PlanError> {
        let calendars = Calendars::new(&Calendar::mainland());
        plan.what_if(changes, &AsOf { today: monday(), begin: monday(), calendars: &calendars })
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
        let found = tried(&plan, &[Change::Duration { task: "2".into(), duration: 5 }]).unwrap();
        assert_eq!((found.before.forecast, found.after.forecast), (day("2026-03-10"), day("2026-03-13")));
        assert_eq!(found.moved.iter().map(|moved| moved.task.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
        let units: Vec<_> = found.units.iter().map(|unit| (unit.unit_id.as_str(), unit.from, unit.to)).collect();
        assert_eq!(units, [("u0", day("2026-03-10"), day("2026-03-13")), ("u2", day("2026-03-06"), day("2026-03-11"))]);
    }

    #[test]
    fn a_dropped_dependency_shortens_and_a_new_unit_appears() {
        let found = tried(&chain(), &[Change::DropDependency("2-3".into())]).unwrap();
        assert_eq!(found.after.forecast, day("2026-03-06"));
        let new = PlanTask { unit_id: "u9".into(), duration: 10, ..task(4) };
        let found = tried(&chain(), &[Change::AddTask(Box::new(new)), Change::AddDependency(edge(1, 4))]).unwrap();
        assert_eq!(found.after.critical_path, ["1", "4"]);
        assert_eq!(found.units.iter().map(|unit| unit.unit_id.as_str()).collect::<Vec<_>>(), ["u9"]);
    }

    #[test]
    fn a_change_that_cannot_be_made_is_told() {
        assert_eq!(
            tried(&chain(), &[Change::AddDependency(edge(3, 1))]).err().map(|e| matches!(e, PlanError::Cycle(_))),
            Some(true)
        );
        let unknown = Change::NotBefore { task: "9".into(), day: None };
        assert_eq!(tried(&chain(), &[unknown]).err(), Some(PlanError::UnknownTask("9".into())));
        assert_eq!(
            tried(&chain(), &[Change::DropDependency("1-3".into())]).err(),
            Some(PlanError::UnknownDependency("1-3".into()))
        );
    }

    proptest! {
        /// Whatever is not listed as moved has the dates it had; a change and its inverse move nothing.
        #[test]
        fn what_is_not_listed_did_not_move(plan in any_plan(14), no in 0i32..14, duration in 1i32..30) {
            let Some(own) = plan.task(&no.to_string()).cloned() else { return Ok(()) };
            let change = |duration| Change::Duration { task: own.id.clone(), duration };
            let found = tried(&plan, &[change(duration)]).unwrap();
            for task in plan.tasks().filter(|task| found.moved.iter().all(|moved| moved.task.id != task.id)) {
                prop_assert_eq!(ends(&found.before.dates(&task.id)), ends(&found.after.dates(&task.id)));
            }
            let back = tried(&found.plan, &[change(own.duration)]).unwrap();
            prop_assert_eq!(back.after.forecast, found.before.forecast);
            prop_assert!(tried(&plan, &[change(duration), change(own.duration)]).unwrap().moved.is_empty());
        }
    }
}
