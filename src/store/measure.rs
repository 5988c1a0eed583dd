//! What the database itself can do, and how often it is asked: for benchmarks only.

use super::conn::{Access, Conn};
use super::{DatabaseUrl, StoreError};
use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

static COUNTING: AtomicBool = AtomicBool::new(false);
static STATEMENTS: AtomicU64 = AtomicU64::new(0);

struct Counter;

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        if !COUNTING.load(Ordering::Relaxed) {
            return;
        }
        let text = query.to_string();
        let frames = ["BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK"];
        if !frames.iter().any(|frame| text.starts_with(frame)) {
            STATEMENTS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Lets connections that are opened from now on be counted.
pub fn prepare_to_count() -> Result<(), StoreError> {
    Ok(set_default_instrumentation(|| Some(Box::new(Counter)))?)
}

/// Begins to count statements besides BEGIN, COMMIT and savepoints, from zero.
pub fn count_statements() {
    STATEMENTS.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
}

/// Ends the counting; gives how many there were.
pub fn statements_counted() -> u64 {
    COUNTING.store(false, Ordering::Relaxed);
    STATEMENTS.load(Ordering::Relaxed)
}

/// Commits of one row a second, each synced to the disk: one connection on SQLite, `clients` on PostgreSQL.
pub fn raw_commit_rate(url: &DatabaseUrl, clients: usize, lasts: Duration) -> Result<f64, StoreError> {
    let clients = if matches!(url, DatabaseUrl::Sqlite(_)) { 1 } else { clients };
    url.open(Access::ReadWrite)?.batch_execute("CREATE TABLE raw_commit (text TEXT NOT NULL)")?;
    let begun = Instant::now();
    let committed: Result<Vec<u64>, StoreError> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(|| commit_until(url, begun + lasts))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(super::lost()))).collect()
    });
    let rate = committed?.iter().sum::<u64>() as f64 / begun.elapsed().as_secs_f64();
    url.open(Access::ReadWrite)?.batch_execute("DROP TABLE raw_commit")?;
    Ok(rate)
}

fn commit_until(url: &DatabaseUrl, end: Instant) -> Result<u64, StoreError> {
    let mut conn: Conn = url.open(Access::ReadWrite)?;
    let mut committed = 0;
    while Instant::now() < end {
        conn.batch_execute("INSERT INTO raw_commit VALUES ('a row')")?;
        committed += 1;
    }
    Ok(committed)
}
