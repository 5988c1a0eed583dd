//! The only floor that knows diesel. Above it there are rows (plain structs) and functions on a [`Tx`].

mod checkpoint;
mod conn;
pub mod consultations;
mod prepared;
mod reading;
mod saying;
mod schema;
mod turns;
mod writer;

pub mod attachments;
pub mod blobs;
pub mod briefs;
pub mod case_order;
pub mod cases;
pub mod chase;
pub mod checklists;
pub mod decisions;
pub mod directives;
pub mod duty;
pub mod events;
pub mod files;
pub mod holders;
pub mod house;
pub mod imports;
pub mod inbound;
pub mod mail_links;
pub mod mails;
pub mod measure;
pub mod measure_mail;
pub mod meetings;
pub mod memberships;
pub mod notices;
pub mod objections;
pub mod observations;
pub mod opinion_links;
pub mod people;
pub mod plans;
pub mod policies;
pub mod preferences;
pub mod problems;
pub mod proxy_entries;
pub mod sent;
pub mod sessions;
pub mod tasks;
pub mod text_index;
pub mod tickets;
pub mod unsent;
pub mod webhooks;

use conn::{Access, Conn, Opener};
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use holders::Holders;
use reading::Reading;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use turns::Turns;

pub use conn::DatabaseUrl;

/// What can go wrong below the rules.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("unknown kind of database: {0:?} (use sqlite:PATH or postgres://…)")]
    Url(String),
    #[error("too many requests are waiting for the database")]
    Busy,
    /// A unique rule of the tables was hit; names the constraint or its columns.
    #[error("duplicate: {0}")]
    Duplicate(String),
    #[error("migration failed: {0}")]
    Migration(String),
    #[error("database: {0}")]
    Unavailable(String),
    /// The place where files' bytes lie does not answer, or not as it should.
    #[error("files: {0}")]
    FilesUnavailable(String),
}

impl StoreError {
    fn connect(error: diesel::ConnectionError) -> StoreError {
        StoreError::Unavailable(error.to_string())
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> StoreError {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                StoreError::Duplicate(info.constraint_name().unwrap_or_else(|| info.message()).to_owned())
            }
            other => StoreError::Unavailable(other.to_string()),
        }
    }
}

/// A transaction (or a read) in progress.
pub struct Tx<'a>(pub(in crate::store) &'a mut Conn);

impl Tx<'_> {
    /// The same transaction for a shorter while.
    pub fn reborrow(&mut self) -> Tx<'_> {
        Tx(self.0)
    }
}

/// The database: one writer and several readers on SQLite, one pool on PostgreSQL.
#[derive(Clone)]
pub struct Store {
    url: DatabaseUrl,
    writing: Writing,
    turns: Arc<Turns>,
    readers: Pool<Opener>,
    waiting_readers: Arc<Semaphore>,
    reading: Reading,
    commits: watch::Sender<u64>,
    holders: Arc<Holders>,
    /// SQLite's index of the tickets' texts; PostgreSQL keeps it in a table.
    text_index: Option<text_index::IndexFile>,
}

#[derive(Clone)]
enum Writing {
    Sqlite(writer::Writer),
    Postgres { pool: Pool<Opener>, waiting: Arc<Semaphore> },
}

/// Requests that may wait for a connection; beyond it the answer is [`StoreError::Busy`].
const WAITING: usize = 512;

impl Store {
    /// Opens the database and brings its tables up to date. An SQLite file (and its folder) is made when absent.
    pub fn open(url: &DatabaseUrl) -> Result<Store, StoreError> {
        if let DatabaseUrl::Sqlite(path) = url
            && let Some(folder) = path.parent()
        {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        }
        let mut first = url.open(Access::ReadWrite)?;
        first.migrate()?;
        first.will_write()?;
        let commits = watch::Sender::new(0);
        let holders: Arc<Holders> = Arc::default();
        let text_index = match url {
            DatabaseUrl::Sqlite(path) => Some(text_index::IndexFile::open(path)?),
            DatabaseUrl::Postgres(_) => None,
        };
        let (writing, readers) = match url {
            DatabaseUrl::Sqlite(path) => {
                let (told, forgetful) = (commits.clone(), holders.clone());
                let committed = move || {
                    forgetful.committed();
                    told.send_modify(|n| *n += 1);
                };
                let writer = writer::Writer::start(first, checkpoint::Checkpointer::start(path)?, committed)?;
                (Writing::Sqlite(writer), pool(url, Access::ReadOnly, 6)?)
            }
            DatabaseUrl::Postgres(_) => {
                drop(first);
                let pool = pool(url, Access::ReadWrite, 16)?;
                let waiting = Arc::new(Semaphore::new(WAITING));
                (Writing::Postgres { pool: pool.clone(), waiting }, pool)
            }
        };
        let waiting_readers = Arc::new(Semaphore::new(WAITING));
        let reading = Reading::start()?;
        let (url, turns) = (url.clone(), Arc::default());
        Ok(Store { url, writing, turns, readers, waiting_readers, reading, commits, holders, text_index })
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Whether somebody at a screen is or just was served: then background work does little at a time.
    pub fn is_in_use(&self) -> bool {
        self.turns.are_in_demand()
    }

    /// Lets people at a screen go first in the middle of a long read of the background.
    pub fn give_way(&self) {
        self.turns.give_way();
    }

    /// Changes after every commit of this process: what background work waits on.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// [`Store::write`] for background work: it lets everybody at a screen go first.
    pub async fn write_behind<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        on_blocking_thread(move || store.write_blocking(work)).await
    }

