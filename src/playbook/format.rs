//! What a playbook file holds. The JSON Schema that editors use is made from these types.

use crate::domain::case::{CompareDays, ObservationRule};
use crate::domain::task::{DependencyKind, DurationUnit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A playbook (办理模板): how one class of problems is removed, with roles instead of units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The version of this format.
    #[schemars(range(min = 1, max = 1))]
    pub schema: u32,
    /// What the program calls it.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"))]
    pub key: String,
    #[schemars(length(min = 1, max = 60))]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title_en: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What counts as success. May hold `{parameter}`s.
    #[schemars(length(min = 1))]
    pub goal: String,
    /// The key of the role that leads.
    pub lead: String,
    #[schemars(length(min = 1, max = 40))]
    pub roles: Vec<PlaybookRole>,
    /// What is asked when a case starts from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub parameters: Vec<Parameter>,
    /// When the problem counts as cured.
    #[serde(default)]
    pub observation: Observation,
    /// What callers are told (答复口径). May hold `{parameter}`s.
    #[serde(rename = "answer")]
    #[schemars(length(min = 1))]
    pub agreed_wording: String,
    #[schemars(range(min = 1, max = 1000))]
    pub deadline_working_days: i64,
    #[schemars(length(min = 1, max = 200))]
    pub tasks: Vec<PlaybookTask>,
    /// The file's whole text: a case keeps what it started from.
    #[serde(skip)]
    pub text: String,
}

impl Playbook {
    /// SHA-256 of the file's text, lower-case hex.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    /// The JSON Schema of the format.
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Playbook).to_value()
    }
}

/// A part that a unit takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookRole {
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"))]
    pub key: String,
    #[schemars(length(min = 1, max = 30))]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title_en: String,
    /// The key of a unit that usually takes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// A number, or a question answered with yes or no. What is not answered is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"))]
    pub key: String,
    #[schemars(length(min = 1, max = 40))]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title_en: String,
    pub default: Answer,
    /// The smallest and the largest number that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Answer {
    Flag(bool),
    Number(i64),
}

/// One unit's piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookTask {
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"))]
    pub key: String,
    /// Texts of a task may hold `{parameter}`s.
    #[schemars(length(min = 1, max = 60))]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title_en: String,
    pub role: String,
    pub days: Points,
    /// What the duration counts: working days when left out.
    #[serde(default)]
    #[schemars(schema_with = "duration_units")]
    pub unit: DurationUnit,
    /// More days for each one of a number parameter beyond the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Per")]
    pub per: Option<Per>,
    /// The task is only there when this holds: `footbridge`, `not footbridge`, `schools > 2`. What it waits for, those
    /// after it wait for when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// When it counts as done.
    #[schemars(length(min = 1))]
    pub acceptance: String,
    /// What must be shown at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What it leaves behind: a policy issued, a thing built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<After>,
}

impl PlaybookTask {
    /// `5`, or from small to large `3/5/10`.
    pub fn estimate(&self) -> String {
        match self.days {
            Points::One(days) => days.to_string(),
            Points::Three(points) => format!("{}/{}/{}", points.optimistic, points.likely, points.pessimistic),
        }
    }
}

/// One or three estimates of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Points {
    One(#[schemars(range(min = 1, max = 1000))] i32),
    Three(ThreePoints),
}

/// From small to large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreePoints {
    #[schemars(range(min = 1, max = 1000))]
    pub optimistic: i32,
    #[schemars(range(min = 1, max = 1000))]
    pub likely: i32,
    #[schemars(range(min = 1, max = 1000))]
    pub pessimistic: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Per {
    pub parameter: String,
    #[schemars(range(min = 1, max = 100))]
    pub days: i32,
}

/// A task's key (finish to start, no lag), or the whole dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum After {
    Task(String),
    Link(Link),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub task: String,
    #[serde(default)]
    #[schemars(schema_with = "dependency_kinds")]
    pub kind: DependencyKind,
    /// Working days; negative is a lead.
    #[serde(default)]
    #[schemars(range(min = -365, max = 365))]
    pub lag_days: i32,
}

impl After {
    pub fn link(&self) -> Link {
        match self {
            After::Task(task) => Link { task: task.clone(), kind: DependencyKind::FinishToStart, lag_days: 0 },
            After::Link(link) => link.clone(),
        }
    }
}

/// What a file leaves out is the house's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What is counted, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub indicator: String,
    #[schemars(range(min = 1, max = 104))]
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_weeks: Option<i32>,
    #[schemars(range(min = 1, max = 365))]
    #[serde(skip_serializing_if = "Option::is_none")]
    window_days: Option<i32>,
    #[schemars(range(min = 0, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    target_percent: Option<i32>,
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    reopen_percent: Option<i32>,
    #[schemars(range(min = 1, max = 365))]
    #[serde(skip_serializing_if = "Option::is_none")]
    reopen_days: Option<i32>,
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    reopen_within_days: Option<i32>,
    /// Which days prove something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "compared_days")]
    compare: Option<CompareDays>,
}

impl Observation {
    /// All of a rule, spelled out.
    pub fn of(rule: &ObservationRule) -> Observation {
        Observation {
            indicator: String::new(),
            baseline_weeks: Some(rule.baseline_weeks),
            window_days: Some(rule.window_days),
            target_percent: Some(rule.target_percent),
            reopen_percent: Some(rule.reopen_percent),
            reopen_days: Some(rule.reopen_days),
            reopen_within_days: Some(rule.reopen_within_days),
            compare: Some(rule.compare),
        }
    }

    pub fn rule(&self) -> ObservationRule {
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

fn one_of(codes: impl Iterator<Item = &'static str>) -> Schema {
    json_schema!({ "type": "string", "enum": codes.collect::<Vec<_>>() })
}

fn duration_units(_: &mut SchemaGenerator) -> Schema {
    one_of(DurationUnit::ALL.iter().map(|unit| unit.code()))
}

fn dependency_kinds(_: &mut SchemaGenerator) -> Schema {
    one_of(DependencyKind::ALL.iter().map(|kind| kind.code()))
}

fn compared_days(_: &mut SchemaGenerator) -> Schema {
    one_of(CompareDays::ALL.iter().map(|days| days.code()))
}
