//! Text as terms: what matching compares.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::FxHasher;
use unicode_normalization::UnicodeNormalization;

/// Characters read of one text: what a ticket is about is said by then, and the cost stays bounded.
const MAX_CHARS: usize = 2_000;
/// The longest thing in angle brackets that is taken for markup.
const MAX_TAG: usize = 120;
const IDEOGRAPHS: std::ops::RangeInclusive<char> = '\u{4E00}'..='\u{9FFF}';
const IDEOGRAPH_COUNT: usize = *IDEOGRAPHS.end() as usize - *IDEOGRAPHS.start() as usize + 1;
/// ASCII as wide as ideographs, in the same order; Chinese commas and question marks are of these.
const FULL_WIDTH: std::ops::RangeInclusive<char> = '\u{FF01}'..='\u{FF5E}';

/// The same writing for full-width and half-width, capital and small letters (NFKC, lower case).
pub fn normalise(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// A term of a text: a pair of neighbouring units, or one unit of letters and digits. A unit is one ideograph or one run
/// of letters and digits; punctuation and blanks separate, no pair spans them. The 第 of an ordinal is no unit: 第一中学 is
/// 一中.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// A hash of its characters.
    pub key: u32,
    /// First and one past the last character in the [folded](fold) text.
    pub span: (u32, u32),
}

/// The text as matching reads it, at most [`MAX_CHARS`] characters: [normalised](normalise), traditional characters as
/// simplified ones, markup and the commonest marks as blanks.
pub fn fold(text: &str) -> Vec<char> {
    let mut folded = Vec::with_capacity(text.len().min(4 * MAX_CHARS) / 3);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if folded.len() >= MAX_CHARS {
            break;
        }
        if IDEOGRAPHS.contains(&c) {
            folded.push(simplified(c));
        } else if let Some(end) = markup(c, rest.as_str()) {
            folded.push(' ');
            rest = rest.as_str()[end..].chars();
        } else if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else if FULL_WIDTH.contains(&c) {
            folded.push(char::from((c as u32 - *FULL_WIDTH.start() as u32) as u8 + b'!').to_ascii_lowercase());
        } else if matches!(c, '、' | '。' | '“' | '”') {
            folded.push(' ');
        } else {
            folded.extend(std::iter::once(c).nfkc().flat_map(char::to_lowercase).map(simplified));
        }
    }
    folded
}

/// The terms of a folded text, in order, repeated as often as they occur.
pub fn terms(folded: &[char], mut found: impl FnMut(Term)) {
    // Where the unit before begins, and which character it is when it is a single one.
    let mut previous: Option<(usize, Option<char>)> = None;
    let mut at = 0;
    while at < folded.len() {
        let (start, first) = (at, folded[at]);
        at += 1;
        if first == '第' && folded.get(at).is_some_and(|&c| digit(c).is_ascii_digit()) {
            continue;
        }
        if !is_word(first) {
            previous = None;
            continue;
        }
        let mut single = Some(digit(first));
        if in_run(first) {
            while folded.get(at).is_some_and(|&c| in_run(c)) {
                at += 1;
            }
            single = single.filter(|_| at == start + 1);
            found(Term { key: whole(&folded[start..at]), span: (start as u32, at as u32) });
        }
        if let Some((before, other)) = previous.replace((start, single)) {
            let runs = in_run(folded[before]) && in_run(first);
            let key = match (other, single) {
                (Some(one), Some(two)) if !runs => pair(one, two),
                _ => whole(&folded[before..at]),
            };
            found(Term { key, span: (before as u32, at as u32) });
        }
    }
}

/// Of a pair of characters either may come first: who swaps two means the same, and hardly two words are each other's
/// mirror image.
#[inline]
fn pair(one: char, other: char) -> u32 {
    key([one.min(other), one.max(other)].into_iter())
}

fn whole(characters: &[char]) -> u32 {
    key(characters.iter().copied().map(digit))
}

fn key(characters: impl Iterator<Item = char>) -> u32 {
    let mut hasher = FxHasher::default();
    characters.for_each(|c| hasher.write_u32(c.into()));
    folded_hash(hasher.finish())
}

/// A Chinese numeral as the digit it is, any other character as it is: the second phase is 二期 or 2期.
#[inline]
fn digit(c: char) -> char {
    match c {
        '〇' | '零' => '0',
        '一' => '1',
        '二' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => c,
    }
}

