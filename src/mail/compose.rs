//! A letter's bytes: plain text and HTML side by side, and a calendar entry when something is due. All of it 7-bit.

use crate::domain::notice::Stage;
use crate::lang::{Lang, Message};
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use icalendar::{Component, EventLike};
use lettre::message::header::{self, ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

/// One thing a letter asks or tells.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Stable, so that a calendar replaces an earlier entry of the same thing.
    pub uid: String,
    pub stage: Stage,
    /// A task's number and title.
    pub heading: String,
    pub lines: Vec<String>,
    /// The due date in words, and its moment in UTC for the calendar.
    pub due_shown: Option<String>,
    pub due_at: Option<NaiveDateTime>,
    pub link: String,
    /// A translation key.
    pub link_label: &'static str,
}

/// A mail before it is bytes. One letter may settle many notices.
#[derive(Debug, Clone)]
pub struct Letter {
    pub lang: Lang,
    /// `name <address>` or an address.
    pub from: String,
    pub to: String,
    /// Without angle brackets, as are the references.
    pub message_id: String,
    pub references: Vec<String>,
    pub subject: String,
    pub greeting: String,
    /// `ZX-2026-0007 校门口拥堵`, or empty.
    pub case_line: String,
    pub asks: Vec<Ask>,
    pub footer: String,
    pub date: DateTime<Utc>,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ComposeError {
    #[error("{0}")]
    Address(Message),
    #[error("message: {0}")]
    Build(String),
}

#[derive(Template)]
#[template(path = "letter.txt", config = "src/mail/askama.toml", escape = "none")]
struct TextPart<'a> {
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "letter.html", config = "src/mail/askama.toml")]
struct HtmlPart<'a> {
    letter: &'a Letter,
}

impl TextPart<'_> {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.letter.lang.t(key)
    }
}

impl HtmlPart<'_> {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.letter.lang.t(key)
    }
}

/// The message as it goes over the wire. Errors: an address that is none.
pub fn compose(letter: &Letter) -> Result<Vec<u8>, ComposeError> {
    let failed = |error: &dyn std::fmt::Display| ComposeError::Build(error.to_string());
    let text = TextPart { letter }.render().map_err(|error| failed(&error))?;
    let html = HtmlPart { letter }.render().map_err(|error| failed(&error))?;
    let alternative = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, html));
    let body = match calendar_of(letter) {
        Some(calendar) => MultiPart::mixed().multipart(alternative).singlepart(
            SinglePart::builder()
                .header(
                    ContentType::parse("text/calendar; charset=utf-8; method=PUBLISH")
                        .map_err(|error| failed(&error))?,
                )
                .header(header::ContentDisposition::attachment("due.ics"))
                .header(ContentTransferEncoding::Base64)
                .body(calendar),
        ),
        None => alternative,
    };
    let mut builder = lettre::Message::builder()
        .from(mailbox(&letter.from)?)
        .to(mailbox(&letter.to)?)
        .date(letter.date.into())
        .message_id(Some(format!("<{}>", letter.message_id)))
        .subject(one_line(&letter.subject));
    if let Some(last) = letter.references.last() {
        builder = builder.in_reply_to(format!("<{last}>"));
        let all: Vec<String> = letter.references.iter().map(|id| format!("<{id}>")).collect();
        builder = builder.references(all.join(" "));
    }
    let mut message = builder.multipart(body).map_err(|error| failed(&error))?;
    // So that no out-of-office answer comes back to a machine (RFC 3834).
    message
        .headers_mut()
        .insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    Ok(message.formatted())
}

fn part(kind: ContentType, body: String) -> SinglePart {
    SinglePart::builder().header(kind).header(ContentTransferEncoding::Base64).body(body)
}

fn mailbox(address: &str) -> Result<Mailbox, ComposeError> {
    address
        .parse()
        .map_err(|_| ComposeError::Address(Message::new("“%{address}”不是邮箱地址").with("address", one_line(address))))
}

/// A header holds one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn calendar_of(letter: &Letter) -> Option<String> {
    let due: Vec<&Ask> = letter.asks.iter().filter(|ask| ask.due_at.is_some()).collect();
    if due.is_empty() {
        return None;
    }
    let mut calendar = icalendar::Calendar::new();
    for ask in due {
        let Some(at) = ask.due_at else { continue };
        let at = at.and_utc();
        let event = icalendar::Event::new()
            .uid(&ask.uid)
            .summary(&ask.heading)
            .description(&ask.link)
            .timestamp(letter.date)
            .starts(at - chrono::TimeDelta::minutes(30))
            .ends(at)
            .done();
        calendar.push(event);
    }
    Some(calendar.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};

    fn letter() -> Letter {
        Letter {
            lang: Lang::Zh,
            from: "深办 <noreply@city.example>".into(),
            to: "jiaojing@city.example".into(),
            message_id: "0195-mail@city.example".into(),
            references: vec!["0195-root@city.example".into()],
            subject: "【任务交办】ZX-2026-0007/03 设置护学岗\r\nBcc: evil@example.com".into(),
            greeting: "市公安局交警支队".into(),
            case_line: "ZX-2026-0007 实验小学门口拥堵".into(),
            asks: vec![Ask {
                uid: "task-3@city.example".into(),
                stage: Stage::TaskReleased,
                heading: "ZX-2026-0007/03 设置护学岗".into(),
                lines: vec!["请在早晚高峰安排警力。".into()],
                due_shown: Some("3月12日 周四 18:00前".into()),
                due_at: "2026-03-12T10:00:00".parse().ok(),
                link: "https://shenban.city.example/tasks/3".into(),
                link_label: "去签收",
            }],
            footer: "云泽市深办".into(),
            date: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_letter_says_what_by_when_and_where_and_keeps_its_thread() {
        let bytes = compose(&letter()).unwrap();
        assert!(bytes.is_ascii(), "7-bit throughout");
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.message_id(), Some("0195-mail@city.example"));
        assert_eq!(parsed.in_reply_to().as_text(), Some("0195-root@city.example"));
        let text = parsed.body_text(0).unwrap();
        for word in ["市公安局交警支队", "设置护学岗", "3月12日 周四 18:00前", "https://shenban.city.example/tasks/3"]
        {
            assert!(text.contains(word), "{word} in {text}");
        }
        assert_eq!(parsed.attachment(0).and_then(|part| part.attachment_name()), Some("due.ics"));
    }

    #[test]
    fn a_line_break_in_a_subject_makes_no_header() {
        let bytes = compose(&letter()).unwrap();
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert!(parsed.bcc().is_none());
        assert!(parsed.subject().unwrap().contains("设置护学岗"));
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let error = compose(&Letter { to: "交警支队".into(), ..letter() }).unwrap_err();
        assert!(error.to_string().contains("交警支队"));
    }
}
