//! What a form or a JSON body says, field by field.

use crate::app::Error;
use crate::lang::Message;
use chrono::NaiveDate;
use std::str::FromStr;

/// Named values in the order they came; a name may come several times.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn new(pairs: Vec<(String, String)>) -> Fields {
        Fields(pairs)
    }

    pub fn from_form(body: &[u8]) -> Fields {
        let text = String::from_utf8_lossy(body);
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(&text);
        Fields(pairs.map(actix_web::web::Query::into_inner).unwrap_or_default())
    }

    /// An object's members; an array gives its name several times.
    pub fn from_json(value: &serde_json::Value) -> Fields {
        let mut pairs = Vec::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            match value {
                serde_json::Value::Array(items) => pairs.extend(items.iter().map(|item| (name.clone(), plain(item)))),
                serde_json::Value::Object(members) => {
                    pairs.extend(members.iter().map(|(key, value)| (format!("{name}.{key}"), plain(value))));
                }
                serde_json::Value::Null => {}
                other => pairs.push((name.clone(), plain(other))),
            }
        }
        Fields(pairs)
    }

    /// The first value of a name; an empty one counts as none.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.trim().is_empty()).map(|(_, value)| value.trim())
    }

    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, value)| key == name && !value.trim().is_empty());
        values.map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// Members under `prefix.`.
    pub fn under(&self, prefix: &str) -> impl Iterator<Item = (String, String)> {
        let inside = self.0.iter().filter_map(move |(key, value)| {
            let key = key.strip_prefix(prefix)?.strip_prefix('.')?;
            Some((key.to_owned(), value.trim().to_owned()))
        });
        inside.filter(|(_, value)| !value.is_empty())
    }

    /// What a person wrote: not what the form itself carried along.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        let carried =
            |name: &str| matches!(name, "csrf" | "version" | "next" | "password" | "present") || name.ends_with("_id");
        let written = self.0.iter().filter(move |(name, value)| !carried(name) && !value.trim().is_empty());
        written.map(|(_, value)| value.as_str())
    }

    pub fn text(&self, name: &str) -> String {
        self.one(name).unwrap_or_default().to_owned()
    }

    pub fn optional(&self, name: &str) -> Option<String> {
        self.one(name).map(str::to_owned)
    }

    /// A value that must be there and be a `T`.
    pub fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, Error> {
        let text = self.one(name).ok_or_else(|| Error::field(name, Message::new("请填写内容")))?;
        text.parse().map_err(|_| not_understood(name, text))
    }

    pub fn optional_date(&self, name: &'static str) -> Result<Option<NaiveDate>, Error> {
        self.one(name).map(|text| text.parse().map_err(|_| not_understood(name, text))).transpose()
    }

    /// One of a set of codes, or its default when absent.
    pub fn code<T: Default>(&self, name: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, Error> {
        match self.one(name) {
            None => Ok(T::default()),
            Some(text) => code_of(name, text, parse),
        }
    }

    /// Codes of a set, each of which must be one.
    pub fn codes<T>(&self, name: &'static str, parse: fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
        let values = self.all(name).into_iter();
        values.map(|text| code_of(name, &text, parse)).collect()
    }
}

/// What a field's text stands for in a set of codes.
pub fn code_of<T>(name: &'static str, text: &str, parse: fn(&str) -> Option<T>) -> Result<T, Error> {
    parse(text).ok_or_else(|| not_understood(name, text))
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn not_understood(name: &'static str, text: &str) -> Error {
    Error::field(name, Message::new("“%{text}”不是可用的值").with("text", text))
}
