//! Average linkage on a sparse graph: groups are joined, the most alike first, until none are alike enough.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::lexicon::Lexicon;
use super::likeness::{Dots, Likeness};
use super::profile::{Profile, Table};

/// What two groups may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    Join,
    Never,
}

/// Joins `groups` along `neighbours` (pairs of positions) while they are at least `cut` alike and `may_join` allows it,
/// which is asked with the members of both, as positions. Gives the members of each group that is left, ascending.
///
/// Equal likeness is settled by position: give the groups in an order that does not depend on when they came.
pub fn agglomerate(
    groups: Vec<Profile>,
    neighbours: &[(u32, u32)],
    lexicon: &Lexicon,
    by: &Likeness,
    cut: f64,
    may_join: impl Fn(&[u32], &[u32]) -> Leave,
) -> Vec<Vec<u32>> {
    let mut clustering = Clustering::new(groups, neighbours, lexicon);
    let mut heap = BinaryHeap::new();
    for a in 0..clustering.near.len() as u32 {
        let later = clustering.near[a as usize].keys().filter(|&&b| b > a);
        heap.extend(later.filter_map(|&b| clustering.pair(a, b, by, cut)));
    }
    while let Some(best) = heap.pop() {
        if !clustering.holds(&best) {
            continue;
        }
        let (a, b) = (best.a, best.b);
        if may_join(&clustering.members[a as usize], &clustering.members[b as usize]) == Leave::Never {
            continue;
        }
        clustering.join(a, b, lexicon);
        let others = clustering.near[a as usize].keys();
        heap.extend(others.filter_map(|&other| clustering.pair(a.min(other), a.max(other), by, cut)));
    }
    clustering.members.into_iter().filter(|members| !members.is_empty()).collect()
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
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.alike.total_cmp(&other.alike).then_with(|| (other.a, other.b).cmp(&(self.a, self.b)))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Clustering {
    profiles: Vec<Profile>,
    members: Vec<Vec<u32>>,
    /// By group: its neighbours, with what both have in common.
    near: Vec<FxHashMap<u32, Dots>>,
}

impl Clustering {
    fn new(profiles: Vec<Profile>, neighbours: &[(u32, u32)], lexicon: &Lexicon) -> Self {
        let mut near = vec![FxHashMap::default(); profiles.len()];
        for pairs in neighbours.chunk_by(|(a, _), (b, _)| a == b) {
            let one = Table::of(&profiles[pairs[0].0 as usize]);
            for &(a, b) in pairs {
                let dots = Dots::with(&one, &profiles[b as usize], lexicon);
                near[a as usize].insert(b, dots);
                near[b as usize].insert(a, dots);
            }
        }
        Clustering { members: (0..profiles.len() as u32).map(|n| vec![n]).collect(), profiles, near }
    }

    /// The two groups as they are now, if they are alike enough.
    fn pair(&self, a: u32, b: u32, by: &Likeness, cut: f64) -> Option<Pair> {
        let (one, other) = (&self.profiles[a as usize].totals, &self.profiles[b as usize].totals);
        let alike = by.judge(&self.near[a as usize][&b], one, other);
        (alike >= cut).then_some(Pair { alike, a, b, sizes: (one.size, other.size) })
    }

    /// Whether both groups are as they were. A group only grows, and one that was joined to another is empty.
    fn holds(&self, pair: &Pair) -> bool {
        pair.sizes == (self.profiles[pair.a as usize].totals.size, self.profiles[pair.b as usize].totals.size)
    }

    /// Joins the second to the first. Only what one of them had no neighbour in is compared anew.
    fn join(&mut self, a: u32, b: u32, lexicon: &Lexicon) {
        let joined = std::mem::take(&mut self.profiles[b as usize]);
        let mut theirs = std::mem::take(&mut self.near[b as usize]);
        theirs.remove(&a);
        let mut near = std::mem::take(&mut self.near[a as usize]);
        near.remove(&b);
        let (one, two) = (Table::of(&self.profiles[a as usize]), Table::of(&joined));
        for (&other, dots) in &mut near {
            let profile = &self.profiles[other as usize];
            dots.take(theirs.remove(&other).unwrap_or_else(|| Dots::with(&two, profile, lexicon)));
        }
        for (other, mut dots) in theirs {
            dots.take(Dots::with(&one, &self.profiles[other as usize], lexicon));
            near.insert(other, dots);
        }
        for (&other, &dots) in &near {
            self.near[other as usize].remove(&b);
            self.near[other as usize].insert(a, dots);
        }
        self.near[a as usize] = near;
        self.profiles[a as usize].add(&joined);
        let moved = std::mem::take(&mut self.members[b as usize]);
        self.members[a as usize].extend(moved);
        self.members[a as usize].sort_unstable();
    }
}
