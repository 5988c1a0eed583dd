//! How a day is written.

use super::Lang;
use chrono::{Datelike, NaiveDate};

impl Lang {
    /// `3月12日`; another year's with its year.
    pub fn date(self, day: NaiveDate, today: NaiveDate) -> String {
        match self {
            Lang::Zh if day.year() == today.year() => format!("{}月{}日", day.month(), day.day()),
            Lang::Zh => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
            Lang::En if day.year() == today.year() => day.format("%-d %b").to_string(),
            Lang::En => day.format("%-d %b %Y").to_string(),
        }
    }

    /// `3月`; another year's with its year.
    pub fn month(self, year: i32, month: u32, today: NaiveDate) -> String {
        let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(today);
        match self {
            Lang::Zh if year == today.year() => format!("{month}月"),
            Lang::Zh => format!("{year}年{month}月"),
            Lang::En if year == today.year() => first.format("%b").to_string(),
            Lang::En => first.format("%b %Y").to_string(),
        }
    }

    /// `3月12日 周四`.
    pub fn weekday(self, day: NaiveDate, today: NaiveDate) -> String {
        const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
        let name = self.t(WEEKDAYS[day.weekday().num_days_from_monday() as usize]);
        match self {
            Lang::Zh => format!("{} {name}", self.date(day, today)),
            Lang::En => format!("{name} {}", self.date(day, today)),
        }
    }
}
