//! The two languages of the interface.
//!
//! A text's key is its Chinese wording, so templates read as the page does; `locales/*.en.yml` hold the English.
//! Placeholders are `%{name}`.

mod days;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// The BCP 47 tag for `<html lang>` and `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }

    /// What its speakers call it.
    pub fn own_name(self) -> &'static str {
        match self {
            Lang::Zh => "中文",
            Lang::En => "English",
        }
    }

    /// The one to switch to.
    pub fn other(self) -> Lang {
        match self {
            Lang::Zh => Lang::En,
            Lang::En => Lang::Zh,
        }
    }

    /// Reads a tag such as `en`, `en-GB`, `zh-CN`; anything unknown is `None`.
    pub fn parse(tag: &str) -> Option<Lang> {
        match tag.split(['-', '_']).next()? {
            "zh" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// The text of `key` in this language; a key without a translation is itself.
    pub fn t<'k>(self, key: &'k str) -> Cow<'k, str> {
        match self {
            Lang::Zh => Cow::Borrowed(key),
            Lang::En => crate::_rust_i18n_try_translate("en", key)
                .map_or(Cow::Borrowed(key), |text| Cow::Owned(text.into_owned())),
        }
    }

    /// [`Lang::t`] with `%{name}` placeholders filled in.
    pub fn fill(self, key: &str, args: &[(&str, &dyn std::fmt::Display)]) -> String {
        let mut text = self.t(key).into_owned();
        for (name, value) in args {
            text = text.replace(&format!("%{{{name}}}"), &value.to_string());
        }
        text
    }
}

/// A sentence whose language is decided where it is read: a key and the values of its placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub key: &'static str,
    pub args: Vec<(&'static str, Value)>,
}

/// What a placeholder is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Sentence(Message),
    Day { day: NaiveDate, today: NaiveDate },
}

impl Value {
    fn text(&self, lang: Lang) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Sentence(message) => message.text(lang),
            Value::Day { day, today } => lang.date(*day, *today),
        }
    }
}

impl Message {
    pub fn new(key: &'static str) -> Self {
        Message { key, args: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.args.push((name, Value::Text(value.to_string())));
        self
    }

    /// A value that is a sentence itself, told in the same language.
    pub fn with_message(mut self, name: &'static str, part: Message) -> Self {
        self.args.push((name, Value::Sentence(part)));
        self
    }

    /// A day as the sentence's language writes it, with its year where that is not today's.
    pub fn with_day(mut self, name: &'static str, day: NaiveDate, today: NaiveDate) -> Self {
        self.args.push((name, Value::Day { day, today }));
        self
    }

    pub fn text(&self, lang: Lang) -> String {
        let told: Vec<(&str, String)> = self.args.iter().map(|(name, value)| (*name, value.text(lang))).collect();
        let args: Vec<(&str, &dyn std::fmt::Display)> =
            told.iter().map(|(name, text)| (*name, text as &dyn std::fmt::Display)).collect();
        lang.fill(self.key, &args)
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Lang::Zh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_text_is_its_own_key_and_english_is_looked_up() {
        assert_eq!(Lang::Zh.t("工单"), "工单");
        assert_eq!(Lang::En.t("工单"), "Tickets");
        assert_eq!(Lang::En.t("没有译文的句子"), "没有译文的句子");
    }

    #[test]
    fn placeholders_are_filled_in_both_languages() {
        let message = Message::new("第 %{line} 行").with("line", 3);
        assert_eq!(message.text(Lang::Zh), "第 3 行");
        assert_eq!(message.text(Lang::En), "line 3");
    }

    #[test]
    fn a_day_in_a_sentence_is_written_in_its_language_with_another_years_year() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let told = |on: &str| Message::new("请于 %{day} 前").with_day("day", day(on), day("2026-11-26"));
        assert_eq!(told("2026-12-03").text(Lang::Zh), "请于 12月3日 前");
        assert_eq!(told("2027-01-04").text(Lang::Zh), "请于 2027年1月4日 前");
        assert!(told("2027-01-04").text(Lang::En).contains("4 Jan 2027"));
    }
}
