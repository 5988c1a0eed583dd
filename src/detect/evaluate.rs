//! How good a grouping is, against one made by hand.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

/// A found problem holds at least this share of a reference problem's tickets …
const HELD: f64 = 0.5;
/// … and is at least this far made of it, tickets without a label counted as foreign.
const PURE: f64 = 0.6;

/// Precision, recall and their harmonic mean, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

impl Quality {
    fn of(precision: f64, recall: f64) -> Self {
        let sum = precision + recall;
        Quality { precision, recall, f1: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
    }
}

/// How often each label occurs with each other one.
struct Table<'a, F, T> {
    found: FxHashMap<&'a F, f64>,
    real: FxHashMap<&'a T, f64>,
    both: FxHashMap<(&'a F, &'a T), f64>,
}

impl<'a, F: Eq + Hash, T: Eq + Hash> Table<'a, F, T> {
    fn of(pairs: &'a [(F, T)]) -> Self {
        let mut table = Table { found: FxHashMap::default(), real: FxHashMap::default(), both: FxHashMap::default() };
        for (f, t) in pairs {
            *table.found.entry(f).or_default() += 1.0;
            *table.real.entry(t).or_default() += 1.0;
            *table.both.entry((f, t)).or_default() += 1.0;
        }
        table
    }

    /// Pairs of tickets together in what was found, in what is real, in both.
    fn pairs(&self) -> (f64, f64, f64) {
        fn of<'n>(counts: impl Iterator<Item = &'n f64>) -> f64 {
            counts.map(|n| n * (n - 1.0) / 2.0).sum()
        }
        (of(self.found.values()), of(self.real.values()), of(self.both.values()))
    }
}

/// B-cubed (Bagga & Baldwin 1998) of `(found, true)` group labels, one pair a ticket: the average over tickets of the share
/// of their found group that is truly theirs, and of their true group that was found. All zero for no tickets.
pub fn b_cubed<F: Eq + Hash, T: Eq + Hash>(pairs: &[(F, T)]) -> Quality {
    let table = Table::of(pairs);
    let total = (pairs.len() as f64).max(1.0);
    let precision = table.both.iter().map(|((f, _), n)| n * n / table.found[f]).sum::<f64>() / total;
    let recall = table.both.iter().map(|((_, t), n)| n * n / table.real[t]).sum::<f64>() / total;
    Quality::of(precision, recall)
}

/// Of the pairs of tickets found together, how many belong together, and the other way about.
pub fn pairwise<F: Eq + Hash, T: Eq + Hash>(pairs: &[(F, T)]) -> Quality {
    let (found, real, both) = Table::of(pairs).pairs();
    let share = |of: f64| if of > 0.0 { both / of } else { 0.0 };
    Quality::of(share(found), share(real))
}

/// The adjusted Rand index (Hubert & Arabie 1985) of two groupings of the same tickets: 1 for the same, about 0 by chance.
pub fn adjusted_rand<F: Eq + Hash, T: Eq + Hash>(pairs: &[(F, T)]) -> f64 {
    let (found, real, both) = Table::of(pairs).pairs();
    let all = pairs.len() as f64 * (pairs.len() as f64 - 1.0) / 2.0;
    let chance = if all > 0.0 { found * real / all } else { 0.0 };
    let most = (found + real) / 2.0;
    if most == chance { 1.0 } else { (both - chance) / (most - chance) }
}

/// The reference problems that were not found, of `reference` (ticket, problem): those that no found problem holds at
/// least half of while at least 0.6 of it is theirs. `found` is every ticket's problem.
pub fn missed<'r>(found: &FxHashMap<String, String>, reference: &'r [(String, String)]) -> Vec<&'r str> {
    let mut sizes: FxHashMap<&str, f64> = FxHashMap::default();
    found.values().for_each(|problem| *sizes.entry(problem).or_default() += 1.0);
    let (mut wanted, mut both) = (FxHashMap::<&str, f64>::default(), FxHashMap::<(&str, &str), f64>::default());
    for (ticket, problem) in reference {
        *wanted.entry(problem).or_default() += 1.0;
        if let Some(group) = found.get(ticket) {
            *both.entry((group, problem)).or_default() += 1.0;
        }
    }
    let held = both.iter().filter(|((group, problem), n)| **n >= HELD * wanted[problem] && **n >= PURE * sizes[group]);
    let held: FxHashSet<&str> = held.map(|((_, problem), _)| *problem).collect();
    let mut missed: Vec<&str> = wanted.into_keys().filter(|problem| !held.contains(problem)).collect();
    missed.sort_unstable();
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_grouping_scores_one() {
        let pairs = [("x", 1), ("x", 1), ("y", 2)];
        assert_eq!((b_cubed(&pairs).f1, pairwise(&pairs).f1, adjusted_rand(&pairs)), (1.0, 1.0, 1.0));
    }

    #[test]
    fn lumping_costs_precision_and_splitting_costs_recall() {
        assert_eq!(b_cubed(&[("x", 1), ("x", 2)]).precision, 0.5);
        assert_eq!(b_cubed(&[("x", 1), ("y", 1)]).recall, 0.5);
        assert_eq!(b_cubed::<u8, u8>(&[]).f1, 0.0);
        assert_eq!(pairwise(&[("x", 1), ("x", 1), ("x", 2)]).precision, 1.0 / 3.0);
    }

    #[test]
    fn the_rand_index_does_not_reward_chance() {
        // Two halves against two halves across: every pair that is together here is apart there.
        assert!((adjusted_rand(&[("x", 1), ("x", 2), ("y", 1), ("y", 2)]) + 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_problem_is_found_by_most_of_its_tickets_in_a_group_mostly_its_own() {
        let grouped = |groups: &[(&str, &str)]| groups.iter().map(|(t, g)| (t.to_string(), g.to_string())).collect();
        let reference: Vec<(String, String)> = ["1", "2", "3", "4"].map(|t| (t.to_owned(), "p".to_owned())).into();
        assert!(missed(&grouped(&[("1", "g"), ("2", "g"), ("9", "g")]), &reference).is_empty());
        assert_eq!(missed(&grouped(&[("1", "g"), ("2", "g"), ("8", "g"), ("9", "g")]), &reference), ["p"]);
        assert_eq!(missed(&grouped(&[("1", "g"), ("2", "h")]), &reference), ["p"]);
    }
}
