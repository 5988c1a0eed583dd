//! The rules of a playbook that its shape does not say: what is named is there, and nothing waits for itself.
//! They read the tree, so that a file whose shape is wrong in one place is still looked at in all others.

use super::check::Faults;
use super::condition::Condition;
use super::format::{Answer, Parameter};
use super::tree::Node;
use crate::lang::Message;
use std::collections::{HashMap, HashSet};

/// The texts of a playbook and of a task that may hold `{parameter}`s.
const TEXTS: [&str; 2] = ["goal", "answer"];
const TASK_TEXTS: [&str; 5] = ["title", "title_en", "description", "acceptance", "outcome"];

pub(super) fn check(tree: &Node, found: &mut Faults) {
    repeated(tree.list("roles"), "角色“%{key}”重复", found);
    repeated(tree.list("parameters"), "参数“%{key}”重复", found);
    repeated(tree.list("tasks"), "任务“%{key}”重复", found);
    let parameters = parameters(tree, found);
    let roles = keys(tree.list("roles"));
    named(tree, "lead", &roles, "没有角色“%{key}”", found);
    TEXTS.iter().filter_map(|field| tree.get(field)).for_each(|node| placeholders(node, &parameters, found));
    let tasks = keys(tree.list("tasks"));
    for task in tree.list("tasks") {
        named(task, "role", &roles, "没有角色“%{key}”", found);
        points(task, found);
        branch(task, &parameters, found);
        let texts = TASK_TEXTS.iter().filter_map(|field| task.get(field)).chain(task.list("evidence"));
        texts.for_each(|node| placeholders(node, &parameters, found));
        before(task, &tasks, found);
    }
    if found.is_empty() {
        cycle(tree.list("tasks"), found);
    }
}

fn keys(nodes: &[Node]) -> HashSet<&str> {
    nodes.iter().filter_map(|node| Some(node.text_of("key")?.0)).collect()
}

fn repeated(nodes: &[Node], reason: &'static str, found: &mut Faults) {
    let mut seen = HashSet::new();
    for (key, node) in nodes.iter().filter_map(|node| node.text_of("key")) {
        if !seen.insert(key) {
            found.add(node.place, "key", Message::new(reason).with("key", key));
        }
    }
}

/// A field that names something which has to be there.
fn named(node: &Node, field: &str, known: &HashSet<&str>, reason: &'static str, found: &mut Faults) {
    if let Some((key, node)) = node.text_of(field).filter(|(key, _)| !known.contains(key)) {
        found.add(node.place, field, Message::new(reason).with("key", key));
    }
}

fn parameters(tree: &Node, found: &mut Faults) -> HashMap<String, Parameter> {
    let mut known = HashMap::new();
    for node in tree.list("parameters") {
        let number = |field| node.get(field).and_then(Node::number);
        let (min, max) = (number("min"), number("max"));
        let default = match (node.get("default"), number("default")) {
            (Some(_), Some(value)) => Answer::Number(value),
            (Some(flag), None) if flag.is_flag() => Answer::Flag(false),
            _ => continue,
        };
        if let Answer::Number(value) = default
            && (min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max))
        {
            let place = node.get("default").map_or(node.place, |node| node.place);
            found.add(place, "default", Message::new("默认值不在 min 和 max 之间"));
        }
        if let Some((key, _)) = node.text_of("key") {
            let parameter =
                Parameter { key: key.to_owned(), title: String::new(), title_en: String::new(), default, min, max };
            known.insert(key.to_owned(), parameter);
        }
    }
    known
}

fn points(task: &Node, found: &mut Faults) {
    let Some(days) = task.get("days") else { return };
    let [low, likely, high] =
        ["optimistic", "likely", "pessimistic"].map(|field| days.get(field).and_then(Node::number));
    if let (Some(low), Some(likely), Some(high)) = (low, likely, high)
        && !(low <= likely && likely <= high)
    {
        found.add(days.place, "days", Message::new("三点估计应由小到大"));
    }
}

