//! What the archive knows about each term: how common it is, and how much of a place's name.

use std::borrow::Cow;
use std::cell::RefCell;
use std::hash::Hasher;
use std::sync::LazyLock;

use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};

use super::slots::Slots;
use super::text::{self, Term, fold};
use super::weights::{Weight, Weights};
use super::{Document, place};

/// A title names the matter; what it says counts this many times (measured: a plateau from four to nine).
const TITLE_WEIGHT: u32 = 5;
/// An address field is short and all place.
const ADDRESS_WEIGHT: u32 = 3;
/// Who calls again mostly calls about the same; who calls about everything has a common code, which weighs little.
const CALLER_WEIGHT: u32 = 3;
/// Terms kept of a ticket, the heaviest: what places it, not all it says.
pub const KEPT_TERMS: usize = 128;
/// A term in this share of all tickets or more names no place that could tell two tickets apart (a district does not).
const COMMON_PLACE: f32 = 0.02;
/// As long as it is in no more tickets than this, it may: a young archive has few.
const FEW: f32 = 50.0;
/// Weight of the assumption that a term is no place, in tickets.
const PRIOR: f32 = 1.0;
const PRIOR_PLACE: f32 = 0.3;
/// Tickets of an archive whose weights hardly change by a few more.
const LARGE: u32 = 20_000;
/// Damped counts are kept in parts of this.
const COUNT_PARTS: f32 = 32.0;
/// What is kept of a ticket: its heaviest terms by ascending number, the number in the upper 24 bits, the damped count in
/// the lower eight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Features(Box<[u32]>);

/// The number of a term that has none; numbers below fit in 24 bits.
const UNKNOWN: u32 = 1 << 24;

/// One term, as counted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Counted {
    /// Tickets that have it.
    seen: u32,
    /// Tickets that have it in a place's name.
    in_place: u32,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lexicon {
    /// By key.
    numbers: Slots,
    terms: Vec<Counted>,
    /// As of the last weighing; until then, those of new terms.
    weights: Weights,
    documents: u32,
    weighed_at: u32,
    /// The weights are those of [`Lexicon::settled`].
    is_settled: bool,
}

impl Lexicon {
    /// Room for so many more terms, as memory that is moved while it grows is paid for twice.
    pub fn make_room(&mut self, terms: usize) {
        self.numbers.make_room(self.terms.len() + terms);
        self.terms.reserve(terms);
        self.weights.make_room(terms);
    }

    /// Terms that have a number.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Reads a ticket and counts its terms. Gives the heaviest of them.
    pub fn learn(&mut self, document: &Document) -> Features {
        let said = self.count(document);
        self.heaviest(&said, 1)
    }

    /// Reads a ticket and counts its terms. Gives them all, to be asked for the [heaviest](Lexicon::heaviest).
    pub fn count(&mut self, document: &Document) -> Said {
        self.documents += 1;
        self.is_settled = false;
        let newcomer = self.newcomer();
        mentioned(document, |mentions| {
            self.look_up(mentions);
            for mention in &mut *mentions {
                if mention.number == UNKNOWN {
                    mention.number = self.take_in(mention.key, newcomer);
                }
                if let Some(known) = self.terms.get_mut(mention.number as usize) {
                    known.seen += 1;
                    known.in_place += u32::from(mention.named);
                }
            }
            packed(mentions)
        })
    }

    /// Reads a text without counting it. Terms nobody used yet are left out.
    pub fn read(&self, document: &Document) -> Features {
        let said = mentioned(document, |mentions| {
            self.look_up(mentions);
            packed(mentions)
        });
        self.heaviest(&said, 2)
    }

    /// The terms' numbers, looked up by themselves: all the time goes to waiting for memory, and a short loop waits for
    /// several of them at once.
    fn look_up(&self, mentions: &mut [Mention]) {
        for mention in mentions {
            mention.number = self.numbers.get(mention.key).unwrap_or(UNKNOWN);
        }
    }

    /// Makes every term of a place's name known as such, whatever the tickets say.
    pub fn know_place(&mut self, name: &str) {
        self.is_settled = false;
        let folded = fold(name);
        let mut keys = Vec::new();
        text::terms(&folded, |term| keys.push(term.key));
        let newcomer = self.newcomer();
        for number in keys.into_iter().map(|key| self.number(key, newcomer)).collect::<Vec<_>>() {
            if let Some(known) = self.terms.get_mut(number as usize) {
                known.in_place = u32::MAX / 2;
            }
        }
    }

    /// Takes the weights anew when the archive has grown by half, a large one when it has doubled. Gives whether it did.
    /// In between they stand still: what was added to a sum can be taken out of it.
    pub fn weigh_if_grown(&mut self) -> bool {
        let growth = if self.weighed_at < LARGE { self.weighed_at / 2 } else { self.weighed_at };
        let due = self.documents > self.weighed_at + growth;
        if due {
            self.weighed_at = self.documents;
            self.weights = self.terms.iter().map(|term| term.weighed(self.documents, 2)).collect();
        }
        due
    }

