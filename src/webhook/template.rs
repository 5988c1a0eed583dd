//! The words of a message: shipped for every kind of endpoint, changed by an administrator.

use crate::domain::webhook::WebhookKind;
use crate::lang;
use crate::mail::wording;

/// What a template may name, as `%{title}`, with a translation key of what it is.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("title", "事由和名称"),
    ("text", "内容"),
    ("link", "链接"),
    ("name", "收件人"),
    ("time", "时间"),
    ("city", "城市"),
];
const TEXT_MAX_CHARS: usize = 1_000;

/// What is shipped.
pub fn shipped(kind: WebhookKind) -> &'static str {
    match kind {
        WebhookKind::CloudEvents => "%{title}\n%{text}",
        WebhookKind::WeCom => "%{title}\n%{text}\n%{link}",
        WebhookKind::DingTalk => "#### %{title}\n\n%{text}\n\n%{link}",
        WebhookKind::Sms => "【%{city}】%{title}，%{link}",
    }
}

/// Refuses what is too long or names a placeholder there is not.
pub fn check(text: &str) -> Result<(), lang::Message> {
    wording::check_text(text, TEXT_MAX_CHARS, PLACEHOLDERS)
}
