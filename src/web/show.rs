//! How dates, times and figures are said.

use crate::lang::Lang;
use chrono::{NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// A path of this server with its query.
pub fn address(path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

/// `今天`, `明天`, or the date.
pub fn soon(day: NaiveDate, today: NaiveDate, lang: Lang) -> String {
    match (day - today).num_days() {
        0 => lang.t("今天").into_owned(),
        1 => lang.t("明天").into_owned(),
        _ => lang.date(day, today),
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
            format!("{} {}", lang.date(local.date_naive(), today), local.format("%H:%M"))
        }
    }
}

/// A small chart of tickets a week: the first `before` of them in grey, a dashed line, the rest in the accent.
pub fn weekly(title: &str, values: &[u32], before: usize, step: u32, height: u32) -> String {
    let width = values.len() as u32 * step;
    let figures = values.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let (old, new) = (bars(values, 0, before, step, height), bars(values, before, values.len(), step, height));
    let opened = if before > 0 && before < values.len() {
        let x = f64::from(before as u32 * step) - 0.5;
        format!("<line class=\"open\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{height}\"/>")
    } else {
        String::new()
    };
    format!(
        "<svg class=\"bars\" width=\"{width}\" height=\"{height}\" role=\"img\"><title>{title} {figures}</title>\
         <path class=\"b\" d=\"{old}\"/><path class=\"a\" d=\"{new}\"/>{opened}</svg>"
    )
}

/// The bars `from..until` of `values` as one SVG path, one every `step` with a gap of a quarter, in a box of `height` that the
/// highest of all fills.
fn bars(values: &[u32], from: usize, until: usize, step: u32, height: u32) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let part = values.iter().enumerate().take(until).skip(from);
    part.map(|(i, value)| {
        let tall = (value * height).div_ceil(most);
        bar(i as u32 * step, height - tall, step - (step / 4).max(1), tall)
    })
    .collect()
}

/// One bar of an SVG path by its top left corner; nothing when it has no height.
pub fn bar(x: u32, y: u32, wide: u32, tall: u32) -> String {
    if tall == 0 { String::new() } else { format!("M{x} {y}h{wide}v{tall}h-{wide}z") }
}

/// How wide a card's one line of 13 px is, and a line of 12 px when it takes two; a Chinese character counts as 2.
const CARD_LINE: usize = 20;
const CARD_SMALL_LINE: usize = 22;

/// A task's name as its card shows it: on one line, or on two about as long; what fits neither ends with `…`.
pub fn card_name(title: &str) -> Vec<String> {
    let wide = |c: char| if c.is_ascii() { 1 } else { 2 };
    let width = |text: &str| text.chars().map(wide).sum::<usize>();
    let all = width(title);
    if all <= CARD_LINE {
        return vec![title.to_owned()];
    }
    let half = all.div_ceil(2).min(CARD_SMALL_LINE);
    let mut first = prefix(title, half + half % 2);
    let in_a_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if in_a_word(first.chars().next_back()) && in_a_word(title[first.len()..].chars().next()) {
        let longer = title[first.len()..].find(' ').map(|space| &title[..first.len() + space]);
        let shorter = || first.rfind(' ').map_or(first, |space| &first[..space]);
        first = longer.filter(|line| width(line) <= CARD_SMALL_LINE).unwrap_or_else(shorter);
    }
    let rest = title[first.len()..].trim_start();
    let second = if width(rest) > CARD_SMALL_LINE {
        format!("{}…", prefix(rest, CARD_SMALL_LINE - 2))
    } else {
        rest.to_owned()
    };
    vec![first.trim_end().to_owned(), second]
}

/// As much of the beginning as is at most so wide.
fn prefix(text: &str, most: usize) -> &str {
    let mut width = 0;
    let end = text.char_indices().find(|(_, c)| {
        width += if c.is_ascii() { 1 } else { 2 };
        width > most
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
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
        assert_eq!(bars(&[1, 0, 2], 0, 3, 4, 10), "M0 5h3v5h-3zM8 0h3v10h-3z");
        assert_eq!(bars(&[1, 0, 2], 2, 3, 4, 10), "M8 0h3v10h-3z", "a part keeps its place and the scale of all");
    }

    #[test]
    fn a_name_takes_two_even_lines_and_is_never_cut_in_silence() {
        assert_eq!(card_name("施划即停即走区标线"), ["施划即停即走区标线"]);
        assert_eq!(card_name("签订周边小区停车共享协议"), ["签订周边小区", "停车共享协议"]);
        assert_eq!(card_name("Draft the joint parking plan"), ["Draft the joint", "parking plan"]);
        let long = card_name("对全部拥堵点位逐一进行现场踏勘并形成由各单位签字的书面记录报市政府审定");
        assert!(long[1].ends_with('…') && long.iter().all(|line| line.chars().count() <= 12), "{long:?}");
    }
}
