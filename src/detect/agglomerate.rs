//! Average linkage on a sparse graph: groups are joined, the most alike first, until none are alike enough.

use std::collections::{BTreeSet, BinaryHeap};

use super::lexicon::Lexicon;
use super::likeness::Likeness;
use super::profile::Profile;

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
    let mut clustering = Clustering::new(groups, neighbours);
    let mut heap = BinaryHeap::new();
    for &(a, b) in neighbours {
        clustering.propose(&mut heap, a.min(b), a.max(b), lexicon, by, cut);
    }
    while let Some(best) = heap.pop() {
        if !clustering.holds(&best) {
            continue;
        }
        let (a, b) = (best.a, best.b);
        if may_join(&clustering.members[a as usize], &clustering.members[b as usize]) == Leave::Never {
            continue;
        }
        for other in clustering.join(a, b) {
            clustering.propose(&mut heap, a.min(other), a.max(other), lexicon, by, cut);
        }
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
    near: Vec<BTreeSet<u32>>,
}

impl Clustering {
    fn new(profiles: Vec<Profile>, neighbours: &[(u32, u32)]) -> Self {
        let mut near = vec![BTreeSet::new(); profiles.len()];
        for &(a, b) in neighbours {
            near[a as usize].insert(b);
            near[b as usize].insert(a);
        }
        Clustering { members: (0..profiles.len() as u32).map(|n| vec![n]).collect(), profiles, near }
    }

    fn propose(&self, heap: &mut BinaryHeap<Pair>, a: u32, b: u32, lexicon: &Lexicon, by: &Likeness, cut: f64) {
        let (one, other) = (&self.profiles[a as usize], &self.profiles[b as usize]);
        let alike = by.of(one, other, lexicon);
        if alike >= cut {
            heap.push(Pair { alike, a, b, sizes: (one.totals.size, other.totals.size) });
        }
    }

    /// Whether both groups are as they were. A group only grows, and one that was joined to another is empty.
    fn holds(&self, pair: &Pair) -> bool {
        pair.sizes == (self.profiles[pair.a as usize].totals.size, self.profiles[pair.b as usize].totals.size)
    }

    /// Joins the second to the first; gives the first one's neighbours.
    fn join(&mut self, a: u32, b: u32) -> Vec<u32> {
        let joined = std::mem::take(&mut self.profiles[b as usize]);
        self.profiles[a as usize].add(&joined);
        let moved = std::mem::take(&mut self.members[b as usize]);
        self.members[a as usize].extend(moved);
        self.members[a as usize].sort_unstable();
        let near = std::mem::take(&mut self.near[b as usize]);
        for &other in &near {
            self.near[other as usize].remove(&b);
            if other != a {
                self.near[other as usize].insert(a);
                self.near[a as usize].insert(other);
            }
        }
        self.near[a as usize].iter().copied().collect()
    }
}
