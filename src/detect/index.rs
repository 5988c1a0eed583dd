//! The inverted index: tickets as weighted terms, and the most similar ones in bounded time.

use rustc_hash::FxHashMap;

use super::{Document, text};

/// Characters of the body that count: what a ticket is about stands at its beginning, and the cost stays bounded.
const BODY_CHARS: usize = 400;
/// A title names the matter; what it says counts this many times.
const TITLE_WEIGHT: u8 = 2;
/// Postings read for one search, the rarest terms' first.
const POSTING_BUDGET: usize = 12_000;
/// Postings read of one term, the latest tickets' first.
const POSTINGS_PER_TERM: usize = 1_500;
/// The weights are taken anew when the archive has grown by one part in this many.
const REWEIGH_PART: usize = 20;

/// A ticket's terms by ascending number, with their damped counts.
type Vector = Box<[(u32, f32)]>;

pub struct Ticket {
    pub id: String,
    pub title: String,
    /// The beginning of the body, for explanations.
    pub opening: String,
    pub received_at: chrono::NaiveDateTime,
    terms: Vector,
    norm: f32,
}

/// A text asked about: known terms by ascending number with tf·idf weights, scaled to length one.
pub struct Query(Vec<(u32, f32)>);

#[derive(Default)]
pub struct Index {
    numbers: FxHashMap<Box<str>, u32>,
    /// By term: the tickets that have it, in the order of arrival.
    postings: Vec<Vec<u32>>,
    /// By term: its weight at the last reweighing. A function of the tickets and their order alone, so that a restart
    /// does not change it.
    idf: Vec<f32>,
    pub tickets: Vec<Ticket>,
    by_id: FxHashMap<String, u32>,
    weighed_at: usize,
}

