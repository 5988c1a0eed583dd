//! The two databases behind one type. The URL alone decides which.

use super::{StoreError, text_index};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::ManageConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a transaction waits for another process's, and how often it looks whether that one is over.
const LOCK_PATIENCE: Duration = Duration::from_secs(20);
const LOOKS_AGAIN: Duration = Duration::from_micros(300);
const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

#[derive(diesel::MultiConnection)]
pub(in crate::store) enum Conn {
    Sqlite(SqliteConnection),
    Pg(PgConnection),
}

/// Expands one diesel expression for each backend: batch inserts, RETURNING and ON CONFLICT do not work on [`Conn`] itself,
/// and a query that is asked very often spares its rows and its text the way through [`Conn`].
macro_rules! on_backend {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::store::conn::Conn::Sqlite($c) => $body,
            $crate::store::conn::Conn::Pg($c) => $body,
        }
    };
}
pub(in crate::store) use on_backend;

/// Where the truth is kept: `sqlite:PATH` (or a plain path) or `postgres://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl DatabaseUrl {
    /// Refuses a scheme it does not know instead of making an empty file of that name.
    pub fn parse(url: &str) -> Result<DatabaseUrl, StoreError> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Ok(DatabaseUrl::Postgres(url.to_owned())),
            Some(("sqlite", path)) if !path.trim_start_matches("//").is_empty() => {
                Ok(DatabaseUrl::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
            }
            None if !url.is_empty() => Ok(DatabaseUrl::Sqlite(PathBuf::from(url))),
            _ => Err(StoreError::Url(url.split(':').next().unwrap_or_default().to_owned())),
        }
    }

    pub(in crate::store) fn open(&self, access: Access) -> Result<Conn, StoreError> {
        match self {
            DatabaseUrl::Sqlite(path) => {
                let mut conn = open_sqlite(path, access)?;
                if access == Access::ReadOnly {
                    let index = uri_of(&text_index::path_beside(path));
                    sql_query("ATTACH ? AS search").bind::<Text, _>(format!("{index}?mode=ro")).execute(&mut conn)?;
                }
                Ok(Conn::Sqlite(conn))
            }
            DatabaseUrl::Postgres(url) => {
                let mut conn = PgConnection::establish(url).map_err(StoreError::connect)?;
                conn.batch_execute("SET TIME ZONE 'UTC'; SET statement_timeout = '60s'; SET lock_timeout = '20s'")?;
                Ok(Conn::Pg(conn))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Access {
    ReadOnly,
    ReadWrite,
}

pub(in crate::store) fn open_sqlite(path: &Path, access: Access) -> Result<SqliteConnection, StoreError> {
    let mode = if access == Access::ReadOnly { "ro" } else { "rwc" };
    let mut conn =
        SqliteConnection::establish(&format!("{}?mode={mode}", uri_of(path))).map_err(StoreError::connect)?;
    conn.batch_execute("PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    // KiB: there are many readers, and one writer.
    let own = match access {
        Access::ReadOnly => "PRAGMA cache_size = -2048;",
        Access::ReadWrite => {
            "PRAGMA cache_size = -4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
        }
    };
    conn.batch_execute(own)?;
    Ok(conn)
}

/// '?', '#' and '%' mean something in an SQLite URI.
fn uri_of(path: &Path) -> String {
    format!("file:{}", path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
}

impl Conn {
    pub(in crate::store) fn migrate(&mut self) -> Result<usize, StoreError> {
        let applied = match self {
            Conn::Sqlite(conn) => conn.run_pending_migrations(SQLITE_MIGRATIONS).map(|done| done.len()),
            Conn::Pg(conn) => conn.run_pending_migrations(POSTGRES_MIGRATIONS).map(|done| done.len()),
        };
        applied.map_err(|error| StoreError::Migration(error.to_string()))
    }

    /// Makes this the connection that writes: it waits for locks in [`Conn::begin_write`] alone, and its commits leave
    /// the log to the checkpointer.
    pub(in crate::store) fn will_write(&mut self) -> Result<(), StoreError> {
        match self {
            Conn::Sqlite(conn) => Ok(conn.batch_execute("PRAGMA busy_timeout = 0; PRAGMA wal_autocheckpoint = 0")?),
            Conn::Pg(_) => Ok(()),
        }
    }

    /// Begins a transaction that will write. On SQLite a deferred one would fail half-way when another process writes too.
    pub(in crate::store) fn begin_write(&mut self) -> Result<(), StoreError> {
        match self {
            Conn::Sqlite(conn) => begin_immediate(conn)?,
            Conn::Pg(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        }
        Ok(())
    }

    /// Begins a transaction that only reads, all of it as things were at its first statement.
    pub(in crate::store) fn begin_read(&mut self) -> Result<(), StoreError> {
        match self {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn)?,
            Conn::Pg(conn) => {
                AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?
            }
        }
        Ok(())
    }

    pub(in crate::store) fn commit(&mut self) -> Result<(), StoreError> {
        Ok(<Conn as Connection>::TransactionManager::commit_transaction(self)?)
    }

    pub(in crate::store) fn rollback(&mut self) -> Result<(), StoreError> {
        Ok(<Conn as Connection>::TransactionManager::rollback_transaction(self)?)
    }
}

/// Waits for another process's transaction itself. SQLite's own patience looks less and less often, up to ten times a second:
/// an importer's short pauses would be slept through.
fn begin_immediate(conn: &mut SqliteConnection) -> Result<(), diesel::result::Error> {
    let begun = Instant::now();
    loop {
        match AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE") {
            Err(error) if is_locked(&error) && begun.elapsed() < LOCK_PATIENCE => std::thread::sleep(LOOKS_AGAIN),
            outcome => return outcome,
        }
    }
}

fn is_locked(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info) if info.message() == "database is locked")
}

/// Opens connections for a pool.
pub(in crate::store) struct Opener {
    pub url: DatabaseUrl,
    pub access: Access,
}

impl ManageConnection for Opener {
    type Connection = Conn;
    type Error = StoreError;

    fn connect(&self) -> Result<Conn, StoreError> {
        self.url.open(self.access)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), StoreError> {
        Ok(conn.batch_execute("SELECT 1")?)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || <Conn as Connection>::TransactionManager::is_broken_transaction_manager(conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::sql_types::Bool;

    #[test]
    fn sqlite_was_built_to_keep_its_plans() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let keeps = diesel::dsl::sql::<Bool>("sqlite_compileoption_used('ENABLE_QPSG')");
        assert!(diesel::select(keeps).get_result::<bool>(&mut conn).unwrap(), "see .cargo/config.toml");
    }
}
