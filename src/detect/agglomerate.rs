//! Average linkage on a sparse graph: groups are joined, the most alike first, until none are alike enough.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::likeness::{Dots, Likeness};
use super::profile::{Profile, Table, Totals};
use super::weights::Weights;

/// What two groups may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    Join,
    Never,
}

/// Groups with their neighbours, and what each two neighbours have in common.
pub struct Clustering<'w> {
    weights: &'w Weights,
    /// Nothing of one that was joined to another.
    groups: Vec<Group>,
    members: Vec<Vec<u32>>,
    /// By group: its neighbours, ascending, each with where their products are.
    near: Vec<Vec<(u32, u32)>>,
    dots: Vec<Dots>,
    /// By products: whether the two may still be joined.
    hopeful: Vec<bool>,
}

/// Neighbours less alike than this share of the cut are let go where one of them grows beside the other: what it took in
/// would have to be far more like the other, and then is its neighbour.
const HOPE: f64 = 0.5;

impl<'w> Clustering<'w> {
    /// Each group for itself; `neighbours` are pairs of positions, the lesser first, ascending.
    pub fn of(groups: Vec<Profile>, neighbours: &[(u32, u32)], weights: &'w Weights) -> Self {
        Self::knowing(groups, neighbours, weights, |_, _| None)
    }

    /// The same, where the products of some are `known` and need not be taken again.
    pub fn knowing(
        profiles: Vec<Profile>,
        neighbours: &[(u32, u32)],
        weights: &'w Weights,
        known: impl Fn(u32, u32) -> Option<Dots>,
    ) -> Self {
        let mut near = vec![Vec::new(); profiles.len()];
        let mut dots = Vec::with_capacity(neighbours.len());
        for pairs in neighbours.chunk_by(|(a, _), (b, _)| a == b) {
            let mut table = None;
            for &(a, b) in pairs {
                near[a as usize].push((b, dots.len() as u32));
                near[b as usize].push((a, dots.len() as u32));
                dots.push(known(a, b).unwrap_or_else(|| {
                    let one = table.get_or_insert_with(|| Table::of(&profiles[a as usize], weights));
                    Dots::with(one, &profiles[b as usize])
                }));
            }
        }
        let members = (0..profiles.len() as u32).map(|n| vec![n]).collect();
        let groups = profiles.into_iter().map(Group::from).collect();
        Clustering { weights, members, groups, near, hopeful: vec![true; dots.len()], dots }
    }

    /// Joins neighbours while they are at least `cut` alike and `may_join` allows it, which is asked with the members of
    /// both, as positions.
    ///
    /// Equal likeness is settled by position: give the groups in an order that does not depend on when they came.
    pub fn join(&mut self, by: &Likeness, cut: f64, may_join: impl Fn(&[u32], &[u32]) -> Leave) {
        let mut pairs = Vec::new();
        for a in 0..self.near.len() as u32 {
            for at in 0..self.near[a as usize].len() {
                let (b, dots) = self.near[a as usize][at];
                if a < b {
                    pairs.extend(self.pair(a, b, dots, by, cut));
                }
            }
        }
        let mut heap: BinaryHeap<Pair> = pairs.into();
        while let Some(best) = heap.pop() {
            if !self.holds(&best) {
                continue;
            }
            let (a, b) = (best.a, best.b);
            if may_join(&self.members[a as usize], &self.members[b as usize]) == Leave::Never {
                continue;
            }
            self.unite(a, b);
            for at in 0..self.near[a as usize].len() {
                let (other, dots) = self.near[a as usize][at];
                heap.extend(self.pair(a.min(other), a.max(other), dots, by, cut));
            }
        }
    }

    /// The neighbours that could become `cut` alike, the lesser first, ascending.
    pub fn hopeful(&self, by: &Likeness, cut: f64) -> Vec<(u32, u32)> {
        let totals = |group: u32| &self.groups[group as usize].totals;
        let pairs = (0..).zip(&self.near).flat_map(|(a, near)| near.iter().map(move |&(b, dots)| (a, b, dots)));
        let is_hopeful = |&(a, b, dots): &(u32, u32, u32)| {
            a < b && by.judge(&self.dots[dots as usize], totals(a), totals(b)) >= HOPE * cut
        };
        pairs.filter(is_hopeful).map(|(a, b, _)| (a, b)).collect()
    }

