//! The event log: every change is told once, by whom, when and through which channel.

use super::coded::coded;
use sha2::{Digest, Sha256};

coded! {
    /// Who acted.
    pub enum ActorKind {
        Person = "person" "人员",
        /// A coordinator records for a unit or leader what came by phone, chat or paper (代录).
        Proxy = "proxy" "代录",
        /// A unit, by a link in a mail, under the name that was given.
        Link = "link" "邮件链接",
        /// A unit, by answering a mail.
        Reply = "reply" "邮件回复",
        Job = "job" "系统",
        ApiClient = "api_client" "接口",
    }
}

coded! {
    /// Through which door the change came.
    pub enum Channel {
        Web = "web" "网页",
        Api = "api" "接口",
        Cli = "cli" "命令行",
        Job = "job" "后台",
        Mail = "mail" "邮件",
    }
}

/// The stored text of an event that the chain covers, in its fixed order.
pub struct SealedText<'a> {
    pub seq: i64,
    pub event_id: &'a str,
    pub at: &'a str,
    pub kind: &'a str,
    pub subject: &'a str,
    pub actor: &'a str,
    pub payload: &'a str,
}

/// SHA-256 over the previous link and this event's text, each field length-prefixed so that no two texts collide. Lower-case hex.
pub fn link_hash(previous: &str, text: &SealedText) -> String {
    let mut hasher = Sha256::new();
    let seq = text.seq.to_string();
    for field in [previous, &seq, text.event_id, text.at, text.kind, text.subject, text.actor, text.payload] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex::encode(hasher.finalize())
}
