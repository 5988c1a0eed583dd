//! Which tasks may begin, which are gated again, and which may be handed in.

use super::graph::{Plan, PlanDependency, PlanTask};
use crate::domain::calendar::Calendar;
use crate::domain::task::{DependencyKind, TaskState};
use chrono::NaiveDate;

/// When a task whose gates are open is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Now,
    /// A lag or a date not to begin before lets it begin on that day.
    Later(NaiveDate),
}

impl Plan {
    /// Waiting tasks whose gates are open, by number.
    pub fn releasable(&self, today: NaiveDate, calendar: &Calendar) -> Vec<(String, Release)> {
        let mut found: Vec<(i32, String, Release)> = self
            .tasks()
            .filter(|task| task.state == TaskState::Waiting)
            .filter_map(|task| {
                let day = self.may_begin_on(task, calendar)?;
                let release = if day <= today { Release::Now } else { Release::Later(day) };
                Some((task.no, task.id.clone(), release))
            })
            .collect();
        found.sort_by_key(|(no, _, _)| *no);
        found.into_iter().map(|(_, id, release)| (id, release)).collect()
    }

    /// Ready tasks that something gates again: they go back to waiting.
    pub fn to_withhold(&self) -> Vec<String> {
        self.tasks()
            .filter(|task| task.state == TaskState::Ready)
            .filter(|task| self.before(&task.id).iter().any(|(edge, before)| opened_on(edge, before).is_none()))
            .map(|task| task.id.clone())
            .collect()
    }

    /// The day all gates of a task are open; `None` while one is shut.
    fn may_begin_on(&self, task: &PlanTask, calendar: &Calendar) -> Option<NaiveDate> {
        let mut day = task.not_before.max(task.fixed_on).unwrap_or(NaiveDate::MIN);
        for (edge, before) in self.before(&task.id) {
            let opened = opened_on(edge, before)?;
            // A lead never releases early, so only a lag counts.
            if edge.lag_days > 0 && opened > NaiveDate::MIN {
                day = day.max(calendar.add_working_days(opened, i64::from(edge.lag_days)));
            }
        }
        Some(day)
    }
}

/// When a dependency stopped gating its successor's release; `None` while it gates. A cancelled predecessor satisfies it.
fn opened_on(edge: &PlanDependency, before: &PlanTask) -> Option<NaiveDate> {
    let open = match edge.kind {
        DependencyKind::FinishToStart => before.state.is_final(),
        DependencyKind::StartToStart => before.state.has_started() || before.state == TaskState::Cancelled,
        DependencyKind::FinishToFinish => return Some(NaiveDate::MIN),
    };
    let on = match edge.kind {
        _ if before.state == TaskState::Cancelled => None,
        DependencyKind::StartToStart => before.started_on,
        _ => before.ended_on,
    };
    open.then(|| on.unwrap_or(NaiveDate::MIN))
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{any_plan, edge, task};
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap_or_default()
    }

    fn done(no: i32, on: &str) -> PlanTask {
        PlanTask { state: TaskState::Done, ended_on: Some(day(on)), started_on: Some(day(on)), ..task(no) }
    }

    #[test]
    fn a_lag_makes_release_a_matter_of_a_day_and_a_lead_does_not_release_early() {
        let calendar = Calendar::mainland();
        let lag = |days| PlanDependency { lag_days: days, ..edge(1, 2) };
        let plan = Plan::build(vec![done(1, "2026-03-12"), task(2)], vec![lag(2)]).unwrap();
        let later = vec![("2".to_owned(), Release::Later(day("2026-03-16")))];
        assert_eq!(plan.releasable(day("2026-03-12"), &calendar), later, "Thursday and two working days is Monday");
        assert_eq!(plan.releasable(day("2026-03-16"), &calendar), vec![("2".to_owned(), Release::Now)]);
        let lead = Plan::build(vec![task(1), task(2)], vec![lag(-5)]).unwrap();
        assert_eq!(lead.releasable(day("2026-03-12"), &calendar), vec![("1".to_owned(), Release::Now)]);
    }

    #[test]
    fn signing_for_a_task_does_not_start_it() {
        let calendar = Calendar::mainland();
        let edge = PlanDependency { kind: DependencyKind::StartToStart, ..edge(1, 2) };
        let with = |state| {
            let first = PlanTask { state, started_on: Some(day("2026-03-12")), ..task(1) };
            Plan::build(vec![first, task(2)], vec![edge.clone()]).unwrap().releasable(day("2026-03-12"), &calendar)
        };
        assert!(with(TaskState::Acknowledged).is_empty());
        assert_eq!(with(TaskState::InProgress).len(), 1);
        assert_eq!(with(TaskState::Cancelled).len(), 1, "a cancelled predecessor satisfies its edges");
    }

    proptest! {
        #[test]
        fn a_task_is_released_exactly_when_all_before_it_have_ended(plan in any_plan(14), bits in any::<u32>()) {
            let tasks: Vec<PlanTask> = plan.tasks().cloned().map(|task| {
                let ended = bits >> (task.no as u32) & 1 == 1;
                PlanTask { state: if ended { TaskState::Done } else { TaskState::Waiting }, ..task }
            }).collect();
            let plan = Plan::build(tasks, plan.dependencies().cloned().collect()).unwrap();
            let released: Vec<String> =
                plan.releasable(day("2026-03-12"), &Calendar::mainland()).into_iter().map(|(id, _)| id).collect();
            for task in plan.tasks() {
                let free = plan.before(&task.id).iter().all(|(_, before)| before.state == TaskState::Done);
                prop_assert_eq!(released.contains(&task.id), free && task.state == TaskState::Waiting);
            }
        }
    }
}
