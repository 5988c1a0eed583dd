//! What comes in by mail (来信): replies, bounces, answers of machines.

use super::coded::coded;

coded! {
    /// What a message turned out to be.
    pub enum InboundKind {
        Bounce = "bounce" "退信",
        AutoReply = "auto_reply" "自动回复",
        Reply = "reply" "回复",
        Other = "other" "其他来信",
    }
}

coded! {
    /// Where it stands.
    pub enum InboundState {
        Done = "done" "已处理",
        /// Not understood or not trusted: a person looks at it.
        Review = "review" "待人工处理",
    }
}
