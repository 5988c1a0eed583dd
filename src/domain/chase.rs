//! The ladder (提醒 → 催办 → 督办 → 提级协调): which step a task is due for, by a city's policy and the calendar.

use super::calendar::Calendar;
use super::notice::Stage;
use super::task::TaskState;
use crate::lang::Message;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

/// How a city chases. All days are working days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChasePolicy {
    /// When a day's reminders go, local time.
    pub reminds_at: NaiveTime,
    /// When nothing leaves but what is urgent; none is never.
    pub quiet: Option<Quiet>,
    /// Nothing but what is urgent leaves on days off.
    pub rests_on_days_off: bool,
    /// Days after the release on which an unsigned task is reminded.
    pub remind_to_sign_after: i64,
    /// Days before the due date.
    pub due_soon: i64,
    /// Days past the due date of the first and the second chase (催办).
    pub chase_after: i64,
    pub chase_again_after: i64,
    /// Days past the due date on which a 督办单 is drafted, for the unit's head and then for the lead unit.
    pub supervise_after: i64,
    pub supervise_lead_after: i64,
    /// Days a 督办单 gives to report.
    pub report_within: i64,
}

/// From an evening hour until a morning hour, local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    pub from: NaiveTime,
    pub until: NaiveTime,
}

/// When a day's reminders go, unless a city says otherwise. Unwrapped by the compiler.
const START_OF_WORK: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).unwrap();

impl Default for ChasePolicy {
    fn default() -> ChasePolicy {
        ChasePolicy {
            reminds_at: START_OF_WORK,
            quiet: None,
            rests_on_days_off: false,
            remind_to_sign_after: 2,
            due_soon: 2,
            chase_after: 1,
            chase_again_after: 3,
            supervise_after: 5,
            supervise_lead_after: 8,
            report_within: 3,
        }
    }
}

/// A step of one task's ladder and the local date it comes on, at [`ChasePolicy::reminds_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub stage: Stage,
    pub day: NaiveDate,
}

impl ChasePolicy {
    /// Refuses steps that do not follow one another.
    pub fn check(&self) -> Result<(), Message> {
        let past_due = [
            ("chase_after", self.chase_after),
            ("chase_again_after", self.chase_again_after),
            ("supervise_after", self.supervise_after),
            ("supervise_lead_after", self.supervise_lead_after),
        ];
        if let Some(pair) = past_due.windows(2).find(|pair| pair[0].1 >= pair[1].1) {
            return Err(Message::new("%{later} 应大于 %{earlier}").with("later", pair[1].0).with("earlier", pair[0].0));
        }
        let least = [
            ("remind_to_sign_after", self.remind_to_sign_after),
            ("due_soon", self.due_soon),
            ("chase_after", self.chase_after),
            ("report_within", self.report_within),
        ];
        match least.into_iter().find(|(_, days)| *days < 1) {
            Some((name, _)) => Err(Message::new("%{name} 应为 1 或更大").with("name", name)),
            None => Ok(()),
        }
    }

    /// Whether only what is urgent may leave at this local moment.
    pub fn is_quiet(&self, day: NaiveDate, time: NaiveTime, calendar: &Calendar) -> bool {
        let at_night = self.quiet.as_ref().is_some_and(|quiet| {
            if quiet.from <= quiet.until {
                (quiet.from..quiet.until).contains(&time)
            } else {
                time >= quiet.from || time < quiet.until
            }
        });
        at_night || (self.rests_on_days_off && !calendar.is_working_day(day))
    }

    /// Every step of a task that its unit has, in the order of their days.
    pub fn rungs(&self, state: TaskState, released_on: NaiveDate, due_on: NaiveDate, calendar: &Calendar) -> Vec<Rung> {
        if !state.is_with_unit() {
            return Vec::new();
        }
        let after = |days| calendar.add_working_days(due_on, days);
        let mut rungs = vec![
            Rung { stage: Stage::DueSoon, day: calendar.subtract_working_days(due_on, self.due_soon) },
            Rung { stage: Stage::DueToday, day: due_on },
            Rung { stage: Stage::Overdue, day: after(self.chase_after) },
            Rung { stage: Stage::OverdueAgain, day: after(self.chase_again_after) },
            Rung { stage: Stage::Supervised, day: after(self.supervise_after) },
            Rung { stage: Stage::SupervisedLead, day: after(self.supervise_lead_after) },
        ];
        if state == TaskState::Ready {
            let day = calendar.add_working_days(released_on, self.remind_to_sign_after);
            rungs.push(Rung { stage: Stage::AcknowledgeReminder, day });
        }
        // A short task is not reminded of its end before it has begun.
        rungs.retain(|rung| rung.day > released_on || rung.stage == Stage::DueToday);
        rungs.sort_by_key(|rung| rung.day);
        rungs
    }

