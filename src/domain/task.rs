//! A task: one unit's piece of work in a case, and the states it passes through.

use crate::lang::Message;
use serde::{Deserialize, Serialize};

/// The one linear state of a task. What happens beside it (blocked, an extension asked, an objection) has rows of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Waiting,
    Ready,
    Acknowledged,
    InProgress,
    Submitted,
    Done,
    Cancelled,
}

impl TaskState {
    pub const ALL: [TaskState; 7] = [
        TaskState::Waiting,
        TaskState::Ready,
        TaskState::Acknowledged,
        TaskState::InProgress,
        TaskState::Submitted,
        TaskState::Done,
        TaskState::Cancelled,
    ];

    pub fn code(self) -> &'static str {
        match self {
            TaskState::Waiting => "waiting",
            TaskState::Ready => "ready",
            TaskState::Acknowledged => "acknowledged",
            TaskState::InProgress => "in_progress",
            TaskState::Submitted => "submitted",
            TaskState::Done => "done",
            TaskState::Cancelled => "cancelled",
        }
    }

    pub fn parse(code: &str) -> Option<TaskState> {
        TaskState::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The word on screen, which is also its translation key.
    pub fn label(self) -> &'static str {
        match self {
            TaskState::Waiting => "待前序",
            TaskState::Ready => "待签收",
            TaskState::Acknowledged => "已签收",
            TaskState::InProgress => "办理中",
            TaskState::Submitted => "待验收",
            TaskState::Done => "已办结",
            TaskState::Cancelled => "已取消",
        }
    }

    /// The shape that tells the state without colour.
    pub fn shape(self) -> &'static str {
        match self {
            TaskState::Waiting => "○",
            TaskState::Ready => "◔",
            TaskState::Acknowledged => "◐",
            TaskState::InProgress => "◑",
            TaskState::Submitted => "◕",
            TaskState::Done => "●",
            TaskState::Cancelled => "⊘",
        }
    }

    /// Nothing more will happen to it in this round.
    pub fn is_final(self) -> bool {
        matches!(self, TaskState::Done | TaskState::Cancelled)
    }

    /// Its unit has been asked and has not finished: its clock runs.
    pub fn is_with_unit(self) -> bool {
        matches!(self, TaskState::Ready | TaskState::Acknowledged | TaskState::InProgress)
    }

    /// Its work has begun, which is what a start-to-start dependency waits for (signing for it is not a start).
    pub fn has_started(self) -> bool {
        matches!(self, TaskState::InProgress | TaskState::Submitted | TaskState::Done)
    }
}

/// What moves a task from one state to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskMove {
    /// What gated it is satisfied.
    Release,
    /// A new gating dependency takes a task back that nobody has signed for yet.
    Withhold,
    Acknowledge,
    Start,
    Submit,
    Accept,
    /// The acceptor sends the submission back (退回).
    Return,
    Cancel,
}

impl TaskMove {
    pub const ALL: [TaskMove; 8] = [
        TaskMove::Release,
        TaskMove::Withhold,
        TaskMove::Acknowledge,
        TaskMove::Start,
        TaskMove::Submit,
        TaskMove::Accept,
        TaskMove::Return,
        TaskMove::Cancel,
    ];

    fn label(self) -> &'static str {
        match self {
            TaskMove::Release => "放行",
            TaskMove::Withhold => "收回",
            TaskMove::Acknowledge => "签收",
            TaskMove::Start => "开始办理",
            TaskMove::Submit => "提交办结",
            TaskMove::Accept => "验收",
            TaskMove::Return => "退回",
            TaskMove::Cancel => "取消",
        }
    }
}

/// The state after `step`, or why a task in state `from` cannot take it.
pub fn next_state(from: TaskState, step: TaskMove) -> Result<TaskState, Message> {
    use TaskState::*;
    match (from, step) {
        (Waiting, TaskMove::Release) => Ok(Ready),
        (Ready, TaskMove::Withhold) => Ok(Waiting),
        (Ready, TaskMove::Acknowledge) => Ok(Acknowledged),
        (Acknowledged, TaskMove::Start) => Ok(InProgress),
        (InProgress, TaskMove::Submit) => Ok(Submitted),
        (Submitted, TaskMove::Accept) => Ok(Done),
        (Submitted, TaskMove::Return) => Ok(InProgress),
        (from, TaskMove::Cancel) if !from.is_final() => Ok(Cancelled),
        (from, step) => Err(Message::new("任务现在是“%{state}”，不能%{step}。")
            .with("state", from.label())
            .with("step", step.label())),
    }
}

/// What an edge of the plan means. Finish-to-start and start-to-start gate the release, finish-to-finish the submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyKind {
    #[default]
    FinishToStart,
    StartToStart,
    FinishToFinish,
}

impl DependencyKind {
    pub const ALL: [DependencyKind; 3] =
        [DependencyKind::FinishToStart, DependencyKind::StartToStart, DependencyKind::FinishToFinish];

    pub fn code(self) -> &'static str {
        match self {
            DependencyKind::FinishToStart => "finish_to_start",
            DependencyKind::StartToStart => "start_to_start",
            DependencyKind::FinishToFinish => "finish_to_finish",
        }
    }

    pub fn parse(code: &str) -> Option<DependencyKind> {
        DependencyKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub fn label(self) -> &'static str {
        match self {
            DependencyKind::FinishToStart => "完成后开始",
            DependencyKind::StartToStart => "开始后开始",
            DependencyKind::FinishToFinish => "完成后完成",
        }
    }
}

/// How a duration counts (a hospital's shift counts hours, a public notice counts natural days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurationUnit {
    #[default]
    WorkingDays,
    NaturalDays,
    Hours,
}

impl DurationUnit {
    pub const ALL: [DurationUnit; 3] = [DurationUnit::WorkingDays, DurationUnit::NaturalDays, DurationUnit::Hours];

    pub fn code(self) -> &'static str {
        match self {
            DurationUnit::WorkingDays => "working_days",
            DurationUnit::NaturalDays => "natural_days",
            DurationUnit::Hours => "hours",
        }
    }

    pub fn parse(code: &str) -> Option<DurationUnit> {
        DurationUnit::ALL.into_iter().find(|unit| unit.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_straight_way_from_waiting_to_done() {
        let steps = [TaskMove::Release, TaskMove::Acknowledge, TaskMove::Start, TaskMove::Submit, TaskMove::Accept];
        let end = steps.into_iter().try_fold(TaskState::Waiting, next_state);
        assert_eq!(end, Ok(TaskState::Done));
    }

    proptest! {
        #[test]
        fn a_final_state_is_final_and_no_walk_skips_signing_for_it(
            steps in proptest::collection::vec(proptest::sample::select(TaskMove::ALL.to_vec()), 0..40)
        ) {
            let mut state = TaskState::Waiting;
            let mut acknowledged = false;
            for step in steps {
                let Ok(next) = next_state(state, step) else { continue };
                prop_assert!(!state.is_final());
                acknowledged |= next == TaskState::Acknowledged;
                prop_assert!(next != TaskState::Done || acknowledged);
                state = next;
            }
        }
    }
}
