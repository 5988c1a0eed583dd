//! What a reply says: its own words without what it quotes, and what its first line asks for.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{HeaderName, HeaderValue, Message, MimeHeaders, PartType};
use regex::Regex;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// What the first line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// 签收
    Acknowledge,
    /// 完成
    Done,
    /// 进度 60%
    Progress(i32),
    /// 延期 3 个工作日 原因…
    Extension { days: i64, working: bool },
    /// Anything else is a comment.
    Comment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub asked: Asked,
    /// The task's number in its case, when the first line names one: `03 签收`.
    pub task_no: Option<i32>,
    /// What was written beside the command.
    pub text: String,
}

static COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)^(?:[A-Z]+-\d{4}-\d+/)?(?P<no>\d{1,3})?[\s、.:,，。：]*",
        r"(?:(?P<ack>已?[签簽]收|收到|received|acknowledged?)",
        r"|(?P<done>已?完成|已?[办辦][结結]|done|completed?)",
        r"|(?:[进進]度|progress)\s*:?\s*(?P<percent>\d{1,3})\s*%?",
        r"|(?:申[请請])?(?:延期|extend)\s*(?:by\s*)?(?P<days>\d{1,3})\s*[个個]?\s*(?P<unit>工作日|天|日|working days?|days?))",
        r"(?:$|[\s,.:;!,。、;!]+)(?P<rest>.*)$"
    ))
});
/// Where what is quoted begins.
static QUOTE: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?im)^\s*(?:[>＞]|-{2,}\s*(?:原始邮件|原邮件|转发的?邮件|回复的?邮件|original message|forwarded message)|_{10,}\s*$",
        r"|-- ?$|(?:发件人|寄件者|寄件人|from)\s*[:：]\s*\S|在.{0,120}(?:写道|寫道)\s*[:：]|on .{0,160} wrote:|发自我的|sent from my )"
    ))
});

/// Where an HTML text begins to quote, and where its lines end: its plain reading shows neither.
static HTML_QUOTE: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"(?i)<(?:blockquote\b|div[^>]*\b(?:id|class)="?(?:appendonsend|divRplyFwdMsg|gmail_quote))"#)
});
static HTML_LINE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)</(?:div|li|tr|h\d)>"));
static MACHINE_SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)^(?:(?:re|回复|答复)\s*[:：]\s*)*",
        r"(?:自动回复|自动答复|自動回覆|automatic reply|auto[- ]?reply|out of (?:the )?office|auto:)"
    ))
});

fn regex(pattern: &str) -> Regex {
    // A constant of this file that its tests compile.
    Regex::new(pattern).expect("a valid pattern")
}

/// The words of a reply, without what it quotes and its signature.
pub fn own_words(text: &str) -> &str {
    QUOTE.find(text).map_or(text, |quote| &text[..quote.start()]).trim()
}

/// The text of a message; where it has only HTML, its quotes begin with a `>` as they do in plain text.
pub fn text_of(message: &Message) -> String {
    match message.text_part(0).map(|part| &part.body) {
        Some(PartType::Html(html)) => {
            let marked = HTML_QUOTE.replace(html, "<br>&gt;<br>$0");
            html_to_text(&HTML_LINE.replace_all(&marked, "<br>"))
        }
        _ => message.body_text(0).unwrap_or_default().into_owned(),
    }
}

/// Whether Outlook packed what is attached into a file that only Outlook opens (TNEF).
pub fn is_packed(message: &Message) -> bool {
    message.attachments().any(|part| {
        part.content_type().is_some_and(|kind| kind.subtype().is_some_and(|subtype| subtype.ends_with("ms-tnef")))
            || part.attachment_name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"))
    })
}

