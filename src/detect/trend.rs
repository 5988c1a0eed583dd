//! Whether a problem recurs: distinct callers over time.

use chrono::{Days, NaiveDate};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

/// The heat of a ticket halves in this many days.
const HALF_LIFE_DAYS: f64 = 14.0;

/// When tickets count as a recurring problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Callers in the window, at least.
    pub distinct_callers: u32,
    /// Natural days, the last being today.
    pub window_days: u32,
    /// [`growth`] against the window before, at least. Below 1: what goes on week after week recurs without growing, and
    /// only what fades by itself is left alone.
    pub growth: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { distinct_callers: 5, window_days: 28, growth: 0.5 }
    }
}

/// A ticket as it is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The caller's key; a ticket without one counts as its own caller.
    pub caller: Option<String>,
    pub received_on: NaiveDate,
}

/// Tickets on each day from `from` to before `to`.
pub fn daily(tickets: &[Counted], from: NaiveDate, to: NaiveDate) -> Vec<u32> {
    per_days(tickets, from, to, 1)
}

/// Tickets in each run of seven days from `from` to before `to`; the last may be shorter.
pub fn weekly(tickets: &[Counted], from: NaiveDate, to: NaiveDate) -> Vec<u32> {
    per_days(tickets, from, to, 7)
}

fn per_days(tickets: &[Counted], from: NaiveDate, to: NaiveDate, days: usize) -> Vec<u32> {
    let length = (to - from).num_days().max(0) as usize;
    let mut counts = vec![0; length.div_ceil(days)];
    for ticket in tickets.iter().filter(|ticket| (from..to).contains(&ticket.received_on)) {
        counts[(ticket.received_on - from).num_days() as usize / days] += 1;
    }
    counts
}

/// Distinct callers in the `days` days that end with `today`.
pub fn window_callers(tickets: &[Counted], today: NaiveDate, days: u32) -> u32 {
    let mut callers = FxHashSet::default();
    let mut nameless = 0;
    for ticket in tickets.iter().filter(|ticket| (0..i64::from(days)).contains(&age(ticket, today))) {
        match &ticket.caller {
            Some(caller) => drop(callers.insert(caller.as_str())),
            None => nameless += 1,
        }
    }
    callers.len() as u32 + nameless
}

/// This window's callers over the previous window's, one added to both so that a quiet past does not divide by zero.
pub fn growth(tickets: &[Counted], today: NaiveDate, days: u32) -> f32 {
    let callers = |until| window_callers(tickets, until, days) as f32 + 1.0;
    // Before the calendar's first day nobody called.
    let previous = today.checked_sub_days(Days::new(days.into())).map_or(1.0, callers);
    callers(today) / previous
}

/// Tickets until today, each weighing half of what it did fourteen days before.
pub fn heat(tickets: &[Counted], today: NaiveDate) -> f64 {
    let ages = tickets.iter().map(|ticket| age(ticket, today)).filter(|&days| days >= 0);
    ages.map(|days| (-(days as f64) / HALF_LIFE_DAYS).exp2()).sum()
}

/// Whether the tickets pass the thresholds.
pub fn judge(thresholds: &Thresholds, tickets: &[Counted], today: NaiveDate) -> bool {
    window_callers(tickets, today, thresholds.window_days) >= thresholds.distinct_callers
        && growth(tickets, today, thresholds.window_days) >= thresholds.growth
}

fn age(ticket: &Counted, today: NaiveDate) -> i64 {
    (today - ticket.received_on).num_days()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, n).unwrap()
    }

    fn call(caller: &str, n: u32) -> Counted {
        Counted { caller: (!caller.is_empty()).then(|| caller.to_owned()), received_on: day(n) }
    }

    #[test]
    fn counts_fall_on_their_days_and_the_end_is_exclusive() {
        let calls = [call("a", 1), call("a", 1), call("b", 3), call("c", 10)];
        assert_eq!(daily(&calls, day(1), day(4)), [2, 0, 1]);
        assert_eq!(weekly(&calls, day(1), day(10)), [3, 0]);
        assert!(daily(&calls, day(4), day(1)).is_empty());
    }

    #[test]
    fn one_insistent_caller_is_one_and_the_nameless_are_each_their_own() {
        let calls = [call("a", 1), call("a", 2), call("a", 3), call("", 3), call("", 3)];
        assert_eq!(window_callers(&calls, day(3), 3), 3);
        assert_eq!(window_callers(&calls, day(9), 7), 3);
        assert_eq!(window_callers(&calls, day(10), 7), 0);
    }

    #[test]
    fn growth_compares_with_the_window_before() {
        let calls = [call("a", 1), call("b", 8), call("c", 9), call("d", 10)];
        assert_eq!(growth(&calls, day(14), 7), 2.0);
        assert_eq!(growth(&[], day(14), 7), 1.0);
    }

    #[test]
    fn heat_halves_in_two_weeks_and_ignores_the_future() {
        assert_eq!(heat(&[call("a", 15), call("b", 1), call("c", 20)], day(15)), 1.5);
    }

    #[test]
    fn a_problem_recurs_by_callers_not_by_calls() {
        let thresholds = Thresholds::default();
        let one: Vec<_> = (1..20).map(|n| call("a", n)).collect();
        let five: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|caller| call(caller, 20)).collect();
        assert!(!judge(&thresholds, &one, day(20)));
        assert!(judge(&thresholds, &five, day(20)));
    }

    #[test]
    fn a_problem_goes_on_at_its_level_until_it_fades() {
        let callers: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let judged = |before: usize, now: usize| {
            let (before, now) = (&callers[..before], &callers[20..20 + now]);
            let calls = before.iter().map(|caller| call(caller, 2)).chain(now.iter().map(|caller| call(caller, 12)));
            let thresholds = Thresholds { window_days: 7, ..Thresholds::default() };
            judge(&thresholds, &calls.collect::<Vec<_>>(), day(14))
        };
        assert!(judged(0, 5) && judged(6, 5), "it need not grow");
        assert!(!judged(20, 5), "a quarter of what it was");
    }
}
