//! How fast mails go: at most so many a second, later after a failure, not at all for a while when the server is away.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long everything waits after the server could not be reached, doubled each time up to the longest.
const HOLDS_OFF: Duration = Duration::from_secs(1);
const HOLDS_OFF_MAX: Duration = Duration::from_secs(60);

/// One server's pace, shared by all who send to it.
pub struct Pace {
    /// The time between two mails.
    every: Duration,
    state: Mutex<State>,
}

struct State {
    next: Instant,
    failures: u32,
    held_until: Instant,
}

impl Pace {
    pub fn new(per_second: u32) -> Pace {
        let every = if per_second == 0 { Duration::ZERO } else { Duration::from_secs(1) / per_second };
        let now = Instant::now();
        Pace { every, state: Mutex::new(State { next: now, failures: 0, held_until: now }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        if self.every.is_zero() {
            return;
        }
        let at = {
            let mut state = self.state();
            let at = state.next.max(Instant::now());
            state.next = at + self.every;
            at
        };
        tokio::time::sleep_until(at.into()).await;
    }

    pub fn holds_off(&self) -> bool {
        self.state().held_until > Instant::now()
    }

    /// Whether the server answered.
    pub fn told(&self, answered: bool) {
        let mut state = self.state();
        if answered {
            state.failures = 0;
            return;
        }
        let wait = HOLDS_OFF.saturating_mul(1 << state.failures.min(10)).min(HOLDS_OFF_MAX);
        state.failures += 1;
        state.held_until = Instant::now() + wait;
    }
}

/// How long a mail waits after its `attempts`-th failed attempt: half a minute doubled each time, at most an hour, and
/// up to a quarter more or less by `chance` (0–1), so that what failed together is not tried together.
pub fn backoff(attempts: i32, chance: f64) -> Duration {
    let doubled = 30u64.saturating_mul(1 << attempts.clamp(1, 12).unsigned_abs().saturating_sub(1));
    Duration::from_secs(doubled.min(3_600)).mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_an_hour_and_spreads() {
        let seconds: Vec<u64> = [1, 2, 3, 8, 99].map(|n| backoff(n, 0.5).as_secs()).to_vec();
        assert_eq!(seconds, [30, 60, 120, 3_600, 3_600]);
        assert!(backoff(1, 0.0) < backoff(1, 1.0));
    }

    #[tokio::test]
    async fn a_rate_spaces_mails_out() {
        let (pace, begun) = (Pace::new(100), Instant::now());
        for _ in 0..6 {
            pace.turn().await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(49), "five steps of ten milliseconds");
    }

    #[test]
    fn an_answer_ends_the_holding_off_of_the_next_failure() {
        let pace = Pace::new(0);
        assert!(!pace.holds_off());
        pace.told(false);
        pace.told(false);
        assert!(pace.holds_off());
        pace.told(true);
        assert_eq!(pace.state().failures, 0);
    }
}
