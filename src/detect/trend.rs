//! Whether a problem recurs: distinct callers over time.

use chrono::{Days, NaiveDate};
use rustc_hash::{FxHashMap, FxHashSet};
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
    per_days(tickets.iter().map(|ticket| ticket.received_on), from, to, 1)
}

/// How many of the days fall into each run of seven from `from` to before `to`; the last may be shorter.
pub fn weekly(received_on: impl Iterator<Item = NaiveDate>, from: NaiveDate, to: NaiveDate) -> Vec<u32> {
    per_days(received_on, from, to, 7)
}

fn per_days(received_on: impl Iterator<Item = NaiveDate>, from: NaiveDate, to: NaiveDate, days: usize) -> Vec<u32> {
    let length = (to - from).num_days().max(0) as usize;
    let mut counts = vec![0; length.div_ceil(days)];
    for day in received_on.filter(|day| (from..to).contains(day)) {
        counts[(day - from).num_days() as usize / days] += 1;
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

/// How unusual a day's count is: its distance from the usual one in standard deviations.
///
/// Usual is the median of the same weekday before, times how busy the city is today against its own same weekdays: a
/// Monday is compared with Mondays, a day of storm with what the storm does everywhere. The spread is the greater of the
/// Poisson one and 1.4826 times the median absolute deviation. `past` and `city_past` are counts a day, the oldest
/// first, up to yesterday; 0 before there are three such weekdays.
pub fn unusual(today: u32, past: &[u32], city_today: u32, city_past: &[u32]) -> f64 {
    let (own, city) = (same_weekday(past), same_weekday(city_past));
    if own.len() < LEAST_WEEKS {
        return 0.0;
    }
    let busy = match median(&city) {
        Some(usual) if usual > 0.0 => (f64::from(city_today) / usual).clamp(1.0 / CITY_MOVES, CITY_MOVES),
        _ => 1.0,
    };
    let level = median(&own).unwrap_or(0.0);
    let off: Vec<f64> = own.iter().map(|count| (count - level).abs()).collect();
    let usual = level * busy;
    let spread = usual.max(1.0).sqrt().max(1.4826 * median(&off).unwrap_or(0.0));
    (f64::from(today) - usual) / spread
}

/// Weeks looked back at, and the fewest that tell what is usual.
const WEEKS_BACK: usize = 8;
const LEAST_WEEKS: usize = 3;
/// The city's day explains at most this factor.
const CITY_MOVES: f64 = 4.0;

fn same_weekday(past: &[u32]) -> Vec<f64> {
    past.iter().rev().skip(6).step_by(7).take(WEEKS_BACK).map(|&count| f64::from(count)).collect()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { *upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

/// A burst within hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    pub callers: u32,
    pub expected: f64,
}

/// How unlikely so many callers have to be by chance, and how many they are at least.
const BURST_CHANCE: f64 = 1e-4;
const BURST_CALLERS: u32 = 5;

/// Whether this many distinct callers in some hours are a burst, against a usual number of callers a day: the chance of
/// as many or more, were they to come independently of each other (Poisson), is below one in ten thousand.
pub fn burst(callers: u32, hours: f64, usual_a_day: f64) -> Option<Burst> {
    let expected = usual_a_day * hours / 24.0;
    let unlikely = callers >= BURST_CALLERS && chance_of(callers, expected) < BURST_CHANCE;
    unlikely.then_some(Burst { callers, expected })
}

/// The chance of `n` or more of a Poisson count with this mean.
fn chance_of(n: u32, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut below = 0.0;
    for k in 0..n {
        below += term;
        term *= mean / f64::from(k + 1);
    }
    (1.0 - below).max(0.0)
}

/// The caller who makes most of the calls alone, and how many: that is one person's trouble, not a recurring problem.
pub fn insistent(tickets: &[Counted]) -> Option<(&str, usize)> {
    let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
    for caller in tickets.iter().filter_map(|ticket| ticket.caller.as_deref()) {
        *counts.entry(caller).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|&(caller, count)| (count, std::cmp::Reverse(caller)))?;
    (most.1 >= INSISTENT_CALLS && 2 * most.1 > tickets.len()).then_some(most)
}

const INSISTENT_CALLS: usize = 5;

/// A problem that came back at this time of the year before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return {
    /// The day it is to be expected from.
    pub from: NaiveDate,
    /// Callers in the four weeks that began then, the last time.
    pub callers: u32,
}

const SEASON_DAYS: u32 = 28;
const WEEKS_AHEAD: u64 = 8;
const YEAR_DAYS: u64 = 364;
/// Callers in the season against the four weeks before it.
const SEASON_GROWTH: f32 = 2.0;

/// Whether the problem is about to return with the season: in the next eight weeks a year ago, it had at least as many
/// callers in four weeks as the threshold and twice those of the four weeks before.
pub fn returns(thresholds: &Thresholds, tickets: &[Counted], today: NaiveDate) -> Option<Return> {
    (1..=WEEKS_AHEAD).find_map(|week| {
        let from = today.checked_add_days(Days::new(7 * week))?;
        let then = from.checked_sub_days(Days::new(YEAR_DAYS))?;
        let last = then.checked_add_days(Days::new(u64::from(SEASON_DAYS) - 1))?;
        let callers = window_callers(tickets, last, SEASON_DAYS);
        let rose = growth(tickets, last, SEASON_DAYS) >= SEASON_GROWTH;
        (callers >= thresholds.distinct_callers && rose).then_some(Return { from, callers })
    })
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
        assert_eq!(weekly([day(1), day(1), day(3), day(10)].into_iter(), day(1), day(10)), [3, 0]);
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

    #[test]
    fn a_day_is_compared_with_its_weekday_and_with_the_citys_day() {
        // Eight weeks of ten a day, and thirty on the weekday that today is.
        let past: Vec<u32> = (0..56).map(|day| if day % 7 == 0 { 30 } else { 10 }).collect();
        assert!(unusual(30, &past, 100, &[100; 56]).abs() < 0.5);
        assert!(unusual(60, &past, 100, &[100; 56]) > 4.0);
        assert!(unusual(60, &past, 200, &[100; 56]).abs() < 0.5, "the whole city calls twice as often");
        assert_eq!(unusual(60, &past[..10], 100, &[100; 56]), 0.0, "nothing is usual yet");
    }

    #[test]
    fn one_outbreak_before_does_not_make_the_next_one_usual() {
        let past: Vec<u32> = (0..56).map(|day| if day == 28 { 200 } else { 2 }).collect();
        assert!(unusual(20, &past, 100, &[100; 56]) > 5.0);
    }

    #[test]
    fn a_burst_is_more_than_chance_brings_in_the_hours() {
        assert_eq!(burst(6, 3.0, 1.0), Some(Burst { callers: 6, expected: 0.125 }));
        assert_eq!(burst(4, 3.0, 0.1), None, "four callers are no burst yet");
        assert_eq!(burst(12, 3.0, 80.0), None, "ten are usual here");
    }

    #[test]
    fn one_caller_who_calls_fifty_times_is_shown_as_that() {
        let mut calls: Vec<_> = (0..50).map(|n| call("a", 1 + n % 20)).collect();
        calls.push(call("b", 2));
        assert_eq!(insistent(&calls), Some(("a", 50)));
        assert_eq!(insistent(&[call("a", 1), call("b", 2)]), None);
        assert!(!judge(&Thresholds::default(), &calls, day(21)));
    }

    #[test]
    fn what_came_with_the_season_is_announced_before_it_comes() {
        let heating = NaiveDate::from_ymd_opt(2025, 11, 15).unwrap();
        let callers: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let calls: Vec<Counted> = callers
            .iter()
            .zip(0..)
            .map(|(caller, n)| Counted { caller: Some(caller.clone()), received_on: heating + Days::new(n) })
            .collect();
        let returning = |date: NaiveDate| returns(&Thresholds::default(), &calls, date);
        let october = NaiveDate::from_ymd_opt(2026, 10, 10).unwrap();
        let told = returning(october).unwrap();
        assert!(told.callers >= 5 && told.from > october && told.from <= heating + Days::new(YEAR_DAYS));
        assert_eq!(returning(NaiveDate::from_ymd_opt(2026, 6, 1).unwrap()), None);
    }
}
