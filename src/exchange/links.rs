//! Predecessors as people write them in one cell: `2`, `2；3`, `2FS+3`, `4SS-1天`, `现场踏勘`.

use crate::domain::task::DependencyKind;
use crate::lang::Message;
use regex::Regex;
use std::sync::LazyLock;

/// A predecessor as written: how the file calls it, and how it is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub task: String,
    pub kind: DependencyKind,
    pub lag_days: i32,
}

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    let kind = "FS|SS|FF|SF|完成后开始|开始后开始|完成后完成";
    let pattern = format!(r"(?i)^(.+?)\s*({kind})?\s*(?:([+＋-]\s*\d+)\s*(?:d|days?|天|日|个?工作日)?)?$");
    // The pattern is a constant that a test compiles.
    Regex::new(&pattern).unwrap_or_else(|error| panic!("{error}"))
});

/// Each predecessor of a cell, or why it cannot be understood. `is_title` tells what is a task's whole title.
pub fn read(cell: &str, is_title: &dyn Fn(&str) -> bool) -> Vec<Result<Written, Message>> {
    if is_title(cell.trim()) {
        return vec![Ok(Written { task: cell.trim().to_owned(), kind: DependencyKind::default(), lag_days: 0 })];
    }
    let parts = cell.split([',', '，', ';', '；', '、', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| if is_title(part) { Ok(plain(part)) } else { one(part) }).collect()
}

fn plain(task: &str) -> Written {
    Written { task: task.to_owned(), kind: DependencyKind::default(), lag_days: 0 }
}

fn one(part: &str) -> Result<Written, Message> {
    let unclear = || Message::new("前置“%{text}”看不懂，应写成 3、3FS+2 或任务名称").with("text", part);
    let found = LINK.captures(part).ok_or_else(unclear)?;
    let kind = match found.get(2).map(|kind| kind.as_str().to_ascii_uppercase()).as_deref() {
        None | Some("FS" | "完成后开始") => DependencyKind::FinishToStart,
        Some("SS" | "开始后开始") => DependencyKind::StartToStart,
        Some("FF" | "完成后完成") => DependencyKind::FinishToFinish,
        Some(_) => return Err(Message::new("前置“%{text}”是“开始后完成”，这种关系不支持").with("text", part)),
    };
    let lag = found.get(3).map(|lag| lag.as_str().replace([' ', '+', '＋'], ""));
    let lag_days = lag.map_or(Ok(0), |lag| lag.parse()).map_err(|_| unclear())?;
    Ok(Written { task: found[1].trim().to_owned(), kind, lag_days })
}

/// As [`read`] reads it.
pub fn written(links: &[(i32, DependencyKind, i32)]) -> String {
    let one = |(no, kind, lag): &(i32, DependencyKind, i32)| {
        let kind = match kind {
            DependencyKind::FinishToStart if *lag == 0 => "",
            DependencyKind::FinishToStart => "FS",
            DependencyKind::StartToStart => "SS",
            DependencyKind::FinishToFinish => "FF",
        };
        if *lag == 0 { format!("{no}{kind}") } else { format!("{no}{kind}{lag:+}") }
    };
    links.iter().map(one).collect::<Vec<_>>().join(";")
}
