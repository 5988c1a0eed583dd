//! Different grievances at one place, taken apart: once the words are set aside that all of a group say, the place's name
//! first of all, what is left of them has nothing in common.

use super::agglomerate::{Clustering, Leave};
use super::likeness::Likeness;
use super::profile::Profile;
use super::weights::Weights;
use rustc_hash::FxHashMap;

/// A part that counts; smaller ones go with the part they are most like.
const PART_LEAST: usize = 2;
/// More are one grievance with many facets, not several that share a place.
const WHOLE_LEAST: usize = 80;
/// Mean cosine of what is left from which on tickets are of one part: hardly anything in common is enough.
const ALIKE: f64 = 0.004;

/// The parts, as positions in `group`, that a group falls into; the group itself when it holds together.
pub fn parts(group: &[Profile], weights: &Weights) -> Vec<Vec<u32>> {
    let count = group.len() as u32;
    let whole = || vec![(0..count).collect()];
    if group.len() < 2 * PART_LEAST || group.len() > WHOLE_LEAST {
        return whole();
    }
    let text = Likeness::text();
    let own = own_words(group);
    let pairs: Vec<(u32, u32)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    let mut found = Clustering::of(own.clone(), &pairs, weights);
    found.join(&text, ALIKE, |_, _| Leave::Join);
    let (parts, strays): (Vec<_>, Vec<_>) = found.groups().into_iter().partition(|part| part.len() >= PART_LEAST);
    if parts.len() < 2 {
        return whole();
    }
    let mut parts: Vec<Part> = parts.into_iter().map(|members| Part::of(members, &own)).collect();
    let bare: Vec<Profile> = parts.iter().map(|part| part.profile.clone()).collect();
    for stray in strays {
        let stray = Part::of(stray, &own);
        let alike = |at: &usize| text.of(&bare[*at], &stray.profile, weights);
        let nearest = (0..bare.len()).rev().max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap_or_default();
        parts[nearest].take(stray);
    }
    parts.into_iter().map(|part| part.members).collect()
}

/// What each says besides what all of them say: a word counts as `ln(n / tickets with it) / ln n`.
fn own_words(group: &[Profile]) -> Vec<Profile> {
    let mut with: FxHashMap<u32, u32> = FxHashMap::default();
    for &(term, _) in group.iter().flat_map(Profile::terms) {
        *with.entry(term).or_default() += 1;
    }
    let all = group.len() as f64;
    let own: Vec<f64> = (0..=group.len()).map(|with| (all / with as f64).ln() / all.ln()).collect();
    group.iter().map(|profile| profile.reweighed(|term| own[with[&term] as usize])).collect()
}

struct Part {
    members: Vec<u32>,
    profile: Profile,
}

impl Part {
    fn of(members: Vec<u32>, own: &[Profile]) -> Part {
        let profile = Profile::sum(members.iter().map(|&member| own[member as usize].clone()).collect());
        Part { members, profile }
    }

    fn take(&mut self, other: Part) {
        self.members.extend(other.members);
        self.members.sort_unstable();
        self.profile.add(&other.profile);
    }
}
