//! Why a problem's tickets are together, in words people read.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jieba_rs::Jieba;
use rustc_hash::{FxHashMap, FxHashSet};

use super::likeness::Likeness;
use super::profile::{PARTS, Profile};
use super::text::fold;
use super::{Document, Engine, place};

/// Tickets looked at to explain a problem, the latest: enough to tell, and bounded.
const SAMPLE: usize = 200;
/// From this similarity on two tickets say the same thing.
const SAME_TEXT: f64 = 0.9;
/// Characters of a text that words are taken from.
const READ_CHARS: usize = 400;
/// A place is told when this share of the texts that name the commonest one name it.
const OFTEN: f64 = 0.4;
const NAME_CHARS: std::ops::RangeInclusive<usize> = 3..=8;

/// The dictionary takes a moment to load, so it waits for the first question.
fn jieba() -> &'static Jieba {
    static JIEBA: OnceLock<Jieba> = OnceLock::new();
    JIEBA.get_or_init(Jieba::new)
}

/// The `n` words that set these texts, a problem's tickets, apart from all others, with their strength, strongest first.
///
/// A word's strength is its part of the Kullback-Leibler divergence, p·ln(p/q): `p` its share of the problem's tickets,
/// `q` of all tickets. A word that only one of several tickets has explains nothing.
pub fn terms(engine: &Engine, texts: &[Document], n: usize) -> Vec<(String, f64)> {
    let sample = &texts[texts.len().saturating_sub(SAMPLE)..];
    let least = sample.len().min(2);
    let mut counts: FxHashMap<String, usize> = FxHashMap::default();
    for text in sample {
        words(text).into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
    }
    let strength = |word: &str, count: usize| {
        let share = count as f64 / sample.len() as f64;
        let everywhere = engine.lexicon.frequency_bound(word).max(count) as f64 / engine.len().max(count) as f64;
        share * (share / everywhere).ln()
    };
    let told = counts.into_iter().filter(|(_, count)| *count >= least);
    strongest(told.map(|(word, count)| (strength(&word, count), word)), n)
}

/// The `n` words for which a ticket is in its problem: those that weigh most in both.
pub fn reasons(engine: &Engine, text: &Document, problem: &str, n: usize) -> Vec<(String, f64)> {
    let Some(problem) = engine.problem(problem) else { return Vec::new() };
    let own = Profile::of(engine.lexicon.weights(), &engine.lexicon.read(text));
    let mut shared: FxHashMap<u32, f64> = FxHashMap::default();
    let pairs = f64::from(problem.profile.totals.size) * PARTS * PARTS;
    own.shared(&problem.profile, |term, a, b| {
        shared.insert(term, f64::from(a) * f64::from(b) / pairs);
    });
    let weigh = |word: &str| {
        let terms = engine.lexicon.numbers_of(word);
        let weights: Option<Vec<f64>> = terms.iter().map(|term| shared.get(term).copied()).collect();
        weights.filter(|weights| !weights.is_empty()).map(|weights| weights.iter().sum())
    };
    strongest(words(text).into_iter().filter_map(|word| Some((weigh(&word)?, word))), n)
}

fn strongest(words: impl Iterator<Item = (f64, String)>, n: usize) -> Vec<(String, f64)> {
    let mut words: Vec<(String, f64)> = words.map(|(strength, word)| (word, strength)).collect();
    words.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.truncate(n);
    words
}

/// A title without the places it names that has most of what these words say in fewest characters: what a theme is called.
pub fn matter(titles: &[&str], words: &[(String, f64)]) -> Option<String> {
    let said = |matter: &String| {
        let strength: f64 = words.iter().filter(|(word, _)| matter.contains(word)).map(|(_, strength)| strength).sum();
        strength / (matter.chars().count() as f64).sqrt()
    };
    let matters = titles.iter().map(|title| without_places(title)).filter(|matter| !matter.is_empty());
    matters.map(|matter| (said(&matter), matter)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, matter)| matter)
}

