//! Dates as an iCalendar feed (RFC 5545).

use chrono::{DateTime, NaiveDate, Utc};
use icalendar::{Calendar, Component, Event, EventLike};

/// A day in the feed. The same thing keeps its `uid`, so that a calendar moves it instead of adding another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    pub uid: String,
    pub day: NaiveDate,
    pub summary: String,
    pub description: String,
    pub link: String,
}

pub fn feed(name: &str, days: &[Day], now: DateTime<Utc>) -> String {
    let mut calendar = Calendar::new();
    calendar.name(name);
    for day in days {
        let event = Event::new()
            .uid(&day.uid)
            .timestamp(now)
            .all_day(day.day)
            .summary(&day.summary)
            .description(&day.description)
            .url(&day.link)
            .done();
        calendar.push(event);
    }
    calendar.to_string()
}
