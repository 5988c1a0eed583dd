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

/// What waits in the one queue: people's jobs themselves, or a sign that a background job waits in its own.
enum Turn {
    Foreground(Job),
    Background,
}

/// Batches that may pass a waiting background job, so that it is never starved.
const PASSED_OVER: usize = 8;
/// After somebody's job the next is waited for so long before a background job begins: people who work come back.
const QUIET: Duration = Duration::from_millis(10);

/// A transaction that takes longer is told in the log.
const SLOW: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(in crate::store) struct Writer {
    queue: SyncSender<Turn>,
    background: SyncSender<Job>,
}

impl Writer {
    /// Starts the thread; it ends when the last handle is dropped. `committed` is called after each commit.
    pub fn start(
        conn: Conn,
        checkpointer: Checkpointer,
        committed: impl Fn() + Send + 'static,
    ) -> Result<Writer, StoreError> {
        let (queue, turns) = sync_channel(QUEUE);
        let (background, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(conn, &turns, &jobs, &checkpointer, committed))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Writer { queue, background })
    }

    pub fn submit(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(Turn::Foreground(job)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })
    }

    /// A job nobody waits for at a screen: it runs when no other waits. Waits for room in the queue.
    pub fn submit_behind(&self, job: Job) -> Result<(), StoreError> {
        self.background.send(job).map_err(|_| stopped())?;
        self.queue.send(Turn::Background).map_err(|_| stopped())
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".into())
}

fn run(
    mut conn: Conn,
    turns: &Receiver<Turn>,
    background: &Receiver<Job>,
    checkpointer: &Checkpointer,
    committed: impl Fn(),
) {
    let (mut waiting, mut passed, mut last) = (0, 0, Instant::now());
    loop {
        let turn = match waiting {
            0 => turns.recv().ok(),
            _ if passed >= PASSED_OVER => None,
            _ => turns.recv_timeout(QUIET.saturating_sub(last.elapsed())).ok(),
        };
        match turn {
            Some(Turn::Foreground(job)) => {
                waiting += run_batch(&mut conn, job, turns);
                passed += usize::from(waiting > 0);
                last = Instant::now();
            }
            Some(Turn::Background) => {
                waiting += 1;
                continue;
            }
            None if waiting == 0 => return,
            None => {
                (waiting, passed) = (waiting - 1, 0);
                if let Ok(job) = background.try_recv() {
                    commit(&mut conn, |conn| vec![job(conn)]);
                }
            }
        }
        committed();
        if checkpointer.committed()
            && let Conn::Sqlite(sqlite) = &mut conn
            && let Err(error) = checkpoint::carry_over(sqlite)
        {
            tracing::warn!(%error, "the rest of the write-ahead log is left to the checkpointer");
        }
    }
}

/// Runs the first job and those that wait behind it in one transaction. Gives how many background jobs it met.
fn run_batch(conn: &mut Conn, first: Job, turns: &Receiver<Turn>) -> usize {
    let mut background = 0;
    commit(conn, |conn| {
        let mut answers = vec![first(conn)];
        while answers.len() < BATCH {
            match turns.try_recv() {
                Ok(Turn::Foreground(job)) => answers.push(job(conn)),
                Ok(Turn::Background) => background += 1,
                Err(_) => break,
            }
        }
        answers
    });
    background
}

fn commit(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Vec<Answer>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conn::Access;
    use crate::store::{DatabaseUrl, checkpoint::Checkpointer};
    use std::sync::mpsc::channel;

    /// A job that tells its name when it runs.
    fn telling(name: &'static str, told: std::sync::mpsc::Sender<&'static str>) -> Job {
        Box::new(move |_| {
            told.send(name).unwrap();
            Box::new(|_| ())
        })
    }

    #[test]
    fn people_go_first_and_background_work_is_not_starved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.sqlite");
        let conn = DatabaseUrl::Sqlite(path.clone()).open(Access::ReadWrite).unwrap();
        let writer = Writer::start(conn, Checkpointer::start(&path).unwrap(), || ()).unwrap();
        let (told, order) = channel();
        // The writer is held until everything waits.
        let (open, gate) = channel::<()>();
        writer
            .submit(Box::new(move |_| {
                gate.recv().unwrap();
                Box::new(|_| ())
            }))
            .unwrap();
        writer.submit_behind(telling("behind", told.clone())).unwrap();
        for _ in 0..BATCH * (PASSED_OVER + 4) {
            while matches!(writer.submit(telling("people", told.clone())), Err(StoreError::Busy)) {
                let _ = open.send(());
            }
        }
        let _ = open.send(());
        drop((writer, told));
        let order: Vec<&str> = order.iter().collect();
        let at = order.iter().position(|name| *name == "behind").expect("it ran");
        assert!(at > 0 && at < order.len() - 1, "after some and before the last, at {at} of {}", order.len());
    }
}
