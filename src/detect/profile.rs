//! A group of tickets as one vector, and what is asked of two of them.

use serde::{Deserialize, Serialize};

use super::lexicon::{Features, KEPT_TERMS, Lexicon};

/// A ticket's weights are whole numbers of this many parts, so that sums are exact and their order is without effect: a
/// restart adds in another order and must find the same.
pub const PARTS: f64 = 4096.0;

/// From this many times the length on, a list is searched, not walked along.
const MUCH_LONGER: usize = 12;

/// What comparing needs besides the terms: sums over the tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    pub size: u32,
    /// The length of the part of each vector that names places, and of the part that does not, in parts.
    pub places: u64,
    pub matters: u64,
    /// The squares of the summed weights.
    pub squares: u64,
}

impl Totals {
    /// The cosines of the pairs of tickets inside, added up.
    pub fn within(&self) -> f64 {
        ((self.squares as f64 / (PARTS * PARTS) - f64::from(self.size)) / 2.0).max(0.0)
    }
}

/// The sum of its tickets' vectors, each scaled to length one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// By ascending term.
    sums: Vec<(u32, u32)>,
    pub totals: Totals,
}

impl Profile {
    /// The profile of one ticket. Without terms where all that it says is its own.
    pub fn of(lexicon: &Lexicon, features: &Features) -> Profile {
        Profile::measured(lexicon, features).0
    }

    /// The same, and its scale.
    pub fn measured(lexicon: &Lexicon, features: &Features) -> (Profile, Scale) {
        let (mut length, mut place, mut matter) = (0.0, 0.0, 0.0);
        let mut weighed = Vec::with_capacity(KEPT_TERMS);
        for (term, count) in features.counts() {
            let known = lexicon.weight(term);
            let weight = count * known.idf;
            let square = weight * weight;
            length += square;
            place += square * known.place * known.place;
            matter += square * known.matter * known.matter;
            weighed.push((term, weight));
        }
        let unit = if length > 0.0 { PARTS as f32 / f32::sqrt(length) } else { 0.0 };
        let parts = |square: f32| (square.sqrt() * unit + 0.5) as u32;
        let scale = Scale { unit, place: parts(place), matter: parts(matter) };
        (Profile::single(weighed.into_iter().map(|(term, weight)| (term, scale.weigh(weight))), &scale), scale)
    }

    /// The same, where its scale is known.
    pub fn scaled(lexicon: &Lexicon, features: &Features, scale: &Scale) -> Profile {
        let weigh = |(term, count): (u32, f32)| (term, scale.weigh(count * lexicon.weight(term).idf));
        Profile::single(features.counts().map(weigh), scale)
    }

    fn single(weights: impl Iterator<Item = (u32, u32)>, scale: &Scale) -> Profile {
        let mut sums = Vec::with_capacity(KEPT_TERMS);
        sums.extend(weights.filter(|(_, weight)| *weight > 0));
        let squares = sums.iter().map(|&(_, weight)| square(weight)).sum();
        Profile { sums, totals: Totals { size: 1, places: scale.place.into(), matters: scale.matter.into(), squares } }
    }

    /// The same ticket or group, each term's weight times what `weigh` says of it, at the length of one ticket.
    pub fn reweighed(&self, weigh: impl Fn(u32) -> f64) -> Profile {
        let weighed: Vec<(u32, f64)> =
            self.sums.iter().map(|&(term, weight)| (term, f64::from(weight) * weigh(term))).collect();
        let length = weighed.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        let unit = if length > 0.0 { PARTS / length } else { 0.0 };
        let parts = weighed.into_iter().map(|(term, weight)| (term, (weight * unit + 0.5) as u32));
        let sums: Vec<(u32, u32)> = parts.filter(|(_, weight)| *weight > 0).collect();
        let squares = sums.iter().map(|&(_, weight)| square(weight)).sum();
        Profile { sums, totals: Totals { size: 1, squares, ..Totals::default() } }
    }

    /// Mean cosine of the pairs of tickets inside; zero for a single one.
    pub fn inner(&self) -> f64 {
        let size = f64::from(self.totals.size);
        let pairs = size * (size - 1.0) / 2.0;
        if pairs > 0.0 { self.totals.within() / pairs } else { 0.0 }
    }

    pub fn add(&mut self, other: &Profile) {
        let (ours, theirs) = (&self.sums[..], &other.sums[..]);
        let mut sums = vec![(0, 0); ours.len() + theirs.len()];
        let (mut at, mut there, mut to) = (0, 0, 0);
        while let (Some(&(a, x)), Some(&(b, y))) = (ours.get(at), theirs.get(there)) {
            sums[to] = (a.min(b), x * u32::from(a <= b) + y * u32::from(b <= a));
            at += usize::from(a <= b);
            there += usize::from(b <= a);
            to += 1;
        }
        for rest in [&ours[at..], &theirs[there..]] {
            sums[to..to + rest.len()].copy_from_slice(rest);
            to += rest.len();
        }
        // Copied back into memory that fits: these lists are most of what an archive takes.
        self.sums.clear();
        self.sums.reserve_exact(to);
        self.sums.extend_from_slice(&sums[..to]);
        self.totals.size += other.totals.size;
        self.totals.places += other.totals.places;
        self.totals.matters += other.totals.matters;
        self.totals.squares = self.sums.iter().map(|&(_, sum)| square(sum)).sum();
    }

