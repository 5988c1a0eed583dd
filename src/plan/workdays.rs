//! Working days as numbers: adding and counting them takes one look-up, not a walk over a calendar.

use crate::domain::calendar::{Calendar, CalendarDay};
use chrono::{Datelike, NaiveDate};
use rustc_hash::FxHashMap;

/// A day as its number in the common era; 1 is Monday, 1 January of the year 1.
pub(super) type Day = i32;

/// 31 December 9999: sums that would pass it stop there.
pub(super) const LAST_DAY: Day = 3_652_059;
const LAST_RANK: i32 = LAST_DAY / 7 * 5;

pub(super) fn day_of(date: NaiveDate) -> Day {
    date.num_days_from_ce().clamp(1, LAST_DAY)
}

pub(super) fn date_of(day: Day) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day.clamp(1, LAST_DAY)).unwrap_or(NaiveDate::MAX)
}

/// A calendar's working days, counted. Between its first and last special day they are tabled; outside, the week decides.
#[derive(Debug, Clone)]
pub(super) struct WorkDays {
    first: Day,
    /// Working days from `first` up to and including `first + i`.
    rank: Vec<i32>,
    /// The day of the `i + 1`-th working day from `first`.
    nth: Vec<Day>,
}

impl WorkDays {
    pub fn new(calendar: &Calendar) -> WorkDays {
        let special: Vec<CalendarDay> = calendar.days().collect();
        let (Some(from), Some(to)) = (special.first(), special.last()) else {
            return WorkDays { first: 1, rank: Vec::new(), nth: Vec::new() };
        };
        let first = day_of(from.date);
        let (mut rank, mut nth) = (Vec::new(), Vec::new());
        for date in from.date.iter_days().take_while(|date| *date <= to.date) {
            if calendar.is_working_day(date) {
                nth.push(day_of(date));
            }
            rank.push(nth.len() as i32);
        }
        WorkDays { first, rank, nth }
    }

    /// Working days up to and including `day`, counted from the table's beginning: only differences mean something.
    #[inline]
    pub fn rank(&self, day: Day) -> i32 {
        let at = day - self.first;
        if at < 0 {
            return weekdays_to(day) - weekdays_to(self.first - 1);
        }
        match self.rank.get(at as usize) {
            Some(rank) => *rank,
            None => self.nth.len() as i32 + weekdays_to(day) - weekdays_to(self.last()),
        }
    }

    /// The day of a rank.
    #[inline]
    fn nth(&self, rank: i32) -> Day {
        if rank <= 0 {
            return weekday(rank + weekdays_to(self.first - 1)).max(1);
        }
        match self.nth.get(rank as usize - 1) {
            Some(day) => *day,
            None => weekday((rank - self.nth.len() as i32 + weekdays_to(self.last())).min(LAST_RANK)),
        }
    }

    fn last(&self) -> Day {
        self.first + self.rank.len() as i32 - 1
    }

    /// The `days`-th working day after `from`, which does not count; `from` itself for none. Negative: before it.
    #[inline]
    pub fn add(&self, from: Day, days: i32) -> Day {
        match days {
            0 => from,
            1.. => self.nth(self.rank(from) + days),
            _ => self.nth(self.rank(from - 1) + days + 1),
        }
    }

    /// The last day from which [`WorkDays::add`] comes no later than `to`.
    #[inline]
    pub fn back(&self, to: Day, days: i32) -> Day {
        match days {
            0 => to,
            1.. => self.nth(self.rank(to) - days + 1) - 1,
            _ => self.nth(self.rank(to) - days),
        }
    }
}

/// Mondays to Fridays up to and including a day.
#[inline]
fn weekdays_to(day: Day) -> i32 {
    5 * day.div_euclid(7) + day.rem_euclid(7).min(5)
}

#[inline]
fn weekday(rank: i32) -> Day {
    let before = rank - 1;
    7 * before.div_euclid(5) + before.rem_euclid(5) + 1
}

/// The statutory calendar, and those of units that work otherwise (a hall open on Saturdays, a school's holidays).
#[derive(Debug, Clone)]
pub struct Calendars {
    statutory: WorkDays,
    units: FxHashMap<String, WorkDays>,
}

impl Calendars {
    pub fn new(statutory: &Calendar) -> Calendars {
        Calendars { statutory: WorkDays::new(statutory), units: FxHashMap::default() }
    }

    /// `own`: all the days of a unit that works otherwise.
    pub fn with_unit(mut self, unit_id: &str, own: &Calendar) -> Calendars {
        self.units.insert(unit_id.to_owned(), WorkDays::new(own));
        self
    }

    /// Lags run on this one: they belong to no unit.
    pub(super) fn statutory(&self) -> &WorkDays {
        &self.statutory
    }

    pub(super) fn of_unit(&self, unit_id: &str) -> &WorkDays {
        if self.units.is_empty() {
            return &self.statutory;
        }
        self.units.get(unit_id).unwrap_or(&self.statutory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(offset: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2017, 1, 1).unwrap() + chrono::TimeDelta::days(offset)
    }

    proptest! {
        /// From two years before the first announced year to two after the last.
        #[test]
        fn the_table_agrees_with_a_walk_over_the_calendar(offset in 0i64..4_300, days in -60i32..200) {
            let calendar = Calendar::mainland();
            let table = WorkDays::new(&calendar);
            let walked = if days >= 0 {
                calendar.add_working_days(day(offset), i64::from(days))
            } else {
                calendar.subtract_working_days(day(offset), i64::from(-days))
            };
            prop_assert_eq!(date_of(table.add(day_of(day(offset)), days)), walked);
            let to = day(offset + 7);
            let counted = table.rank(day_of(to)) - table.rank(day_of(day(offset)));
            prop_assert_eq!(i64::from(counted), calendar.working_days_between(day(offset), to));
        }

        #[test]
        fn going_back_is_the_last_day_that_still_arrives(offset in 0i64..4_300, days in -20i32..60) {
            let table = WorkDays::new(&Calendar::mainland());
            let to = day_of(day(offset));
            let from = table.back(to, days);
            prop_assert!(table.add(from, days) <= to && table.add(from + 1, days) > to);
        }
    }

    #[test]
    fn a_sum_past_the_last_year_stops_there() {
        let table = WorkDays::new(&Calendar::mainland());
        assert!(table.add(LAST_DAY, 1_000_000) <= LAST_DAY);
        assert_eq!(date_of(LAST_DAY), NaiveDate::from_ymd_opt(9999, 12, 31).unwrap());
    }
}
