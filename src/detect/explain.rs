//! Why a problem's tickets are together, in words people read.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jieba_rs::Jieba;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Engine;
use super::index::{Index, Query, best_first};

/// Tickets looked at to explain a problem, the latest: enough to tell, and bounded.
const SAMPLE: usize = 200;
/// From this similarity on two tickets say the same thing.
const SAME_TEXT: f32 = 0.9;
/// Tickets compared to find one's duplicates.
const DUPLICATE_CANDIDATES: usize = 200;

/// The dictionary takes a moment to load, so it waits for the first question.
fn jieba() -> &'static Jieba {
    static JIEBA: OnceLock<Jieba> = OnceLock::new();
    JIEBA.get_or_init(Jieba::new)
}

/// The `n` words that set the problem's tickets apart from all others, strongest first.
///
/// A word's strength is its part of the Kullback-Leibler divergence, p·ln(p/q): `p` its share of the problem's tickets,
/// `q` of all tickets. A word that only one of several tickets has explains nothing.
pub fn terms(engine: &Engine, problem_id: &str, n: usize) -> Vec<String> {
    let sample = sample(engine, problem_id);
    let least = sample.len().min(2);
    let mut scored: Vec<(String, f64)> = frequencies(&engine.index, sample)
        .into_iter()
        .filter(|(_, count)| *count >= least)
        .map(|(word, count)| {
            let share = count as f64 / sample.len() as f64;
            let everywhere = engine.index.frequency_bound(&word).max(count) as f64 / engine.len() as f64;
            (word, share * (share / everywhere).ln())
        })
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    scored.truncate(n);
    scored.into_iter().map(|(word, _)| word).collect()
}

/// In how many of the tickets each word occurs; single characters and numbers are not words.
fn frequencies(index: &Index, positions: &[u32]) -> FxHashMap<String, usize> {
    let mut counts = FxHashMap::default();
    for ticket in positions.iter().map(|&position| index.ticket(position)) {
        let texts = [&ticket.title, &ticket.opening];
        let words: FxHashSet<&str> = texts
            .into_iter()
            .flat_map(|text| jieba().cut(text, true))
            .map(|token| token.word)
            .filter(|word| word.chars().count() > 1 && word.chars().all(char::is_alphabetic))
            .collect();
        for word in words {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// The places named, each with how often, most frequent first. Blank ones do not count.
pub fn places<'a>(named: impl IntoIterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in named.into_iter().map(str::trim).filter(|place| !place.is_empty()) {
        *counts.entry(place).or_default() += 1;
    }
    let mut ranked: Vec<(String, usize)> = counts.into_iter().map(|(place, n)| (place.to_owned(), n)).collect();
    ranked.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    ranked
}

/// The `n` tickets nearest to the problem's centre, most central first: the first one's title can name the problem.
pub fn central(engine: &Engine, problem_id: &str, n: usize) -> Vec<String> {
    let sample = sample(engine, problem_id);
    let queries: Vec<Query> = sample.iter().map(|&position| engine.index.query_of(position)).collect();
    let centre = Query::sum(&queries);
    let mut scored: Vec<(u32, f32)> =
        sample.iter().map(|&position| (position, engine.index.similarity(&centre, position))).collect();
    scored.sort_unstable_by(best_first);
    scored.truncate(n);
    scored.into_iter().map(|(position, _)| engine.index.ticket(position).id.clone()).collect()
}

/// The tickets without those that repeat an earlier one nearly word for word; each kept one with how many were folded
/// into it, by time received. Unknown tickets are left out.
pub fn near_duplicates(engine: &Engine, ids: &[String]) -> Vec<(String, usize)> {
    let index = &engine.index;
    let mut positions: Vec<u32> = ids.iter().filter_map(|id| index.position(id)).collect();
    positions.sort_unstable_by_key(|&position| (index.ticket(position).received_at, position));
    positions.dedup();
    let mut kept: Vec<(u32, usize)> = Vec::new();
    let mut rank: FxHashMap<u32, usize> = FxHashMap::default();
    for position in positions {
        let alike = index.nearest(&index.query_of(position), DUPLICATE_CANDIDATES);
        let same = alike.into_iter().take_while(|&(_, score)| score >= SAME_TEXT);
        match same.filter_map(|(other, _)| rank.get(&other).copied()).min() {
            Some(earlier) => {
                kept[earlier].1 += 1;
                // A third copy may resemble the second more than the first.
                rank.insert(position, earlier);
            }
            None => {
                rank.insert(position, kept.len());
                kept.push((position, 0));
            }
        }
    }
    kept.into_iter().map(|(position, folded)| (index.ticket(position).id.clone(), folded)).collect()
}

fn sample<'a>(engine: &'a Engine, problem_id: &str) -> &'a [u32] {
    let members = engine.positions(problem_id);
    &members[members.len().saturating_sub(SAMPLE)..]
}
