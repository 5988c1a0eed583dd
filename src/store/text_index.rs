//! The text index of tickets: pairs of neighbouring characters, because queries are words of two characters. On SQLite
//! it is a second file with a writer of its own, so that feeding it never holds up a status update; on PostgreSQL a
//! table. Either can be thrown away: it is fed again from the tickets, by their place in the order of commits.

use super::conn::{Access, Conn};
use super::schema::{ticket, ticket_contact, ticket_order};
use super::{Store, StoreError, Tx, house};
use crate::detect::text::normalise;
use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The place in the order up to which tickets are in PostgreSQL's index.
const WATERMARK: &str = "text_index.watermark";

/// A ticket that is not in the index yet.
#[derive(Debug, Clone, Queryable)]
pub struct Unindexed {
    /// Its place in the order of commits.
    pub seq: i64,
    pub ticket_n: i64,
    pub source_no: String,
    pub title: String,
    pub body: String,
    pub caller_name: Option<String>,
}

/// A ticket as it is to be found: `text` is what everybody who may read tickets sees of it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub seq: i64,
    pub ticket_n: i64,
    pub text: String,
}

/// The writer of SQLite's index.
#[derive(Clone)]
pub(in crate::store) struct IndexFile(Arc<Mutex<SqliteConnection>>);

/// `city.sqlite` → `city.search.sqlite`.
pub(in crate::store) fn path_beside(database: &Path) -> PathBuf {
    database.with_extension("search.sqlite")
}

impl IndexFile {
    /// Opens the file, made when absent.
    pub fn open(database: &Path) -> Result<IndexFile, StoreError> {
        let mut conn = super::conn::open_sqlite(&path_beside(database), Access::ReadWrite)?;
        conn.batch_execute(
            "PRAGMA synchronous = NORMAL;
             CREATE VIRTUAL TABLE IF NOT EXISTS ticket_text USING fts5(text, content = '', columnsize = 0);
             CREATE TABLE IF NOT EXISTS watermark (id INTEGER PRIMARY KEY CHECK (id = 1), seq BIGINT NOT NULL);
             INSERT OR IGNORE INTO watermark VALUES (1, 0);",
        )?;
        Ok(IndexFile(Arc::new(Mutex::new(conn))))
    }

    fn feed(&self, after: i64, entries: &[Entry]) -> Result<bool, StoreError> {
        let Some(last) = entries.last() else { return Ok(true) };
        let mut conn = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        conn.immediate_transaction(|conn| {
            // Another process may have fed the same tickets.
            let moved = diesel::sql_query("UPDATE watermark SET seq = ? WHERE seq = ?")
                .bind::<BigInt, _>(last.seq)
                .bind::<BigInt, _>(after)
                .execute(conn)?;
            if moved == 0 {
                return Ok(false);
            }
            for entry in entries {
                diesel::sql_query("INSERT INTO ticket_text (rowid, text) VALUES (?, ?)")
                    .bind::<BigInt, _>(entry.ticket_n)
                    .bind::<Text, _>(spaced(&entry.text))
                    .execute(conn)?;
            }
            Ok(true)
        })
    }
}

impl Store {
    /// Adds the entries that follow the watermark `after`; `false` when somebody else did.
    pub fn feed_text_index(&self, after: i64, entries: Vec<Entry>, now: NaiveDateTime) -> Result<bool, StoreError> {
        match &self.text_index {
            Some(file) => file.feed(after, &entries),
            None => self.write_blocking(move |tx| feed_table(tx, after, &entries, now)),
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// The place in the order up to which tickets can be found.
pub fn watermark(tx: &mut Tx) -> Result<i64, StoreError> {
    match tx.0 {
        Conn::Sqlite(conn) => {
            let row: Number = diesel::sql_query("SELECT seq AS value FROM search.watermark").get_result(conn)?;
            Ok(row.value)
        }
        Conn::Pg(_) => Ok(house::setting(tx, WATERMARK)?.and_then(|seq| seq.parse().ok()).unwrap_or(0)),
    }
}

/// How many tickets wait to be indexed.
pub fn behind(tx: &mut Tx) -> Result<i64, StoreError> {
    let last: Option<i64> = ticket_order::table.select(diesel::dsl::max(ticket_order::seq)).get_result(tx.0)?;
    Ok(last.unwrap_or(0) - watermark(tx)?)
}

/// Tickets after place `seq`, in order.
pub fn unindexed_after(tx: &mut Tx, seq: i64, limit: i64) -> Result<Vec<Unindexed>, StoreError> {
    Ok(ticket_order::table
        .inner_join(ticket::table.on(ticket::id.eq(ticket_order::ticket_id)))
        .left_join(ticket_contact::table.on(ticket_contact::ticket_id.eq(ticket_order::ticket_id)))
        .filter(ticket_order::seq.gt(seq))
        .order(ticket_order::seq)
        .limit(limit)
        .select((
            ticket_order::seq,
            ticket_order::ticket_n,
            ticket::source_no,
            ticket::title,
            ticket::body,
            ticket_contact::name.nullable(),
        ))
        .load(tx.0)?)
}

fn feed_table(tx: &mut Tx, after: i64, entries: &[Entry], now: NaiveDateTime) -> Result<bool, StoreError> {
    let Some(last) = entries.last() else { return Ok(true) };
    if watermark(tx)? != after {
        return Ok(false);
    }
    if let Conn::Pg(conn) = tx.0 {
        let (numbers, words): (Vec<i64>, Vec<String>) =
            entries.iter().map(|entry| (entry.ticket_n, positioned(&entry.text))).unzip();
        diesel::sql_query(
            "INSERT INTO ticket_text (ticket_n, words)
             SELECT n, words::tsvector FROM unnest($1, $2) AS entry (n, words) ON CONFLICT DO NOTHING",
        )
        .bind::<Array<BigInt>, _>(numbers)
        .bind::<Array<Text>, _>(words)
        .execute(conn)?;
    }
    house::put_setting(tx, WATERMARK, &last.seq.to_string(), now)?;
    Ok(true)
}

/// Runs of letters and digits, in one writing: `学校 A7` → `学校`, `a7`.
pub(in crate::store) fn runs(text: &str) -> Vec<Vec<char>> {
    let text = normalise(text);
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(|run| run.chars().collect()).collect()
}

pub(in crate::store) fn pairs(run: &[char]) -> impl Iterator<Item = String> {
    run.windows(2).map(|pair| pair.iter().collect())
}

/// What is indexed of a text, in order. A run ends with its last character alone: single characters are found by it, and
/// no phrase reaches from one run into the next.
fn terms(text: &str) -> impl Iterator<Item = String> {
    runs(text).into_iter().flat_map(|run| pairs(&run).chain(run.last().map(char::to_string)).collect::<Vec<_>>())
}

fn spaced(text: &str) -> String {
    terms(text).collect::<Vec<_>>().join(" ")
}

/// As PostgreSQL writes a `tsvector`; further positions than it keeps cannot be told apart.
fn positioned(text: &str) -> String {
    const POSITIONS: usize = 16_383;
    terms(text).take(POSITIONS).zip(1..).map(|(term, at)| format!("'{term}':{at}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_indexed_by_pairs_and_ends_with_its_last_character() {
        assert_eq!(spaced("学校门口，Ａ7！"), "学校 校门 门口 口 a7 7");
        assert_eq!(positioned("学校 门"), "'学校':1 '校':2 '门':3");
        assert_eq!(spaced("，。"), "");
    }
}
