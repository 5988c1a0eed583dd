//! A group taken apart where it turns out to be several. Different grievances at one place: once the words are set aside
//! that all of a group say, the place's name first of all, what is left of them has nothing in common. Or a group that
//! grew by one ticket after the other out of two: each is far more like its own half.

use super::agglomerate::{Clustering, Leave};
use super::likeness::Likeness;
use super::profile::Profile;
use super::slots::Slots;
use super::weights::Weights;

/// A grievance that counts; fewer tickets go with the part they are most like.
const GRIEVANCE_LEAST: usize = 2;
/// The same of a half, in tickets and as a share of the group: beside most of it, what is less alike is a facet.
const HALF_LEAST: usize = 3;
const HALF_SHARE: f64 = 0.3;
/// What is less like the nearest half is no part of the group.
const STRAY: f64 = 0.03;
/// More are one grievance with many facets, not several that share a place.
const WHOLE_LEAST: usize = 80;

/// Whether a group of so many may turn out to be several.
pub fn may_part(count: usize) -> bool {
    (2 * GRIEVANCE_LEAST..=WHOLE_LEAST).contains(&count)
}

/// The grievances, as positions in `group`, that a group falls into; the group itself when it holds together. Tickets are
/// of one grievance when what is left of them is this much `alike`, by mean cosine.
pub fn grievances(group: &[Profile], alike: f64, weights: &Weights) -> Vec<Vec<u32>> {
    let likeness = &Likeness::text();
    Parting { likeness, cut: alike, least: GRIEVANCE_LEAST, stray: 0.0 }.of(own_words(group), weights)
}

/// The halves, or thirds, that are less alike than `cut`, and what is hardly like any of them.
pub fn halves(group: Vec<Profile>, likeness: &Likeness, cut: f64, weights: &Weights) -> Vec<Vec<u32>> {
    let share = (group.len() as f64 * HALF_SHARE).ceil() as usize;
    Parting { likeness, cut, least: share.max(HALF_LEAST), stray: STRAY }.of(group, weights)
}

/// Average linkage down to a cut, as far as it makes parts of a size that counts.
struct Parting<'l> {
    likeness: &'l Likeness,
    cut: f64,
    /// Tickets of a part that counts.
    least: usize,
    /// Others go with the nearest part, but for those that are less alike.
    stray: f64,
}

impl Parting<'_> {
    fn of(&self, group: Vec<Profile>, weights: &Weights) -> Vec<Vec<u32>> {
        let count = group.len() as u32;
        let whole = || vec![(0..count).collect()];
        if !may_part(group.len()) {
            return whole();
        }
        let pairs: Vec<(u32, u32)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
        let mut found = Clustering::of(group, &pairs, weights);
        found.join(self.likeness, self.cut, |_, _| Leave::Join);
        let (parts, rest): (Vec<_>, Vec<_>) = found.into_groups().partition(|(members, _)| members.len() >= self.least);
        if parts.is_empty() || rest.is_empty() && parts.len() == 1 {
            return whole();
        }
        let (mut parts, bare): (Vec<Vec<u32>>, Vec<Profile>) =
            parts.into_iter().map(|(members, part)| (members, part.into_profile())).unzip();
        let mut strays = Vec::new();
        for (members, one) in rest {
            let one = one.into_profile();
            let alike = |at: &usize| self.likeness.of(&bare[*at], &one, weights);
            let nearest = (0..bare.len()).rev().max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap_or_default();
            if alike(&nearest) < self.stray {
                strays.push(members);
            } else {
                parts[nearest].extend(members);
                parts[nearest].sort_unstable();
            }
        }
        parts.into_iter().chain(strays).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::super::lexicon::Lexicon;
    use super::*;

    /// The halves of a group of which one part says `here`, the other `there`, among a city's other matters.
    fn of_two(here: (&str, usize), there: (&str, usize)) -> Vec<Vec<u32>> {
        let told =
            |(text, times): (&str, usize)| (0..times).map(|n| format!("地铁三号线{text}{n}")).collect::<Vec<_>>();
        let group = [told(here), told(there)].concat();
        let other = (0..60).map(|n| format!("第{n}路公交车晚点，等了四十分钟，站台没有遮雨棚"));
        let mut lexicon = Lexicon::default();
        let said: Vec<_> = group
            .iter()
            .cloned()
            .chain(other)
            .map(|text| lexicon.count(&Document { title: &text, body: &text, ..Document::default() }))
            .collect();
        lexicon.settle();
        let profile = |said| Profile::of(lexicon.weights(), &lexicon.heaviest(said, 1));
        let profiles: Vec<Profile> = said[..group.len()].iter().map(profile).collect();
        halves(profiles, &Likeness::local(), 0.2, lexicon.weights())
    }

    const UNDERPASS: &str = "松雅湖站没有地下通道，过马路危险，盼望增设";
    const CLOSED: &str = "文体中心站出口何时开放，围挡拆了半年还锁着";

    #[test]
    fn halves_that_have_grown_apart_are_told() {
        let all = |range: std::ops::Range<u32>| range.collect::<Vec<u32>>();
        assert_eq!(of_two((UNDERPASS, 6), (CLOSED, 5)), [all(0..6), all(6..11)]);
    }

    #[test]
    fn one_matter_is_whole_with_its_facets() {
        let whole = |count: u32| [(0..count).collect::<Vec<u32>>()];
        assert_eq!(of_two((UNDERPASS, 6), (UNDERPASS, 5)), whole(11));
        assert_eq!(of_two((UNDERPASS, 8), ("松雅湖站没有电梯，老人过马路危险", 3)), whole(11));
        assert_eq!(of_two((UNDERPASS, 2), (CLOSED, 2)), whole(4), "too few to tell");
    }

    #[test]
    fn what_is_hardly_like_the_rest_leaves() {
        let parts = [(0..8).collect::<Vec<u32>>(), (8..11).collect()];
        assert_eq!(of_two((UNDERPASS, 8), (CLOSED, 3)), parts);
    }
}
