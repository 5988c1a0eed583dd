//! SQLite's write-ahead log is carried over into the database beside the writer: done within a commit, as is usual, the
//! log of a busy second holds everybody up for tens of milliseconds.

use super::StoreError;
use super::conn::{Access, open_sqlite};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Between two rounds while there are commits.
const EVERY: Duration = Duration::from_millis(250);
/// From this many pages on the log is to begin anew, for which the writer itself must carry over the last of them.
const LONG_LOG_PAGES: i32 = 16_000;

/// The writer's end: it tells of commits and is told when the log wants to begin anew.
pub(in crate::store) struct Checkpointer {
    wake: SyncSender<()>,
    is_long: Arc<AtomicBool>,
}

#[derive(QueryableByName)]
struct Log {
    #[diesel(sql_type = Integer)]
    log: i32,
}

impl Checkpointer {
    /// Starts the thread; it ends with the writer.
    pub fn start(database: &Path) -> Result<Checkpointer, StoreError> {
        let conn = open_sqlite(database, Access::ReadWrite)?;
        let (wake, commits) = sync_channel(1);
        let is_long = Arc::new(AtomicBool::new(false));
        let found_long = is_long.clone();
        std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(conn, &commits, &found_long))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Checkpointer { wake, is_long })
    }

    /// To be told after each commit. Gives whether the log has grown long: then the writer carries the rest over.
    pub fn committed(&self) -> bool {
        // A full channel means that it knows already.
        let _ = self.wake.try_send(());
        self.is_long.swap(false, Ordering::Relaxed)
    }
}

fn run(mut conn: SqliteConnection, commits: &Receiver<()>, is_long: &AtomicBool) {
    while commits.recv().is_ok() {
        std::thread::sleep(EVERY);
        match carry_over(&mut conn) {
            Ok(pages) => is_long.store(pages >= LONG_LOG_PAGES, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be carried over and is tried again"),
        }
    }
}

/// Carries over what no reader still needs, without waiting for anybody. Gives the pages of the log.
pub(in crate::store) fn carry_over(conn: &mut SqliteConnection) -> Result<i32, StoreError> {
    Ok(diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Log>(conn)?.log)
}