impl Index {
    pub fn position(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub fn ticket(&self, position: u32) -> &Ticket {
        &self.tickets[position as usize]
    }

    /// Adds the ticket at the end; one that is already there stays as it is.
    pub fn add(&mut self, document: &Document) -> u32 {
        if let Some(position) = self.position(document.id) {
            return position;
        }
        let position = self.tickets.len() as u32;
        let mut counts: FxHashMap<u32, u8> = FxHashMap::default();
        for (text, times) in parts(document) {
            for term in text::terms(&text) {
                let count = counts.entry(self.number(term)).or_default();
                *count = count.saturating_add(times);
            }
        }
        let mut terms: Vec<(u32, f32)> = counts.into_iter().map(|(term, count)| (term, damped(count))).collect();
        terms.sort_unstable_by_key(|&(term, _)| term);
        for &(term, _) in &terms {
            self.postings[term as usize].push(position);
        }
        self.tickets.push(Ticket {
            id: document.id.to_owned(),
            title: document.title.to_owned(),
            opening: beginning(document.body).to_owned(),
            received_at: document.received_at,
            norm: self.norm(&terms),
            terms: terms.into_boxed_slice(),
        });
        self.by_id.insert(document.id.to_owned(), position);
        if self.tickets.len() > self.weighed_at + self.weighed_at / REWEIGH_PART {
            self.reweigh();
        }
        position
    }

    fn number(&mut self, term: &str) -> u32 {
        if let Some(&number) = self.numbers.get(term) {
            return number;
        }
        let number = self.postings.len() as u32;
        self.numbers.insert(term.into(), number);
        self.postings.push(Vec::new());
        self.idf.push(self.idf_of(1));
        number
    }

    /// Inverse document frequency, ln(1 + N/df).
    fn idf_of(&self, frequency: usize) -> f32 {
        (1.0 + self.tickets.len() as f32 / frequency.max(1) as f32).ln()
    }

    fn reweigh(&mut self) {
        self.idf = self.postings.iter().map(|tickets| self.idf_of(tickets.len())).collect();
        for position in 0..self.tickets.len() {
            self.tickets[position].norm = self.norm(&self.tickets[position].terms);
        }
        self.weighed_at = self.tickets.len();
    }

    fn norm(&self, terms: &[(u32, f32)]) -> f32 {
        terms.iter().map(|&(term, count)| (count * self.idf[term as usize]).powi(2)).sum::<f32>().sqrt()
    }

    /// How many tickets have all of `word`'s terms, at most: the frequency of the rarest.
    pub fn frequency_bound(&self, word: &str) -> usize {
        let normal = text::normalise(word);
        let frequency = |term| self.numbers.get(term).map_or(0, |&number| self.postings[number as usize].len());
        text::terms(&normal).into_iter().map(frequency).min().unwrap_or(self.tickets.len())
    }

    /// The document as a query, whether it is in the index or not.
    pub fn query(&self, document: &Document) -> Query {
        if let Some(position) = self.position(document.id) {
            return self.query_of(position);
        }
        let texts: Vec<_> = parts(document).collect();
        let mut counts: FxHashMap<&str, u8> = FxHashMap::default();
        for (text, times) in &texts {
            for term in text::terms(text) {
                let count = counts.entry(term).or_default();
                *count = count.saturating_add(*times);
            }
        }
        let mut known = Vec::with_capacity(counts.len());
        let mut unknown = 0.0;
        for (term, count) in counts {
            match self.numbers.get(term) {
                Some(&number) => known.push((number, damped(count) * self.idf[number as usize])),
                None => unknown += (damped(count) * self.idf_of(1)).powi(2),
            }
        }
        known.sort_unstable_by_key(|&(term, _)| term);
        scaled(known, unknown)
    }

    pub fn query_of(&self, position: u32) -> Query {
        let terms = self.ticket(position).terms.iter();
        scaled(terms.map(|&(term, count)| (term, count * self.idf[term as usize])).collect(), 0.0)
    }

    /// Cosine similarity of the query and a ticket, 0 to 1.
    pub fn similarity(&self, query: &Query, position: u32) -> f32 {
        let ticket = self.ticket(position);
        let (mut sum, mut at) = (0.0, 0);
        for &(term, weight) in &query.0 {
            while at < ticket.terms.len() && ticket.terms[at].0 < term {
                at += 1;
            }
            match ticket.terms.get(at) {
                Some(&(same, count)) if same == term => sum += weight * count * self.idf[term as usize],
                Some(_) => {}
                None => break,
            }
        }
        if ticket.norm > 0.0 { sum / ticket.norm } else { 0.0 }
    }

    /// Up to `limit` tickets most similar to the query with their cosine, best first, equal ones by arrival.
    pub fn nearest(&self, query: &Query, limit: usize) -> Vec<(u32, f32)> {
        let mut found: Vec<(u32, f32)> = self
            .candidates(query, limit)
            .into_iter()
            .map(|position| (position, self.similarity(query, position)))
            .collect();
        found.sort_unstable_by(best_first);
        found
    }

    /// The tickets that share the most weight with the query, judged by its rarest terms.
    fn candidates(&self, query: &Query, limit: usize) -> Vec<u32> {
        let frequency = |term: u32| self.postings[term as usize].len();
        let mut terms = query.0.clone();
        terms.sort_unstable_by_key(|&(term, _)| (frequency(term), term));
        let mut shared = vec![0.0_f32; self.tickets.len()];
        let mut touched = Vec::new();
        let mut budget = POSTING_BUDGET;
        for (term, weight) in terms {
            let postings = &self.postings[term as usize];
            let read = postings.len().min(POSTINGS_PER_TERM).min(budget);
            budget -= read;
            for &position in &postings[postings.len() - read..] {
                let sum = &mut shared[position as usize];
                if *sum == 0.0 {
                    touched.push(position);
                }
                *sum += weight * self.idf[term as usize];
            }
            if budget == 0 {
                break;
            }
        }
        let mut found: Vec<(u32, f32)> = touched
            .into_iter()
            .map(|position| (position, shared[position as usize] / self.ticket(position).norm))
            .collect();
        if found.len() > limit {
            found.select_nth_unstable_by(limit, best_first);
            found.truncate(limit);
        }
        found.into_iter().map(|(position, _)| position).collect()
    }
}

impl Query {
    /// The sum of several: the direction of their centroid.
    pub fn sum(queries: &[Query]) -> Query {
        let mut weights: FxHashMap<u32, f32> = FxHashMap::default();
        for &(term, weight) in queries.iter().flat_map(|query| &query.0) {
            *weights.entry(term).or_default() += weight;
        }
        let mut terms: Vec<_> = weights.into_iter().collect();
        terms.sort_unstable_by_key(|&(term, _)| term);
        scaled(terms, 0.0)
    }
}

/// The order of results: by score, highest first, then by arrival.
pub fn best_first(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The texts of a document, normalised, each with how many times it counts.
fn parts(document: &Document) -> impl Iterator<Item = (String, u8)> {
    [
        (text::normalise(document.title), TITLE_WEIGHT),
        (text::normalise(beginning(document.body)), 1),
        (text::normalise(document.place.unwrap_or_default()), 1),
    ]
    .into_iter()
}

fn beginning(body: &str) -> &str {
    body.char_indices().nth(BODY_CHARS).map_or(body, |(end, _)| &body[..end])
}

/// Damped term frequency, 1 + ln(count): the tenth mention says little more than the ninth.
fn damped(count: u8) -> f32 {
    1.0 + f32::from(count).ln()
}

fn scaled(mut terms: Vec<(u32, f32)>, unknown: f32) -> Query {
    let length = (terms.iter().map(|(_, weight)| weight * weight).sum::<f32>() + unknown).sqrt();
    terms.iter_mut().for_each(|(_, weight)| *weight /= length);
    Query(terms)
}
