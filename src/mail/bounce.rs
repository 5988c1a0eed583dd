//! Delivery reports (RFC 3464): which of our mails a server could not hand over, and why.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

const TEXT_MAX_CHARS: usize = 500;

/// What a report says about one of our mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// The Message-ID of the mail that is reported on, without brackets.
    pub message_id: String,
    /// Given up for good; otherwise only late.
    pub failed: bool,
    /// An enhanced status code (RFC 3463) such as `5.1.1`.
    pub status: String,
    /// The server's words.
    pub diagnostic: String,
}

impl Bounce {
    /// Whether it is the address that takes no mail, and not this message or the way to it.
    pub fn blames_the_address(&self) -> bool {
        self.failed && ["5.0.", "5.1.", "5.2."].iter().any(|class| self.status.starts_with(class))
    }
}

/// Reads a report; none when the message is something else, or does not say which mail it is about.
pub fn read(message: &Message) -> Option<Bounce> {
    let is = |part: &mail_parser::MessagePart, kind: &str, sub: &str| {
        part.content_type().is_some_and(|c| {
            c.ctype().eq_ignore_ascii_case(kind) && c.subtype().is_some_and(|s| s.eq_ignore_ascii_case(sub))
        })
    };
    if !message.parts.first().is_some_and(|part| is(part, "multipart", "report")) {
        return None;
    }
    let status = message.parts.iter().find(|part| is(part, "message", "delivery-status"))?;
    let fields = String::from_utf8_lossy(status.contents()).into_owned();
    let value = |name: &str| {
        fields.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let message_id = message.parts.iter().find_map(|part| match &part.body {
        PartType::Message(original) => original.message_id().map(str::to_owned),
        _ if is(part, "text", "rfc822-headers") => {
            MessageParser::default().parse(part.contents())?.message_id().map(str::to_owned)
        }
        _ => None,
    })?;
    let diagnostic = value("Diagnostic-Code").unwrap_or_default();
    Some(Bounce {
        message_id,
        failed: value("Action").is_some_and(|action| action.eq_ignore_ascii_case("failed")),
        status: value("Status").unwrap_or_default(),
        diagnostic: diagnostic.chars().take(TEXT_MAX_CHARS).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(action: &str, status: &str, original: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; gone@city.example\r\n\
             Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n\
             --b\r\nContent-Type: {original}\r\n\r\nMessage-ID: <m1@city.example>\r\nSubject: x\r\n\r\nbody\r\n--b--\r\n"
        )
    }

    fn read_text(text: &str) -> Option<Bounce> {
        read(&MessageParser::default().parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_report_names_our_mail_whether_it_returns_the_message_or_its_head() {
        for original in ["message/rfc822", "text/rfc822-headers"] {
            let bounce = read_text(&report("failed", "5.1.1", original)).unwrap();
            assert_eq!(bounce.message_id, "m1@city.example", "{original}");
            assert!(bounce.blames_the_address());
            assert!(bounce.diagnostic.contains("no such user"));
        }
    }

    #[test]
    fn a_delay_or_a_policy_blames_no_address() {
        assert!(!read_text(&report("delayed", "4.4.1", "message/rfc822")).unwrap().failed);
        assert!(!read_text(&report("failed", "5.7.1", "message/rfc822")).unwrap().blames_the_address());
    }

    #[test]
    fn an_ordinary_mail_is_no_report() {
        assert_eq!(read_text("From: a@b.c\r\nSubject: hello\r\n\r\nStatus: 5.1.1\r\n"), None);
    }
}