    /// Runs `work` in one transaction; an error or a panic rolls it back. Answers after the commit is on disk.
    pub async fn write<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let _turn = self.turns.foreground();
        match &self.writing {
            Writing::Sqlite(writer) => {
                let (job, answer) = sqlite_job(work);
                writer.submit(job)?;
                answer.await.unwrap_or_else(|_| Err(lost().into()))
            }
            Writing::Postgres { pool, waiting } => {
                let _permit = waiting.try_acquire().map_err(|_| StoreError::Busy)?;
                let (pool, store) = (pool.clone(), self.clone());
                on_blocking_thread(move || store.write_to_postgres(&pool, work)).await
            }
        }
    }

    /// [`Store::write_behind`] on this thread, for commands and imports: waits for its turn however long the queue.
    pub fn write_blocking<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let _turn = self.turns.background();
        match &self.writing {
            Writing::Sqlite(writer) => {
                let (job, answer) = sqlite_job(work);
                writer.submit_patiently(job)?;
                answer.blocking_recv().unwrap_or_else(|_| Err(lost().into()))
            }
            Writing::Postgres { pool, .. } => self.write_to_postgres(pool, work),
        }
    }

    /// Runs `work` on a reading connection, all of it on one snapshot.
    pub async fn read<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.on_reader(|conn| writer::run_on_snapshot(conn, work)).await
    }

    /// [`Store::read`] of a single statement, which needs no transaction to see one snapshot.
    pub async fn read_one<T, E>(&self, statement: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.on_reader(|conn| statement(&mut Tx(conn))).await
    }

    /// [`Store::read`] for background work: it lets everybody at a screen go first.
    pub async fn read_behind<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        on_blocking_thread(move || {
            let _turn = store.turns.background();
            store.read_blocking(work)
        })
        .await
    }

    /// [`Store::read`] that is no person's and short: it waits for no turn, and nobody gives way to it.
    pub async fn read_aside<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        on_blocking_thread(move || store.read_blocking(work)).await
    }

    /// [`Store::read`] on this thread.
    pub fn read_blocking<T, E>(&self, work: impl FnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        writer::run_on_snapshot(&mut *connection(&self.readers)?, work)
    }

    fn write_to_postgres<T, E: From<StoreError>>(
        &self,
        pool: &Pool<Opener>,
        work: impl FnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        let outcome = writer::run_guarded(&mut *connection(pool)?, work);
        self.holders.committed();
        self.commits.send_modify(|n| *n += 1);
        outcome
    }

    async fn on_reader<T, E>(&self, work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let _permit = self.waiting_readers.try_acquire().map_err(|_| StoreError::Busy)?;
        let _turn = self.turns.foreground();
        let readers = self.readers.clone();
        self.reading.run(move || work(&mut *connection(&readers)?)).await
    }
}

fn connection(pool: &Pool<Opener>) -> Result<PooledConnection<Opener>, StoreError> {
    pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn pool(url: &DatabaseUrl, access: Access, size: u32) -> Result<Pool<Opener>, StoreError> {
    let opener = Opener { url: url.clone(), access };
    // One look at start names a wrong URL at once instead of after the pool's patience.
    drop(opener.connect()?);
    Ok(Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(10))
        .build_unchecked(opener))
}

fn sqlite_job<T, E>(
    work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
) -> (writer::Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (sender, answer) = oneshot::channel();
    let job: writer::Job = Box::new(move |conn| {
        let outcome = writer::run_guarded(conn, work);
        Box::new(move |commit| {
            // Whoever asked may have gone; the work is committed all the same.
            let _ = sender.send(commit.map_err(E::from).and(outcome));
        })
    });
    (job, answer)
}

async fn on_blocking_thread<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(lost().into()))
}

fn lost() -> StoreError {
    StoreError::Unavailable("the request was dropped before its turn".into())
}

/// A fresh id: UUIDv7 text, so that ids sort by their making.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
