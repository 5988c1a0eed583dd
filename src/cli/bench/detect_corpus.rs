//! Made-up tickets with the frequencies of real ones: words by Zipf's law, a few problems with many tickets and many with
//! few, most tickets standing alone.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Share of tickets that belong to a problem.
const RECURRING: f64 = 0.35;
/// Mean tickets of a problem; sizes fall off as 1/rank.
const PROBLEM_SIZE: usize = 25;
const WORDS: usize = 40_000;
const KINDS: usize = 300;
/// Characters that words are made of, the first of the ideographic block.
const CHARACTERS: u32 = 3_000;
const BODY_WORDS: std::ops::Range<usize> = 50..150;
/// Words that speak of the kind of grievance, and how many of them one ticket uses.
const KIND_WORDS: usize = 14;

pub struct Ticket {
    pub title: String,
    pub body: String,
}

pub struct Corpus {
    rng: StdRng,
    words: Vec<String>,
    places: Vec<String>,
    kinds: Vec<Vec<String>>,
    problems: usize,
}

impl Corpus {
    /// A source of tickets for an archive of this size. The same seed gives the same ones.
    pub fn new(seed: u64, tickets: usize) -> Corpus {
        let mut rng = StdRng::seed_from_u64(seed);
        let problems = (tickets as f64 * RECURRING) as usize / PROBLEM_SIZE + 1;
        let words: Vec<String> = (0..WORDS).map(|_| word(&mut rng)).collect();
        // Names grow with the city, more slowly than the tickets about it.
        let names = 400 + (tickets as f64).sqrt() as usize * 8;
        let endings = ["小区", "路", "花园", "街道", "村", "学校", "苑", "大道"];
        let places = (0..names)
            .map(|n| format!("{}{}{}", word(&mut rng), ideograph(&mut rng), endings[n % endings.len()]))
            .collect();
        let kinds =
            (0..KINDS).map(|_| (0..KIND_WORDS).map(|_| words[zipf(&mut rng, WORDS)].clone()).collect()).collect();
        Corpus { rng, words, places, kinds, problems }
    }

    fn text(&mut self, kind: usize, place: usize) -> Ticket {
        let rng = &mut self.rng;
        let mut body = format!("本人住在{}，", self.places[place]);
        let count = rng.random_range(BODY_WORDS);
        for n in 0..count {
            let of_kind = n % 6 == 0;
            let word = if of_kind { &self.kinds[kind][zipf(rng, KIND_WORDS)] } else { &self.words[zipf(rng, WORDS)] };
            body.push_str(word);
            if n % 7 == 6 {
                body.push('，');
            }
        }
        let said = |rng: &mut StdRng| self.kinds[kind][zipf(rng, KIND_WORDS)].clone();
        let title = format!("{}{}{}{}", self.places[place], said(rng), said(rng), self.words[zipf(rng, WORDS)]);
        Ticket { title, body }
    }
}

impl Iterator for Corpus {
    type Item = Ticket;

    fn next(&mut self) -> Option<Ticket> {
        let (kinds, places) = (self.kinds.len(), self.places.len());
        let (kind, place) = if self.rng.random_bool(RECURRING) {
            let problem = zipf(&mut self.rng, self.problems);
            // Spread over kinds and places so that neither tells the problem alone.
            (problem * 7 % kinds, problem * 31 % places)
        } else {
            (zipf(&mut self.rng, kinds), self.rng.random_range(0..places))
        };
        Some(self.text(kind, place))
    }
}

/// A rank below `n`, the first ones most often: nearly Zipf's law, by inverting 1/x.
fn zipf(rng: &mut StdRng, n: usize) -> usize {
    let x: f64 = rng.random();
    (((n as f64 + 1.0).powf(x)) as usize - 1).min(n - 1)
}

fn ideograph(rng: &mut StdRng) -> char {
    char::from_u32(0x4E00 + zipf(rng, CHARACTERS as usize) as u32 * 5 % 20_900).unwrap_or('一')
}

fn word(rng: &mut StdRng) -> String {
    let length = if rng.random_bool(0.8) { 2 } else { 3 };
    (0..length).map(|_| ideograph(rng)).collect()
}
