//! A problem (共性问题): a class of recurring tickets.

use super::coded::coded;

coded! {
    /// One place's own problem, or a citywide theme above several.
    pub enum ProblemKind {
        Local = "local" "局部问题",
        Theme = "theme" "全市主题",
    }
}

coded! {
    /// What people have made of a problem so far.
    pub enum ProblemState {
        /// Below its thresholds.
        Quiet = "quiet" "未达阈值",
        /// Past its thresholds: waits for a decision.
        Proposed = "proposed" "待研判",
        Watched = "watched" "持续关注",
        Dismissed = "dismissed" "不予立项",
    }
}

coded! {
    /// Who put a ticket where it is.
    pub enum PlacedBy {
        Machine = "machine" "系统归并",
        Person = "person" "人工归并",
    }
}

coded! {
    /// What people decided about tickets, which detection obeys from then on.
    pub enum DecisionKind {
        Together = "together" "合并",
        Split = "split" "拆分",
        Moved = "moved" "移动工单",
        NeverTogether = "never_together" "不是一个问题",
        OneProblem = "one_problem" "确为一个问题",
    }
}

coded! {
    /// What consolidation would change about a problem that a person decided about.
    pub enum ProposalKind {
        Merge = "merge" "建议合并",
        Split = "split" "建议拆分",
    }
}
