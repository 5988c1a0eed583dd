//! The rules a playbook keeps: every fault at once, each with its line.

use super::format::{Fault, Points, RawPlaybook, RawTask};
use crate::lang::Message;
use std::collections::{HashMap, HashSet};

const SCHEMA: u32 = 1;
const TASKS_MAX: usize = 200;

pub(super) fn faults(raw: &RawPlaybook) -> Vec<Fault> {
    let mut found = Faults::default();
    if raw.schema.value != SCHEMA {
        found.add(
            raw.schema.referenced.line(),
            "schema",
            Message::new("格式版本应为 %{version}").with("version", SCHEMA),
        );
    }
    for (field, text) in [("key", &raw.key), ("title", &raw.title)] {
        if text.value.trim().is_empty() {
            found.add(text.referenced.line(), field, Message::new("不能为空"));
        }
    }
    if !(1..=1_000).contains(&raw.deadline_working_days.value) {
        found.add(
            raw.deadline_working_days.referenced.line(),
            "deadline_working_days",
            Message::new("应在 1 到 1000 之间"),
        );
    }
    if raw.tasks.value.is_empty() || raw.tasks.value.len() > TASKS_MAX {
        found.add(raw.tasks.referenced.line(), "tasks", Message::new("任务应有 1 到 %{max} 项").with("max", TASKS_MAX));
    }
    roles(raw, &mut found);
    tasks(raw, &mut found);
    if found.0.is_empty() {
        cycle(&raw.tasks.value, &mut found);
    }
    found.0
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, line: u64, field: &str, reason: Message) {
        self.0.push(Fault { line, field: field.to_owned(), reason });
    }
}

fn roles(raw: &RawPlaybook, found: &mut Faults) {
    let mut seen = HashSet::new();
    for role in &raw.roles {
        if !seen.insert(&role.value.key) {
            found.add(role.referenced.line(), "roles", Message::new("角色“%{key}”重复").with("key", &role.value.key));
        }
    }
    if !seen.contains(&raw.lead.value) {
        found.add(raw.lead.referenced.line(), "lead", Message::new("没有角色“%{key}”").with("key", &raw.lead.value));
    }
}

fn tasks(raw: &RawPlaybook, found: &mut Faults) {
    let roles: HashSet<&str> = raw.roles.iter().map(|role| role.value.key.as_str()).collect();
    let keys: HashSet<&str> = raw.tasks.value.iter().map(|task| task.key.value.as_str()).collect();
    let mut seen = HashSet::new();
    for task in &raw.tasks.value {
        let line = task.key.referenced.line();
        if !seen.insert(task.key.value.as_str()) {
            found.add(line, "key", Message::new("任务“%{key}”重复").with("key", &task.key.value));
        }
        if task.title.value.trim().is_empty() {
            found.add(task.title.referenced.line(), "title", Message::new("不能为空"));
        }
        if !roles.contains(task.role.value.as_str()) {
            found.add(
                task.role.referenced.line(),
                "role",
                Message::new("没有角色“%{key}”").with("key", &task.role.value),
            );
        }
        if !duration_holds(task.days.value) {
            found.add(task.days.referenced.line(), "days", Message::new("工期应为 1 到 1000，三点估计由小到大"));
        }
        let mut before = HashSet::new();
        for after in &task.after {
            let name = after.value.task();
            let reason = if name == task.key.value {
                Message::new("任务不能以自己为前置")
            } else if !keys.contains(name) {
                Message::new("没有任务“%{key}”").with("key", name)
            } else if !before.insert(name) {
                Message::new("前置“%{key}”重复").with("key", name)
            } else {
                continue;
            };
            found.add(after.referenced.line(), "after", reason);
        }
    }
}

fn duration_holds(points: Points) -> bool {
    match points {
        Points::One(days) => (1..=1_000).contains(&days),
        Points::Three { optimistic, likely, pessimistic } => {
            1 <= optimistic && optimistic <= likely && likely <= pessimistic && pessimistic <= 1_000
        }
    }
}

/// Takes away tasks whose predecessors are gone until none is left; what stays holds a cycle, which is spelled out.
fn cycle(tasks: &[RawTask], found: &mut Faults) {
    let mut left: HashMap<&str, &RawTask> = tasks.iter().map(|task| (task.key.value.as_str(), task)).collect();
    loop {
        let free: Vec<&str> = left
            .iter()
            .filter(|(_, task)| task.after.iter().all(|after| !left.contains_key(after.value.task())))
            .map(|(key, _)| *key)
            .collect();
        if free.is_empty() {
            break;
        }
        for key in free {
            left.remove(key);
        }
    }
    let Some(first) = tasks.iter().find(|task| left.contains_key(task.key.value.as_str())) else { return };
    let mut walk = vec![first.key.value.as_str()];
    loop {
        let task = left[walk[walk.len() - 1]];
        let Some(before) = task.after.iter().map(|after| after.value.task()).find(|key| left.contains_key(key)) else {
            return;
        };
        let seen = walk.iter().position(|key| *key == before);
        walk.push(before);
        if let Some(at) = seen {
            let path: Vec<&str> = walk[at..].iter().rev().copied().collect();
            let reason = Message::new("前置关系成环：%{path}").with("path", path.join(" → "));
            return found.add(left[before].key.referenced.line(), "after", reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Playbook;
    use rstest::rstest;

    const HEAD: &str = "schema: 1\nkey: k\ntitle: 题\ngoal: 目标\nlead: a\nanswer: 口径\ndeadline_working_days: 30\nroles:\n  - {key: a, title: 甲}\ntasks:\n";

    #[rstest]
    #[case("  - {key: x, title: 一, role: b, days: 1, acceptance: 好}\n", 11, "没有角色“b”")]
    #[case("  - {key: x, title: 一, role: a, days: 0, acceptance: 好}\n", 11, "工期")]
    #[case("  - {key: x, title: 一, role: a, days: 1, acceptance: 好, after: [w]}\n", 11, "没有任务“w”")]
    #[case("  - {key: x, title: 一, role: a, days: 1, acceptance: 好, after: [x]}\n", 11, "自己")]
    #[case(
        "  - {key: x, title: 一, role: a, days: 1, acceptance: 好}\n  - {key: x, title: 二, role: a, days: 1, acceptance: 好}\n",
        12,
        "任务“x”重复"
    )]
    #[case(
        "  - {key: x, title: 一, role: a, days: 1, acceptance: 好, after: [w]}\n  - {key: w, title: 二, role: a, days: 1, acceptance: 好, after: [x]}\n",
        11,
        "x → w → x"
    )]
    #[case("  - {key: x, title: 一, role: a, days: 1, acceptance: 好, colour: red}\n", 11, "colour")]
    fn a_fault_is_told_with_its_line(#[case] tasks: &str, #[case] line: u64, #[case] words: &str) {
        let faults = Playbook::parse(&format!("{HEAD}{tasks}")).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.line == line && fault.reason.to_string().contains(words)),
            "{faults:?}"
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = HEAD.replace("lead: a", "lead: z")
            + "  - {key: x, title: 一, role: q, days: 0, acceptance: 好, after: [w]}\n";
        assert_eq!(Playbook::parse(&text).unwrap_err().len(), 4);
    }
}
