//! The one clock at the edge. Rules get the time as an argument.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The setting that keeps the demo's "days later", in days.
pub const OFFSET_SETTING: &str = "clock.days_later";

/// Real time plus the demo's offset. Leases, sessions and link expiry use [`Clock::real`].
#[derive(Debug, Clone)]
pub struct Clock {
    zone: Tz,
    days_later: Arc<AtomicI64>,
}

impl Clock {
    pub fn new(zone: Tz, days_later: Option<&str>) -> Clock {
        let days = days_later.and_then(|days| days.parse().ok()).unwrap_or(0);
        Clock { zone, days_later: Arc::new(AtomicI64::new(days)) }
    }

    /// UTC, cut to microseconds: PostgreSQL keeps no more, and hashes must agree.
    pub fn real() -> NaiveDateTime {
        Utc::now().naive_utc().trunc_subsecs(6)
    }

    pub fn now(&self) -> NaiveDateTime {
        Clock::real() + TimeDelta::days(self.days_later())
    }

    pub fn days_later(&self) -> i64 {
        self.days_later.load(Ordering::Relaxed)
    }

    pub fn set_days_later(&self, days: i64) {
        self.days_later.store(days, Ordering::Relaxed);
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    pub fn local(&self, utc: NaiveDateTime) -> DateTime<Tz> {
        self.zone.from_utc_datetime(&utc)
    }

    pub fn local_date(&self, utc: NaiveDateTime) -> NaiveDate {
        self.local(utc).date_naive()
    }

    /// The UTC moment a local date begins.
    pub fn start_of(&self, date: NaiveDate) -> NaiveDateTime {
        let midnight = date.and_time(chrono::NaiveTime::MIN);
        // A zone that skips midnight begins that day at the first hour it has.
        self.zone.from_local_datetime(&midnight).earliest().map_or(midnight, |moment| moment.naive_utc())
    }
}
