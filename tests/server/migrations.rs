//! Every migration can be undone: its `down.sql` brings back the tables as they were before, and up again leads to the same.

use crate::matters::in_hand;
use crate::support::{On, Server};
use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, RunQueryDsl, SqliteConnection, sql_query};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use rstest::rstest;
use shenban::store::DatabaseUrl;
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What tables, columns, constraints and indexes there are, whatever the order they were made in.
type Schema = BTreeSet<String>;

fn schema_of_sqlite(conn: &mut SqliteConnection) -> Schema {
    let made = "SELECT sql AS line FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name <> 'sqlite_sequence'";
    sql_query(made).load::<Line>(conn).unwrap().iter().flat_map(|made| definitions(&made.line)).collect()
}

/// A `CREATE` statement as lines of its own: one an index, one a column or constraint of a table.
fn definitions(made: &str) -> Vec<String> {
    let uncommented: Vec<&str> = made.lines().map(|line| line.split("--").next().unwrap()).collect();
    let plain = uncommented.join(" ").replace('"', "").split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((table, body)) = plain.strip_prefix("CREATE TABLE ").and_then(|table| table.split_once('(')) else {
        return vec![plain];
    };
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in body.trim_end_matches(')').chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        match c {
            ',' if depth == 0 => parts.push(String::new()),
            _ => parts.last_mut().unwrap().push(c),
        }
    }
    parts.iter().map(|part| format!("{}: {}", table.trim(), part.trim())).collect()
}

fn schema_of_postgres(conn: &mut PgConnection) -> Schema {
    let made = "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) AS line
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_diesel%'
        UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '\\_\\_diesel%'";
    sql_query(made).load::<Line>(conn).unwrap().into_iter().map(|row| row.line).collect()
}

fn undone_and_redone<C, DB>(fresh: &mut C, lived_in: &mut C, folder: &str, schema: fn(&mut C) -> Schema)
where
    C: MigrationHarness<DB>,
    DB: Backend,
    FileBasedMigrations: MigrationSource<DB>,
{
    let source = || FileBasedMigrations::from_path(folder).unwrap();
    let mut before = vec![schema(fresh)];
    while fresh.has_pending_migration(source()).unwrap() {
        fresh.run_next_migration(source()).unwrap();
        before.push(schema(fresh));
    }
    let newest = before.pop().unwrap();
    for was in before.iter().rev() {
        let undone = fresh.revert_last_migration(source()).unwrap();
        let now = schema(fresh);
        let (left, lost): (Vec<_>, Vec<_>) = (now.difference(was).collect(), was.difference(&now).collect());
        assert!(left.is_empty() && lost.is_empty(), "{undone} leaves {left:#?} and loses {lost:#?}");
    }
    for conn in [fresh, lived_in] {
        conn.revert_all_migrations(source()).unwrap();
        conn.run_pending_migrations(source()).unwrap();
        assert_eq!(schema(conn), newest);
    }
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn every_migration_is_undone_by_its_down_and_done_again(#[case] on: On) {
    let folder = TempDir::new().unwrap();
    let (Some(fresh), Some(server)) = (on.fresh(&folder), Server::start_without_jobs(on).await) else { return };
    in_hand(&server, &server.sign_in("coordinator").await).await;
    match (DatabaseUrl::parse(&fresh).unwrap(), server.app.store.url()) {
        (DatabaseUrl::Sqlite(fresh), DatabaseUrl::Sqlite(lived_in)) => {
            let open = |path: &Path| {
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 20000").unwrap();
                conn
            };
            undone_and_redone(&mut open(&fresh), &mut open(lived_in), "migrations/sqlite", schema_of_sqlite);
        }
        (DatabaseUrl::Postgres(fresh), DatabaseUrl::Postgres(lived_in)) => {
            let open = |url: &str| PgConnection::establish(url).unwrap();
            undone_and_redone(&mut open(&fresh), &mut open(lived_in), "migrations/postgres", schema_of_postgres);
        }
        _ => unreachable!("both are of one kind"),
    }
    server.stop().await;
}
