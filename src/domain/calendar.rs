//! The working-day calendar: weekends, statutory holidays and make-up workdays.

use super::coded::coded;
use crate::lang::Message;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

/// The State Council's yearly notices for mainland China, 2019–2026, as days.
const MAINLAND: &str = include_str!("calendar/mainland.csv");

coded! {
    /// How a day differs from its weekday.
    pub enum DayKind {
        Holiday = "holiday" "节假日",
        /// A weekend day that is worked instead.
        Workday = "workday" "调休上班",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarDay {
    pub date: NaiveDate,
    pub kind: DayKind,
    pub name: String,
}

/// A line of a calendar file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    pub line: usize,
    pub reason: Message,
}

/// The days that differ from their weekday; all others count by it.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    days: BTreeMap<NaiveDate, CalendarDay>,
    announced: BTreeSet<i32>,
}

impl Calendar {
    /// The shipped facts of mainland China.
    pub fn mainland() -> Calendar {
        Calendar::from_days(parse_csv(MAINLAND).unwrap_or_default())
    }

    /// A later day replaces an earlier one of the same date.
    pub fn from_days(days: Vec<CalendarDay>) -> Calendar {
        let announced = days.iter().filter(|day| day.kind == DayKind::Holiday).map(|day| day.date.year()).collect();
        Calendar { days: days.into_iter().map(|day| (day.date, day)).collect(), announced }
    }

    /// This calendar with other days over it.
    pub fn with(&self, own: impl IntoIterator<Item = CalendarDay>) -> Calendar {
        Calendar::from_days(self.days().chain(own).collect())
    }

    /// In the order of dates.
    pub fn days(&self) -> impl Iterator<Item = CalendarDay> {
        self.days.values().cloned()
    }

    pub fn day(&self, date: NaiveDate) -> Option<&CalendarDay> {
        self.days.get(&date)
    }

    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        match self.days.get(&date) {
            Some(day) => day.kind == DayKind::Workday,
            None => !matches!(date.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// Whether the year's holidays are known; one that is not counts by weekends.
    pub fn is_announced(&self, year: i32) -> bool {
        self.announced.contains(&year)
    }

    /// The first year between two dates whose holidays are not known.
    pub fn first_unannounced(&self, from: NaiveDate, to: NaiveDate) -> Option<i32> {
        (from.year()..=to.year()).find(|year| !self.is_announced(*year))
    }

    /// The `days`-th working day after `from`; `from` itself does not count.
    pub fn add_working_days(&self, from: NaiveDate, days: i64) -> NaiveDate {
        let mut date = from;
        let mut left = days;
        while left > 0 {
            date += TimeDelta::days(1);
            left -= i64::from(self.is_working_day(date));
        }
        date
    }

    /// The `days`-th working day before `from`.
    pub fn subtract_working_days(&self, from: NaiveDate, days: i64) -> NaiveDate {
        let mut date = from;
        let mut left = days;
        while left > 0 {
            date -= TimeDelta::days(1);
            left -= i64::from(self.is_working_day(date));
        }
        date
    }

    /// Working days after `from` up to and including `to`; negative when `to` is earlier.
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        if to < from {
            return -self.working_days_between(to, from);
        }
        from.iter_days().skip(1).take_while(|date| *date <= to).filter(|date| self.is_working_day(*date)).count() as i64
    }

    pub fn next_working_day_on_or_after(&self, date: NaiveDate) -> NaiveDate {
        if self.is_working_day(date) { date } else { self.add_working_days(date, 1) }
    }
}

/// Reads `date,name,kind` lines under such a header. Every fault is told with its line.
pub fn parse_csv(text: &str) -> Result<Vec<CalendarDay>, Vec<LineError>> {
    let mut days = Vec::new();
    let mut faults = Vec::new();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(true).trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    for (index, record) in reader.records().enumerate() {
        let line = index + 2;
        match record.ok().map(|record| parse_line(&record)) {
            Some(Ok(day)) => days.push(day),
            Some(Err(reason)) => faults.push(LineError { line, reason }),
            None => faults.push(LineError { line, reason: Message::new("这一行不是 CSV") }),
        }
    }
    if faults.is_empty() { Ok(days) } else { Err(faults) }
}

fn parse_line(record: &csv::StringRecord) -> Result<CalendarDay, Message> {
    let (Some(date), Some(name), Some(kind)) = (record.get(0), record.get(1), record.get(2)) else {
        return Err(Message::new("应有日期、名称、类型三列"));
    };
    let parsed = date.parse().map_err(|_| Message::new("日期“%{date}”不是 年-月-日").with("date", date))?;
    let kind =
        DayKind::parse(kind).ok_or_else(|| Message::new("类型“%{kind}”应为 holiday 或 workday").with("kind", kind))?;
    Ok(CalendarDay { date: parsed, kind, name: name.to_owned() })
}

/// When a due date is over: the close of its working hours, in UTC.
pub fn due_moment(date: NaiveDate, zone: Tz, close: NaiveTime) -> NaiveDateTime {
    let local = date.and_time(close);
    // A zone that skips this hour closes at the hour as written.
    zone.from_local_datetime(&local).latest().map_or(local, |moment| moment.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn make_up_workdays_are_worked_and_festivals_are_not() {
        let calendar = Calendar::mainland();
        assert!(calendar.is_working_day(day("2024-02-04")), "a Sunday worked for the Spring Festival");
        assert!(!calendar.is_working_day(day("2024-02-12")));
        assert!(!calendar.is_working_day(day("2026-02-17")), "Spring Festival 2026");
        assert!(calendar.is_working_day(day("2025-11-24")));
        assert_eq!(calendar.days().map(|day| day.date.year()).max(), Some(2026));
    }

    #[test]
    fn a_duration_over_a_festival_is_longer_in_days() {
        let calendar = Calendar::mainland();
        assert_eq!(calendar.add_working_days(day("2026-09-30"), 1), day("2026-10-08"));
        assert_eq!(calendar.working_days_between(day("2026-09-30"), day("2026-10-08")), 1);
    }

    #[test]
    fn a_year_not_announced_yet_is_named() {
        let calendar = Calendar::mainland();
        assert_eq!(calendar.first_unannounced(day("2026-11-01"), day("2027-02-01")), Some(2027));
        assert_eq!(calendar.first_unannounced(day("2025-11-01"), day("2026-02-01")), None);
        assert!(calendar.is_working_day(day("2027-10-01")), "counts by weekends");
    }

    #[test]
    fn a_bad_line_is_named_and_nothing_is_taken() {
        let faults = parse_csv("date,name,kind\n2027-01-01,元旦,holiday\n昨天,元旦,holiday\n2027-01-02,元旦,off\n");
        assert_eq!(faults.map_err(|faults| faults.iter().map(|fault| fault.line).collect::<Vec<_>>()), Err(vec![3, 4]));
    }

    #[test]
    fn a_due_date_ends_at_the_close_of_its_working_hours() {
        let close = NaiveTime::from_hms_opt(18, 0, 0).unwrap_or_default();
        let moment = due_moment(day("2026-03-12"), chrono_tz::Asia::Shanghai, close);
        assert_eq!(moment.to_string(), "2026-03-12 10:00:00");
    }

    proptest! {
        #[test]
        fn adding_and_counting_working_days_agree(offset in 0i64..2_900, days in 1i64..200) {
            let calendar = Calendar::mainland();
            let from = day("2019-01-01") + TimeDelta::days(offset);
            let to = calendar.add_working_days(from, days);
            prop_assert!(calendar.is_working_day(to));
            prop_assert_eq!(calendar.working_days_between(from, to), days);
        }
    }
}
