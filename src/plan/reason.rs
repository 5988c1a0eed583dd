//! Why a task has the dates it has, in a sentence.

use super::graph::{Plan, PlanDependency, PlanTask};
use super::schedule::{Cause, Schedule};
use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use chrono::NaiveDate;
use petgraph::graph::EdgeIndex;

impl Plan {
    /// Why a task starts when it does; `None` for one without dates.
    pub fn why_start(&self, schedule: &Schedule, task_id: &str, today: NaiveDate) -> Option<Message> {
        let (task, dates) = (self.task(task_id)?, schedule.dates(task_id)?);
        let reason = match dates.start_cause {
            Cause::Dependency(edge) => self.because_of(schedule, edge, today)?,
            Cause::Fixed => Message::new("%{day}开始：日期已定为%{fixed}").with_day("fixed", task.fixed_on?, today),
            Cause::NotBefore => Message::new("%{day}开始：不得早于%{bound}").with_day("bound", task.not_before?, today),
            Cause::Actual => Message::new("%{day}开始：已于%{start}放行").with_day("start", dates.start, today),
            _ => Message::new("%{day}开始：没有前置任务要等"),
        };
        Some(reason.with_day("day", dates.first_day, today))
    }

    /// Why a task ends when it does; `None` for one without dates.
    pub fn why_finish(&self, schedule: &Schedule, task_id: &str, today: NaiveDate) -> Option<Message> {
        let (task, dates) = (self.task(task_id)?, schedule.dates(task_id)?);
        let reason = match dates.finish_cause {
            Cause::Dependency(edge) => self.because_of(schedule, edge, today)?,
            Cause::Actual => Message::new("%{day}完成：已办结"),
            Cause::Due => Message::new("%{day}完成：期限到这一天"),
            Cause::Late => Message::new("最早%{day}完成：已超期，仍未办结"),
            _ => Message::new(match task.duration_unit {
                DurationUnit::WorkingDays if dates.unit_days_off > 0 => {
                    "%{day}完成：%{start}放行后工期%{duration}个工作日，其间本单位休息%{off}天"
                }
                DurationUnit::WorkingDays => "%{day}完成：%{start}放行后工期%{duration}个工作日",
                DurationUnit::NaturalDays => "%{day}完成：%{start}放行后工期%{duration}个自然日",
                DurationUnit::Hours => "%{day}完成：%{start}放行后工期%{duration}小时",
            })
            .with_day("start", dates.start, today)
            .with("duration", task.duration)
            .with("off", dates.unit_days_off),
        };
        Some(reason.with_day("day", dates.finish, today))
    }

    fn because_of(&self, schedule: &Schedule, edge: EdgeIndex, today: NaiveDate) -> Option<Message> {
        let (from, _) = self.graph.edge_endpoints(edge)?;
        let (before, dependency): (&PlanTask, &PlanDependency) = (&self.graph[from], &self.graph[edge]);
        let dates = schedule.dates(&before.id)?;
        let (reason, held_by) = match (dependency.kind, dependency.lag_days) {
            (DependencyKind::FinishToStart, 0) => ("%{day}开始，因为“%{title}”%{before}完成", dates.finish),
            (DependencyKind::FinishToStart, 1..) => {
                ("%{day}开始，因为“%{title}”%{before}完成，再等%{lag}个工作日", dates.finish)
            }
            (DependencyKind::FinishToStart, _) => {
                ("%{day}开始，因为“%{title}”%{before}完成，可提前%{lag}个工作日", dates.finish)
            }
            (DependencyKind::StartToStart, 0) => ("%{day}开始，因为“%{title}”%{before}开始", dates.first_day),
            (DependencyKind::StartToStart, 1..) => {
                ("%{day}开始，因为“%{title}”%{before}开始，再等%{lag}个工作日", dates.first_day)
            }
            (DependencyKind::StartToStart, _) => {
                ("%{day}开始，因为“%{title}”%{before}开始，可提前%{lag}个工作日", dates.first_day)
            }
            (DependencyKind::FinishToFinish, 0) => ("%{day}完成，因为“%{title}”%{before}完成", dates.finish),
            (DependencyKind::FinishToFinish, 1..) => {
                ("%{day}完成，因为“%{title}”%{before}完成，再等%{lag}个工作日", dates.finish)
            }
            (DependencyKind::FinishToFinish, _) => {
                ("%{day}完成，因为“%{title}”%{before}完成，可提前%{lag}个工作日", dates.finish)
            }
        };
        Some(
            Message::new(reason)
                .with("title", &before.title)
                .with_day("before", held_by, today)
                .with("lag", dependency.lag_days.abs()),
        )
    }
}
