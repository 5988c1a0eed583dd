//! A leader's written instruction (批示) and the way it came.

use super::coded::coded;

coded! {
    pub enum DirectiveSource {
        /// The leader's own entry; all others are transcribed by an authorised office.
        Entered = "entered" "本人录入",
        Paper = "paper" "纸质批件",
        Meeting = "meeting" "会议指示",
        Phone = "phone" "电话指示",
        Chat = "chat" "即时通讯",
    }
}

impl DirectiveSource {
    /// Those of a transcription.
    pub fn transcribed() -> impl Iterator<Item = DirectiveSource> {
        DirectiveSource::ALL.iter().copied().filter(|source| *source != DirectiveSource::Entered)
    }
}
