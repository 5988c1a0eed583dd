//! Hiding citizens' data in what most people read.

use regex::Regex;
use std::sync::LazyLock;

/// Mainland mobile and landline numbers, identity card numbers, bank cards and mail addresses. The word boundaries are
/// of ASCII: a Chinese character right before a number is no part of it.
static PERSONAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?-u:\b)[1-9]\d{16}[\dXx](?-u:\b) | (?-u:\b)\d{15,19}(?-u:\b)
        | (?:\+?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}
        | 0\d{2,3}[-\s]\d{7,8}
        | [\w.+-]+@[\w-]+\.[\w.-]+
    ",
    )
    .expect("a constant pattern, compiled by the tests below")
});

/// `13812345678` → `138****5678`: the first three and the last four characters stay.
pub fn number(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    if chars.len() < 8 {
        return "****".to_owned();
    }
    let head: String = chars[..3].iter().collect();
    let tail: String = chars[chars.len() - 4..].iter().collect();
    format!("{head}****{tail}")
}

/// `王小明` → `王**`.
pub fn name(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| format!("{first}{}", "*".repeat(chars.count().clamp(1, 2))))
}

/// An address without its house number: no caller is found by it. None where nothing tells is left.
pub fn street(address: &str) -> Option<String> {
    let street: String = address.trim().chars().take_while(|c| !c.is_numeric()).collect();
    let street = street.trim_end_matches(['第', ' ']);
    (street.chars().count() > 1).then(|| street.to_owned())
}

/// A text with the numbers in it masked, and the caller's own name where it stands.
pub fn text(text: &str, caller_name: Option<&str>) -> String {
    let masked = PERSONAL.replace_all(text, |found: &regex::Captures| number(&found[0])).into_owned();
    match caller_name.filter(|name| name.chars().count() >= 2) {
        Some(known) => masked.replace(known, &name(known)),
        None => masked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_a_text_are_hidden_and_the_rest_stays() {
        let masked =
            text("请回电13812345678或 0731-88881234，身份证430102199001011234，房号1203，我叫王小明。", Some("王小明"));
        assert_eq!(masked, "请回电138****5678或 073****1234，身份证430****1234，房号1203，我叫王**。");
    }

    #[test]
    fn a_number_written_with_breaks_is_hidden_too() {
        assert!(!text("电话 138-1234-5678", None).contains("1234"));
    }

    #[test]
    fn a_street_is_an_address_without_its_number() {
        assert_eq!(street("学府路12号").as_deref(), Some("学府路"));
        assert_eq!(street("12栋"), None);
    }
}