/// A term's key from a hash of what it is.
pub fn folded_hash(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

/// Ideographs first: the question is asked of every character, and its general form is slow for them.
#[inline]
pub fn is_word(c: char) -> bool {
    IDEOGRAPHS.contains(&c) || c.is_alphanumeric()
}

/// Alphabetic scripts and digits, which are written in words; the ideographic blocks begin at U+2E80.
#[inline]
fn in_run(c: char) -> bool {
    c < '\u{2E80}' && c.is_alphanumeric()
}

/// Where the tag or character reference that `first` begins ends in `rest`.
fn markup(first: char, rest: &str) -> Option<usize> {
    let begins =
        first == '&' || (first == '<' && rest.starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c)));
    if !begins {
        return None;
    }
    let rest = &rest[..rest.char_indices().nth(MAX_TAG).map_or(rest.len(), |(end, _)| end)];
    let name = |c: char| c.is_ascii_alphanumeric() || c == '#';
    let end = match first {
        '<' => rest.find('>'),
        _ => rest.find(';').filter(|&end| end > 1 && end < 10 && rest[..end].chars().all(name)),
    };
    end.map(|end| end + 1)
}

/// The simplified form of an ideograph, any other character as it is. A form is asked for once and kept: a city writes few
/// of the characters there are.
fn simplified(c: char) -> char {
    static FORMS: [AtomicU32; IDEOGRAPH_COUNT] = [const { AtomicU32::new(0) }; IDEOGRAPH_COUNT];
    let at = (c as usize).checked_sub(*IDEOGRAPHS.start() as usize);
    let Some(form) = at.and_then(|at| FORMS.get(at)) else { return c };
    if let Some(known) = char::from_u32(form.load(Ordering::Relaxed)).filter(|known| *known != '\0') {
        return known;
    }
    let simplified = fast2s::convert(c.encode_utf8(&mut [0; 4])).chars().next().unwrap_or(c);
    form.store(simplified.into(), Ordering::Relaxed);
    simplified
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        let folded = fold(text);
        let mut found = Vec::new();
        terms(&folded, |term| found.push(folded[term.span.0 as usize..term.span.1 as usize].iter().collect()));
        found
    }

    #[test]
    fn pairs_of_ideographs_and_whole_latin_words_are_terms() {
        assert_eq!(read("伊景园·滨河苑"), ["伊景", "景园", "滨河", "河苑"]);
        assert_eq!(read("Ａ７县58车贷"), ["a7", "a7县", "58", "县58", "58车", "车贷"]);
        assert_eq!(read("Noise at NIGHT!"), ["noise", "at", "night"]);
        assert!(read("，。").is_empty());
    }

    #[test]
    fn the_same_said_in_other_writing_is_the_same() {
        assert_eq!(read("垃圾車噪聲"), read("垃圾车噪声"));
        assert_eq!(read("<p class=\"a\">路燈&nbsp;不亮</p>"), read("路灯 不亮"));
        assert_eq!(read("3<5，7&8"), ["3", "5", "7", "8"], "not everything in brackets is markup");
    }

    #[test]
    fn what_is_folded_without_the_general_form_is_folded_as_by_it() {
        for c in FULL_WIDTH {
            assert_eq!(fold(&c.to_string()), normalise(&c.to_string()).chars().collect::<Vec<_>>(), "{c}");
        }
    }

    #[test]
    fn a_number_in_words_is_the_same_as_in_digits() {
        let keys = |text| {
            let mut found = Vec::new();
            terms(&fold(text), |term| found.push(term.key));
            found
        };
        let digits = keys("滨河苑2期");
        assert!(keys("滨河苑二期").iter().all(|key| digits.contains(key)));
        assert!(!keys("滨河苑三期").iter().all(|key| digits.contains(key)));
    }

    #[test]
    fn swapped_characters_and_ordinals_make_no_other_name() {
        let keys = |text| {
            let mut found = Vec::new();
            terms(&fold(text), |term| found.push(term.key));
            found
        };
        assert_eq!(keys("桃源"), keys("源桃"));
        assert_ne!(keys("ab"), keys("ba"), "words in letters are whole");
        assert_eq!(keys("A7县第一中"), keys("A7县一中"));
        assert_eq!(read("第几"), ["第几"]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "\\PC{0,400}|[<&;>a-z一-龥😀-😎\u{0}-\u{20}]{0,400}") {
            let folded = fold(&text);
            prop_assert!(folded.len() <= MAX_CHARS + 20);
            terms(&folded, |term| assert!(term.span.0 < term.span.1 && term.span.1 as usize <= folded.len()));
        }
    }
}
