//! How good a grouping is, against one made by hand.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// B-cubed precision, recall and F1 (Bagga & Baldwin 1998) of `(found, true)` group labels, one pair a ticket: the
/// average over tickets of the share of their found group that is truly theirs, and of their true group that was found.
/// All zero for no tickets.
pub fn b_cubed<F: Eq + Hash, T: Eq + Hash>(pairs: &[(F, T)]) -> (f64, f64, f64) {
    let mut found: FxHashMap<&F, f64> = FxHashMap::default();
    let mut real: FxHashMap<&T, f64> = FxHashMap::default();
    let mut both: FxHashMap<(&F, &T), f64> = FxHashMap::default();
    for (f, t) in pairs {
        *found.entry(f).or_default() += 1.0;
        *real.entry(t).or_default() += 1.0;
        *both.entry((f, t)).or_default() += 1.0;
    }
    if pairs.is_empty() {
        return (0.0, 0.0, 0.0);
    }
    let total = pairs.len() as f64;
    let precision = both.iter().map(|((f, _), n)| n * n / found[f]).sum::<f64>() / total;
    let recall = both.iter().map(|((_, t), n)| n * n / real[t]).sum::<f64>() / total;
    (precision, recall, 2.0 * precision * recall / (precision + recall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_grouping_scores_one() {
        assert_eq!(b_cubed(&[("x", 1), ("x", 1), ("y", 2)]), (1.0, 1.0, 1.0));
    }

    #[test]
    fn lumping_costs_precision_and_splitting_costs_recall() {
        assert_eq!(b_cubed(&[("x", 1), ("x", 2)]).0, 0.5);
        assert_eq!(b_cubed(&[("x", 1), ("y", 1)]).1, 0.5);
        assert_eq!(b_cubed::<u8, u8>(&[]), (0.0, 0.0, 0.0));
    }
}
