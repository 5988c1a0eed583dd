//! A letter's bytes: plain text and HTML side by side, and a calendar entry when something is due. All of it 7-bit.

use super::due_dates;
use super::invitation::{self, Invitation};
use crate::domain::notice::Stage;
use crate::lang::{Lang, Message};
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use lettre::message::header::{self, ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};
use std::cmp::Reverse;

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
    /// To a meeting, for the recipient's calendar.
    pub invitation: Option<Invitation>,
    /// Each does one thing; the first is the button.
    pub links: Vec<Link>,
}

impl Ask {
    /// What sorts asks by: the earliest date first, and for one date the last step of a ladder.
    pub fn urgency(&self) -> impl Ord + use<> {
        let step = Stage::ALL.iter().position(|stage| *stage == self.stage);
        (self.due_at.is_none(), self.due_at, !self.stage.is_reminder(), Reverse(step))
    }
}

#[derive(Debug, Clone)]
pub struct Link {
    /// A translation key.
    pub label: &'static str,
    pub url: String,
}

/// A mail before it is bytes. One letter may settle many notices.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    pub lang: Lang,
    /// `name <address>` or an address.
    pub from: String,
    pub to: String,
    /// Where answers go, when it is not `from`.
    pub reply_to: Option<String>,
    /// Names the thread to mailing list filters (RFC 2919), without brackets.
    pub list_id: Option<String>,
    /// Where one click ends mails like this one (RFC 8058): digests only.
    pub unsubscribe: Option<String>,
    /// Without angle brackets, as are the references.
    pub message_id: String,
    pub references: Vec<String>,
    pub subject: String,
    pub greeting: String,
    /// The first paragraph, or empty.
    pub opening: String,
    /// `ZX-2026-0007 校门口拥堵`, or empty.
    pub case_line: String,
    pub asks: Vec<Ask>,
    /// How to answer by mail, when that is possible.
    pub reply_hint: Option<String>,
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

    fn headed(&self, ask: &Ask) -> String {
        let stage = self.t(ask.stage.label());
        self.letter.lang.fill("【%{stage}】%{item}", &[("stage", &stage), ("item", &ask.heading)])
    }
}

impl HtmlPart<'_> {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.letter.lang.t(key)
    }
}

/// What the two readings of a mail say.
pub struct Parts {
    pub text: String,
    pub html: String,
}

pub fn parts(letter: &Letter) -> Result<Parts, ComposeError> {
    let failed = |error: askama::Error| ComposeError::Build(error.to_string());
    let text = TextPart { letter }.render().map_err(failed)?;
    let html = HtmlPart { letter }.render().map_err(failed)?;
    Ok(Parts { text, html })
}

/// The message as it goes over the wire; the same letter gives the same bytes. Errors: an address that is none.
pub fn compose(letter: &Letter) -> Result<Vec<u8>, ComposeError> {
    let failed = |error: &dyn std::fmt::Display| ComposeError::Build(error.to_string());
    let Parts { text, html } = parts(letter)?;
    let mut alternative = multipart(MultiPartKind::Alternative, letter, "alternative")
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, html));
    let kind = |method: &str| {
        let kind = ContentType::parse(&format!("text/calendar; charset=utf-8; method={method}"));
        kind.map_err(|error| failed(&error))
    };
    let mut attached = Vec::new();
    for (at, (ask, invited)) in invitation::of(letter).enumerate() {
        let (kind, calendar) = (kind(invited.method())?, invitation::calendar(letter, ask, invited));
        // A reader asks "accept?" of the one that is another reading of the mail itself. Who does not know such a reading
        // opens it as a file, as the others are.
        if at == 0 {
            alternative = alternative.singlepart(part(kind, calendar.clone()));
            let file = ContentType::parse("application/ics").map_err(|error| failed(&error))?;
            attached.push(attachment(file, "invite.ics".to_owned(), calendar));
        } else {
            attached.push(attachment(kind, format!("invite-{at}.ics"), calendar));
        }
    }
    if let Some(calendar) = due_dates::calendar(letter) {
        attached.push(attachment(kind("PUBLISH")?, "due.ics".to_owned(), calendar));
    }
    let body = if attached.is_empty() {
        alternative
    } else {
        let mixed = multipart(MultiPartKind::Mixed, letter, "mixed").multipart(alternative);
        attached.into_iter().fold(mixed, MultiPart::singlepart)
    };
    let mut builder = lettre::Message::builder()
        .from(mailbox(&letter.from)?)
        .to(mailbox(&letter.to)?)
        .date(letter.date.into())
        .message_id(Some(format!("<{}>", letter.message_id)))
        .subject(one_line(&letter.subject));
    if let Some(reply_to) = &letter.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    if let Some(last) = letter.references.last() {
        builder = builder.in_reply_to(format!("<{last}>"));
        let all: Vec<String> = letter.references.iter().map(|id| format!("<{id}>")).collect();
        builder = builder.references(all.join(" "));
    }
    let mut message = builder.multipart(body).map_err(|error| failed(&error))?;
    let mut add = |name: &'static str, value: String| {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::new(name, value));
    };
    // So that no out-of-office answer comes back to a machine (RFC 3834, and Exchange's own way).
    add("Auto-Submitted", "auto-generated".to_owned());
    add("X-Auto-Response-Suppress", "All".to_owned());
    if let Some(id) = &letter.list_id {
        add("List-Id", format!("<{}>", one_line(id)));
    }
    if let Some(url) = &letter.unsubscribe {
        add("List-Unsubscribe", format!("<{}>", one_line(url)));
        add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
    }
    Ok(message.formatted())
}

