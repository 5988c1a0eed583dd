//! A group of tickets as one vector, and how alike two groups are.

use rustc_hash::FxHashMap;

use super::lexicon::{Features, Lexicon};

/// A ticket's weights are kept as whole numbers of this many parts, so that sums are exact and their order is without
/// effect: a restart adds in another order and must find the same.
const PARTS: f64 = 4096.0;

/// The sum of its tickets' vectors (each scaled to length one), and what is needed to compare it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    sums: FxHashMap<u32, u32>,
    /// The squares of the sums, added up.
    squares: u64,
    pub size: u32,
    /// Sums over the tickets: the length of the part of their vector that names places, and of the part that does not.
    places: u64,
    matters: u64,
}

/// How two groups are compared. All similarities are cosines of tf·idf vectors, averaged over the pairs of tickets.
///
/// Alikeness is `text · (1 − λp · q · (1 − place/p₀)⁺) · (1 − λm · (1 − matter/m₀)⁺)`: the similarity of the whole texts
/// (average linkage), less where both name places (`q`) that differ, less where what is said of them differs. A merge
/// that falls far behind what holds the groups together inside is worth less by the square root of `gap`.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    pub place_discount: f64,
    pub place_full: f64,
    pub matter_discount: f64,
    pub matter_full: f64,
    /// Length of the place part from which on a group names a place, and from which on it surely does.
    pub place_named: (f64, f64),
    /// Share of the inner similarity that the similarity across has to reach; zero to ignore it.
    pub gap: f64,
    /// The inner similarity that a group is taken to have before its pairs tell, as if from this many pairs.
    pub inner_prior: (f64, f64),
    /// Inner similarity beyond this is repetition and holds nobody to it.
    pub inner_max: f64,
}

impl Likeness {
    /// Same grievance, same place.
    pub fn local() -> Likeness {
        Likeness {
            place_discount: 0.8,
            place_full: 0.3,
            matter_discount: 0.5,
            matter_full: 0.08,
            place_named: (0.15, 0.35),
            gap: 0.45,
            inner_prior: (0.1, 3.0),
            inner_max: 0.3,
        }
    }

    /// The same for a ticket on its arrival: what it is put with decides where the next ones go.
    pub fn online() -> Likeness {
        Likeness { matter_discount: 0.8, ..Likeness::local() }
    }

    /// Same grievance, wherever.
    pub fn theme() -> Likeness {
        Likeness { place_discount: 0.0, gap: 0.0, ..Likeness::local() }
    }
}

impl Profile {
    /// The vector of one ticket. Empty where all its terms are its own.
    pub fn of(lexicon: &Lexicon, features: &Features) -> Profile {
        let mut profile = Profile::default();
        profile.add(lexicon, features);
        profile
    }

    pub fn add(&mut self, lexicon: &Lexicon, features: &Features) {
        let one = Vector::of(lexicon, features);
        for &(term, weight) in &one.terms {
            self.raise(term, weight);
        }
        self.size += 1;
        self.places += one.place;
        self.matters += one.matter;
    }

    /// Takes out a ticket that was added under the same weights.
    pub fn remove(&mut self, lexicon: &Lexicon, features: &Features) {
        let one = Vector::of(lexicon, features);
        for &(term, weight) in &one.terms {
            if let Some(sum) = self.sums.get_mut(&term) {
                self.squares -= square(*sum);
                *sum -= weight;
                self.squares += square(*sum);
                if *sum == 0 {
                    self.sums.remove(&term);
                }
            }
        }
        self.size -= 1;
        self.places -= one.place;
        self.matters -= one.matter;
    }

    pub fn merge(&mut self, mut other: Profile) {
        if other.sums.len() > self.sums.len() {
            std::mem::swap(&mut self.sums, &mut other.sums);
            self.squares = other.squares;
        }
        for (term, weight) in other.sums {
            self.raise(term, weight);
        }
        self.size += other.size;
        self.places += other.places;
        self.matters += other.matters;
    }

    fn raise(&mut self, term: u32, weight: u32) {
        let sum = self.sums.entry(term).or_default();
        self.squares -= square(*sum);
        *sum += weight;
        self.squares += square(*sum);
    }

