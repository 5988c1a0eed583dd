//! What finds the tickets that say something, or have it as their number.

use super::conn::Conn;
use super::prepared::of_any_table;
use super::text_index::{pairs, runs};
use super::{StoreError, Tx};
use diesel::expression::{AppearsOnTable, SelectableExpression, ValidGrouping};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};

type Backend = <Conn as Connection>::Backend;

/// From so many tickets on, the newest of them are found sooner by going through all tickets from the newest on than by
/// putting those that say it in order: among 100,000 tickets both then take a thousand steps or so for a page of twenty.
const COMMON: i64 = 1_000;

/// A condition on `ticket`: it contains each run of letters and digits of a text, or has the text as its number.
#[derive(Debug, Clone)]
pub(in crate::store) struct Saying {
    /// The index's rows up to the words that are asked for, and what follows these; `None` when there is no such run.
    indexed: Option<(&'static str, String, &'static str)>,
    number: String,
    is_common: bool,
}

impl Saying {
    pub fn new(conn: &Conn, text: &str) -> Saying {
        let runs = runs(text);
        let indexed = (!runs.is_empty()).then(|| match conn {
            Conn::Sqlite(_) => (
                "SELECT rowid FROM search.ticket_text WHERE ticket_text MATCH ",
                joined(&runs, " AND ", |run| match run {
                    [one] => format!("\"{one}\" *"),
                    run => format!("\"{}\"", pairs(run).collect::<Vec<_>>().join(" ")),
                }),
                "",
            ),
            Conn::Pg(_) => (
                "SELECT ticket_n FROM ticket_text WHERE words @@ ",
                joined(&runs, " & ", |run| match run {
                    [one] => format!("'{one}':*"),
                    run => pairs(run).map(|pair| format!("'{pair}'")).collect::<Vec<_>>().join(" <-> "),
                }),
                "::tsquery",
            ),
        });
        Saying { indexed, number: text.trim().to_owned(), is_common: false }
    }

    /// The same for a page of the newest, when so many tickets say it.
    pub fn said_by(self, tickets: i64) -> Saying {
        Saying { is_common: tickets >= COMMON, ..self }
    }

    /// How many tickets say it, by the index alone.
    pub fn count(&self, tx: &mut Tx) -> Result<i64, StoreError> {
        Ok(Count(self).get_result(tx.0)?)
    }

    fn walk_indexed<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Some((before, words, after)) = &self.indexed else {
            out.push_sql("SELECT n FROM ticket WHERE false");
            return Ok(());
        };
        out.push_sql(before);
        out.push_bind_param::<Text, _>(words)?;
        out.push_sql(after);
        Ok(())
    }
}

impl QueryFragment<Backend> for Saying {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("(ticket.n IN (");
        self.walk_indexed(&mut out)?;
        out.push_sql(" UNION ALL SELECT n FROM ticket WHERE source_no = ");
        out.push_bind_param::<Text, _>(&self.number)?;
        // Neither database goes by the list where it is asked for a truth value.
        out.push_sql(if self.is_common { ") IS TRUE)" } else { "))" });
        Ok(())
    }
}

/// The indexed ones, and one that is not indexed yet and has the number.
struct Count<'a>(&'a Saying);

impl QueryFragment<Backend> for Count<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("SELECT (SELECT COUNT(*) FROM (");
        self.0.walk_indexed(&mut out)?;
        out.push_sql(") AS indexed) + (SELECT COUNT(*) FROM ticket WHERE source_no = ");
        out.push_bind_param::<Text, _>(&self.0.number)?;
        out.push_sql(" AND n NOT IN (");
        self.0.walk_indexed(&mut out)?;
        out.push_sql("))");
        Ok(())
    }
}

impl QueryId for Count<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl diesel::query_builder::Query for Count<'_> {
    type SqlType = BigInt;
}

impl RunQueryDsl<Conn> for Count<'_> {}

impl QueryId for Saying {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for Saying {
    type SqlType = Bool;
}

of_any_table! {
    Saying<>;
}

fn joined(runs: &[Vec<char>], with: &str, written: impl Fn(&[char]) -> String) -> String {
    runs.iter().map(|run| written(run)).collect::<Vec<_>>().join(with)
}
