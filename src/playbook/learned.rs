//! A playbook from how a case really went.

use super::format::{After, Link, Observation, Playbook, PlaybookRole, PlaybookTask, Points, ThreePoints};
use crate::domain::case::ObservationRule;
use crate::domain::task::{DependencyKind, DurationUnit};
use std::collections::{HashMap, HashSet};

/// The longest that the format takes.
const TITLE_MAX_CHARS: usize = 60;
const ROLE_TITLE_MAX_CHARS: usize = 30;
const DAYS_MAX: i32 = 1_000;

/// A case that has ended.
pub struct Past {
    /// `ZX-2026-0007`.
    pub no: String,
    pub title: String,
    pub goal: String,
    pub answer: String,
    pub rule: ObservationRule,
    pub lead_unit_id: String,
    /// Roles as the case resolved them: key, title, unit.
    pub roles: Vec<(String, String, String)>,
    /// Names of units that take no role.
    pub unit_names: HashMap<String, String>,
    /// Working days from its issue to its last task's end.
    pub working_days: i64,
    /// Those that were done.
    pub tasks: Vec<PastTask>,
}

pub struct PastTask {
    pub no: i32,
    /// Its key in the playbook that the case began from.
    pub key: Option<String>,
    pub title: String,
    pub unit_id: String,
    pub description: String,
    pub acceptance: String,
    /// A line each.
    pub evidence: String,
    pub outcome: Option<String>,
    pub duration_unit: DurationUnit,
    /// What it really took.
    pub took: i32,
    /// What was thought possible.
    pub range: Option<(i32, i32)>,
    /// Predecessor's number, kind, lag.
    pub after: Vec<(i32, DependencyKind, i32)>,
}

impl Playbook {
    /// What a case was, as a template: real durations, units as roles again. Where three points were estimated, what it
    /// took lies between them or widens them.
    pub fn learned(past: &Past) -> Playbook {
        let roles = Roles::of(past);
        let keys = keys(&past.tasks);
        let mut playbook = Playbook {
            schema: 1,
            key: format!("learned-{}", slug(&past.no)),
            title: plain(&past.title, TITLE_MAX_CHARS),
            title_en: String::new(),
            description: format!("{}：{}", past.no, plain(&past.title, TITLE_MAX_CHARS)),
            goal: or(braceless(&past.goal), &past.title),
            lead: roles.key_of(&past.lead_unit_id),
            parameters: Vec::new(),
            observation: Observation::of(&past.rule),
            agreed_wording: or(braceless(&past.answer), &past.title),
            deadline_working_days: past.working_days.clamp(1, i64::from(DAYS_MAX)),
            tasks: past.tasks.iter().map(|task| learned(task, &roles, &keys)).collect(),
            roles: roles.list,
            text: String::new(),
        };
        playbook.text = playbook.to_yaml();
        playbook
    }

    /// As a file that [`Playbook::parse`] reads.
    pub fn to_yaml(&self) -> String {
        let written = serde_saphyr::to_string(self).unwrap_or_default();
        format!("# yaml-language-server: $schema=playbook.schema.json\n{written}")
    }
}

fn learned(task: &PastTask, roles: &Roles, keys: &HashMap<i32, String>) -> PlaybookTask {
    let took = task.took.clamp(1, DAYS_MAX);
    let days = match task.range {
        Some((low, high)) if low < high => Points::Three(ThreePoints {
            optimistic: low.clamp(1, took),
            likely: took,
            pessimistic: high.clamp(took, DAYS_MAX),
        }),
        _ => Points::One(took),
    };
    let link = |(no, kind, lag): &(i32, DependencyKind, i32)| {
        let key = keys.get(no)?.clone();
        let is_plain = *kind == DependencyKind::FinishToStart && *lag == 0;
        let whole = || After::Link(Link { task: key.clone(), kind: *kind, lag_days: *lag });
        Some(if is_plain { After::Task(key.clone()) } else { whole() })
    };
    // The format knows one dependency between two tasks.
    let mut named = HashSet::new();
    let after = task.after.iter().filter(|(no, _, _)| named.insert(*no)).filter_map(link).collect();
    PlaybookTask {
        key: keys.get(&task.no).cloned().unwrap_or_default(),
        title: plain(&task.title, TITLE_MAX_CHARS),
        title_en: String::new(),
        role: roles.key_of(&task.unit_id),
        days,
        unit: task.duration_unit,
        per: None,
        when: None,
        description: braceless(&task.description),
        acceptance: or(braceless(&task.acceptance), &task.title),
        evidence: task.evidence.lines().map(braceless).filter(|line| !line.trim().is_empty()).collect(),
        outcome: task.outcome.as_deref().map(braceless),
        after,
    }
}

/// A key for each task's number: the one it came from, where no other task has it.
fn keys(tasks: &[PastTask]) -> HashMap<i32, String> {
    let mut used = HashSet::new();
    let own = |task: &PastTask| task.key.clone().filter(|key| slug(key) == *key);
    tasks
        .iter()
        .map(|task| {
            let key = own(task).filter(|key| used.insert(key.clone()));
            (task.no, key.unwrap_or_else(|| format!("task-{:02}", task.no)))
        })
        .collect()
}

struct Roles {
    list: Vec<PlaybookRole>,
    of_units: HashMap<String, String>,
}

impl Roles {
    /// The roles the case knew, and one for each other unit that took part. Of two roles of a unit the first holds.
    fn of(past: &Past) -> Roles {
        let mut roles = Roles { list: Vec::new(), of_units: HashMap::new() };
        let mut needed: Vec<&str> = vec![&past.lead_unit_id];
        needed.extend(past.tasks.iter().map(|task| task.unit_id.as_str()));
        for unit_id in needed {
            if roles.of_units.contains_key(unit_id) {
                continue;
            }
            let known = past.roles.iter().find(|(_, _, unit)| unit == unit_id);
            let name = past.unit_names.get(unit_id).map(String::as_str).unwrap_or("?");
            let (key, title) = known.map_or_else(
                || (format!("unit-{}", roles.list.len() + 1), name),
                |(key, title, _)| (key.clone(), title.as_str()),
            );
            roles.of_units.insert(unit_id.to_owned(), key.clone());
            let title = plain(title, ROLE_TITLE_MAX_CHARS);
            roles.list.push(PlaybookRole { key, title, title_en: String::new(), hint: String::new() });
        }
        roles
    }

    fn key_of(&self, unit_id: &str) -> String {
        self.of_units.get(unit_id).cloned().unwrap_or_default()
    }
}

/// Lower-case letters, digits and hyphens only.
fn slug(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(kept).collect::<String>().trim_matches('-').to_owned()
}

/// Braces would name a parameter.
fn braceless(text: &str) -> String {
    text.replace('{', "｛").replace('}', "｝")
}

fn plain(text: &str, most: usize) -> String {
    braceless(text).chars().take(most).collect()
}

fn or(text: String, otherwise: &str) -> String {
    if text.trim().is_empty() { plain(otherwise, TITLE_MAX_CHARS) } else { text }
}
