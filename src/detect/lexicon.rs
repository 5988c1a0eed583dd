//! What the archive knows about each term: how common it is, and how much of a place's name.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::text::{self, Term, fold};
use super::{Document, place};

/// A title names the matter; what it says counts this many times (measured: a wide plateau from four to ten).
const TITLE_WEIGHT: u32 = 6;
/// An address field is short and all place.
const ADDRESS_WEIGHT: u32 = 3;
/// Terms kept of a ticket, the heaviest: what places it, not all it says.
pub const KEPT_TERMS: usize = 128;
/// A term in this share of all tickets or more names no place that could tell two tickets apart (a district does not).
const COMMON_PLACE: f32 = 0.02;
/// As long as it is in no more tickets than this, it may: a young archive has few.
const FEW: f32 = 50.0;
/// Weight of the assumption that a term is no place, in tickets.
const PRIOR: f32 = 1.0;
const PRIOR_PLACE: f32 = 0.3;
/// Damped counts are kept in parts of this.
const COUNT_PARTS: f32 = 32.0;
/// What is kept of a ticket: its heaviest terms by ascending number, the number in the upper 24 bits, the damped count in
/// the lower eight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Features(Box<[u32]>);

const MAX_TERMS: usize = 1 << 24;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Inverse document frequency, ln(1 + N/df).
    pub idf: f32,
    /// How much of a place's name that tells places apart, 0 to 1.
    pub place: f32,
    /// How little of any place's name, 0 to 1.
    pub matter: f32,
}

/// One term. Kept together, as whoever asks for one of these asks for the others.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Known {
    /// Tickets that have it.
    seen: u32,
    /// Tickets that have it in a place's name.
    in_place: u32,
    /// As of the last weighing; until then, that of a new term.
    weight: Weight,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lexicon {
    numbers: FxHashMap<u32, u32>,
    terms: Vec<Known>,
    documents: u32,
    weighed_at: u32,
}

impl Lexicon {
    /// Reads a ticket and counts its terms. Gives the heaviest of them.
    pub fn learn(&mut self, document: &Document) -> Features {
        self.documents += 1;
        let mut counts: FxHashMap<u32, (u32, bool)> = with_room();
        read(document, |key, times, named| {
            let count = counts.entry(key).or_default();
            *count = (count.0 + times, count.1 || named);
        });
        let mut numbered = Vec::with_capacity(counts.len());
        for (key, (count, named)) in counts {
            let Some(number) = self.number(key) else { continue };
            let known = &mut self.terms[number as usize];
            known.seen += 1;
            known.in_place += u32::from(named);
            numbered.push((number, count));
        }
        self.heaviest(numbered, 1)
    }

    /// Reads a text without counting it. Terms nobody used yet are left out.
    pub fn read(&self, document: &Document) -> Features {
        let mut counts: FxHashMap<u32, u32> = with_room();
        read(document, |key, times, _| *counts.entry(key).or_default() += times);
        let known = counts.into_iter().filter_map(|(key, count)| Some((*self.numbers.get(&key)?, count)));
        self.heaviest(known.collect(), 2)
    }

    /// Makes every term of a place's name known as such, whatever the tickets say.
    pub fn know_place(&mut self, name: &str) {
        let folded = fold(name);
        let mut keys = Vec::new();
        text::terms(&folded, |term| keys.push(term.key));
        for number in keys.into_iter().filter_map(|key| self.number(key)).collect::<Vec<_>>() {
            self.terms[number as usize].in_place = u32::MAX / 2;
        }
    }

    /// Takes the weights anew when the archive has grown by half. Gives whether it did. In between they stand
    /// still: what was added to a sum can be taken out of it.
    pub fn weigh_if_grown(&mut self) -> bool {
        let due = self.documents > self.weighed_at + self.weighed_at / 2;
        if due {
            self.weigh(|known, all| known.weighed(all, 2));
        }
        due
    }

    /// With the weights as of now, and none for a term of a single ticket: nothing else can be like it for that.
    pub fn settled(&self) -> Lexicon {
        let mut settled = self.clone();
        settled.weigh(|known, all| if known.seen < 2 { Weight::default() } else { known.weighed(all, 0) });
        settled
    }

    fn weigh(&mut self, weight: impl Fn(&Known, u32) -> Weight) {
        self.weighed_at = self.documents;
        for known in &mut self.terms {
            known.weight = weight(known, self.documents);
        }
    }

