//! Why a use case refused. The web tells it as a page or as problem+json.

use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::store::StoreError;

#[derive(Debug, Clone)]
pub enum Error {
    /// Fields that cannot be taken, each with its reason; nothing changed.
    Invalid(Vec<FieldError>),
    NotFound,
    Forbidden,
    /// No valid session or token.
    Unauthenticated,
    /// Somebody changed it since it was read: the reader's version and the stored one.
    Stale {
        yours: i64,
        current: i64,
    },
    /// The state of things does not allow it.
    Refused(Message),
    /// A dependency would close this cycle (task titles, the first repeated at the end).
    Cycle(Vec<String>),
    /// The database has more requests waiting than it takes; try again.
    Busy,
    /// The files' storage does not answer; told in the log.
    FilesUnavailable(String),
    /// This person or address asks too often.
    TooMany,
    /// Told in the log; the reader learns no details.
    Internal(String),
}

impl Error {
    pub fn field(field: &'static str, reason: Message) -> Error {
        Error::Invalid(vec![FieldError { field, reason }])
    }

    /// One sentence for people.
    pub fn message(&self) -> Message {
        match self {
            Error::Invalid(faults) => {
                faults.first().map_or_else(|| Message::new("填写有误"), |fault| fault.reason.clone())
            }
            Error::NotFound => Message::new("没有找到，可能已被删除或编号有误。"),
            Error::Forbidden => Message::new("您的岗位没有这项权限。"),
            Error::Unauthenticated => Message::new("请先登录。"),
            Error::Stale { yours, current } => {
                Message::new("内容已被他人修改（您看到的是第 %{yours} 版，现在是第 %{current} 版），请刷新后再试。")
                    .with("yours", yours)
                    .with("current", current)
            }
            Error::Refused(message) => message.clone(),
            Error::Cycle(titles) => Message::new("前置关系会成环：%{path}").with("path", titles.join(" → ")),
            Error::Busy => Message::new("系统繁忙，请稍后再试。"),
            Error::FilesUnavailable(_) => Message::new("文件存储暂时不可用，什么都没有改动，请稍后再试。"),
            Error::TooMany => Message::new("操作过于频繁，请稍后再试。"),
            Error::Internal(_) => Message::new("系统出错，已记录。"),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Busy => Error::Busy,
            StoreError::Duplicate(_) => Error::Refused(Message::new("已有相同的记录。")),
            StoreError::FilesUnavailable(detail) => Error::FilesUnavailable(detail),
            other => Error::Internal(other.to_string()),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Internal(detail) | Error::FilesUnavailable(detail) => f.write_str(detail),
            other => write!(f, "{}", other.message()),
        }
    }
}

impl std::error::Error for Error {}
