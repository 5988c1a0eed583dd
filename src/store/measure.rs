//! What the database itself can do, and how often it is asked: for benchmarks only.

use super::conn::{Access, Conn};
use super::{DatabaseUrl, StoreError};
use diesel::PgConnection;
use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

static COUNTING: AtomicBool = AtomicBool::new(false);
static STATEMENTS: AtomicI64 = AtomicI64::new(0);

struct Counter;

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if !COUNTING.load(Ordering::Relaxed) {
            return;
        }
        // What opens and ends a transaction is announced, and then sent as a statement: one takes the other back.
        match event {
            InstrumentationEvent::StartQuery { .. } => STATEMENTS.fetch_add(1, Ordering::Relaxed),
            InstrumentationEvent::BeginTransaction { .. }
            | InstrumentationEvent::CommitTransaction { .. }
            | InstrumentationEvent::RollbackTransaction { .. } => STATEMENTS.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
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
pub fn statements_counted() -> i64 {
    COUNTING.store(false, Ordering::Relaxed);
    STATEMENTS.load(Ordering::Relaxed)
}

/// Has PostgreSQL look at how its tables have grown, as it does by itself within a minute.
pub fn analyze(url: &DatabaseUrl) -> Result<(), StoreError> {
    match url.open(Access::ReadWrite)? {
        Conn::Sqlite(_) => Ok(()),
        Conn::Pg(mut conn) => Ok(conn.batch_execute("ANALYZE")?),
    }
}

/// Has PostgreSQL tidy up after what was measured before, as it does by itself at some moment of the next minutes.
pub fn vacuum(url: &DatabaseUrl) -> Result<(), StoreError> {
    match url.open(Access::ReadWrite)? {
        Conn::Sqlite(_) => Ok(()),
        Conn::Pg(mut conn) => Ok(conn.batch_execute("VACUUM ANALYZE")?),
    }
}

/// Accounts of pgbench at scale 1.
const ACCOUNTS: u32 = 100_000;

/// Commits a second, each synced to the disk, of what the database is known by: of one row by one connection on SQLite, of
/// pgbench's simple update (`pgbench -N`) by `clients` on PostgreSQL.
pub fn raw_commit_rate(url: &DatabaseUrl, clients: usize, lasts: Duration) -> Result<f64, StoreError> {
    let (clients, made) = match url {
        DatabaseUrl::Sqlite(_) => (1, "CREATE TABLE raw_history (account INTEGER, delta INTEGER)".to_owned()),
        DatabaseUrl::Postgres(_) => (
            clients,
            format!(
                "CREATE TABLE raw_history (account INTEGER, delta INTEGER, at TIMESTAMP);
                CREATE TABLE raw_account (account INTEGER PRIMARY KEY, balance INTEGER, filler CHAR(84));
                INSERT INTO raw_account SELECT account, 0, '' FROM generate_series(1, {ACCOUNTS}) AS account"
            ),
        ),
    };
    url.open(Access::ReadWrite)?.batch_execute(&made)?;
    let begun = Instant::now();
    let committed: Result<Vec<u64>, StoreError> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(|| commit_until(url, begun + lasts))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(super::lost()))).collect()
    });
    let rate = committed?.iter().sum::<u64>() as f64 / begun.elapsed().as_secs_f64();
    url.open(Access::ReadWrite)?.batch_execute("DROP TABLE raw_history; DROP TABLE IF EXISTS raw_account")?;
    Ok(rate)
}

fn commit_until(url: &DatabaseUrl, end: Instant) -> Result<u64, StoreError> {
    let mut conn: Conn = url.open(Access::ReadWrite)?;
    let mut committed = 0;
    while Instant::now() < end {
        match &mut conn {
            Conn::Sqlite(conn) => conn.batch_execute("INSERT INTO raw_history VALUES (1, 1)")?,
            Conn::Pg(conn) => simple_update(conn)?,
        }
        committed += 1;
    }
    Ok(committed)
}

/// As `pgbench -N` does it, statement by statement.
fn simple_update(conn: &mut PgConnection) -> Result<(), StoreError> {
    let account = rand::random_range(1..=ACCOUNTS);
    for statement in [
        "BEGIN".to_owned(),
        format!("UPDATE raw_account SET balance = balance + 1 WHERE account = {account}"),
        format!("SELECT balance FROM raw_account WHERE account = {account}"),
        format!("INSERT INTO raw_history VALUES ({account}, 1, CURRENT_TIMESTAMP)"),
        "END".to_owned(),
    ] {
        conn.batch_execute(&statement)?;
    }
    Ok(())
}
