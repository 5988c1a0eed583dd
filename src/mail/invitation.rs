//! An invitation to a meeting (RFC 5546): asked for, changed and cancelled under one UID, each with the next sequence.

use super::compose::{Ask, Letter};
use chrono::NaiveDateTime;
use icalendar::{Component, EventLike, EventStatus};

#[derive(Debug, Clone)]
pub struct Invitation {
    /// The same for all time and everywhere.
    pub uid: String,
    pub sequence: i32,
    pub is_cancelled: bool,
    /// UTC.
    pub begins: NaiveDateTime,
    pub ends: NaiveDateTime,
    pub place: String,
}

impl Invitation {
    /// iTIP's word for it, which the part's header and the calendar both carry.
    pub fn method(&self) -> &'static str {
        if self.is_cancelled { "CANCEL" } else { "REQUEST" }
    }
}

/// The invitations of a letter, each with what it is about.
pub fn of(letter: &Letter) -> impl Iterator<Item = (&Ask, &Invitation)> {
    letter.asks.iter().filter_map(|ask| Some((ask, ask.invitation.as_ref()?)))
}

pub fn calendar(letter: &Letter, ask: &Ask, invitation: &Invitation) -> String {
    let status = if invitation.is_cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed };
    let event = icalendar::Event::new()
        .uid(&invitation.uid)
        .sequence(u32::try_from(invitation.sequence).unwrap_or_default())
        .status(status)
        .summary(&ask.heading)
        .description(ask.links.first().map_or("", |link| &link.url))
        .location(&invitation.place)
        .timestamp(letter.date)
        .starts(invitation.begins.and_utc())
        .ends(invitation.ends.and_utc())
        .add_property("ORGANIZER", mailto(&letter.from))
        .append_property(icalendar::Property::new("ATTENDEE", mailto(&letter.to)).add_parameter("RSVP", "TRUE").done())
        .done();
    let mut calendar = icalendar::Calendar::new();
    calendar.append_property(("METHOD", invitation.method())).push(event);
    calendar.to_string()
}

/// `name <address>` or an address, as a calendar names it.
fn mailto(mailbox: &str) -> String {
    let address = mailbox.rsplit_once('<').map_or(mailbox, |(_, address)| address.trim_end_matches('>'));
    format!("mailto:{}", address.trim())
}
