//! Other channels than mail (其他渠道): endpoints that events and notices are pushed to.

use super::coded::coded;
use crate::lang::Message;

coded! {
    /// Whom an endpoint feeds, and so what it is sent.
    pub enum WebhookKind {
        /// Any receiver of CloudEvents 1.0.
        CloudEvents = "cloudevents" "通用接口（CloudEvents）",
        WeCom = "wecom" "企业微信群机器人",
        DingTalk = "dingtalk" "钉钉群机器人",
        Sms = "sms" "短信网关",
    }
}

coded! {
    /// How somebody is reached. Mail is the default and the last resort.
    pub enum Means {
        Mail = "mail" "邮件",
        WeCom = "wecom" "企业微信",
        DingTalk = "dingtalk" "钉钉",
        Sms = "sms" "短信",
    }
}

coded! {
    /// Where a push stands.
    pub enum DeliveryState {
        Queued = "queued" "待推送",
        Delivered = "delivered" "已送达",
        Failed = "failed" "推送失败",
    }
}

impl WebhookKind {
    /// Whether what it gets is signed by the Standard Webhooks specification.
    pub fn is_signed(self) -> bool {
        matches!(self, WebhookKind::CloudEvents | WebhookKind::Sms)
    }

    /// The means of reaching people that an endpoint of this kind can be.
    pub fn means(self) -> Option<Means> {
        Means::parse(self.code())
    }
}

/// A telephone that takes messages, as its bare eleven digits; none of a landline.
pub fn mobile(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let digits = digits.strip_prefix("+86").unwrap_or(&digits);
    let is_mobile = digits.len() == 11 && digits.starts_with('1') && digits.bytes().all(|c| c.is_ascii_digit());
    is_mobile.then(|| digits.to_owned())
}

/// What events are about, as their kinds begin, each with a translation key.
pub const EVENT_GROUPS: &[(&str, &str)] = &[
    ("case", "专项"),
    ("task", "任务"),
    ("dependency", "前置关系"),
    ("problem", "共性问题"),
    ("ticket", "工单"),
    ("tickets", "批量工单"),
    ("directive", "批示"),
    ("meeting", "会议"),
    ("brief", "简报"),
    ("mail", "邮件"),
    ("notice", "通知"),
    ("duty", "值班"),
    ("import", "导入"),
    ("calendar", "日历"),
    ("unit", "单位"),
    ("person", "人员"),
    ("webhook", "推送"),
];

/// Whether one of the patterns, separated by spaces, means this kind of event: `case.issued`, `case.*` or `*`.
pub fn wants(patterns: &str, kind: &str) -> bool {
    patterns.split_whitespace().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => kind.starts_with(beginning),
        None => kind == pattern,
    })
}

/// Refuses a pattern that can mean no event.
pub fn check_patterns(patterns: &str) -> Result<(), Message> {
    let can_mean = |pattern: &str| {
        let (group, rest) = pattern.split_once('.').unwrap_or((pattern, ""));
        let known = EVENT_GROUPS.iter().any(|(known, _)| *known == group);
        pattern == "*" || (known && !rest.is_empty() && !rest.trim_end_matches('*').contains('*'))
    };
    match patterns.split_whitespace().find(|pattern| !can_mean(pattern)) {
        Some(wrong) => Err(Message::new("没有“%{pattern}”这类事件").with("pattern", wrong)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Value;

    #[test]
    fn a_pattern_means_one_kind_a_group_or_all() {
        let cases = [("case.issued", true), ("case.*", true), ("*", true), ("task.*", false), ("case.issue", false)];
        for (pattern, meant) in cases {
            assert_eq!(wants(&format!("duty.imported {pattern}"), "case.issued"), meant, "{pattern}");
        }
        assert!(!wants("ticket.*", "tickets.added") && !wants("", "case.issued"));
    }

    #[test]
    fn a_mobile_is_known_however_it_is_written() {
        assert_eq!(mobile("+86 138-0000-0001").as_deref(), Some("13800000001"));
        assert!(mobile("0539-8312345").is_none() && mobile("1380000000a").is_none() && mobile("").is_none());
    }

    #[test]
    fn a_pattern_of_no_event_is_refused_by_its_name() {
        assert!(check_patterns("case.* task.released *").is_ok() && check_patterns("").is_ok());
        for wrong in ["cases.*", "case", "case.", "ca*", "case.*.x"] {
            assert_eq!(check_patterns(wrong).unwrap_err().args, [("pattern", Value::Text(wrong.to_owned()))]);
        }
    }
}
