//! The same dates by brute force, for the tests: days are moved on one at a time until nothing is violated, working
//! days are counted by walking the calendar, and slack is found by trying.

use super::super::graph::{Plan, PlanDependency, PlanTask};
use crate::domain::calendar::Calendar;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use chrono::NaiveDate;
use std::collections::BTreeMap;

pub struct Oracle<'a> {
    pub plan: &'a Plan,
    pub today: NaiveDate,
    pub begin: NaiveDate,
    pub statutory: &'a Calendar,
    pub units: BTreeMap<String, Calendar>,
}

/// Start and finish by task id.
pub type Found = BTreeMap<String, (NaiveDate, NaiveDate)>;

impl Oracle<'_> {
    fn calendar(&self, task: &PlanTask) -> &Calendar {
        self.units.get(&task.unit_id).unwrap_or(self.statutory)
    }

    fn open(&self) -> impl Iterator<Item = &PlanTask> {
        self.plan.tasks().filter(|task| task.state != TaskState::Cancelled)
    }

    pub fn dates(&self) -> Found {
        let first = |task: &PlanTask| match task.state {
            TaskState::Done => {
                let end = task.ended_on.unwrap();
                (task.released_on.unwrap_or(end).min(end), end)
            }
            _ => {
                let start = task.released_on.unwrap_or_else(|| {
                    let held = [task.not_before, task.fixed_on].into_iter().flatten();
                    held.fold(self.begin.max(self.today), NaiveDate::max)
                });
                (start, start)
            }
        };
        self.settled(self.open().map(|task| (task.id.clone(), first(task))).collect())
    }

    /// Moves days on until no rule is violated; from days that are early enough this gives the earliest ones.
    pub fn settled(&self, mut found: Found) -> Found {
        loop {
            let mut quiet = true;
            for task in self.open().filter(|task| task.state != TaskState::Done) {
                while self.starts_too_early(task, &found) {
                    found.get_mut(&task.id).unwrap().0 = found[&task.id].0.succ_opt().unwrap();
                    quiet = false;
                }
                while self.ends_too_early(task, &found) {
                    found.get_mut(&task.id).unwrap().1 = found[&task.id].1.succ_opt().unwrap();
                    quiet = false;
                }
            }
            if quiet {
                return found;
            }
        }
    }

    fn starts_too_early(&self, task: &PlanTask, found: &Found) -> bool {
        let (start, _) = found[&task.id];
        task.released_on.is_none()
            && self.plan.before(&task.id).into_iter().filter(|(_, before)| found.contains_key(&before.id)).any(
                |(edge, before)| match edge.kind {
                    DependencyKind::FinishToStart => self.violates(edge, found[&before.id].1, start),
                    DependencyKind::StartToStart => self.violates(edge, found[&before.id].0, start),
                    DependencyKind::FinishToFinish => false,
                },
            )
    }

    fn ends_too_early(&self, task: &PlanTask, found: &Found) -> bool {
        let (start, finish) = found[&task.id];
        let worked = match task.duration_unit {
            DurationUnit::NaturalDays => (finish - start).num_days(),
            _ => self.worked(self.calendar(task), start, finish),
        };
        let needed = match task.duration_unit {
            DurationUnit::Hours => f64::from(task.duration) / 8.0,
            _ => f64::from(task.duration),
        };
        let running = task.released_on.is_some();
        finish < start
            || (worked as f64) < needed
            || (running && (finish < self.today || task.due_on.is_some_and(|due| finish < due)))
            || self.plan.before(&task.id).into_iter().any(|(edge, before)| {
                edge.kind == DependencyKind::FinishToFinish
                    && found.get(&before.id).is_some_and(|(_, end)| self.violates(edge, *end, finish))
            })
    }

    /// A lag wants that many working days between the two; a lead allows fewer than that before.
    fn violates(&self, edge: &PlanDependency, before: NaiveDate, day: NaiveDate) -> bool {
        let lag = i64::from(edge.lag_days);
        match lag {
            0.. => day < before || self.worked(self.statutory, before, day) < lag,
            _ => day < before && self.worked(self.statutory, day, before.pred_opt().unwrap()) >= -lag,
        }
    }

    /// Working days after one day up to and including another.
    pub fn worked(&self, calendar: &Calendar, from: NaiveDate, to: NaiveDate) -> i64 {
        let days = from.iter_days().skip(1).take_while(|day| *day <= to);
        days.filter(|day| calendar.is_working_day(*day)).count() as i64
    }

    /// Total and free slack of a waiting or running task, by holding it back a day at a time.
    pub fn slack(&self, task: &PlanTask, base: &Found) -> (i64, i64) {
        let ends = |found: &Found| found.values().map(|(_, finish)| *finish).max();
        let keeps_fixed = |found: &Found| {
            self.open()
                .all(|task| task.released_on.is_some() || task.fixed_on.is_none_or(|day| found[&task.id].0 <= day))
        };
        let total = |found: &Found| ends(found) == ends(base) && keeps_fixed(found);
        let others = |found: &Found| {
            ends(found) == ends(base) && found.iter().all(|(id, dates)| *id == task.id || base[id] == *dates)
        };
        let total = self.room(task, base, &total);
        (total, self.room(task, base, &others).min(total))
    }

    fn room(&self, task: &PlanTask, base: &Found, holds: &dyn Fn(&Found) -> bool) -> i64 {
        let (start, finish) = base[&task.id];
        let held = |start: NaiveDate, finish: NaiveDate| {
            let mut found = base.clone();
            found.insert(task.id.clone(), (start, finish));
            holds(&self.settled(found))
        };
        let calendar = self.calendar(task);
        let until = |allowed: &dyn Fn(NaiveDate) -> bool, from: NaiveDate| {
            let last = from.iter_days().take(400).take_while(|day| allowed(*day)).last().unwrap();
            self.worked(calendar, from, last)
        };
        let by_finish = until(&|day| held(start, day), finish);
        if task.released_on.is_some() {
            return by_finish;
        }
        by_finish.min(until(&|day| held(day, finish), start))
    }
}
