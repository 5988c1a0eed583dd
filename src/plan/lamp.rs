//! The lamp of a case.

use super::graph::{Plan, PlanTask};
use super::schedule::Schedule;
use crate::domain::coded::coded;
use chrono::NaiveDate;

coded! {
    /// How a case stands at a glance.
    pub enum Lamp {
        Red = "red" "红灯",
        Yellow = "yellow" "黄灯",
        Green = "green" "绿灯",
    }
}

impl Lamp {
    /// The shape that tells it without colour.
    pub fn shape(self) -> &'static str {
        match self {
            Lamp::Red => "■",
            Lamp::Yellow => "◆",
            Lamp::Green => "●",
        }
    }
}

impl Plan {
    /// Red: past the deadline, or a task on the critical path is late or blocked. Yellow: the day it will probably end
    /// (the forecast's P80; without one, the critical path's date) is past the deadline, or any other task is late or
    /// blocked. Green: neither.
    pub fn lamp(
        &self,
        schedule: &Schedule,
        p80: Option<NaiveDate>,
        is_late: &dyn Fn(&PlanTask) -> bool,
        deadline: NaiveDate,
        today: NaiveDate,
    ) -> Lamp {
        let open = || self.tasks().filter(|task| !task.state.is_final());
        let troubled = |task: &&PlanTask| task.blocked || is_late(task);
        let critical = |task: &&PlanTask| schedule.dates(&task.id).is_some_and(|dates| dates.critical);
        if (today > deadline && open().next().is_some()) || open().filter(critical).any(|task| troubled(&task)) {
            Lamp::Red
        } else if p80.or(schedule.forecast).is_some_and(|day| day > deadline) || open().any(|task| troubled(&task)) {
            Lamp::Yellow
        } else {
            Lamp::Green
        }
    }
}