    /// The members of each group that is left, ascending.
    pub fn groups(&self) -> Vec<Vec<u32>> {
        self.members.iter().filter(|members| !members.is_empty()).cloned().collect()
    }

    /// The same, with the groups.
    pub fn into_groups(self) -> impl Iterator<Item = (Vec<u32>, Group)> {
        self.members.into_iter().zip(self.groups).filter(|(members, _)| !members.is_empty())
    }

    /// Takes out the profile of the group that has these members and no other.
    pub fn take(&mut self, members: &[u32]) -> Option<Profile> {
        let group = members[0] as usize;
        (self.members[group] == members).then(|| std::mem::take(&mut self.groups[group]).into_profile())
    }

    /// What the groups that have these two first have in common, if they are neighbours.
    pub fn dots(&self, a: u32, b: u32) -> Option<Dots> {
        let near = &self.near[a as usize];
        near.get(place(near, b)).filter(|(other, _)| *other == b).map(|(_, dots)| self.dots[*dots as usize])
    }

    /// The two groups as they are now, if they are alike enough.
    fn pair(&mut self, a: u32, b: u32, dots: u32, by: &Likeness, cut: f64) -> Option<Pair> {
        let (one, other) = (&self.groups[a as usize].totals, &self.groups[b as usize].totals);
        let alike = by.judge(&self.dots[dots as usize], one, other);
        self.hopeful[dots as usize] = alike >= HOPE * cut;
        (alike >= cut).then_some(Pair { alike, a, b, sizes: (one.size, other.size) })
    }

    /// Whether both groups are as they were. A group only grows, and one that was joined to another is empty.
    fn holds(&self, pair: &Pair) -> bool {
        pair.sizes == (self.groups[pair.a as usize].totals.size, self.groups[pair.b as usize].totals.size)
    }

    /// Joins the second to the first, its neighbour. Only what one of them had no neighbour in is compared anew.
    fn unite(&mut self, a: u32, b: u32) {
        let both = self.dots(a, b).unwrap_or_default().text();
        let mut group = std::mem::take(&mut self.groups[a as usize]);
        let mut joined = std::mem::take(&mut self.groups[b as usize]);
        let (ours, theirs) = (std::mem::take(&mut self.near[a as usize]), std::mem::take(&mut self.near[b as usize]));
        let (weights, first, second) = (self.weights, &mut group, &mut joined);
        let one = LazyCell::new(move || Table::of(first.profile(), weights));
        let two = LazyCell::new(move || Table::of(second.profile(), weights));
        let mut near = Vec::with_capacity(ours.len() + theirs.len());
        either(&ours, &theirs, |other, our, their| {
            if other == a || other == b {
                return;
            }
            let third = &mut self.groups[other as usize];
            let hopeful = |dots: u32| self.hopeful[dots as usize];
            let joined = match (our, their) {
                (Some(our), Some(their)) => Some((our, self.dots[their as usize])),
                (Some(our), None) => hopeful(our).then(|| (our, Dots::with(&two, third.profile()))),
                (None, Some(their)) => hopeful(their).then(|| (their, Dots::with(&one, third.profile()))),
                (None, None) => None,
            };
            let back = &mut self.near[other as usize];
            if their.is_some() {
                back.remove(place(back, b));
            }
            match (our, joined) {
                (None, Some((kept, _))) => back.insert(place(back, a), (a, kept)),
                (Some(_), None) => drop(back.remove(place(back, a))),
                _ => {}
            }
            if let Some((kept, added)) = joined {
                self.dots[kept as usize].take(added);
                near.push((other, kept));
            }
        });
        self.near[a as usize] = near;
        group.take(joined, both);
        self.groups[a as usize] = group;
        let moved = std::mem::take(&mut self.members[b as usize]);
        self.members[a as usize].extend(moved);
        self.members[a as usize].sort_unstable();
    }
}

/// Profiles that were joined: summed up when they are asked for, as most never are.
#[derive(Default)]
pub struct Group {
    parts: Vec<Profile>,
    totals: Totals,
}

