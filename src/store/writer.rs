//! SQLite's one writer: a thread that takes several waiting jobs into one transaction, a savepoint each, and
//! answers them after the commit, so that one sync to the disk serves many people.

use super::conn::Conn;
use super::{StoreError, Tx};
use diesel::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

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
const PASSED_OVER: usize = 16;

#[derive(Clone)]
pub(in crate::store) struct Writer {
    queue: SyncSender<Turn>,
    background: SyncSender<Job>,
}

impl Writer {
    /// Starts the thread; it ends when the last handle is dropped. `committed` is called after each commit.
    pub fn start(conn: Conn, committed: impl Fn() + Send + 'static) -> Result<Writer, StoreError> {
        let (queue, turns) = sync_channel(QUEUE);
        let (background, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(conn, &turns, &jobs, committed))
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

fn run(mut conn: Conn, turns: &Receiver<Turn>, background: &Receiver<Job>, committed: impl Fn()) {
    let (mut waiting, mut passed) = (0, 0);
    loop {
        let turn = match waiting {
            0 => turns.recv().ok(),
            _ if passed >= PASSED_OVER => None,
            _ => turns.try_recv().ok(),
        };
        match turn {
            Some(Turn::Foreground(job)) => {
                waiting += run_batch(&mut conn, job, turns);
                passed += usize::from(waiting > 0);
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
    let outcome = conn.transaction(|conn| {
        catch_unwind(AssertUnwindSafe(|| work(&mut Tx(conn))))
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a job panicked".into()).into()))
            .map_err(Fault::Work)
    });
    outcome.map_err(|fault| match fault {
        Fault::Work(error) => error,
        Fault::Database(error) => StoreError::from(error).into(),
    })
}