    /// The weights as of now, and none for a term of a single ticket: nothing else can be like it for that.
    pub fn settled(&self) -> Cow<'_, Weights> {
        if self.is_settled {
            return Cow::Borrowed(&self.weights);
        }
        let weight = |term: &Counted| if term.seen < 2 { Weight::default() } else { term.weighed(self.documents, 0) };
        Cow::Owned(self.terms.iter().map(weight).collect())
    }

    /// Takes those weights itself.
    pub fn settle(&mut self) {
        self.weighed_at = self.documents;
        self.weights = self.settled().into_owned();
        self.is_settled = true;
    }

    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// A term that came after the weighing weighs as one of two tickets, and may be a place or not.
    fn newcomer(&self) -> Weight {
        let idf = (1.0 + self.weighed_at as f32 / 2.0).ln();
        Weight { idf, place: PRIOR_PLACE, matter: 1.0 - PRIOR_PLACE }
    }

    /// How many tickets have all of `word`'s terms, at most: the frequency of the rarest.
    pub fn frequency_bound(&self, word: &str) -> usize {
        let mut least = None;
        text::terms(&fold(word), |term| {
            let seen = self.numbers.get(term.key).map_or(0, |number| self.terms[number as usize].seen as usize);
            least = Some(least.map_or(seen, |least: usize| least.min(seen)));
        });
        least.unwrap_or(self.documents as usize)
    }

    /// The numbers of `word`'s terms; one that nobody used is left out.
    pub fn numbers_of(&self, word: &str) -> Vec<u32> {
        let mut numbers = Vec::new();
        text::terms(&fold(word), |term| numbers.extend(self.numbers.get(term.key)));
        numbers
    }

    /// The term's number, a new one for a new term while there are any.
    fn number(&mut self, key: u32, newcomer: Weight) -> u32 {
        self.numbers.get(key).unwrap_or_else(|| self.take_in(key, newcomer))
    }

    /// The number of a new term.
    fn take_in(&mut self, key: u32, newcomer: Weight) -> u32 {
        let number = self.terms.len() as u32;
        if number == UNKNOWN {
            return UNKNOWN;
        }
        *self.numbers.of(key) = number;
        self.terms.push(Counted::default());
        self.weights.push(newcomer);
        number
    }

    /// Of these terms those that weigh most and that `least` tickets have; of equal ones those known longest.
    pub fn heaviest(&self, said: &Said, least: u32) -> Features {
        // One word each, the heavier the greater, then the earlier. A weight goes by its bits: numbers that are not
        // negative have the same order, and whole ones are compared sooner.
        let mut ranked: Vec<(u64, u32)> = Vec::with_capacity(said.0.len());
        for &count in &said.0 {
            let term = count >> 8;
            if self.terms[term as usize].seen >= least {
                let weight = (count & 255) as f32 * self.weights.idf(term);
                ranked.push((u64::from(weight.to_bits()) << u32::BITS | u64::from(!term), count));
            }
        }
        if ranked.len() > KEPT_TERMS {
            ranked.select_nth_unstable_by(KEPT_TERMS - 1, |a, b| b.0.cmp(&a.0));
            ranked.truncate(KEPT_TERMS);
        }
        let mut kept: Box<[u32]> = ranked.into_iter().map(|(_, count)| count).collect();
        kept.sort_unstable();
        Features(kept)
    }
}

/// A term of a text.
#[derive(Clone, Copy)]
struct Mention {
    key: u32,
    number: u32,
    times: u32,
    /// It stands in a place's name.
    named: bool,
}

/// All that a ticket says, each term once, packed as in [`Features`] but in no order.
pub struct Said(Vec<u32>);

/// Those without a number are left out.
fn packed(mentions: &[Mention]) -> Said {
    let mut said = Vec::with_capacity(mentions.len());
    let known = mentions.iter().filter(|mention| mention.number != UNKNOWN);
    said.extend(known.map(|mention| mention.number << 8 | damped(mention.times)));
    Said(said)
}

/// Said twice is not twice as much: 1 + ln(times), in parts that fit in eight bits. Few times are kept, as most are few.
fn damped(times: u32) -> u32 {
    static FEW_TIMES: LazyLock<[u8; 64]> = LazyLock::new(|| std::array::from_fn(|times| damp(times as u32) as u8));
    FEW_TIMES.get(times as usize).map_or_else(|| damp(times), |damped| u32::from(*damped))
}

fn damp(times: u32) -> u32 {
    (((1.0 + (times as f32).ln()) * COUNT_PARTS) as u32).min(255)
}