/// With a boundary made from the Message-ID: what is sent again is the same bytes.
fn multipart(kind: MultiPartKind, letter: &Letter, name: &str) -> MultiPart {
    let id: String = letter.message_id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    MultiPart::builder().kind(kind).boundary(format!("{name}-{id}")).build()
}

fn part(kind: ContentType, body: String) -> SinglePart {
    SinglePart::builder().header(kind).header(ContentTransferEncoding::Base64).body(body)
}

fn attachment(kind: ContentType, name: String, calendar: String) -> SinglePart {
    SinglePart::builder()
        .header(kind)
        .header(header::ContentDisposition::attachment(&name))
        .header(ContentTransferEncoding::Base64)
        .body(calendar)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::wording;
    use mail_parser::{MessageParser, MimeHeaders};
    use std::path::Path;

    fn ask(no: u32, title: &str) -> Ask {
        Ask {
            uid: format!("task-{no}@city.example"),
            stage: Stage::TaskReleased,
            heading: format!("ZX-2026-0007/{no:02} {title}"),
            lines: vec!["请在早晚高峰安排警力，<不少于> 2 人 & 一辆车。".into()],
            due_shown: Some("3月12日 周四 18:00前".into()),
            due_at: "2026-03-12T10:00:00".parse().ok(),
            invitation: None,
            links: vec![
                Link { label: "签收", url: format!("https://shenban.city.example/m/{no}") },
                Link { label: "查看任务", url: format!("https://shenban.city.example/tasks/{no}") },
            ],
        }
    }

    fn letter() -> Letter {
        Letter {
            lang: Lang::Zh,
            from: "深办 <noreply@city.example>".into(),
            to: "市公安局交警支队 <jiaojing@city.example>".into(),
            reply_to: Some("深办 <shenban@city.example>".into()),
            list_id: Some("zx-2026-0007.city.example".into()),
            message_id: "0195mail@city.example".into(),
            references: vec!["0195root@city.example".into()],
            subject: "【任务交办】ZX-2026-0007/03 设置护学岗".into(),
            greeting: "市公安局交警支队".into(),
            opening: "下列任务已具备办理条件，请签收并按期完成。".into(),
            case_line: "ZX-2026-0007 实验小学门口拥堵".into(),
            asks: vec![ask(3, "设置护学岗")],
            reply_hint: Some("也可以直接回复本邮件办理。".into()),
            footer: "云泽市深办".into(),
            date: DateTime::UNIX_EPOCH,
            ..Letter::default()
        }
    }

    fn of_several(asks: Vec<Ask>, crosses_cases: bool, lang: Lang) -> Letter {
        let (subject, opening) = wording::of_several(&asks, crosses_cases, lang);
        Letter { lang, subject, opening, asks, ..letter() }
    }

    fn several(lang: Lang) -> Letter {
        let asked = Ask { stage: Stage::HelpAsked, due_at: None, due_shown: None, ..ask(4, "施划即停即走区") };
        let late = Ask { stage: Stage::Overdue, ..ask(3, "设置护学岗") };
        of_several(vec![late, ask(5, "错峰放学"), asked], false, lang)
    }

    fn digest() -> Letter {
        let asks = vec![ask(5, "施划即停即走区"), Ask { due_at: None, ..ask(6, "错峰放学") }];
        let unsubscribe = Some("https://shenban.city.example/m/unsubscribe/1".into());
        Letter {
            unsubscribe,
            list_id: None,
            references: Vec::new(),
            reply_to: None,
            reply_hint: None,
            case_line: String::new(),
            ..of_several(asks, true, Lang::Zh)
        }
    }

    fn kept() -> [(&'static str, Letter); 4] {
        [("one", letter()), ("several", several(Lang::Zh)), ("several-en", several(Lang::En)), ("digest", digest())]
    }

    /// The bytes as they were looked at and kept; `UPDATE_GOLDEN=1` keeps what is made now.
    #[test]
    fn the_raw_bytes_are_the_kept_ones() {
        for (name, letter) in kept() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/mail/golden/{name}.eml"));
            let bytes = compose(&letter).unwrap();
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&path, &bytes).unwrap();
            }
            let kept = std::fs::read(&path).unwrap();
            assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&kept), "{name}");
        }
    }

    #[test]
    fn text_and_html_say_the_same() {
        for (_, letter) in kept() {
            let Parts { text, html } = parts(&letter).unwrap();
            let links: Vec<&str> = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            let body = html.split_once("<body").unwrap().1;
            let bare: String = body
                .split('<')
                .map(|piece| piece.split_once('>').map_or("", |(_, shown)| shown))
                .collect::<Vec<_>>()
                .join(" ");
            let bare = bare.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&").replace("&#34;", "\"");
            let words = |text: &str| {
                let mut words: Vec<String> = text
                    .split(|c: char| c.is_whitespace() || "：【】:[]".contains(c))
                    .filter(|word| !word.is_empty() && *word != "--")
                    .map(str::to_owned)
                    .collect();
                words.sort();
                words
            };
            assert_eq!(words(&text), words(&format!("{bare} {}", links.join(" "))));
        }
    }

    #[test]
    fn a_letter_keeps_its_thread_and_asks_for_no_answer_of_a_machine() {
        let bytes = compose(&letter()).unwrap();
        assert!(bytes.is_ascii(), "7-bit throughout");
        assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998), "no line is too long");
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.message_id(), Some("0195mail@city.example"));
        assert_eq!(parsed.in_reply_to().as_text(), Some("0195root@city.example"));
        assert_eq!(parsed.subject(), Some("【任务交办】ZX-2026-0007/03 设置护学岗"));
        assert_eq!(parsed.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        assert_eq!(parsed.attachment(0).and_then(|part| part.attachment_name()), Some("due.ics"));
    }

    /// What a mail program finds in the mail to call a meeting, and in the one that calls it off.
    #[test]
    fn an_invitation_is_asked_for_and_cancelled_under_one_uid() {
        let invited = |sequence, is_cancelled| {
            let invitation = Some(Invitation {
                uid: "meeting-1@city.example".into(),
                sequence,
                is_cancelled,
                begins: "2026-03-12T01:30:00".parse().unwrap(),
                ends: "2026-03-12T03:30:00".parse().unwrap(),
                place: "市政府三楼".into(),
            });
            let asks = vec![Ask { due_at: None, invitation, ..ask(3, "设置护学岗") }];
            let bytes = compose(&Letter { asks, ..letter() }).unwrap();
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            let is_calendar = |part: &&mail_parser::MessagePart| {
                part.content_type().is_some_and(|kind| kind.subtype() == Some("calendar"))
            };
            let part = parsed.parts.iter().find(is_calendar).unwrap();
            let is_file = |part: &mail_parser::MessagePart| part.attachment_name() == Some("invite.ics");
            assert!(parsed.attachments().any(is_file), "also as a file");
            let method = part.content_type().unwrap().attribute("method").unwrap().to_owned();
            (method, part.text_contents().unwrap().replace("\r\n ", ""))
        };
        let (method, calendar) = invited(0, false);
        assert_eq!(method, "REQUEST");
        for line in [
            "METHOD:REQUEST",
            "UID:meeting-1@city.example",
            "SEQUENCE:0",
            "STATUS:CONFIRMED",
            "DTSTART:20260312T013000Z",
            "DTEND:20260312T033000Z",
            "LOCATION:市政府三楼",
            "ORGANIZER:mailto:noreply@city.example",
            "ATTENDEE;RSVP=TRUE:mailto:jiaojing@city.example",
        ] {
            assert!(calendar.lines().any(|found| found == line), "{line} in {calendar}");
        }
        let (method, calendar) = invited(2, true);
        assert_eq!(method, "CANCEL");
        for line in ["METHOD:CANCEL", "UID:meeting-1@city.example", "SEQUENCE:2", "STATUS:CANCELLED"] {
            assert!(calendar.lines().any(|found| found == line), "{line} in {calendar}");
        }
    }

    #[test]
    fn a_line_break_in_a_subject_makes_no_header() {
        let bytes = compose(&Letter { subject: "护学岗\r\nBcc: evil@example.com".into(), ..letter() }).unwrap();
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert!(parsed.bcc().is_none());
        assert!(parsed.subject().unwrap().contains("护学岗"));
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let error = compose(&Letter { to: "交警支队".into(), ..letter() }).unwrap_err();
        assert!(error.to_string().contains("交警支队"));
    }
}