fn without_places(title: &str) -> String {
    let folded = fold(title);
    let named = place::mark(&folded);
    let told: String = folded.iter().zip(named).filter(|(_, named)| !named).map(|(c, _)| c).collect();
    told.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// The words of a text; single characters and numbers are none.
fn words(text: &Document) -> FxHashSet<String> {
    let beginning = |text: &str| fold(text).into_iter().take(READ_CHARS).collect::<String>();
    let told = |word: &&str| word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
    [text.title, text.body]
        .into_iter()
        .map(beginning)
        .flat_map(|text| {
            jieba()
                .cut(&text, true)
                .into_iter()
                .map(|token| token.word)
                .filter(told)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The places named, each with how often, most frequent first. Blank ones do not count.
pub fn places<'a>(named: impl IntoIterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in named.into_iter().map(str::trim).filter(|place| !place.is_empty()) {
        *counts.entry(place).or_default() += 1;
    }
    ranked(counts.into_iter().map(|(place, n)| (place.to_owned(), n)).collect())
}

/// The places that several of the texts name, each with in how many, most frequent first.
///
/// Where a name begins is not written: of the runs before an ending the longest that is nearly as frequent as any is told.
pub fn places_in(texts: &[Document]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<Vec<char>, usize> = BTreeMap::new();
    for text in texts {
        let mut named: FxHashSet<Vec<char>> = FxHashSet::default();
        for folded in [fold(text.title), fold(text.body)] {
            for end in place::ends(&folded) {
                let runs = NAME_CHARS.filter(|length| *length <= end).map(|length| &folded[end - length..end]);
                named.extend(runs.filter(|run| run.iter().all(|&c| place::is_of_name(c))).map(<[char]>::to_vec));
            }
        }
        named.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    }
    let often = counts.values().copied().max().unwrap_or(0) as f64 * OFTEN;
    let mut told: Vec<(Vec<char>, usize)> =
        counts.into_iter().filter(|(_, count)| *count >= 2 && *count as f64 >= often).collect();
    told.sort_by_key(|(name, count)| std::cmp::Reverse(count * (name.len() - 1)));
    let mut kept: Vec<(Vec<char>, usize)> = Vec::new();
    for (name, count) in told {
        let overlaps =
            |other: &[char]| other.windows(2).filter(|pair| name.windows(2).any(|own| own == *pair)).count() > 0;
        if !kept.iter().any(|(other, _)| overlaps(other)) {
            kept.push((name, count));
        }
    }
    ranked(kept.into_iter().map(|(name, count)| (name.into_iter().collect(), count)).collect())
}

fn ranked(mut counts: Vec<(String, usize)>) -> Vec<(String, usize)> {
    counts.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    counts
}

/// The `n` tickets nearest to the problem's centre, most central first: the first one's title can name the problem.
pub fn central(engine: &Engine, problem: &str, n: usize) -> Vec<String> {
    let Some(problem) = engine.problem(problem) else { return Vec::new() };
    let plain = Likeness::text();
    let mut scored: Vec<(f64, u32)> = problem.members[problem.members.len().saturating_sub(SAMPLE)..]
        .iter()
        .map(|&member| (Profile::of(engine.lexicon.weights(), engine.features(member)), member))
        .map(|(own, member)| (plain.of(&own, &problem.profile, engine.lexicon.weights()), member))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.truncate(n);
    scored.into_iter().map(|(_, member)| engine.id(member).to_owned()).collect()
}

/// The tickets without those that repeat an earlier one nearly word for word; each kept one with how many were folded
/// into it, by order of arrival. Unknown tickets are left out.
pub fn near_duplicates(engine: &Engine, ids: &[String]) -> Vec<(String, usize)> {
    let mut positions: Vec<u32> = ids.iter().filter_map(|id| engine.position(id)).collect();
    positions.sort_unstable();
    positions.dedup();
    let mut kept: Vec<(u32, Profile, usize)> = Vec::new();
    for position in positions {
        let own = Profile::of(engine.lexicon.weights(), engine.features(position));
        match kept.iter_mut().find(|(_, other, _)| own.cosine(other) >= SAME_TEXT) {
            Some((_, _, folded)) => *folded += 1,
            None => kept.push((position, own, 0)),
        }
    }
    kept.into_iter().map(|(position, _, folded)| (engine.id(position).to_owned(), folded)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_called_what_its_places_have_in_common() {
        let titles = ["清水湾小区夜间施工噪音扰民", "反映桃园路夜间施工噪音扰民，影响孩子学习", "咨询"];
        let words = [("夜间".to_owned(), 0.9), ("施工".to_owned(), 0.8), ("噪音".to_owned(), 0.7)];
        assert_eq!(matter(&titles, &words).as_deref(), Some("夜间施工噪音扰民"));
        assert_eq!(matter(&["清水湾小区"], &words), None, "a place alone is no matter");
    }
}
