//! A ticket: one citizen's request, identified by the source system's number.

use super::coded::coded;
use crate::lang::Message;
use chrono::NaiveDateTime;

coded! {
    /// Where the import of a ticket file stands.
    pub enum ImportState {
        Received = "received" "待导入",
        Running = "running" "导入中",
        Done = "done" "已导入",
        Failed = "failed" "导入失败",
        Interrupted = "interrupted" "已中断",
    }
}

coded! {
    /// Where a ticket stands by itself.
    pub enum TicketState {
        Open = "open" "待办",
        Settled = "settled" "已办结",
    }
}

coded! {
    /// What became of a ticket.
    pub enum Disposition {
        Open = "open" "未处置",
        Attached = "attached" "已并单",
        SettledElsewhere = "settled_elsewhere" "另行办结",
    }
}

coded! {
    /// How a ticket joined a case.
    pub enum AttachMode {
        /// The caller was answered with the agreed wording: the ticket is settled by it.
        Answered = "answered" "答复并单",
        /// Urgent or individual: dispatched all the same.
        Dispatched = "dispatched" "并单并派单",
        /// The server saw that it belongs there; it stays open.
        Matched = "matched" "自动并单",
    }
}

/// The longest subject and text taken; beyond it a row is rejected, so that one rant cannot fill the database.
pub const TITLE_MAX_CHARS: usize = 500;
pub const BODY_MAX_CHARS: usize = 20_000;

/// A ticket as it arrives, before anything is known about it. Times are UTC.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewTicket {
    /// The number the source system gave it; unique.
    pub source_no: String,
    pub title: String,
    pub body: String,
    pub received_at: NaiveDateTime,
    /// When the source system wants it settled.
    pub due_at: Option<NaiveDateTime>,
    pub channel: Option<String>,
    pub category: Option<String>,
    pub district: Option<String>,
    pub address: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// The caller: a phone, or the source system's user code. Never stored with the ticket but as a keyed hash.
    pub caller: Option<String>,
    pub caller_name: Option<String>,
}

/// A field that cannot be taken, named as the API names it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub reason: Message,
}

impl NewTicket {
    /// Every fault of the ticket at once; empty when it can be taken.
    pub fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut fault = |field, reason| faults.push(FieldError { field, reason });
        if self.source_no.trim().is_empty() {
            fault("source_no", Message::new("工单编号不能为空"));
        } else if self.source_no.chars().count() > 100 {
            fault("source_no", Message::new("工单编号不能超过 %{max} 字").with("max", 100));
        }
        if self.title.trim().is_empty() && self.body.trim().is_empty() {
            fault("title", Message::new("主题和内容不能都为空"));
        }
        if self.title.chars().count() > TITLE_MAX_CHARS {
            fault("title", Message::new("主题不能超过 %{max} 字").with("max", TITLE_MAX_CHARS));
        }
        if self.body.chars().count() > BODY_MAX_CHARS {
            fault("body", Message::new("内容不能超过 %{max} 字").with("max", BODY_MAX_CHARS));
        }
        if self.latitude.is_some_and(|v| !(-90.0..=90.0).contains(&v)) {
            fault("latitude", Message::new("纬度应在 -90 到 90 之间"));
        }
        if self.longitude.is_some_and(|v| !(-180.0..=180.0).contains(&v)) {
            fault("longitude", Message::new("经度应在 -180 到 180 之间"));
        }
        faults
    }
}
