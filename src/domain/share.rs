//! A share with how sure it is.

/// The standard normal's 97.5 % quantile: 95 % lie between its two sides.
const Z: f64 = 1.959_964;

/// `hits` of `all`, with the bounds of its 95 % confidence interval: Wilson's score interval (Wilson 1927), which stays
/// inside 0–1 and holds for small samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Share {
    /// None of nothing.
    pub fn of(hits: usize, all: usize) -> Option<Share> {
        if all == 0 {
            return None;
        }
        let n = all as f64;
        let value = hits as f64 / n;
        let centre = value + Z * Z / (2.0 * n);
        let reach = Z * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some(Share { value, low: ((centre - reach) / scale).max(0.0), high: ((centre + reach) / scale).min(1.0) })
    }

    /// Value, lower and upper bound in whole percent.
    pub fn percents(self) -> [i64; 3] {
        [self.value, self.low, self.high].map(|share| (share * 100.0).round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe 1998, table I, method 3 (score, without correction): 81/263 and 15/148.
        assert_eq!(Share::of(81, 263).unwrap().percents(), [31, 26, 37]);
        let share = Share::of(15, 148).unwrap();
        assert!((share.low - 0.0624).abs() < 5e-5 && (share.high - 0.1605).abs() < 5e-5, "{share:?}");
    }

    #[test]
    fn all_of_a_few_is_not_certain_and_nothing_has_no_share() {
        let share = Share::of(3, 3).unwrap();
        assert_eq!(share.percents(), [100, 44, 100]);
        assert_eq!(Share::of(0, 0), None);
    }
}