    /// Every step of a directive: told at once, then before, on and after the day it is to be reported on.
    pub fn directive_rungs(&self, given_on: NaiveDate, due_on: NaiveDate, calendar: &Calendar) -> Vec<Rung> {
        let reminders = [
            Rung { stage: Stage::DirectiveDueSoon, day: calendar.subtract_working_days(due_on, self.due_soon) },
            Rung { stage: Stage::DirectiveDueToday, day: due_on },
            Rung { stage: Stage::DirectiveOverdue, day: calendar.add_working_days(due_on, self.chase_after) },
        ];
        let told = Rung { stage: Stage::DirectiveGiven, day: given_on };
        std::iter::once(told).chain(reminders.into_iter().filter(|rung| rung.day > given_on)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_ladder_counts_working_days() {
        let (policy, calendar) = (ChasePolicy::default(), Calendar::mainland());
        let rungs = policy.rungs(TaskState::Ready, day("2026-03-02"), day("2026-03-13"), &calendar);
        let told: Vec<(Stage, String)> = rungs.iter().map(|rung| (rung.stage, rung.day.to_string())).collect();
        let expected = [
            (Stage::AcknowledgeReminder, "2026-03-04"),
            (Stage::DueSoon, "2026-03-11"),
            (Stage::DueToday, "2026-03-13"),
            (Stage::Overdue, "2026-03-16"),
            (Stage::OverdueAgain, "2026-03-18"),
            (Stage::Supervised, "2026-03-20"),
            (Stage::SupervisedLead, "2026-03-25"),
        ];
        assert_eq!(told, expected.map(|(stage, day)| (stage, day.to_owned())));
    }

    #[test]
    fn a_directives_ladder_is_told_at_once_and_leads_past_its_day() {
        let (policy, calendar) = (ChasePolicy::default(), Calendar::mainland());
        let steps = |given: &str, due: &str| {
            let rungs = policy.directive_rungs(day(given), day(due), &calendar);
            rungs.into_iter().map(|rung| (rung.stage, rung.day.to_string())).collect::<Vec<_>>()
        };
        let expected = [
            (Stage::DirectiveGiven, "2026-03-02"),
            (Stage::DirectiveDueSoon, "2026-03-11"),
            (Stage::DirectiveDueToday, "2026-03-13"),
            (Stage::DirectiveOverdue, "2026-03-16"),
        ];
        assert_eq!(steps("2026-03-02", "2026-03-13"), expected.map(|(stage, day)| (stage, day.to_owned())));
        assert_eq!(steps("2026-03-13", "2026-03-13").len(), 2, "due at once: told, and chased when it is late");
    }

    #[test]
    fn nights_and_days_off_are_quiet_where_the_city_wants_it() {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let quiet = Some(Quiet { from: time(21), until: time(8) });
        let policy = ChasePolicy { quiet, rests_on_days_off: true, ..ChasePolicy::default() };
        let calendar = Calendar::mainland();
        let quiet = |date: &str, hour| policy.is_quiet(day(date), time(hour), &calendar);
        assert!(quiet("2026-03-12", 23) && quiet("2026-03-12", 7) && !quiet("2026-03-12", 8));
        assert!(quiet("2026-03-14", 10), "a Saturday");
        assert!(!ChasePolicy::default().is_quiet(day("2026-03-14"), time(23), &calendar));
    }

    #[test]
    fn steps_that_do_not_follow_one_another_are_named() {
        assert!(ChasePolicy::default().check().is_ok());
        let wrong = ChasePolicy { supervise_after: 2, ..ChasePolicy::default() };
        assert!(wrong.check().unwrap_err().to_string().contains("supervise_after"));
    }

    proptest! {
        #[test]
        fn rungs_come_in_order_each_once_and_none_before_the_release(length in 1i64..120, start in 0i64..300) {
            let (policy, calendar) = (ChasePolicy::default(), Calendar::mainland());
            let released = day("2026-01-05") + chrono::TimeDelta::days(start);
            let due = calendar.add_working_days(released, length);
            let rungs = policy.rungs(TaskState::Ready, released, due, &calendar);
            let mut stages: Vec<Stage> = rungs.iter().map(|rung| rung.stage).collect();
            prop_assert!(rungs.windows(2).all(|pair| pair[0].day <= pair[1].day));
            prop_assert!(rungs.iter().all(|rung| rung.day > released));
            stages.sort();
            stages.dedup();
            prop_assert_eq!(stages.len(), rungs.len());
        }
    }
}
