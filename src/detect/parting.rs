//! Different grievances at one place, taken apart: once the words are set aside that all of a group say, the place's name
//! first of all, what is left of them has nothing in common.

use super::agglomerate::{Clustering, Leave};
use super::likeness::Likeness;
use super::profile::Profile;
use super::slots::Slots;
use super::weights::Weights;

/// A part that counts; smaller ones go with the part they are most like.
const PART_LEAST: usize = 2;
/// More are one grievance with many facets, not several that share a place.
const WHOLE_LEAST: usize = 80;

/// The parts, as positions in `group`, that a group falls into; the group itself when it holds together. Tickets are of one
/// part when what is left of them is this much `alike`, by mean cosine.
pub fn parts(group: &[Profile], alike: f64, weights: &Weights) -> Vec<Vec<u32>> {
    let count = group.len() as u32;
    let whole = || vec![(0..count).collect()];
    if group.len() < 2 * PART_LEAST || group.len() > WHOLE_LEAST {
        return whole();
    }
    let text = Likeness::text();
    let own = own_words(group);
    let pairs: Vec<(u32, u32)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    let mut found = Clustering::of(own.clone(), &pairs, weights);
    found.join(&text, alike, |_, _| Leave::Join);
    let (parts, strays): (Vec<_>, Vec<_>) = found.groups().into_iter().partition(|part| part.len() >= PART_LEAST);
    if parts.len() < 2 {
        return whole();
    }
    let mut parts: Vec<Part> = parts.into_iter().map(|members| Part::of(members, &own)).collect();
    let bare: Vec<Profile> = parts.iter().map(|part| part.profile.clone()).collect();
    for stray in strays {
        let stray = Part::of(stray, &own);
        let likeness = |at: &usize| text.of(&bare[*at], &stray.profile, weights);
        let nearest = (0..bare.len()).rev().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or_default();
        parts[nearest].take(stray);
    }
    parts.into_iter().map(|part| part.members).collect()
}

/// What each says besides what all of them say: a word counts as `ln(n / tickets with it) / ln n`.
fn own_words(group: &[Profile]) -> Vec<Profile> {
    let mut with = Slots::with(2 * group.iter().map(|profile| profile.terms().len()).sum::<usize>());
    group.iter().flat_map(Profile::terms).for_each(|&(term, _)| *with.of(term) += 1);
    let all = group.len() as f64;
    let own: Vec<f64> = (0..=group.len()).map(|with| (all / with as f64).ln() / all.ln()).collect();
    // What only one says makes it longer and is shared with none: it need not be kept.
    let weigh = |term| {
        let with = with.get(term).unwrap_or_default();
        (own[with as usize], with > 1)
    };
    group.iter().map(|profile| profile.reweighed(weigh)).collect()
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
