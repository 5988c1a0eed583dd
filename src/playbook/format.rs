//! What a playbook file holds, and reading it.

use super::check;
use crate::domain::case::ObservationRule;
use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use serde::Deserialize;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

/// A fault of a playbook file. `field` is the key it stands under, empty for the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u64,
    pub field: String,
    pub reason: Message,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    pub key: String,
    pub title: String,
    pub title_en: String,
    pub description: String,
    pub goal: String,
    /// The role that leads.
    pub lead: String,
    pub roles: Vec<PlaybookRole>,
    pub tasks: Vec<PlaybookTask>,
    pub observation: ObservationRule,
    /// What callers are told.
    pub agreed_wording: String,
    pub deadline_working_days: i64,
    /// The file's whole text: a case keeps what it started from.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaybookRole {
    pub key: String,
    pub title: String,
    #[serde(default)]
    pub title_en: String,
    /// The key of a unit that usually takes it.
    #[serde(default)]
    pub hint: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybookTask {
    pub key: String,
    pub title: String,
    pub title_en: String,
    pub role: String,
    pub duration: Duration,
    pub description: String,
    pub acceptance: String,
    pub evidence: Vec<String>,
    pub outcome: Option<String>,
    pub after: Vec<After>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    pub points: Points,
    pub unit: DurationUnit,
}

/// One or three estimates of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Points {
    One(i32),
    Three { optimistic: i32, likely: i32, pessimistic: i32 },
}

impl Points {
    pub fn likely(self) -> i32 {
        match self {
            Points::One(days) => days,
            Points::Three { likely, .. } => likely,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub task: String,
    pub kind: DependencyKind,
    pub lag_days: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlaybook {
    pub schema: Spanned<u32>,
    pub key: Spanned<String>,
    pub title: Spanned<String>,
    #[serde(default)]
    pub title_en: String,
    #[serde(default)]
    pub description: String,
    pub goal: String,
    pub lead: Spanned<String>,
    pub roles: Vec<Spanned<PlaybookRole>>,
    #[serde(default)]
    pub observation: RawObservation,
    pub answer: String,
    pub deadline_working_days: Spanned<i64>,
    pub tasks: Spanned<Vec<RawTask>>,
}

/// What a file leaves out is the domain's default.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawObservation {
    baseline_weeks: Option<i32>,
    window_days: Option<i32>,
    target_percent: Option<i32>,
    reopen_percent: Option<i32>,
    reopen_days: Option<i32>,
    reopen_within_days: Option<i32>,
    compare: Option<crate::domain::case::CompareDays>,
}

impl RawObservation {
    fn rule(&self) -> ObservationRule {
        let usual = ObservationRule::default();
        ObservationRule {
            baseline_weeks: self.baseline_weeks.unwrap_or(usual.baseline_weeks),
            window_days: self.window_days.unwrap_or(usual.window_days),
            target_percent: self.target_percent.unwrap_or(usual.target_percent),
            reopen_percent: self.reopen_percent.unwrap_or(usual.reopen_percent),
            reopen_days: self.reopen_days.unwrap_or(usual.reopen_days),
            reopen_within_days: self.reopen_within_days.unwrap_or(usual.reopen_within_days),
            compare: self.compare.unwrap_or(usual.compare),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTask {
    pub key: Spanned<String>,
    pub title: Spanned<String>,
    #[serde(default)]
    pub title_en: String,
    pub role: Spanned<String>,
    pub days: Spanned<Points>,
    #[serde(default)]
    pub unit: DurationUnit,
    #[serde(default)]
    pub description: String,
    pub acceptance: String,
    #[serde(default)]
    pub evidence: Vec<String>,
    pub outcome: Option<String>,
    #[serde(default)]
    pub after: Vec<Spanned<RawAfter>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawAfter {
    Task(String),
    Kind {
        task: String,
        #[serde(default)]
        kind: DependencyKind,
        #[serde(default)]
        lag_days: i32,
    },
}

impl RawAfter {
    pub fn task(&self) -> &str {
        match self {
            RawAfter::Task(task) | RawAfter::Kind { task, .. } => task,
        }
    }

    fn read(&self) -> After {
        match self {
            RawAfter::Task(task) => After { task: task.clone(), kind: DependencyKind::FinishToStart, lag_days: 0 },
            RawAfter::Kind { task, kind, lag_days } => After { task: task.clone(), kind: *kind, lag_days: *lag_days },
        }
    }
}

impl Playbook {
    /// Reads a playbook; every fault of its rules is told at once, each with its line.
    pub fn parse(text: &str) -> Result<Playbook, Vec<Fault>> {
        let raw: RawPlaybook = serde_saphyr::from_str(text).map_err(|error| vec![not_yaml(&error)])?;
        let faults = check::faults(&raw);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Playbook {
            key: raw.key.value,
            title: raw.title.value,
            title_en: raw.title_en,
            description: raw.description,
            goal: raw.goal,
            lead: raw.lead.value,
            roles: raw.roles.into_iter().map(|role| role.value).collect(),
            observation: raw.observation.rule(),
            agreed_wording: raw.answer,
            deadline_working_days: raw.deadline_working_days.value,
            tasks: raw.tasks.value.into_iter().map(read_task).collect(),
            text: text.to_owned(),
        })
    }

    /// SHA-256 of the file's text, lower-case hex.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }
}

fn read_task(raw: RawTask) -> PlaybookTask {
    PlaybookTask {
        key: raw.key.value,
        title: raw.title.value,
        title_en: raw.title_en,
        role: raw.role.value,
        duration: Duration { points: raw.days.value, unit: raw.unit },
        description: raw.description,
        acceptance: raw.acceptance,
        evidence: raw.evidence,
        outcome: raw.outcome,
        after: raw.after.iter().map(|after| after.value.read()).collect(),
    }
}

fn not_yaml(error: &serde_saphyr::Error) -> Fault {
    let text = error.to_string();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    Fault {
        line: error.location().map_or(1, |location| location.line()),
        field: String::new(),
        reason: Message::new("读不懂：%{detail}").with("detail", first),
    }
}
