//! The due dates that a mail names, for its reader's calendar.

use super::compose::{Ask, Letter};
use icalendar::{Component, EventLike};

/// `None` where it names none.
pub fn calendar(letter: &Letter) -> Option<String> {
    let due: Vec<&Ask> = letter.asks.iter().filter(|ask| ask.due_at.is_some()).collect();
    if due.is_empty() {
        return None;
    }
    let mut calendar = icalendar::Calendar::new();
    calendar.append_property(("METHOD", "PUBLISH"));
    for ask in due {
        let Some(at) = ask.due_at else { continue };
        let at = at.and_utc();
        let event = icalendar::Event::new()
            .uid(&ask.uid)
            .summary(&ask.heading)
            .description(ask.links.first().map_or("", |link| &link.url))
            .timestamp(letter.date)
            .starts(at - chrono::TimeDelta::minutes(30))
            .ends(at)
            .done();
        calendar.push(event);
    }
    Some(calendar.to_string())
}