impl From<Profile> for Group {
    fn from(profile: Profile) -> Self {
        Group { totals: profile.totals, parts: vec![profile] }
    }
}

impl Group {
    pub fn profile(&mut self) -> &Profile {
        if self.parts.len() > 1 {
            self.parts = vec![Profile::sum(std::mem::take(&mut self.parts))];
        }
        &self.parts[0]
    }

    pub fn into_profile(self) -> Profile {
        Profile::sum(self.parts)
    }

    fn take(&mut self, other: Group, both: u64) {
        self.parts.extend(other.parts);
        self.totals.take(&other.totals, both);
    }
}

/// Where a group is in such a list, or would be.
fn place(near: &[(u32, u32)], group: u32) -> usize {
    near.partition_point(|(other, _)| *other < group)
}

/// Tells every key of two ascending lists, with its value in each.
fn either(one: &[(u32, u32)], other: &[(u32, u32)], mut tell: impl FnMut(u32, Option<u32>, Option<u32>)) {
    let (mut one, mut other) = (one.iter().copied().peekable(), other.iter().copied().peekable());
    loop {
        let order = match (one.peek(), other.peek()) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let ours = if order.is_le() { one.next() } else { None };
        let theirs = if order.is_ge() { other.next() } else { None };
        let key = ours.or(theirs).map_or(0, |(key, _)| key);
        tell(key, ours.map(|(_, value)| value), theirs.map(|(_, value)| value));
    }
}

/// Two groups as alike as they were at some state of both.
#[derive(Debug, PartialEq)]
struct Pair {
    alike: f64,
    a: u32,
    b: u32,
    sizes: (u32, u32),
}

impl Eq for Pair {}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.alike.total_cmp(&other.alike).then_with(|| (other.a, other.b).cmp(&(self.a, self.b)))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Document;
    use super::super::lexicon::Lexicon;
    use super::*;

    fn profiles(texts: &[String]) -> (Lexicon, Vec<Profile>) {
        let mut lexicon = Lexicon::default();
        let said: Vec<_> = texts
            .iter()
            .map(|text| lexicon.count(&Document { title: text, body: "反映路灯不亮", ..Document::default() }))
            .collect();
        lexicon.settle();
        let features = said.iter().map(|said| lexicon.heaviest(said, 2));
        let profiles = features.map(|features| Profile::of(lexicon.weights(), &features)).collect();
        (lexicon, profiles)
    }

    proptest! {
        /// Whatever was joined, what two groups have in common is as if all their texts were compared anew.
        #[test]
        fn products_of_groups_are_those_of_all_their_texts(
            texts in proptest::collection::vec("[春夏秋冬山水风云]{2,40}", 2..24),
            near in proptest::collection::btree_set((0..24_u32, 0..24_u32), 0..60),
            cut in 0.0..0.4,
        ) {
            let count = texts.len() as u32;
            let near: Vec<(u32, u32)> = near.into_iter().filter(|&(a, b)| a < b && b < count).collect();
            let (lexicon, profiles) = profiles(&texts);
            let mut clustering = Clustering::of(profiles.clone(), &near, lexicon.weights());
            clustering.join(&Likeness::text(), cut, |_, _| Leave::Join);
            let groups = clustering.groups();
            prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), texts.len());
            let sum = |group: &Vec<u32>| Profile::sum(group.iter().map(|&at| profiles[at as usize].clone()).collect());
            let are_near = |one: &Vec<u32>, other: &Vec<u32>| {
                near.iter().any(|(a, b)| (one.contains(a) && other.contains(b)) || (one.contains(b) && other.contains(a)))
            };
            for one in &groups {
                for other in groups.iter().filter(|other| *other != one) {
                    let anew = Dots::of(&sum(one), &sum(other), lexicon.weights());
                    let known = clustering.dots(one[0], other[0]);
                    prop_assert!(known.is_none_or(|known| known == anew && are_near(one, other)));
                    let alike = Likeness::text().judge(&anew, &sum(one).totals, &sum(other).totals);
                    prop_assert!(known.is_none() || alike < cut, "{alike}");
                }
                prop_assert_eq!(clustering.groups[one[0] as usize].totals, sum(one).totals);
                prop_assert_eq!(clustering.take(one), Some(sum(one)));
            }
        }
    }
}