/// Reads a reply's text.
pub fn read(text: &str) -> Reply {
    let own = own_words(text);
    let (first, others) = own.split_once('\n').unwrap_or((own, ""));
    let first: String = first.trim().nfkc().collect();
    let comment = Reply { asked: Asked::Comment, task_no: None, text: own.to_owned() };
    let Some(found) = COMMAND.captures(&first) else { return comment };
    let number = |name: &str| found.name(name).and_then(|digits| digits.as_str().parse::<i64>().ok());
    let asked = if found.name("ack").is_some() {
        Asked::Acknowledge
    } else if found.name("done").is_some() {
        Asked::Done
    } else if let Some(percent) = number("percent") {
        Asked::Progress(percent as i32)
    } else if let Some(days) = number("days") {
        let unit = found.name("unit").map_or("", |unit| unit.as_str()).to_lowercase();
        Asked::Extension { days, working: unit.starts_with("工作日") || unit.starts_with("working") }
    } else {
        return comment;
    };
    let rest = found.name("rest").map_or("", |rest| rest.as_str());
    let rest = rest.trim_start_matches(|c: char| "原因是: ".contains(c));
    let text = format!("{rest}\n{}", others.trim());
    Reply { asked, task_no: number("no").map(|no| no as i32), text: text.trim().to_owned() }
}

/// Whether a machine answered: out of office, a list, a delivery system (RFC 3834).
pub fn is_automatic(message: &Message) -> bool {
    let header = |name: &str| message.header_raw(name).map(|value| value.trim().to_lowercase());
    let said =
        |name: &str, words: &[&str]| header(name).is_some_and(|value| words.iter().any(|w| value.starts_with(w)));
    header("Auto-Submitted").is_some_and(|value| !value.starts_with("no"))
        || said("Precedence", &["bulk", "junk", "list", "auto"])
        || ["X-Autoreply", "X-Autorespond", "X-MS-Exchange-Generated-Message-Source", "List-Id"]
            .iter()
            .any(|name| header(name).is_some())
        || header("Return-Path").is_some_and(|path| path == "<>")
        || MACHINE_SUBJECT.is_match(message.subject().unwrap_or_default().trim())
}

/// Whether the receiving server found that the sender is not who it says (RFC 8601).
pub fn is_disproved(message: &Message) -> bool {
    // A forger may have written a favourable one below the server's own.
    let verdicts = message.headers_raw().filter(|(name, _)| name.eq_ignore_ascii_case("Authentication-Results"));
    verdicts.map(|(_, value)| value.to_lowercase()).any(|said| said.contains("dmarc=fail") || said.contains("spf=fail"))
}

/// The sender's address in lower case. Several are given as they stand together, which is nobody's address: servers check
/// one of them, and it need not be the one that is read.
pub fn sender(message: &Message) -> String {
    let senders =
        message.header_values(HeaderName::From).filter_map(HeaderValue::as_address).flat_map(|from| from.iter());
    senders.map(|from| from.address().unwrap_or_default().to_lowercase()).collect::<Vec<_>>().join(", ")
}

