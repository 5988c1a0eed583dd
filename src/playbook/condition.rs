//! When an optional task is there: `footbridge`, `not footbridge`, `schools > 2`.

use super::format::{Answer, Parameter};
use crate::lang::Message;
use std::collections::HashMap;

/// Answers by the parameter's key.
pub(super) type Answers = HashMap<String, Answer>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    Flag { parameter: String, wanted: bool },
    Number { parameter: String, compare: Compare, with: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Condition {
    pub fn parse(text: &str) -> Result<Condition, Message> {
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["not", parameter] => Ok(Condition::Flag { parameter: (*parameter).to_owned(), wanted: false }),
            [parameter] => Ok(Condition::Flag { parameter: (*parameter).to_owned(), wanted: true }),
            [parameter, compare, number] => {
                let (Some(compare), Ok(with)) = (Compare::parse(compare), number.parse()) else {
                    return Err(not_understood(text));
                };
                Ok(Condition::Number { parameter: (*parameter).to_owned(), compare, with })
            }
            _ => Err(not_understood(text)),
        }
    }

    pub fn parameter(&self) -> &str {
        match self {
            Condition::Flag { parameter, .. } | Condition::Number { parameter, .. } => parameter,
        }
    }

    /// Whether it asks of a parameter what the parameter is.
    pub fn suits(&self, parameter: &Parameter) -> bool {
        matches!(
            (self, parameter.default),
            (Condition::Flag { .. }, Answer::Flag(_)) | (Condition::Number { .. }, Answer::Number(_))
        )
    }

    pub fn holds(&self, answers: &Answers) -> bool {
        match (self, answers.get(self.parameter())) {
            (Condition::Flag { wanted, .. }, Some(Answer::Flag(answer))) => answer == wanted,
            (Condition::Number { compare, with, .. }, Some(Answer::Number(answer))) => compare.holds(*answer, *with),
            _ => false,
        }
    }
}

impl Compare {
    fn parse(text: &str) -> Option<Compare> {
        match text {
            "<" => Some(Compare::Less),
            "<=" => Some(Compare::AtMost),
            "=" | "==" => Some(Compare::Equal),
            ">=" => Some(Compare::AtLeast),
            ">" => Some(Compare::More),
            _ => None,
        }
    }

    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Compare::Less => left < right,
            Compare::AtMost => left <= right,
            Compare::Equal => left == right,
            Compare::AtLeast => left >= right,
            Compare::More => left > right,
        }
    }
}

fn not_understood(text: &str) -> Message {
    Message::new("读不懂条件“%{text}”，应如 footbridge、not footbridge 或 schools > 2").with("text", text)
}
