//! What changed from one version of a playbook to another.

use super::format::{After, Link, Playbook, PlaybookTask};
use crate::domain::case::ObservationRule;
use crate::lang::Message;

impl Playbook {
    /// What `newer` does otherwise, in sentences; empty when it is the same but for its wording elsewhere.
    pub fn changes_to(&self, newer: &Playbook) -> Vec<Message> {
        let mut found = Vec::new();
        if self.goal != newer.goal {
            found.push(changed("目标", &self.goal, &newer.goal));
        }
        if self.deadline_working_days != newer.deadline_working_days {
            let (from, to) = (self.deadline_working_days, newer.deadline_working_days);
            found.push(changed("期限（工作日）", from, to));
        }
        found.extend(of_observation(&self.observation.rule(), &newer.observation.rule()));
        if self.agreed_wording != newer.agreed_wording {
            found.push(changed("答复口径", &self.agreed_wording, &newer.agreed_wording));
        }
        for task in &newer.tasks {
            match self.tasks.iter().find(|old| old.key == task.key) {
                None => found.push(Message::new("新增任务“%{title}”").with("title", &task.title)),
                Some(old) => found.extend(of_task(self, old, newer, task)),
            }
        }
        let gone = self.tasks.iter().filter(|old| newer.tasks.iter().all(|task| task.key != old.key));
        found.extend(gone.map(|old| Message::new("去掉任务“%{title}”").with("title", &old.title)));
        found
    }
}

fn changed(what: &'static str, from: impl std::fmt::Display, to: impl std::fmt::Display) -> Message {
    Message::new("%{what}：%{from} → %{to}").with_message("what", Message::new(what)).with("from", from).with("to", to)
}

fn of_observation(before: &ObservationRule, after: &ObservationRule) -> Vec<Message> {
    let figures = |rule: &ObservationRule| {
        [
            ("基线（周）", rule.baseline_weeks),
            ("观察期（天）", rule.window_days),
            ("达标线（占基线%）", rule.target_percent),
            ("重启线（占基线%）", rule.reopen_percent),
            ("重启按几天计", rule.reopen_days),
            ("销号后看几天", rule.reopen_within_days),
        ]
    };
    let both = figures(before).into_iter().zip(figures(after));
    let mut found: Vec<Message> =
        both.filter(|(old, new)| old != new).map(|((what, from), (_, to))| changed(what, from, to)).collect();
    if before.compare != after.compare {
        let days = |rule: &ObservationRule| Message::new(rule.compare.label());
        let change = Message::new("%{what}：%{from} → %{to}").with_message("what", Message::new("可比的日子"));
        found.push(change.with_message("from", days(before)).with_message("to", days(after)));
    }
    found
}

fn of_task(before: &Playbook, old: &PlaybookTask, after: &Playbook, new: &PlaybookTask) -> Vec<Message> {
    let role = |book: &Playbook, key: &str| {
        let found = book.roles.iter().find(|role| role.key == key);
        found.map_or_else(|| key.to_owned(), |role| role.title.clone())
    };
    let title = |book: &Playbook, key: &str| {
        let found = book.tasks.iter().find(|task| task.key == key);
        found.map_or_else(|| key.to_owned(), |task| task.title.clone())
    };
    let links = |book: &Playbook, task: &PlaybookTask| {
        let mut links: Vec<Link> = task.after.iter().map(After::link).collect();
        links.sort_by(|a, b| a.task.cmp(&b.task));
        let told = |link: &Link| match link.lag_days {
            0 => title(book, &link.task),
            lag => format!("{} {lag:+}", title(book, &link.task)),
        };
        (links.iter().map(told).collect::<Vec<_>>().join("、"), links)
    };
    let mut found = Vec::new();
    let mut differs = |what: &'static str, from: String, to: String| {
        found.push(
            Message::new("“%{title}”%{what}：%{from} → %{to}")
                .with("title", &new.title)
                .with_message("what", Message::new(what))
                .with("from", from)
                .with("to", to),
        );
    };
    if old.title != new.title {
        differs("名称", old.title.clone(), new.title.clone());
    }
    if old.role != new.role {
        differs("单位", role(before, &old.role), role(after, &new.role));
    }
    if (old.days, old.unit) != (new.days, new.unit) {
        differs("工期", old.estimate(), new.estimate());
    }
    if old.when != new.when {
        differs("条件", old.when.clone().unwrap_or_default(), new.when.clone().unwrap_or_default());
    }
    if old.acceptance != new.acceptance {
        differs("办结标准", old.acceptance.clone(), new.acceptance.clone());
    }
    let ((from, was), (to, is)) = (links(before, old), links(after, new));
    if was != is {
        differs("前置任务", from, to);
    }
    found
}
