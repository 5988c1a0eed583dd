//! A task: one unit's piece of work in a case, and the states it passes through.

use super::coded::coded;
use crate::lang::Message;

coded! {
    /// What a coordinator may enter for a unit (代录); the codes are the acts' names.
    pub enum ProxyAct {
        Acknowledge = "acknowledge" "签收",
        Start = "start" "开始办理",
        Report = "report" "填报进展",
        Submit = "submit" "提交办结",
        Block = "block" "提请协调",
        AskExtension = "ask-extension" "申请延期",
        Object = "object" "职责异议",
    }
}

coded! {
    /// The one linear state of a task. What happens beside it (blocked, an extension asked, an objection) has rows of its own.
    pub enum TaskState {
        Waiting = "waiting" "待前序",
        Ready = "ready" "待签收",
        Acknowledged = "acknowledged" "已签收",
        InProgress = "in_progress" "办理中",
        Submitted = "submitted" "待验收",
        Done = "done" "已办结",
        Cancelled = "cancelled" "已取消",
    }
}

impl TaskState {
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

coded! {
    /// What moves a task from one state to the next.
    pub enum TaskMove {
        /// What gated it is satisfied.
        Release = "release" "放行",
        /// A new gating dependency takes a task back that nobody has signed for yet.
        Withhold = "withhold" "收回",
        Acknowledge = "acknowledge" "签收",
        Start = "start" "开始办理",
        Submit = "submit" "提交办结",
        Accept = "accept" "验收",
        /// The acceptor sends the submission back.
        Return = "return" "退回",
        Cancel = "cancel" "取消",
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

coded! {
    /// What an edge of the plan means. Finish-to-start and start-to-start gate the release, finish-to-finish the submission.
    #[derive(Default)]
    pub enum DependencyKind {
        #[default]
        FinishToStart = "finish_to_start" "完成后开始",
        StartToStart = "start_to_start" "开始后开始",
        FinishToFinish = "finish_to_finish" "完成后完成",
    }
}

coded! {
    /// How a duration counts (a public notice counts natural days, an emergency repair counts hours).
    #[derive(Default)]
    pub enum DurationUnit {
        #[default]
        WorkingDays = "working_days" "个工作日",
        NaturalDays = "natural_days" "个自然日",
        Hours = "hours" "小时",
    }
}

impl DurationUnit {
    /// How a form calls a duration in this unit.
    pub fn duration_label(self) -> &'static str {
        match self {
            DurationUnit::WorkingDays => "工期（工作日）",
            DurationUnit::NaturalDays => "工期（自然日）",
            DurationUnit::Hours => "工期（小时）",
        }
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