    /// The terms that both have, each with its part of the similarity.
    pub fn shared(&self, other: &Profile) -> Vec<(u32, f64)> {
        let pairs = f64::from(self.size) * f64::from(other.size) * PARTS * PARTS;
        let both = |(term, &a): (&u32, &u32)| Some((*term, f64::from(a) * f64::from(*other.sums.get(term)?) / pairs));
        self.sums.iter().filter_map(both).collect()
    }

    /// Mean similarity of the pairs inside, drawn towards the prior while there are few.
    fn inner(&self, (prior, pairs_assumed): (f64, f64)) -> f64 {
        let size = f64::from(self.size);
        let pairs = size * (size - 1.0) / 2.0;
        let within = ((self.squares as f64 / (PARTS * PARTS) - size) / 2.0).max(0.0);
        (within + prior * pairs_assumed) / (pairs + pairs_assumed)
    }

    /// How alike, see [`Likeness`]; 0 to 1.
    pub fn alike(&self, other: &Profile, lexicon: &Lexicon, by: &Likeness) -> f64 {
        let (few, many) = if self.sums.len() <= other.sums.len() { (self, other) } else { (other, self) };
        let (mut text, mut place, mut matter) = (0.0, 0.0, 0.0);
        for (term, &a) in &few.sums {
            let Some(&b) = many.sums.get(term) else { continue };
            let both = f64::from(a) * f64::from(b);
            let weight = lexicon.weight(*term);
            text += both;
            place += both * f64::from((weight.place * weight.place * 256.0).round());
            matter += both * f64::from((weight.matter * weight.matter * 256.0).round());
        }
        let pairs = f64::from(self.size) * f64::from(other.size) * PARTS * PARTS;
        let mean = |sum: u64, size: u32| sum as f64 / PARTS / f64::from(size);
        let (here, there) = (mean(self.places, self.size), mean(other.places, other.size));
        let text = text / pairs;
        let place = share(place / pairs / 256.0, here * there);
        let matter = share(matter / pairs / 256.0, mean(self.matters, self.size) * mean(other.matters, other.size));
        let (from, sure) = by.place_named;
        let both_named = ((here.min(there) - from) / (sure - from)).clamp(0.0, 1.0);
        let place_holds = 1.0 - by.place_discount * both_named * (1.0 - place / by.place_full).max(0.0);
        let matter_holds = 1.0 - by.matter_discount * (1.0 - matter / by.matter_full).max(0.0);
        let alike = text * place_holds * matter_holds;
        if by.gap == 0.0 {
            return alike;
        }
        let inner = self.inner(by.inner_prior).max(other.inner(by.inner_prior)).min(by.inner_max);
        alike * (alike / (by.gap * inner)).min(1.0).sqrt()
    }
}

/// One ticket's vector in whole parts.
pub struct Vector {
    pub terms: Vec<(u32, u32)>,
    place: u64,
    matter: u64,
}

impl Vector {
    pub fn of(lexicon: &Lexicon, features: &Features) -> Vector {
        let (mut length, mut place, mut matter) = (0.0, 0.0, 0.0);
        let mut weighed = Vec::with_capacity(super::lexicon::KEPT_TERMS);
        for (term, count) in features.counts() {
            let known = lexicon.weight(term);
            let weight = count * known.idf;
            let square = weight * weight;
            length += square;
            place += square * known.place * known.place;
            matter += square * known.matter * known.matter;
            weighed.push((term, weight));
        }
        let unit = if length > 0.0 { PARTS as f32 / length.sqrt() } else { 0.0 };
        let parts = |weight: f32| (weight * unit).round() as u32;
        let terms = weighed.into_iter().map(|(term, weight)| (term, parts(weight))).filter(|(_, weight)| *weight > 0);
        Vector { terms: terms.collect(), place: parts(place.sqrt()).into(), matter: parts(matter.sqrt()).into() }
    }
}

impl Vector {
    pub fn cosine(&self, other: &Vector) -> f64 {
        let (mut sum, mut at) = (0, 0);
        for &(term, weight) in &self.terms {
            while other.terms.get(at).is_some_and(|&(other, _)| other < term) {
                at += 1;
            }
            if let Some(&(_, theirs)) = other.terms.get(at).filter(|&&(other, _)| other == term) {
                sum += u64::from(weight) * u64::from(theirs);
            }
        }
        sum as f64 / (PARTS * PARTS)
    }
}

fn square(sum: u32) -> u64 {
    u64::from(sum) * u64::from(sum)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