    pub fn weight(&self, number: u32) -> Weight {
        self.terms.get(number as usize).map_or(Weight::default(), |known| known.weight)
    }

    /// A term that came after the weighing weighs as one of two tickets, and may be a place or not.
    fn newcomer(&self) -> Known {
        let idf = (1.0 + self.weighed_at as f32 / 2.0).ln();
        Known { weight: Weight { idf, place: PRIOR_PLACE, matter: 1.0 - PRIOR_PLACE }, ..Known::default() }
    }

    /// How many tickets have all of `word`'s terms, at most: the frequency of the rarest.
    pub fn frequency_bound(&self, word: &str) -> usize {
        let mut least = None;
        text::terms(&fold(word), |term| {
            let seen = self.numbers.get(&term.key).map_or(0, |&number| self.terms[number as usize].seen as usize);
            least = Some(least.map_or(seen, |least: usize| least.min(seen)));
        });
        least.unwrap_or(self.documents as usize)
    }

    /// The numbers of `word`'s terms; one that nobody used is left out.
    pub fn numbers_of(&self, word: &str) -> Vec<u32> {
        let mut numbers = Vec::new();
        text::terms(&fold(word), |term| numbers.extend(self.numbers.get(&term.key)));
        numbers
    }

    fn seen(&self, number: u32) -> u32 {
        self.terms[number as usize].seen
    }

    fn number(&mut self, key: u32) -> Option<u32> {
        if let Some(&number) = self.numbers.get(&key) {
            return Some(number);
        }
        let number = self.terms.len();
        if number == MAX_TERMS {
            return None;
        }
        self.numbers.insert(key, number as u32);
        self.terms.push(self.newcomer());
        Some(number as u32)
    }

    fn heaviest(&self, counts: Vec<(u32, u32)>, floor: u32) -> Features {
        let rarity = |number: u32| (1.0 + self.documents as f32 / self.seen(number).max(1) as f32).ln();
        let mut weighed: Vec<(u32, u32, f32)> = counts
            .into_iter()
            .filter(|&(number, _)| self.seen(number) >= floor)
            .map(|(number, count)| {
                let damped = 1.0 + (count as f32).ln();
                (number, ((damped * COUNT_PARTS) as u32).min(255), damped * rarity(number))
            })
            .collect();
        if weighed.len() > KEPT_TERMS {
            weighed.select_nth_unstable_by(KEPT_TERMS, |a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
            weighed.truncate(KEPT_TERMS);
        }
        let mut terms: Vec<u32> = weighed.into_iter().map(|(number, count, _)| number << 8 | count).collect();
        terms.sort_unstable();
        Features(terms.into_boxed_slice())
    }
}

impl Known {
    /// Its weight among `all` tickets, if at least `least` had it.
    fn weighed(&self, all: u32, least: u32) -> Weight {
        let (seen, all) = (self.seen.max(least) as f32, all as f32);
        let place = ((self.in_place as f32 + PRIOR_PLACE) / (seen + PRIOR)).min(1.0);
        let tells_apart = ((all * COMMON_PLACE).max(FEW) / seen.max(1.0)).ln().clamp(0.0, 1.0);
        Weight { idf: (1.0 + all / seen).ln(), place: place * tells_apart, matter: 1.0 - place }
    }
}

/// Room for the terms of most tickets.
fn with_room<V>() -> FxHashMap<u32, V> {
    FxHashMap::with_capacity_and_hasher(440, Default::default())
}

impl Features {
    /// The terms, each with its damped count.
    pub fn counts(&self) -> impl Iterator<Item = (u32, f32)> {
        self.0.iter().map(|packed| (packed >> 8, (packed & 255) as f32 / COUNT_PARTS))
    }
}

/// Every term of the document: its key, how many times it counts, whether it stands in a place's name.
fn read(document: &Document, mut found: impl FnMut(u32, u32, bool)) {
    for (part, times) in [(document.title, TITLE_WEIGHT), (document.body, 1)] {
        let folded = fold(part);
        let marked = place::mark(&folded);
        text::terms(&folded, |Term { key, span }| {
            found(key, times, marked[span.0 as usize..span.1 as usize].iter().all(|&marked| marked))
        });
    }
    let address = fold(document.place.unwrap_or_default());
    text::terms(&address, |Term { key, .. }| found(key, ADDRESS_WEIGHT, true));
    let cells = document.coordinates.map(place::cells);
    cells.into_iter().flatten().for_each(|key| found(key, ADDRESS_WEIGHT, true));
}