    /// Takes out what was added under the same weights.
    pub fn remove(&mut self, other: &Profile) {
        let mut leaving = other.sums.iter().peekable();
        self.sums.retain_mut(|(term, sum)| {
            if let Some(&(_, weight)) = leaving.next_if(|(other, _)| other == term) {
                self.totals.squares -= square(*sum) - square(*sum - weight);
                *sum -= weight;
            }
            *sum > 0
        });
        self.totals.size -= other.totals.size;
        self.totals.places -= other.totals.places;
        self.totals.matters -= other.totals.matters;
    }

    pub fn terms(&self) -> &[(u32, u32)] {
        &self.sums
    }

    /// Tells every term that both have, with both weights.
    pub fn shared(&self, other: &Profile, tell: impl FnMut(u32, u32, u32)) {
        let (few, many) = if self.sums.len() <= other.sums.len() { (self, other) } else { (other, self) };
        if few.sums.len() * MUCH_LONGER < many.sums.len() {
            search(&few.sums, &many.sums, tell);
        } else {
            walk(&few.sums, &many.sums, tell);
        }
    }

    /// The cosine of two tickets, 0 to 1.
    pub fn cosine(&self, other: &Profile) -> f64 {
        let mut sum = 0;
        self.shared(other, |_, a, b| sum += u64::from(a) * u64::from(b));
        sum as f64 / (PARTS * PARTS)
    }
}

/// Walks along both lists, without a branch that cannot be foreseen but for what is shared.
fn walk(one: &[(u32, u32)], other: &[(u32, u32)], mut tell: impl FnMut(u32, u32, u32)) {
    let (mut at, mut there) = (0, 0);
    while at < one.len() && there < other.len() {
        let ((term, weight), (theirs, their_weight)) = (one[at], other[there]);
        if term == theirs {
            tell(term, weight, their_weight);
        }
        at += usize::from(term <= theirs);
        there += usize::from(theirs <= term);
    }
}

/// Looks each term of the short list up in the long one.
fn search(few: &[(u32, u32)], many: &[(u32, u32)], mut tell: impl FnMut(u32, u32, u32)) {
    let mut rest = many;
    for &(term, weight) in few {
        rest = &rest[skip(rest, term)..];
        match rest.first() {
            Some(&(same, theirs)) if same == term => tell(term, weight, theirs),
            Some(_) => {}
            None => break,
        }
    }
}

/// How many entries lie before the term: by doubling steps, as the next one is mostly near.
fn skip(sorted: &[(u32, u32)], term: u32) -> usize {
    let mut reach = 1;
    while reach < sorted.len() && sorted[reach].0 < term {
        reach *= 2;
    }
    let from = reach / 2;
    from + sorted[from..sorted.len().min(reach + 1)].partition_point(|&(other, _)| other < term)
}

/// A profile's weights by term, to compare it with many others: the time goes by the others' terms alone.
pub struct Table<'p> {
    profile: &'p Profile,
    slots: Vec<(u32, u32)>,
    shift: u32,
}

/// No term has this number.
const FREE: u32 = u32::MAX;
/// Slots for one term: most questions find a free one at once.
const ROOM: usize = 8;

impl<'p> Table<'p> {
    pub fn of(profile: &'p Profile) -> Table<'p> {
        let size = (profile.sums.len().max(1) * ROOM).next_power_of_two();
        let mut table = Table { profile, slots: vec![(FREE, 0); size], shift: u32::BITS - size.trailing_zeros() };
        for &(term, weight) in &profile.sums {
            let at = table.place(term);
            table.slots[at] = (term, weight);
        }
        table
    }

    /// As [`Profile::shared`].
    pub fn shared(&self, other: &Profile, mut tell: impl FnMut(u32, u32, u32)) {
        if other.sums.len() > self.profile.sums.len() * ROOM {
            return self.profile.shared(other, tell);
        }
        for &(term, theirs) in &other.sums {
            let (found, weight) = self.slots[self.place(term)];
            if found == term {
                tell(term, weight, theirs);
            }
        }
    }

    /// Where the term is, or would be.
    fn place(&self, term: u32) -> usize {
        let mut at = (term.wrapping_mul(0x9E37_79B1) >> self.shift) as usize;
        while self.slots[at].0 != term && self.slots[at].0 != FREE {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }
}

/// What makes a ticket's counts weights: kept with the ticket, so that a comparison weighs shared terms only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Parts for one of tf·idf.
    unit: f32,
    pub place: u32,
    pub matter: u32,
}

impl Scale {
    /// A weight of tf·idf in parts.
    pub fn weigh(&self, weight: f32) -> u32 {
        (weight * self.unit + 0.5) as u32
    }
}

fn square(sum: u32) -> u64 {
    u64::from(sum) * u64::from(sum)
}
