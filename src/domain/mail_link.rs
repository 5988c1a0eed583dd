//! What can be done from a mail without signing in.

use super::coded::coded;
use super::task::TaskState;

coded! {
    /// The one thing that a link does.
    pub enum LinkAct {
        Acknowledge = "acknowledge" "签收",
        Report = "report" "填报进展",
        AskExtension = "ask_extension" "申请延期",
        Submit = "submit" "提交办结",
        AnswerHelp = "answer_help" "答复协助请求",
    }
}

impl LinkAct {
    /// What a mail about a task in this state offers its unit, the most likely first.
    pub fn offered(state: TaskState) -> &'static [LinkAct] {
        match state {
            TaskState::Ready => &[LinkAct::Acknowledge],
            TaskState::Acknowledged | TaskState::InProgress => {
                &[LinkAct::Report, LinkAct::AskExtension, LinkAct::Submit]
            }
            _ => &[],
        }
    }

    /// Whether it can still be done to a task in this state.
    pub fn applies(self, state: TaskState) -> bool {
        LinkAct::offered(state).contains(&self)
    }
}