/// The parameters that a task's presence and its duration hang on.
fn branch(task: &Node, parameters: &HashMap<String, Parameter>, found: &mut Faults) {
    if let Some((text, node)) = task.text_of("when") {
        let reason = match Condition::parse(text) {
            Err(reason) => Some(reason),
            Ok(condition) => match parameters.get(condition.parameter()) {
                None => Some(Message::new("没有参数“%{key}”").with("key", condition.parameter())),
                Some(known) if !condition.suits(known) => {
                    Some(Message::new("参数“%{key}”不能这样比较").with("key", condition.parameter()))
                }
                Some(_) => None,
            },
        };
        if let Some(reason) = reason {
            found.add(node.place, "when", reason);
        }
    }
    if let Some((key, node)) = task.get("per").and_then(|per| per.text_of("parameter")) {
        match parameters.get(key).map(|known| known.default) {
            None => found.add(node.place, "per", Message::new("没有参数“%{key}”").with("key", key)),
            Some(Answer::Flag(_)) => {
                found.add(node.place, "per", Message::new("参数“%{key}”应为数字").with("key", key))
            }
            Some(Answer::Number(_)) => {}
        }
    }
}

fn placeholders(node: &Node, parameters: &HashMap<String, Parameter>, found: &mut Faults) {
    let text = node.text().unwrap_or_default();
    for key in text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)) {
        if !parameters.contains_key(key) {
            found.add(node.place, "parameters", Message::new("没有参数“%{key}”").with("key", key));
        }
    }
}

/// The task that an item of `after` names.
fn name_of(after: &Node) -> Option<&str> {
    after.text().or_else(|| Some(after.text_of("task")?.0))
}

fn before(task: &Node, tasks: &HashSet<&str>, found: &mut Faults) {
    let own = task.text_of("key").map(|(key, _)| key);
    let mut seen = HashSet::new();
    for node in task.list("after") {
        let Some(name) = name_of(node) else { continue };
        let reason = if own == Some(name) {
            Message::new("任务不能以自己为前置")
        } else if !tasks.contains(name) {
            Message::new("没有任务“%{key}”").with("key", name)
        } else if !seen.insert(name) {
            Message::new("前置“%{key}”重复").with("key", name)
        } else {
            continue;
        };
        found.add(node.place, "after", reason);
    }
}

/// Takes away tasks whose predecessors are gone until none is left; what stays holds a cycle, which is spelled out.
fn cycle(tasks: &[Node], found: &mut Faults) {
    let before = |task: &Node| task.list("after").iter().filter_map(name_of).map(str::to_owned).collect::<Vec<_>>();
    let mut left: HashMap<&str, (&Node, Vec<String>)> =
        tasks.iter().filter_map(|task| task.text_of("key").map(|(key, node)| (key, (node, before(task))))).collect();
    loop {
        let gone = |key: &String| !left.contains_key(key.as_str());
        let free: Vec<&str> =
            left.iter().filter(|(_, (_, before))| before.iter().all(gone)).map(|(key, _)| *key).collect();
        if free.is_empty() {
            break;
        }
        free.into_iter().for_each(|key| drop(left.remove(key)));
    }
    let first = tasks.iter().filter_map(|task| task.text_of("key")).find(|(key, _)| left.contains_key(key));
    let mut walk: Vec<&str> = first.into_iter().map(|(key, _)| key).collect();
    while let Some((node, before)) = walk.last().and_then(|last| left.get(last)) {
        let Some(before) = before.iter().find(|key| left.contains_key(key.as_str())) else { return };
        let seen = walk.iter().position(|key| key == before);
        walk.push(before);
        if let Some(at) = seen {
            let path: Vec<&str> = walk[at..].iter().rev().copied().collect();
            let reason = Message::new("前置关系成环：%{path}").with("path", path.join(" → "));
            return found.add(node.place, "after", reason);
        }
    }
}
