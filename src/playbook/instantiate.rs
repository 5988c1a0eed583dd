//! From a playbook to the tasks of a case.

use super::format::{Playbook, PlaybookTask, Points};
use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftTask {
    pub template_key: String,
    /// From 1; a predecessor's is smaller.
    pub no: i32,
    pub title: String,
    pub unit_id: String,
    pub duration_optimistic: Option<i32>,
    pub duration: i32,
    pub duration_pessimistic: Option<i32>,
    pub duration_unit: DurationUnit,
    pub description: String,
    pub acceptance: String,
    /// A line each.
    pub evidence: String,
    pub outcome: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftDependency {
    pub predecessor_no: i32,
    pub successor_no: i32,
    pub kind: DependencyKind,
    pub lag_days: i32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub tasks: Vec<DraftTask>,
    pub dependencies: Vec<DraftDependency>,
}

/// Fills the playbook's roles with units. Errors: names the roles that have none.
pub fn instantiate(playbook: &Playbook, units: &HashMap<String, String>) -> Result<Draft, Message> {
    let without: Vec<&str> = playbook
        .roles
        .iter()
        .filter(|role| playbook.tasks.iter().any(|task| task.role == role.key))
        .filter(|role| units.get(&role.key).is_none_or(|unit| unit.is_empty()))
        .map(|role| role.title.as_str())
        .collect();
    if !without.is_empty() {
        return Err(Message::new("这些角色还没有对应单位：%{roles}").with("roles", without.join("、")));
    }
    let ordered = in_order(playbook);
    let number: HashMap<&str, i32> = ordered.iter().zip(1..).map(|(task, no)| (task.key.as_str(), no)).collect();
    let dependencies = ordered
        .iter()
        .flat_map(|task| task.after.iter().map(|after| (task.key.as_str(), after)))
        .map(|(key, after)| DraftDependency {
            predecessor_no: number[after.task.as_str()],
            successor_no: number[key],
            kind: after.kind,
            lag_days: after.lag_days,
        })
        .collect();
    let tasks = ordered.iter().zip(1..).map(|(task, no)| draft_task(task, no, &units[&task.role])).collect();
    Ok(Draft { tasks, dependencies })
}

fn draft_task(task: &PlaybookTask, no: i32, unit_id: &str) -> DraftTask {
    let (optimistic, pessimistic) = match task.duration.points {
        Points::One(_) => (None, None),
        Points::Three { optimistic, pessimistic, .. } => (Some(optimistic), Some(pessimistic)),
    };
    DraftTask {
        template_key: task.key.clone(),
        no,
        title: task.title.clone(),
        unit_id: unit_id.to_owned(),
        duration_optimistic: optimistic,
        duration: task.duration.points.likely(),
        duration_pessimistic: pessimistic,
        duration_unit: task.duration.unit,
        description: task.description.clone(),
        acceptance: task.acceptance.clone(),
        evidence: task.evidence.join("\n"),
        outcome: task.outcome.clone(),
    }
}

/// The file's order, but every predecessor before its successors. A parsed playbook has no cycle.
fn in_order(playbook: &Playbook) -> Vec<&PlaybookTask> {
    let mut left: Vec<&PlaybookTask> = playbook.tasks.iter().collect();
    let mut ordered: Vec<&PlaybookTask> = Vec::with_capacity(left.len());
    while let Some(at) =
        left.iter().position(|task| task.after.iter().all(|after| ordered.iter().any(|done| done.key == after.task)))
    {
        ordered.push(left.remove(at));
    }
    ordered
}