impl Counted {
    /// Its weight among `all` tickets, if at least `least` had it.
    fn weighed(&self, all: u32, least: u32) -> Weight {
        let (seen, all) = (self.seen.max(least) as f32, all as f32);
        let place = ((self.in_place as f32 + PRIOR_PLACE) / (seen + PRIOR)).min(1.0);
        let tells_apart = ((all * COMMON_PLACE).max(FEW) / seen.max(1.0)).ln().clamp(0.0, 1.0);
        Weight { idf: (1.0 + all / seen).ln(), place: place * tells_apart, matter: 1.0 - place }
    }
}

impl Features {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The terms, each with its damped count.
    pub fn counts(&self) -> impl Iterator<Item = (u32, f32)> {
        self.0.iter().map(|packed| (packed >> 8, (packed & 255) as f32 / COUNT_PARTS))
    }
}

/// Every term of the document, once, without its number.
fn mentioned<T>(document: &Document, then: impl FnOnce(&mut [Mention]) -> T) -> T {
    thread_local! {
        static READ: RefCell<(Slots, Vec<Mention>)> = RefCell::default();
    }
    READ.with_borrow_mut(|(found, mentions)| {
        mentions.clear();
        mention(document, |key, times, named| mentions.push(Mention { key, number: UNKNOWN, times, named }));
        found.clear(2 * mentions.len());
        // Without a branch that cannot be foreseen: what is said again is added to where it was said first.
        let mut kept = 0;
        for at in 0..mentions.len() {
            let said = mentions[at];
            let first = found.first(said.key, kept as u32) as usize;
            let is_again = first < kept;
            let before = mentions[first];
            let times = said.times + before.times * u32::from(is_again);
            mentions[first] = Mention { times, named: said.named | (before.named & is_again), ..said };
            kept += usize::from(!is_again);
        }
        mentions.truncate(kept);
        then(mentions)
    })
}

/// Tells every term of the document as often as it occurs: its key, how many times it counts, whether it stands in a
/// place's name.
fn mention(document: &Document, mut found: impl FnMut(u32, u32, bool)) {
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
    if let Some(caller) = document.caller {
        let mut hasher = FxHasher::default();
        hasher.write(caller.as_bytes());
        found(text::folded_hash(hasher.finish()), CALLER_WEIGHT, false);
    }
    cells.into_iter().flatten().for_each(|key| found(key, ADDRESS_WEIGHT, true));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::profile::{PARTS, Profile};

    #[test]
    fn who_calls_again_is_more_like_their_earlier_ticket() {
        let of = |caller| Document { title: "楼下太吵", body: "昨晚又是这样", caller, ..Document::default() };
        let earlier = Document { title: "烧烤店扰民", body: "每天都到两点", ..of(Some("c1")) };
        let mut lexicon = Lexicon::default();
        for document in [&earlier, &of(Some("c1")), &of(Some("c2")), &of(None)] {
            lexicon.learn(document);
        }
        lexicon.weigh_if_grown();
        let profile = |document: &Document| Profile::of(lexicon.weights(), &lexicon.read(document));
        let alike = |caller| profile(&earlier).cosine(&profile(&of(caller)));
        assert!(alike(Some("c1")) > 0.05);
        assert_eq!((alike(Some("c2")), alike(None)), (0.0, 0.0));
    }

    fn text() -> impl Strategy<Value = String> {
        let short = "\\PC{0,60}|[<&;>a-z0-9一-龥Ａ-Ｚ😀-😎\u{0}-\u{20}]{0,200}";
        // A rant: a few words ten thousand characters long.
        let rant = "[一-龥a-z，]{1,40}".prop_map(|words| words.chars().cycle().take(10_000).collect());
        prop_oneof![Just(String::new()), short, rant]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_a_ticket_says_it_counts_as_one(
            texts in proptest::collection::vec((text(), text(), proptest::option::of(text())), 1..12),
            latitude in any::<f64>(),
            longitude in any::<f64>(),
        ) {
            let document = |(title, body, place): &(String, String, Option<String>), with: &mut dyn FnMut(&Document)| {
                let (place, coordinates) = (place.as_deref(), Some((latitude, longitude)));
                with(&Document { title, body, place, coordinates, ..Document::default() });
            };
            let mut lexicon = Lexicon::default();
            for text in &texts {
                document(text, &mut |document| drop(lexicon.learn(document)));
                lexicon.weigh_if_grown();
            }
            for text in &texts {
                let mut features = Features::default();
                document(text, &mut |document| features = lexicon.read(document));
                prop_assert!(features.counts().count() <= KEPT_TERMS);
                prop_assert!(features.counts().is_sorted_by(|a, b| a.0 < b.0));
                let length = Profile::of(lexicon.weights(), &features).cosine(&Profile::of(lexicon.weights(), &features)).sqrt();
                prop_assert!(length < 1.0 + KEPT_TERMS as f64 / PARTS, "{length}");
            }
        }
    }
}
