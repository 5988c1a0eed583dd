//! What consolidation proposes instead of doing it.

use rustc_hash::FxHashSet;

use super::View;
use crate::detect::agglomerate::{Clustering, Leave};
use crate::detect::blocks::Block;

/// A part of a problem that is worth a proposal of its own.
const SPLIT_LEAST: usize = 3;

/// What it leaves to a person, because a person decided before.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    Merge {
        from: String,
        into: String,
        score: f64,
    },
    /// Tickets that are more like each other than the rest.
    Split {
        problem: String,
        tickets: Vec<String>,
    },
}

impl View<'_> {
    /// Groups that are alike, of which a person decided about one.
    pub(super) fn merges(&self, groups: &[Vec<u32>], named: &[Option<String>]) -> Vec<Proposal> {
        let mut group_of = vec![0_usize; self.blocks.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|&block| group_of[block as usize] = number);
        }
        let mut pairs: Vec<(usize, usize)> = self
            .near
            .iter()
            .map(|&(a, b)| (group_of[a as usize], group_of[b as usize]))
            .filter(|&(a, b)| a != b && named[a].is_some() && named[b].is_some())
            .filter(|&(a, b)| self.held(&groups[a]).is_some() || self.held(&groups[b]).is_some())
            .filter(|&(a, b)| !self.are_apart(&groups[a], &groups[b]))
            .map(|(a, b)| (a.min(b), a.max(b)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let profile = |group: usize| self.profile(&self.tickets(&groups[group]).collect::<Vec<_>>());
        let scored = pairs.into_iter().map(|(a, b)| {
            let (one, other) = (profile(a), profile(b));
            let score = self.engine.settings.local.of(&one, &other, &self.weights);
            let (from, into) = if one.totals.size > other.totals.size { (b, a) } else { (a, b) };
            (score, named[from].clone(), named[into].clone())
        });
        scored
            .filter(|(score, ..)| *score >= self.engine.settings.local_cut)
            .filter_map(|(score, from, into)| Some(Proposal::Merge { from: from?, into: into?, score }))
            .collect()
    }

    /// The smaller parts that a problem a person decided about falls into.
    pub(super) fn split(&self, block: &Block) -> Option<Proposal> {
        let problem = &self.engine.problems[block.held? as usize];
        let settings = &self.engine.settings;
        let singles = block.members.iter().map(|&member| self.profile(&[member])).collect();
        let count = block.members.len() as u32;
        let all: Vec<(u32, u32)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
        let bound = |a: &[u32], b: &[u32]| self.decided_together(block, a, b);
        let mut parts = Clustering::of(singles, &all, &self.weights);
        parts.join(&settings.local, settings.local_cut, |_, _| Leave::Join);
        let mut parts = parts.groups();
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        let whole = parts.first()?.clone();
        let leaving: Vec<u32> = parts
            .into_iter()
            .skip(1)
            .filter(|part| part.len() >= SPLIT_LEAST && !bound(&whole, part))
            .flatten()
            .map(|at| block.members[at as usize])
            .collect();
        let tickets = leaving.iter().map(|&ticket| self.engine.tickets[ticket as usize].id.to_string()).collect();
        (!leaving.is_empty()).then(|| Proposal::Split { problem: problem.id.to_string(), tickets })
    }

    fn decided_together(&self, block: &Block, a: &[u32], b: &[u32]) -> bool {
        let id = |at: &u32| &*self.engine.tickets[block.members[*at as usize] as usize].id;
        let others: FxHashSet<&str> = b.iter().map(id).collect();
        let bound = |at: &u32| self.engine.constraints.bound(id(at));
        a.iter().any(|at| bound(at).iter().any(|ticket| others.contains(ticket.as_str())))
    }
}
