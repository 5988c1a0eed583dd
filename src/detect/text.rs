//! Text as terms: what matching compares.

use unicode_normalization::UnicodeNormalization;

/// The same writing for full-width and half-width, capital and small letters (NFKC, lower case).
pub fn normalise(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// The terms of a [normalised](normalise) text, in order, repeated as often as they occur.
///
/// A unit is one ideograph or one run of letters and digits; a term is a pair of neighbouring units ("伊景", "58车"), or
/// a run of letters and digits alone. Punctuation and blanks separate: no pair spans them.
pub fn terms(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut previous = None;
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if !first.is_alphanumeric() {
            previous = None;
            continue;
        }
        let mut end = start + first.len_utf8();
        if in_run(first) {
            while let Some((at, c)) = chars.next_if(|&(_, c)| in_run(c)) {
                end = at + c.len_utf8();
            }
            found.push(&text[start..end]);
        }
        if let Some(before) = previous.replace(start) {
            found.push(&text[before..end]);
        }
    }
    found
}

/// Alphabetic scripts and digits, which are written in words; the ideographic blocks begin at U+2E80.
fn in_run(c: char) -> bool {
    c.is_alphanumeric() && c < '\u{2E80}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_ideographs_and_whole_latin_words_are_terms() {
        assert_eq!(terms(&normalise("伊景园·滨河苑")), ["伊景", "景园", "滨河", "河苑"]);
        assert_eq!(terms(&normalise("Ａ７县58车贷")), ["a7", "a7县", "58", "县58", "58车", "车贷"]);
        assert_eq!(terms(&normalise("Noise at NIGHT!")), ["noise", "at", "night"]);
        assert!(terms("，。").is_empty());
    }
}
