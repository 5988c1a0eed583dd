//! What a case waits for, in words: why its lamp burns, who holds it, what comes next.

use crate::app::Ctx;
use crate::app::directives::views::DirectiveLine;
use crate::app::plans::CasePlan;
use crate::domain::task::TaskState;
use crate::lang::Message;
use crate::plan::{Lamp, Schedule};
use crate::store::observations::{LookBack, Observation};
use crate::store::plans::Task;
use chrono::NaiveDate;
use std::collections::HashSet;

/// A task without slack: each day it is later, the case is later.
pub fn is_critical(schedule: &Schedule, task_id: &str) -> bool {
    schedule.dates(task_id).is_some_and(|dates| dates.critical)
}

/// Why the lamp burns as it does. `drift`: working days the forecast is past the deadline.
pub fn lamp_reason(
    ctx: &Ctx,
    plan: &CasePlan,
    schedule: &Schedule,
    late: &HashSet<String>,
    lamp: Lamp,
    drift: i64,
) -> Message {
    let critical = |ids: &HashSet<String>| ids.iter().any(|id| is_critical(schedule, id));
    let and_late = |alone: &'static str, with_days: &'static str| {
        if drift > 0 { Message::new(with_days).with("n", drift) } else { Message::new(alone) }
    };
    match lamp {
        Lamp::Red if ctx.today > plan.case.deadline => Message::new("已过期限 %{n} 个工作日")
            .with("n", ctx.calendar.working_days_between(plan.case.deadline, ctx.today)),
        Lamp::Red if critical(late) => and_late("关键任务超期", "关键任务超期，预计晚 %{n} 个工作日"),
        Lamp::Red => and_late("关键任务受阻", "关键任务受阻，预计晚 %{n} 个工作日"),
        Lamp::Yellow if drift > 0 => Message::new("预计晚 %{n} 个工作日").with("n", drift),
        Lamp::Yellow if late.is_empty() => Message::new("有任务受阻，尚不影响期限"),
        Lamp::Yellow => Message::new("有任务超期，尚不影响期限"),
        Lamp::Green if drift < 0 => Message::new("预计早 %{n} 个工作日").with("n", -drift),
        Lamp::Green => Message::new("预计按期完成"),
    }
}

/// What a date is that only reminds of another.
pub const REMINDER: &str = "到期提醒";

/// A date that comes.
#[derive(Debug, Clone)]
pub struct Upcoming {
    pub day: NaiveDate,
    /// A translation key.
    pub what: &'static str,
    pub title: String,
    /// The responsible unit's id, where one is.
    pub unit_id: Option<String>,
    pub task_no: Option<i32>,
}

/// What comes next in a case, the nearest first, at most `most`.
pub fn upcoming(
    ctx: &Ctx,
    plan: &CasePlan,
    schedule: &Schedule,
    observations: &[Observation],
    look_backs: &[LookBack],
    directives: &[DirectiveLine],
    most: usize,
) -> Vec<Upcoming> {
    let of_case = |day: NaiveDate, what: &'static str, title: &str| Upcoming {
        day,
        what,
        title: title.to_owned(),
        unit_id: None,
        task_no: None,
    };
    let mut found: Vec<Upcoming> = plan.tasks.iter().flat_map(|task| dates_of(ctx, task, schedule)).collect();
    let open = observations.iter().filter(|row| row.observed_callers.is_none());
    found.extend(open.map(|row| of_case(row.window_until, "观察期满", "")));
    let due = look_backs.iter().filter(|row| row.result.is_none());
    found.extend(due.map(|row| of_case(row.due_on, "回头看", "")));
    let asked = directives.iter().filter(|line| line.is_open());
    found.extend(asked.filter_map(|line| Some(of_case(line.row.due_on?, "批示反馈", &line.row.text))));
    if plan.case.issued_at.is_some() && plan.case.verifying_at.is_none() && plan.case.ended_at.is_none() {
        found.push(of_case(plan.case.deadline, "专项期限", ""));
    }
    found.retain(|row| row.day >= ctx.today);
    found.sort_by_key(|row| (row.day, row.task_no));
    found.truncate(most);
    found
}

/// The reminder and the due date of a task its unit has; when one that waits will begin and end.
fn dates_of(ctx: &Ctx, task: &Task, schedule: &Schedule) -> Vec<Upcoming> {
    let at = |day: NaiveDate, what: &'static str| Upcoming {
        day,
        what,
        title: task.title.clone(),
        unit_id: Some(task.unit_id.clone()),
        task_no: Some(task.no),
    };
    match (task.state, task.release_on, task.due_on) {
        (TaskState::Waiting, Some(day), _) => vec![at(day, "放行")],
        (state, _, Some(due)) if state.is_with_unit() => {
            let remind = ctx.calendar.subtract_working_days(due, ctx.app.settings.chase.due_soon);
            vec![at(remind, REMINDER), at(due, "到期")]
        }
        (TaskState::Waiting, ..) => {
            schedule.dates(&task.id).map(|dates| at(dates.finish, "预计办结")).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
