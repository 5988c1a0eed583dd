//! A group of tickets as one vector, and what is asked of two of them.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::lexicon::Features;
use super::weights::{Weight, Weights};

/// A ticket's weights are whole numbers of this many parts, so that sums are exact and their order is without effect: a
/// restart adds in another order and must find the same.
pub const PARTS: f64 = 4096.0;

/// A list's room grows by so many entries.
const ROOM_STEP: usize = 64;
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

    /// Those of both together, when `both` is the product of their vectors.
    pub fn take(&mut self, other: &Totals, both: u64) {
        self.size += other.size;
        self.places += other.places;
        self.matters += other.matters;
        self.squares += other.squares + 2 * both;
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
    pub fn of(weights: &Weights, features: &Features) -> Profile {
        Profile::with_scale(weights, features).0
    }

    /// The same, where its scale is known.
    pub fn scaled(weights: &Weights, features: &Features, scale: &Scale) -> Profile {
        let mut sums = Vec::with_capacity(features.len());
        let weighed = features.counts().map(|(term, count)| (term, scale.weigh(count * weights.idf(term))));
        sums.extend(weighed.filter(|(_, weight)| *weight > 0));
        Profile::of_single(sums, scale)
    }

    /// The profile of one ticket, and its scale, by one look at each weight.
    pub fn with_scale(weights: &Weights, features: &Features) -> (Profile, Scale) {
        let mut weighed = Vec::with_capacity(features.len());
        let scale = Scale::telling(weights, features, |term, weight| weighed.push((term, weight)));
        let sums = weighed.into_iter().map(|(term, weight)| (term, scale.weigh(weight)));
        (Profile::of_single(sums.filter(|(_, weight)| *weight > 0).collect(), &scale), scale)
    }

    fn of_single(sums: Vec<(u32, u32)>, scale: &Scale) -> Profile {
        let totals =
            Totals { size: 1, places: scale.place.into(), matters: scale.matter.into(), squares: squares(&sums) };
        Profile { sums, totals }
    }

    /// The sum of these: two by two, so that no list is walked along more often than need be.
    pub fn sum(mut profiles: Vec<Profile>) -> Profile {
        while profiles.len() > 1 {
            let mut rest = profiles.into_iter();
            profiles = Vec::with_capacity(rest.len().div_ceil(2));
            while let Some(mut one) = rest.next() {
                rest.next().iter().for_each(|other| one.add(other));
                profiles.push(one);
            }
        }
        profiles.pop().unwrap_or_default()
    }

    /// The same ticket or group at the length of one ticket, each term's weight times what `weigh` says of it, and without
    /// the terms that it does not keep.
    pub fn reweighed(&self, weigh: impl Fn(u32) -> (f64, bool)) -> Profile {
        let mut weighed = Vec::with_capacity(self.sums.len());
        let mut length = 0.0;
        for &(term, weight) in &self.sums {
            let (factor, is_kept) = weigh(term);
            let weight = f64::from(weight) * factor;
            length += weight * weight;
            weighed.extend(is_kept.then_some((term, weight)));
        }
        let unit = if length > 0.0 { PARTS / length.sqrt() } else { 0.0 };
        let parts = weighed.into_iter().map(|(term, weight)| (term, (weight * unit + 0.5) as u32));
        let sums: Vec<(u32, u32)> = parts.filter(|(_, weight)| *weight > 0).collect();
        let totals = Totals { size: 1, squares: squares(&sums), ..Totals::default() };
        Profile { sums, totals }
    }

    /// Mean cosine of the pairs of tickets inside; zero for a single one.
    pub fn inner(&self) -> f64 {
        let size = f64::from(self.totals.size);
        let pairs = size * (size - 1.0) / 2.0;
        if pairs > 0.0 { self.totals.within() / pairs } else { 0.0 }
    }

    pub fn add(&mut self, other: &Profile) {
        thread_local! {
            static MERGED: RefCell<Vec<(u32, u32)>> = RefCell::default();
        }
        let both = MERGED.with_borrow_mut(|merged| {
            let (merged, both) = merge(&self.sums, &other.sums, merged);
            // Copied back into memory that nearly fits: these lists are most of what an archive takes, and to fit exactly
            // would mean new memory for every ticket.
            if merged.len() > self.sums.capacity() {
                self.sums = Vec::with_capacity(merged.len().next_multiple_of(ROOM_STEP));
            }
            self.sums.clear();
            self.sums.extend_from_slice(merged);
            both
        });
        self.totals.take(&other.totals, both);
    }

    /// Takes out what was added under the same weights.
    pub fn remove(&mut self, other: &Profile) {
        // Without a branch that cannot be foreseen: what is left moves up, the rest is written over.
        let (mut left, mut gone, mut squares) = (0, 0, 0);
        for at in 0..self.sums.len() {
            let (term, sum) = self.sums[at];
            let (leaves, part) = other.sums.get(gone).copied().unwrap_or_default();
            let is_it = leaves == term;
            let sum = sum - part * u32::from(is_it);
            gone += usize::from(is_it);
            self.sums[left] = (term, sum);
            left += usize::from(sum > 0);
            squares += square(sum);
        }
        debug_assert!(gone >= other.sums.len(), "what leaves was added before");
        self.sums.truncate(left);
        self.totals.squares = squares;
        self.totals.size -= other.totals.size;
        self.totals.places -= other.totals.places;
        self.totals.matters -= other.totals.matters;
    }

    pub fn terms(&self) -> &[(u32, u32)] {
        &self.sums
    }

    /// Tells every term that both have, with both weights.
    pub fn shared(&self, other: &Profile, mut tell: impl FnMut(u32, u32, u32)) {
        let (few, many) = if self.sums.len() <= other.sums.len() { (self, other) } else { (other, self) };
        if few.sums.len() * MUCH_LONGER < many.sums.len() {
            search(&few.sums, &many.sums, |at, theirs| tell(few.sums[at].0, few.sums[at].1, theirs));
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

/// Both lists as one, without a branch that cannot be foreseen, and the sum of the products of what both have.
fn merge<'m>(one: &[(u32, u32)], other: &[(u32, u32)], room: &'m mut Vec<(u32, u32)>) -> (&'m [(u32, u32)], u64) {
    let most = one.len() + other.len();
    if room.len() < most {
        room.resize(most, (0, 0));
    }
    let (mut at, mut there, mut to, mut both) = (0, 0, 0, 0);
    for place in &mut room[..most] {
        let (Some(&(a, x)), Some(&(b, y))) = (one.get(at), other.get(there)) else { break };
        let (x, y) = (x * u32::from(a <= b), y * u32::from(b <= a));
        *place = (a.min(b), x + y);
        both += u64::from(x) * u64::from(y);
        at += usize::from(a <= b);
        there += usize::from(b <= a);
        to += 1;
    }
    for rest in [&one[at..], &other[there..]] {
        room[to..to + rest.len()].copy_from_slice(rest);
        to += rest.len();
    }
    (&room[..to], both)
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

/// Looks each term of the short list up in the long one. Tells where it stands in the short one, and the long one's weight.
fn search(few: &[(u32, u32)], many: &[(u32, u32)], mut tell: impl FnMut(usize, u32)) {
    let mut rest = many;
    for (at, &(term, _)) in few.iter().enumerate() {
        rest = &rest[skip(rest, term)..];
        match rest.first() {
            Some(&(same, theirs)) if same == term => tell(at, theirs),
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

/// A profile by term, to compare it with many others: the time goes by the others' terms alone.
pub struct Table<'p> {
    profile: &'p Profile,
    /// By the end of a term's number, or the next place that is free: which entry is its, and one. Most places are free, so
    /// that most terms that are not there are told at once.
    places: Vec<u32>,
    /// In the order of the profile's terms.
    entries: Vec<Entry>,
}

/// A term of a profile, with what products of it need.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    term: u32,
    pub sum: u32,
    pub idf: f32,
    /// The squares of its shares, in parts of [`SHARE_PARTS`].
    pub place: u32,
    pub matter: u32,
}

/// Shares are whole numbers of so many parts, so that sums of products are exact.
pub const SHARE_PARTS: f32 = 256.0;

impl Entry {
    pub fn of(term: u32, sum: u32, weight: Weight) -> Entry {
        let parts = |share: f32| (share * share * SHARE_PARTS) as u32;
        Entry { term, sum, idf: weight.idf, place: parts(weight.place), matter: parts(weight.matter) }
    }
}

/// Places for one term.
const ROOM: usize = 16;
/// From this many times the length on, the other is searched, not walked along.
const MUCH_LONGER_THAN_ONE: usize = 8;

impl<'p> Table<'p> {
    pub fn of(profile: &'p Profile, weights: &Weights) -> Table<'p> {
        let terms = profile.terms();
        let mut table = Table {
            profile,
            places: vec![0; (terms.len() * ROOM).next_power_of_two()],
            entries: terms.iter().map(|&(term, sum)| Entry::of(term, sum, weights.of(term))).collect(),
        };
        for (&(term, _), at) in terms.iter().zip(1..) {
            let place = table.place(term);
            table.places[place] = at;
        }
        table
    }

    pub fn totals(&self) -> &Totals {
        &self.profile.totals
    }

    #[inline]
    pub fn get(&self, term: u32) -> Option<&Entry> {
        let at = self.places[self.place(term)];
        at.checked_sub(1).map(|at| &self.entries[at as usize])
    }

    /// Where the term is, or would be.
    #[inline]
    fn place(&self, term: u32) -> usize {
        let last = self.places.len() - 1;
        let mut place = term as usize & last;
        loop {
            let at = self.places[place] as usize;
            if at == 0 || self.entries[at - 1].term == term {
                return place;
            }
            place = (place + 1) & last;
        }
    }

    /// Tells every term that both have: its entry here, its weight there. Which may be there is asked of many at once,
    /// without a branch.
    pub fn shared(&self, other: &Profile, mut tell: impl FnMut(&Entry, u32)) {
        if other.sums.len() > self.entries.len() * MUCH_LONGER_THAN_ONE {
            return search(&self.profile.sums, &other.sums, |at, theirs| tell(&self.entries[at], theirs));
        }
        let last = self.places.len() - 1;
        for terms in other.sums.chunks(u64::BITS as usize) {
            let mark = |term: u32| u64::from(self.places[term as usize & last] != 0);
            let mut marked = (0..).zip(terms).fold(0, |marked, (at, &(term, _))| marked | mark(term) << at);
            while marked != 0 {
                let (term, theirs) = terms[marked.trailing_zeros() as usize];
                marked &= marked - 1;
                if let Some(entry) = self.get(term) {
                    tell(entry, theirs);
                }
            }
        }
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
    pub fn of(weights: &Weights, features: &Features) -> Scale {
        Scale::telling(weights, features, |_, _| ())
    }

    /// The same, with the weight of tf·idf of every term.
    fn telling(weights: &Weights, features: &Features, mut tell: impl FnMut(u32, f32)) -> Scale {
        let (mut length, mut place, mut matter) = (0.0, 0.0, 0.0);
        for (term, count) in features.counts() {
            let known = weights.of(term);
            let weight = count * known.idf;
            tell(term, weight);
            let square = weight * weight;
            length += square;
            place += square * known.place * known.place;
            matter += square * known.matter * known.matter;
        }
        let unit = if length > 0.0 { PARTS as f32 / f32::sqrt(length) } else { 0.0 };
        let parts = |square: f32| (square.sqrt() * unit + 0.5) as u32;
        Scale { unit, place: parts(place), matter: parts(matter) }
    }

    /// A weight of tf·idf in parts.
    pub fn weigh(&self, weight: f32) -> u32 {
        (weight * self.unit + 0.5) as u32
    }
}

fn squares(sums: &[(u32, u32)]) -> u64 {
    sums.iter().map(|&(_, sum)| square(sum)).sum()
}

fn square(sum: u32) -> u64 {
    u64::from(sum) * u64::from(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile() -> impl Strategy<Value = Profile> {
        proptest::collection::btree_map(0..40_u32, 1..4096_u32, 0..24).prop_map(|sums| {
            let sums: Vec<(u32, u32)> = sums.into_iter().collect();
            Profile { totals: Totals { size: 1, places: 2, matters: 3, squares: squares(&sums) }, sums }
        })
    }

    proptest! {
        #[test]
        fn a_sum_has_what_its_parts_have_and_gives_it_back(one in profile(), other in profile()) {
            let mut both = one.clone();
            both.add(&other);
            let of = |profile: &Profile, term| profile.terms().iter().find(|(t, _)| *t == term).map_or(0, |(_, sum)| *sum);
            prop_assert!((0..40).all(|term| of(&both, term) == of(&one, term) + of(&other, term)));
            prop_assert!(both.terms().is_sorted_by(|a, b| a.0 < b.0));
            prop_assert_eq!(both.totals, Totals { size: 2, places: 4, matters: 6, squares: squares(both.terms()) });
            both.remove(&other);
            prop_assert_eq!(both, one);
        }
    }
}
