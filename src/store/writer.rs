//! SQLite's one writer: a thread that takes several waiting jobs into one transaction, a savepoint each, and
//! answers them after the commit, so that one sync to the disk serves many people.

use super::checkpoint::{self, Checkpointer};
use super::conn::Conn;
use super::{StoreError, Tx};
use diesel::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Jobs that may wait; beyond it the answer is [`StoreError::Busy`].
const QUEUE: usize = 512;
/// Jobs that share one commit at most, so that the first does not wait for a long tail.
const BATCH: usize = 64;

/// What a job leaves to be done once its transaction's fate is known.
pub(in crate::store) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
pub(in crate::store) type Job = Box<dyn FnOnce(&mut Conn) -> Answer + Send>;

/// A transaction that takes longer is told in the log.
const SLOW: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(in crate::store) struct Writer {
    queue: SyncSender<Job>,
}

impl Writer {
    /// Starts the thread; it ends when the last handle is dropped. `committed` is called after each commit, before its
    /// jobs are answered.
    pub fn start(
        conn: Conn,
        checkpointer: Checkpointer,
        committed: impl Fn() + Send + 'static,
    ) -> Result<Writer, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(conn, &jobs, &checkpointer, committed))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Writer { queue })
    }

    pub fn submit(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })
    }

    /// [`Writer::submit`] that waits for room in the queue.
    pub fn submit_patiently(&self, job: Job) -> Result<(), StoreError> {
        self.queue.send(job).map_err(|_| stopped())
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".into())
}

fn run(mut conn: Conn, jobs: &Receiver<Job>, checkpointer: &Checkpointer, committed: impl Fn()) {
    while let Ok(first) = jobs.recv() {
        let work = |conn: &mut Conn| {
            let mut answers = vec![first(conn)];
            answers.extend(jobs.try_iter().take(BATCH - 1).map(|job| job(conn)));
            answers
        };
        commit(&mut conn, work, &committed);
        if checkpointer.committed()
            && let Conn::Sqlite(sqlite) = &mut conn
            && let Err(error) = checkpoint::carry_over(sqlite)
        {
            tracing::warn!(%error, "the rest of the write-ahead log is left to the checkpointer");
        }
    }
}

fn commit(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Vec<Answer>, committed: &impl Fn()) {
    let begun = Instant::now();
    if let Err(error) = conn.begin_write() {
        // Dropping a job drops its sender, which its caller sees as `Unavailable`.
        tracing::error!(%error, "cannot begin a transaction");
        return;
    }
    let answers = work(conn);
    let outcome = conn.commit();
    if outcome.is_err() {
        // A failed commit leaves nothing behind; a failed rollback after it has nothing to undo.
        let _ = conn.rollback();
    }
    committed();
    let took = begun.elapsed();
    if took > SLOW {
        tracing::debug!(jobs = answers.len(), ?took, "a transaction held the others up");
    }
    for answer in answers {
        answer(outcome.clone());
    }
}

/// Runs `work` in a transaction of its own (a savepoint when one is open). A panic rolls it back like an error.
pub(in crate::store) fn run_guarded<T, E: From<StoreError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Tx) -> Result<T, E>,
) -> Result<T, E> {
    /// Diesel wants an error type that is made from its own.
    enum Fault<E> {
        Work(E),
        Database(diesel::result::Error),
    }
    impl<E> From<diesel::result::Error> for Fault<E> {
        fn from(error: diesel::result::Error) -> Self {
            Fault::Database(error)
        }
    }
    let outcome = conn.transaction(|conn| caught(conn, work).map_err(Fault::Work));
    outcome.map_err(|fault| match fault {
        Fault::Work(error) => error,
        Fault::Database(error) => StoreError::from(error).into(),
    })
}

/// Runs `work`, which reads, on one snapshot.
pub(in crate::store) fn run_on_snapshot<T, E: From<StoreError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Tx) -> Result<T, E>,
) -> Result<T, E> {
    conn.begin_read()?;
    let outcome = caught(conn, work);
    let ended = if outcome.is_ok() { conn.commit() } else { conn.rollback() };
    ended.map_err(E::from).and(outcome)
}

fn caught<T, E: From<StoreError>>(conn: &mut Conn, work: impl FnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(|| work(&mut Tx(conn))))
        .unwrap_or_else(|_| Err(StoreError::Unavailable("a job panicked".into()).into()))
}
