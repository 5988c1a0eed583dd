//! The rail: where a person may go, and how much waits there. On a phone it is a bar of four and the way to the rest.

use super::page::Page;
use crate::app::desk::{self, Counts};
use crate::app::{Actor, App};
use crate::domain::access::Action;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts are this fresh, and fresher for whoever has just done something: counting the desk reads every open task.
const FRESH: Duration = Duration::from_secs(5);
/// Entries of a phone's bar.
const THUMB: usize = 4;

/// A place in the rail.
#[derive(Clone, Copy)]
pub struct Entry {
    pub href: &'static str,
    /// A translation key.
    pub label: &'static str,
    pub count: i64,
    /// Its count is for the reader to work off.
    pub hot: bool,
    /// The first after a line.
    pub apart: bool,
}

impl Page {
    /// Every place the reader may go to, in order.
    pub fn rail(&self) -> Vec<Entry> {
        let counts = &self.counts;
        let works = [Action::WorkTask, Action::AcceptTask, Action::DecideTask, Action::AnswerBlock];
        let desk = works.iter().any(|action| self.may(*action));
        let at = |shown: bool, href, label, count: i64, apart| {
            shown.then_some(Entry { href, label, count, hot: href == "/desk" && count > 0, apart })
        };
        [
            at(desk, "/desk", "工作台", counts.desk as i64, false),
            at(self.may(Action::AddTickets), "/tickets/new", "受理来电", 0, false),
            at(self.may(Action::ReadProblems), "/problems", "共性问题", counts.problems, false),
            at(self.may(Action::ReadCase), "/cases", "专项深办", counts.cases, false),
            at(self.may(Action::ReadTickets), "/tickets", "工单", 0, false),
            at(self.may(Action::ReceiveTask), "/unit", "本单位", 0, false),
            at(self.may(Action::ReadLeadership), "/lead", "领导视图", 0, true),
            at(desk || self.may(Action::ReadLeadership), "/duty", "值班表", 0, false),
            at(self.may(Action::ReadMail), "/mail", "邮件", 0, !self.may(Action::ReadLeadership)),
            at(self.may(Action::Administer), "/admin", "管理", 0, false),
            at(self.is_demo(), "/demo", "演示", 0, false),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// A phone's bar: what this role needs with one thumb, and what is left for the list behind it.
    pub fn thumb(&self) -> (Vec<Entry>, Vec<Entry>) {
        let first = if self.may(Action::AddTickets) {
            ["/tickets/new", "/tickets", "/problems"]
        } else if self.may(Action::ReadLeadership) && !self.may(Action::DecideTask) {
            ["/lead", "/cases", "/problems"]
        } else if self.may(Action::DecideProblems) {
            ["/desk", "/problems", "/cases"]
        } else if self.may(Action::WorkTask) {
            ["/unit", "/desk", "/cases"]
        } else {
            ["/admin", "/mail", "/cases"]
        };
        let mut all = self.rail();
        all.sort_by_key(|entry| first.iter().position(|href| *href == entry.href).unwrap_or(first.len()));
        let rest = all.split_off(all.len().min(THUMB));
        (all, rest)
    }

    /// Whether the page shown is the entry's, or lies behind it.
    pub fn is_at(&self, entry: &Entry) -> bool {
        let taking_a_call = self.path == "/tickets/new" && self.may(Action::AddTickets);
        let is_own = self.at(entry.href) && (entry.href != "/tickets" || !taking_a_call);
        is_own || self.behind() == Some(entry.href)
    }

    /// The entry whose part of the house the page is in, where its address does not say so.
    fn behind(&self) -> Option<&'static str> {
        Some(match self.path.split('/').nth(1)? {
            "tasks" if self.may(Action::ReceiveTask) => "/unit",
            "tasks" | "meetings" | "playbooks" | "directives" => "/cases",
            "supervisions" => "/desk",
            "briefs" => "/lead",
            "import" => "/tickets",
            "inbox" => "/mail",
            "units" | "people" | "webhooks" | "deliveries" => "/admin",
            _ => return None,
        })
    }
}

/// What was counted for whom, and when.
#[derive(Default)]
pub struct Rails(Mutex<HashMap<String, (Instant, Counts)>>);

impl Rails {
    /// The counts for a person's rail. Who finds them old counts anew; meanwhile the others see the old ones.
    pub async fn counts(&self, app: &App, actor: &Actor, has_acted: bool) -> Counts {
        if let Some(known) = self.known(actor.id(), has_acted) {
            return known;
        }
        // Without counts the rail still leads everywhere.
        let counts = app.read(actor, desk::counts).await.unwrap_or_default();
        self.lock().insert(actor.id().to_owned(), (Instant::now(), counts.clone()));
        counts
    }

    fn known(&self, person: &str, has_acted: bool) -> Option<Counts> {
        let mut known = self.lock();
        known.retain(|_, (at, _)| at.elapsed() < FRESH * 100);
        let (at, counts) = known.get_mut(person)?;
        if has_acted || at.elapsed() >= FRESH {
            *at = Instant::now();
            return None;
        }
        Some(counts.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, Counts)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
