//! How dates, times and figures are said.

use crate::lang::Lang;
use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// A path of this server with its query.
pub fn address(path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

/// `3月12日`; another year's with its year.
pub fn date(day: NaiveDate, today: NaiveDate, lang: Lang) -> String {
    match lang {
        Lang::Zh if day.year() == today.year() => format!("{}月{}日", day.month(), day.day()),
        Lang::Zh => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        Lang::En if day.year() == today.year() => day.format("%-d %b").to_string(),
        Lang::En => day.format("%-d %b %Y").to_string(),
    }
}

/// Relative within a day, absolute beyond.
pub fn when(at: NaiveDateTime, now: NaiveDateTime, zone: Tz, lang: Lang) -> String {
    let minutes = (now - at).num_minutes();
    match minutes {
        0 => lang.t("刚刚").into_owned(),
        1..60 => lang.fill("%{n} 分钟前", &[("n", &minutes)]),
        60..1440 => lang.fill("%{n} 小时前", &[("n", &(minutes / 60))]),
        _ => {
            let local = zone.from_utc_datetime(&at);
            let today = zone.from_utc_datetime(&now).date_naive();
            format!("{} {}", date(local.date_naive(), today, lang), local.format("%H:%M"))
        }
    }
}

/// Bars as one SVG path in a box of `height`, each `step` wide with a gap of one.
pub fn bars(values: &[u32], step: u32, height: u32) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for (i, value) in values.iter().enumerate() {
        let tall = (value * height).div_ceil(most);
        if tall > 0 {
            path.push_str(&format!("M{} {}h{}v{}h-{}z", i as u32 * step, height - tall, step - 1, tall, step - 1));
        }
    }
    path
}

/// `12 KB`, `3.4 MB`; at least 1 KB.
pub fn size(bytes: i64) -> String {
    let kilobytes = (bytes as f64 / 1024.0).ceil();
    if kilobytes < 1024.0 { format!("{kilobytes} KB") } else { format!("{:.1} MB", kilobytes / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_cannot_break_out_of_its_place_in_an_address() {
        assert_eq!(address("/tickets", &[("q", "a&b=拥"), ("page", "2")]), "/tickets?q=a%26b%3D%E6%8B%A5&page=2");
    }

    #[test]
    fn times_are_relative_within_a_day_and_absolute_beyond() {
        let now: NaiveDateTime = "2026-03-12T10:00:00".parse().unwrap();
        let ago = |minutes| when(now - chrono::TimeDelta::minutes(minutes), now, chrono_tz::Asia::Shanghai, Lang::Zh);
        assert_eq!([ago(0), ago(5), ago(150)], ["刚刚", "5 分钟前", "2 小时前"]);
        assert_eq!(ago(60 * 24 * 2), "3月10日 18:00");
    }

    #[test]
    fn the_highest_bar_fills_the_box() {
        assert_eq!(bars(&[1, 0, 2], 4, 10), "M0 5h3v5h-3zM8 0h3v10h-3z");
    }
}
