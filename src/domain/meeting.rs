//! A meeting of a task force (协调会).

use super::coded::coded;

coded! {
    /// How a meeting stands.
    pub enum MeetingState {
        Called = "called" "已通知",
        Held = "held" "已形成纪要",
        Cancelled = "cancelled" "会议取消",
    }
}
