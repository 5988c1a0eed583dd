//! From a playbook to the tasks of a case.

use super::condition::{Answers, Condition};
use super::format::{After, Answer, Link, Parameter, Playbook, PlaybookTask, Points};
use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use std::collections::{HashMap, VecDeque};

const DURATION_MAX: i32 = 1_000;

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

/// Makes the tasks of a case: roles become units, optional tasks are there or not, durations and texts follow the
/// answers. What is not answered is the default. Errors: an answer that cannot be taken, roles that have no unit.
pub fn instantiate(
    playbook: &Playbook,
    units: &HashMap<String, String>,
    answers: &HashMap<String, String>,
) -> Result<Draft, Message> {
    let answers = read(&playbook.parameters, answers)?;
    let present = present(playbook, &answers);
    let without: Vec<&str> = playbook
        .roles
        .iter()
        .filter(|role| present.iter().any(|task| task.role == role.key))
        .filter(|role| units.get(&role.key).is_none_or(|unit| unit.is_empty()))
        .map(|role| role.title.as_str())
        .collect();
    if !without.is_empty() {
        return Err(Message::new("这些角色还没有对应单位：%{roles}").with("roles", without.join("、")));
    }
    let number: HashMap<&str, i32> = present.iter().zip(1..).map(|(task, no)| (task.key.as_str(), no)).collect();
    let dependencies = present
        .iter()
        .flat_map(|task| waits_for(playbook, task, &number).into_iter().map(|link| (task.key.as_str(), link)))
        .map(|(key, link)| DraftDependency {
            predecessor_no: number[link.task.as_str()],
            successor_no: number[key],
            kind: link.kind,
            lag_days: link.lag_days,
        })
        .collect();
    let tasks = present.iter().zip(1..).map(|(task, no)| draft_task(task, no, &units[&task.role], &answers)).collect();
    Ok(Draft { tasks, dependencies })
}

/// A text of the playbook with its `{parameter}`s filled in. Answers that cannot be taken count as the default.
pub fn filled(playbook: &Playbook, text: &str, answers: &HashMap<String, String>) -> String {
    let one = |parameter: &Parameter| {
        let answer = answers.get(&parameter.key).and_then(|text| answer(parameter, text).ok());
        (parameter.key.clone(), answer.unwrap_or(parameter.default))
    };
    fill(text, &playbook.parameters.iter().map(one).collect())
}

fn read(parameters: &[Parameter], answers: &HashMap<String, String>) -> Result<Answers, Message> {
    let one = |parameter: &Parameter| {
        let given = answers.get(&parameter.key).filter(|text| !text.trim().is_empty());
        let answer = given.map_or(Ok(parameter.default), |text| answer(parameter, text.trim()))?;
        Ok((parameter.key.clone(), answer))
    };
    parameters.iter().map(one).collect()
}

fn answer(parameter: &Parameter, text: &str) -> Result<Answer, Message> {
    let refused = |reason| Err(Message::new(reason).with("title", &parameter.title));
    match parameter.default {
        Answer::Flag(_) => match text {
            "true" | "yes" | "on" => Ok(Answer::Flag(true)),
            "false" | "no" | "off" => Ok(Answer::Flag(false)),
            _ => refused("“%{title}”应答是或否"),
        },
        Answer::Number(_) => match text.parse::<i64>() {
            Ok(number) if number < parameter.min.unwrap_or(i64::MIN) || number > parameter.max.unwrap_or(i64::MAX) => {
                refused("“%{title}”不在允许的范围内")
            }
            Ok(number) => Ok(Answer::Number(number)),
            Err(_) => refused("“%{title}”应为整数"),
        },
    }
}

/// The tasks that are there, every predecessor before its successors, otherwise in the file's order.
fn present<'a>(playbook: &'a Playbook, answers: &Answers) -> Vec<&'a PlaybookTask> {
    let is_there = |task: &&PlaybookTask| {
        let condition = task.when.as_deref().map(Condition::parse);
        condition.is_none_or(|condition| condition.is_ok_and(|condition| condition.holds(answers)))
    };
    in_order(playbook).into_iter().filter(is_there).collect()
}

/// What a task waits for: a predecessor that is not there passes on what it would have waited for.
fn waits_for(playbook: &Playbook, task: &PlaybookTask, number: &HashMap<&str, i32>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut open: VecDeque<Link> = task.after.iter().map(After::link).collect();
    while let Some(link) = open.pop_front() {
        if links.iter().any(|known| known.task == link.task) {
            continue;
        }
        if number.contains_key(link.task.as_str()) {
            links.push(link);
        } else if let Some(missing) = playbook.tasks.iter().find(|task| task.key == link.task) {
            open.extend(missing.after.iter().map(After::link));
        }
    }
    links
}

fn draft_task(task: &PlaybookTask, no: i32, unit_id: &str, answers: &Answers) -> DraftTask {
    let more = task.per.as_ref().map_or(0, |per| match answers.get(&per.parameter) {
        Some(Answer::Number(number)) => i32::try_from((number - 1).max(0)).unwrap_or(i32::MAX).saturating_mul(per.days),
        _ => 0,
    });
    let days = |days: i32| days.saturating_add(more).min(DURATION_MAX);
    let (optimistic, likely, pessimistic) = match task.days {
        Points::One(one) => (None, one, None),
        Points::Three(points) => (Some(days(points.optimistic)), points.likely, Some(days(points.pessimistic))),
    };
    let text = |text: &str| fill(text, answers);
    DraftTask {
        template_key: task.key.clone(),
        no,
        title: text(&task.title),
        unit_id: unit_id.to_owned(),
        duration_optimistic: optimistic,
        duration: days(likely),
        duration_pessimistic: pessimistic,
        duration_unit: task.unit,
        description: text(&task.description),
        acceptance: text(&task.acceptance),
        evidence: task.evidence.iter().map(|line| text(line)).collect::<Vec<_>>().join("\n"),
        outcome: task.outcome.as_deref().map(text),
    }
}

fn fill(text: &str, answers: &Answers) -> String {
    answers.iter().fold(text.to_owned(), |text, (key, answer)| {
        let shown = match answer {
            Answer::Number(number) => number.to_string(),
            Answer::Flag(flag) => flag.to_string(),
        };
        text.replace(&format!("{{{key}}}"), &shown)
    })
}

/// The file's order, but every predecessor before its successors. A parsed playbook has no cycle.
fn in_order(playbook: &Playbook) -> Vec<&PlaybookTask> {
    let mut left: Vec<&PlaybookTask> = playbook.tasks.iter().collect();
    let mut ordered: Vec<&PlaybookTask> = Vec::with_capacity(left.len());
    let is_placed = |ordered: &[&PlaybookTask], key: &str| ordered.iter().any(|done| done.key == key);
    while let Some(at) =
        left.iter().position(|task| task.after.iter().all(|after| is_placed(&ordered, &after.link().task)))
    {
        ordered.push(left.remove(at));
    }
    ordered
}