/// The Message-IDs that a message answers, the nearest first.
pub fn answered(message: &Message) -> Vec<String> {
    let ids = |value: &HeaderValue| -> Vec<String> {
        match value {
            HeaderValue::Text(id) => vec![id.to_string()],
            HeaderValue::TextList(ids) => ids.iter().rev().map(|id| id.to_string()).collect(),
            _ => Vec::new(),
        }
    };
    let mut found = ids(message.in_reply_to());
    found.extend(ids(message.references()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;
    use rstest::rstest;

    #[rstest]
    #[case("签收", Asked::Acknowledge, None, "")]
    #[case("已签收，马上安排。", Asked::Acknowledge, None, "马上安排。")]
    #[case("03 签收", Asked::Acknowledge, Some(3), "")]
    #[case("ZX-2026-0007/03 完成\n见附件", Asked::Done, Some(3), "见附件")]
    #[case("进度 60%", Asked::Progress(60), None, "")]
    #[case("进度：６０％ 已进场", Asked::Progress(60), None, "已进场")]
    #[case("延期 3 个工作日 原因：材料未到", Asked::Extension { days: 3, working: true }, None, "材料未到")]
    #[case("延期5天 等材料", Asked::Extension { days: 5, working: false }, None, "等材料")]
    #[case("進度 60％", Asked::Progress(60), None, "")]
    #[case("簽收", Asked::Acknowledge, None, "")]
    #[case("已簽收。", Asked::Acknowledge, None, "")]
    #[case("03 辦結", Asked::Done, Some(3), "")]
    #[case("延期３个工作日", Asked::Extension { days: 3, working: true }, None, "")]
    #[case("申請延期３個工作日，原因：材料未到", Asked::Extension { days: 3, working: true }, None, "材料未到")]
    #[case("Progress 40% crews on site", Asked::Progress(40), None, "crews on site")]
    #[case("签收表在哪里？", Asked::Comment, None, "签收表在哪里？")]
    #[case("未完成，还差一段", Asked::Comment, None, "未完成，还差一段")]
    #[case("请问期限能否再议", Asked::Comment, None, "请问期限能否再议")]
    fn a_first_line_says_what_is_asked(
        #[case] text: &str,
        #[case] asked: Asked,
        #[case] task_no: Option<i32>,
        #[case] rest: &str,
    ) {
        assert_eq!(read(text), Reply { asked, task_no, text: rest.to_owned() });
    }

    #[rstest]
    #[case("签收\n\n------------------ 原始邮件 ------------------\n发件人: 深办\n完成")]
    #[case("签收\r\n\r\n> 进度 60%\r\n> 完成")]
    #[case("签收\n-- \n张三 城管局")]
    #[case("签收\n\nOn Mon, 2 Mar 2026 at 10:00, Shenban wrote:\n> 完成")]
    #[case("签收\n在 2026年3月2日，深办 写道：\n完成")]
    #[case("签收\n发件人：深办 <a@b.example>\n主题：完成")]
    #[case("签收\n寄件者：深办 <a@b.example>\n主旨：完成")]
    #[case("签收\n\n＞ 进度 60%")]
    fn quotes_and_signatures_are_cut_off(#[case] text: &str) {
        assert_eq!(own_words(text), "签收");
    }

    #[rstest]
    #[case("Auto-Submitted: auto-replied", true)]
    #[case("Auto-Submitted: no", false)]
    #[case("Precedence: bulk", true)]
    #[case("Subject: Automatic reply: hello", true)]
    #[case("Subject: =?utf-8?B?6Ieq5Yqo562U5aSNOiDkvJHlgYc=?=", true)]
    #[case("Subject: =?utf-8?B?5Zue5aSN77ya6Ieq5Yqo5Zue5aSN77ya?=", true)]
    #[case("Subject: Re: Out of Office", true)]
    #[case("Subject: =?utf-8?B?5LyR5YGH5Lit?=", false)]
    #[case("X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", true)]
    #[case("X-Mailer: Foxmail", false)]
    fn machines_are_told_from_people(#[case] header: &str, #[case] automatic: bool) {
        let raw = format!("From: a@b.example\r\n{header}\r\n\r\n签收\r\n");
        assert_eq!(is_automatic(&MessageParser::default().parse(raw.as_bytes()).unwrap()), automatic);
    }

    #[rstest]
    #[case("Authentication-Results: mx.city.example; spf=pass; dmarc=pass", false)]
    #[case(
        "Authentication-Results: mx.city.example; dmarc=fail\r\nAuthentication-Results: mx.city.example; dmarc=pass",
        true
    )]
    #[case(
        "Authentication-Results: mx.city.example; dmarc=pass\r\nauthentication-results: mx.city.example; SPF=FAIL",
        true
    )]
    fn a_forger_does_not_outtalk_the_servers_verdict(#[case] headers: &str, #[case] disproved: bool) {
        let raw = format!("{headers}\r\nFrom: a@b.example\r\n\r\n签收\r\n");
        assert_eq!(is_disproved(&MessageParser::default().parse(raw.as_bytes()).unwrap()), disproved);
    }

    #[rstest]
    #[case("From: A <A@b.example>", "a@b.example")]
    #[case("From: a@b.example, c@d.example", "a@b.example, c@d.example")]
    #[case("From: mallory@d.example\r\nFrom: a@b.example", "mallory@d.example, a@b.example")]
    #[case("Subject: nobody", "")]
    fn several_senders_are_nobody(#[case] headers: &str, #[case] sender_is: &str) {
        let raw = format!("{headers}\r\n\r\n签收\r\n");
        assert_eq!(sender(&MessageParser::default().parse(raw.as_bytes()).unwrap()), sender_is);
    }
}
