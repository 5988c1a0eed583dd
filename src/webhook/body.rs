//! What a message looks like to each kind of receiver.

use super::template;
use crate::domain::webhook::WebhookKind;
use crate::mail::wording::fill;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// What WeCom's robots take of a text and of Markdown.
const WECOM_TEXT_MAX_BYTES: usize = 2_048;
const WECOM_MARKDOWN_MAX_BYTES: usize = 4_096;

/// One thing to tell.
#[derive(Debug, Clone)]
pub struct Message {
    /// The same over every try and replay.
    pub id: String,
    /// The type, as CloudEvents calls it: `shenban.case.issued`.
    pub event: String,
    /// This server's own address.
    pub source: String,
    /// What it is about: `task/0199…`.
    pub subject: String,
    pub time: DateTime<Utc>,
    /// When, as people read it.
    pub time_shown: String,
    pub city: String,
    pub title: String,
    pub text: String,
    pub link: String,
    /// Whom it is for, when it is for somebody.
    pub to: Option<To>,
    /// What programs read beside the words; an object.
    pub data: Value,
}

#[derive(Debug, Clone)]
pub struct To {
    pub name: String,
    pub phone: String,
}

/// The request's body, and its type.
pub fn of(kind: WebhookKind, own_template: &str, message: &Message) -> String {
    let template = if own_template.is_empty() { template::shipped(kind) } else { own_template };
    match kind {
        WebhookKind::CloudEvents | WebhookKind::Sms => cloud_event(message, worded(template, message, str::to_owned)),
        WebhookKind::WeCom => wecom(message, worded(template, message, plain)),
        WebhookKind::DingTalk => dingtalk(message, worded(template, message, plain)),
    }
    .to_string()
}

pub fn content_type(kind: WebhookKind) -> &'static str {
    if kind.is_signed() { "application/cloudevents+json; charset=utf-8" } else { "application/json; charset=utf-8" }
}

fn worded(template: &str, message: &Message, safe: fn(&str) -> String) -> String {
    let name = message.to.as_ref().map_or("", |to| &to.name);
    fill(
        template,
        &[
            ("title", &safe(&message.title)),
            ("text", &safe(&message.text)),
            ("link", &message.link),
            ("name", &safe(name)),
            ("time", &message.time_shown),
            ("city", &safe(&message.city)),
        ],
    )
}

/// A title is no mark-up: it links nowhere and mentions nobody.
fn plain(text: &str) -> String {
    let shown = |c| match c {
        '<' => '＜',
        '[' => '［',
        '@' => '＠',
        '`' => '｀',
        other => other,
    };
    text.chars().map(shown).collect()
}

/// CloudEvents 1.0, structured.
fn cloud_event(message: &Message, text: String) -> Value {
    let mut data = message.data.clone();
    data["text"] = json!(text);
    data["link"] = json!(message.link);
    if let Some(to) = &message.to {
        data["to"] = json!({ "name": to.name, "phone": to.phone });
    }
    json!({
        "specversion": "1.0",
        "id": message.id,
        "source": message.source,
        "type": message.event,
        "subject": message.subject,
        "time": message.time.to_rfc3339_opts(SecondsFormat::Micros, true),
        "datacontenttype": "application/json",
        "data": data,
    })
}

/// A robot mentions people in a text only.
fn wecom(message: &Message, text: String) -> Value {
    match &message.to {
        Some(to) => json!({ "msgtype": "text",
            "text": { "content": cut(&text, WECOM_TEXT_MAX_BYTES), "mentioned_mobile_list": [to.phone] } }),
        None => json!({ "msgtype": "markdown", "markdown": { "content": cut(&text, WECOM_MARKDOWN_MAX_BYTES) } }),
    }
}

/// A mention shows only where the text names the number too.
fn dingtalk(message: &Message, mut text: String) -> Value {
    let phones: Vec<&str> = message.to.iter().map(|to| to.phone.as_str()).collect();
    if let Some(phone) = phones.first() {
        text.push_str(&format!("\n\n@{phone}"));
    }
    json!({ "msgtype": "markdown", "markdown": { "title": plain(&message.title), "text": text },
        "at": { "atMobiles": phones, "isAtAll": false } })
}

/// At most so many bytes of UTF-8.
fn cut(text: &str, max: usize) -> &str {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= max).last();
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(title: &str, to: Option<To>) -> Message {
        Message {
            id: "m1".into(),
            event: "shenban.case.issued".into(),
            source: "https://shenban.example".into(),
            subject: "case/c1".into(),
            time: DateTime::UNIX_EPOCH,
            time_shown: "11月26日 09:00".into(),
            city: "试验市".into(),
            title: title.into(),
            text: "ZX-2026-0007".into(),
            link: "https://shenban.example/cases/c1".into(),
            to,
            data: json!({ "case_id": "c1" }),
        }
    }

    fn read(kind: WebhookKind, template: &str, message: &Message) -> Value {
        serde_json::from_str(&of(kind, template, message)).unwrap()
    }

    fn somebody() -> Option<To> {
        Some(To { name: "赵刚".into(), phone: "13800000001".into() })
    }

    #[test]
    fn a_cloud_event_has_all_the_attributes_and_the_words_beside_the_data() {
        let told = read(WebhookKind::CloudEvents, "", &message("交办：校门口拥堵", None));
        assert_eq!(
            told,
            json!({ "specversion": "1.0", "id": "m1", "source": "https://shenban.example", "type": "shenban.case.issued",
                "subject": "case/c1", "time": "1970-01-01T00:00:00.000000Z", "datacontenttype": "application/json",
                "data": { "case_id": "c1", "text": "交办：校门口拥堵\nZX-2026-0007", "link": "https://shenban.example/cases/c1" } })
        );
    }

    #[test]
    fn robots_mention_whom_it_is_for_and_a_title_is_no_mark_up() {
        let own = message("[点击](http://evil) <@all>", somebody());
        let wecom = read(WebhookKind::WeCom, "%{title}", &own);
        assert_eq!(
            wecom["text"],
            json!({ "content": "［点击](http://evil) ＜＠all>", "mentioned_mobile_list": ["13800000001"] })
        );
        let dingtalk = read(WebhookKind::DingTalk, "%{name}：%{title}", &own);
        assert_eq!(dingtalk["markdown"]["text"], "赵刚：［点击](http://evil) ＜＠all>\n\n@13800000001");
        assert_eq!(dingtalk["at"]["atMobiles"], json!(["13800000001"]));
        let sms = read(WebhookKind::Sms, "", &message("任务交办", somebody()));
        assert_eq!(sms["data"]["to"]["phone"], "13800000001");
        assert_eq!(sms["data"]["text"], "【试验市】任务交办，https://shenban.example/cases/c1");
    }

    #[test]
    fn what_a_robot_does_not_take_is_cut_between_characters() {
        let told = read(WebhookKind::WeCom, "%{title}", &message(&"拥堵".repeat(1_000), None));
        assert_eq!(told["markdown"]["content"].as_str().unwrap().len(), 4_095);
    }
}
