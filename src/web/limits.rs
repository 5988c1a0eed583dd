//! How many requests a session, and an address before sign-in, may make.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// A bucket holds this many requests and fills at this many a second.
const SESSION: Bucket = Bucket { holds: 2_000.0, fills: 1_000.0 };
const ADDRESS: Bucket = Bucket { holds: 60.0, fills: 2.0 };
/// Beyond this many remembered callers the fullest buckets are forgotten.
const REMEMBERED: usize = 10_000;

struct Bucket {
    holds: f64,
    fills: f64,
}

#[derive(Default)]
pub struct Limits {
    /// A benchmark measures the server, not its patience.
    off: bool,
    levels: Mutex<HashMap<String, (f64, Instant)>>,
}

impl Limits {
    pub fn none() -> Limits {
        Limits { off: true, ..Limits::default() }
    }

    pub fn session(&self, person: &str) -> bool {
        self.take(&SESSION, format!("s:{person}"))
    }

    pub fn address(&self, address: &str) -> bool {
        self.take(&ADDRESS, format!("a:{address}"))
    }

    fn take(&self, bucket: &Bucket, key: String) -> bool {
        let mut levels = self.levels.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if levels.len() > REMEMBERED {
            levels.retain(|_, (_, at)| at.elapsed().as_secs() < 60);
        }
        let now = Instant::now();
        let (level, at) = levels.entry(key).or_insert((bucket.holds, now));
        *level = (*level + now.duration_since(*at).as_secs_f64() * bucket.fills).min(bucket.holds);
        *at = now;
        let passes = self.off || *level >= 1.0;
        if passes {
            *level -= 1.0;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_slowed_down_and_others_are_not() {
        let limits = Limits::default();
        let passed = (0..200).filter(|_| limits.address("10.0.0.1")).count();
        assert!((60..70).contains(&passed), "{passed}");
        assert!(limits.address("10.0.0.2"));
    }
}
