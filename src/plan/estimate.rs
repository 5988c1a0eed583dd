//! How long a task may take: three points, what similar tasks took, or one number.

use super::graph::PlanTask;
use std::collections::HashMap;

/// Fewer past tasks than this say too little.
const PAST_MIN: usize = 5;
/// Sub-steps of the integral over one day of the density.
const STEPS: i32 = 8;

/// What tasks of the same unit and kind took, each in the unit its duration counts in.
#[derive(Debug, Clone, Default)]
pub struct History(HashMap<(String, String), Vec<i32>>);

impl History {
    pub fn add(&mut self, unit_id: &str, kind: &str, duration: i32) {
        self.0.entry((unit_id.to_owned(), kind.to_owned())).or_default().push(duration.max(0));
    }

    fn of(&self, task: &PlanTask) -> Option<&[i32]> {
        let past = self.0.get(&(task.unit_id.clone(), task.kind.clone()))?;
        (!task.kind.is_empty() && past.len() >= PAST_MIN).then_some(past)
    }
}

/// Durations with their weights; the weights need not add up to one.
pub(super) type Weights = Vec<(i32, f64)>;

/// A person's three points come first, then the past, then the one number.
pub(super) fn weights(task: &PlanTask, history: &History) -> Weights {
    match (task.range, history.of(task)) {
        (Some((low, high)), _) if low < high => pert(low, task.duration, high),
        (_, Some(past)) => past.iter().map(|days| (*days, 1.0)).collect(),
        _ => vec![(task.duration, 1.0)],
    }
}

/// The beta distribution of PERT on whole days: each day weighs what the density has within half a day of it.
/// (D. G. Malcolm et al.: Application of a technique for research and development program evaluation, 1959;
/// shapes after D. Vose: 1 + 4 (likely − low) / (high − low) and 1 + 4 (high − likely) / (high − low).)
fn pert(low: i32, likely: i32, high: i32) -> Weights {
    let (low, likely, high) = (f64::from(low), f64::from(likely.clamp(low, high)), f64::from(high));
    let rise = 4.0 * (likely - low) / (high - low);
    let fall = 4.0 * (high - likely) / (high - low);
    let density = |day: f64| {
        let share = (day - low) / (high - low);
        if (0.0..=1.0).contains(&share) { share.powf(rise) * (1.0 - share).powf(fall) } else { 0.0 }
    };
    let weight = |day: i32| {
        let middle = |step: i32| f64::from(day) - 0.5 + (f64::from(step) + 0.5) / f64::from(STEPS);
        (0..STEPS).map(|step| density(middle(step))).sum()
    };
    (low as i32..=high as i32).map(|day| (day, weight(day))).collect()
}

/// Draws from weighted values in constant time (A. J. Walker's alias method, 1977; tables after M. D. Vose, 1991).
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// A value, the chance to keep it out of 2³², and what to take otherwise.
    columns: Vec<(i32, u32, i32)>,
}

impl Alias {
    /// Weights must not be empty; when all are nothing, each value is as likely.
    pub fn new(weights: &Weights) -> Alias {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let share = |weight: f64| if total > 0.0 { weight / total * weights.len() as f64 } else { 1.0 };
        let mut shares: Vec<f64> = weights.iter().map(|(_, weight)| share(*weight)).collect();
        let mut columns: Vec<(i32, u32, i32)> = weights.iter().map(|(value, _)| (*value, u32::MAX, *value)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..shares.len()).partition(|at| shares[*at] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.last().copied()) {
            columns[poor].1 = (shares[poor] * f64::from(u32::MAX)) as u32;
            columns[poor].2 = weights[rich].0;
            shares[rich] -= 1.0 - shares[poor];
            if shares[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Alias { columns }
    }

    /// The only value, when there is but one.
    pub fn certain(&self) -> Option<i32> {
        match self.columns.as_slice() {
            [(value, _, _)] => Some(*value),
            _ => None,
        }
    }

    /// The value that 64 random bits draw.
    #[inline]
    pub fn draw(&self, bits: u64) -> i32 {
        let column = ((bits >> 32) * self.columns.len() as u64) >> 32;
        let (value, chance, other) = self.columns[column as usize];
        if bits as u32 <= chance { value } else { other }
    }
}

/// Random bits for a task in a run: the same seed, task and run give the same, so that two plans can be compared under
/// the same luck. (SplitMix64: G. L. Steele, D. Lea, C. H. Flood, 2014.)
#[inline]
pub(super) fn bits(stream: u64, run: u64) -> u64 {
    let mut z = stream.wrapping_add(run.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::task;
    use super::*;
    use proptest::prelude::*;

    fn moments(weights: &Weights) -> (f64, f64) {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mean = weights.iter().map(|(day, weight)| f64::from(*day) * weight).sum::<f64>() / total;
        let spread = weights.iter().map(|(day, weight)| (f64::from(*day) - mean).powi(2) * weight).sum::<f64>() / total;
        (mean, spread)
    }

    #[test]
    fn three_points_have_the_mean_that_pert_gives_them() {
        for (low, likely, high) in [(10, 20, 40), (5, 5, 30), (1, 60, 90), (20, 25, 35)] {
            let (mean, _) = moments(&pert(low, likely, high));
            let formula = f64::from(low + 4 * likely + high) / 6.0;
            assert!((mean - formula).abs() < 0.3, "{low} {likely} {high}: {mean} for {formula}");
        }
        // Var = (mean − low) (high − mean) / 7, and a twelfth for whole days.
        let (mean, spread) = moments(&pert(10, 20, 40));
        assert!((spread - (mean - 10.0) * (40.0 - mean) / 7.0 - 1.0 / 12.0).abs() < 0.5, "{spread}");
    }

    #[test]
    fn people_come_before_the_past_and_the_past_before_one_number() {
        let mut history = History::default();
        let known = PlanTask { kind: "permit".into(), duration: 5, ..task(1) };
        (0..4).for_each(|_| history.add(&known.unit_id, "permit", 9));
        assert_eq!(weights(&known, &history), vec![(5, 1.0)], "four are too few");
        history.add(&known.unit_id, "permit", 12);
        assert_eq!(weights(&known, &history).len(), 5);
        let told = PlanTask { range: Some((4, 8)), ..known };
        assert_eq!(weights(&told, &history).iter().map(|(day, _)| *day).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
    }

    proptest! {
        #[test]
        fn values_are_drawn_as_often_as_they_weigh(weights in proptest::collection::vec(0.0f64..10.0, 1..12), seed: u64) {
            let weights: Weights = weights.into_iter().enumerate().map(|(at, weight)| (at as i32, weight + 0.01)).collect();
            let (alias, total) = (Alias::new(&weights), weights.iter().map(|(_, weight)| weight).sum::<f64>());
            let runs = 20_000;
            let mut drawn = vec![0; weights.len()];
            (0..runs).for_each(|run| drawn[alias.draw(bits(bits(seed, 0), run)) as usize] += 1);
            for (value, weight) in weights {
                let share = f64::from(drawn[value as usize]) / runs as f64;
                prop_assert!((share - weight / total).abs() < 0.025, "{value}: {share} for {}", weight / total);
            }
        }
    }
}
