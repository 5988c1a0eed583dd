//! Statements that a connection prepares once. Diesel prepares each UPDATE anew, since a changeset may leave columns out,
//! and each statement with a piece of SQL in it, since that may be made from anything.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::query_builder::{AsChangeset, AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, SingleValue, SqlType, Text};
use diesel::{QuerySource, RunQueryDsl};
use std::borrow::Cow;
use std::marker::PhantomData;

/// `UPDATE table SET changes WHERE filter`.
pub(in crate::store) struct Update<Table: QuerySource, Filter, Changes: AsChangeset> {
    table: Table::FromClause,
    filter: Filter,
    changes: Changes::Changeset,
}

pub(in crate::store) fn update<Table, Filter, Changes>(
    table: Table,
    filter: Filter,
    changes: Changes,
) -> Update<Table, Filter, Changes>
where
    Table: QuerySource,
    Filter: Expression<SqlType = Bool> + AppearsOnTable<Table>,
    Changes: AsChangeset<Target = Table>,
{
    Update { table: table.from_clause(), filter, changes: changes.as_changeset() }
}

impl<Table: QuerySource, Filter, Changes: AsChangeset> Update<Table, Filter, Changes> {
    pub fn returning<Columns: Expression>(self, columns: Columns) -> Returning<Self, Columns> {
        Returning { update: self, columns }
    }
}

impl<Table, Filter, Changes, DB> QueryFragment<DB> for Update<Table, Filter, Changes>
where
    DB: Backend,
    Table: QuerySource,
    Table::FromClause: QueryFragment<DB>,
    Filter: QueryFragment<DB>,
    Changes: AsChangeset,
    Changes::Changeset: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.filter.walk_ast(out)
    }
}

/// Recognised by its types, without its text: no change can leave its column out, since an `Option` of one has no id.
impl<Table, Filter, Changes> QueryId for Update<Table, Filter, Changes>
where
    Table: QuerySource + QueryId,
    Filter: QueryId,
    Changes: AsChangeset + QueryId,
{
    type QueryId = UpdateId<Table::QueryId, Filter::QueryId, Changes::QueryId>;
    const HAS_STATIC_QUERY_ID: bool =
        Table::HAS_STATIC_QUERY_ID && Filter::HAS_STATIC_QUERY_ID && Changes::HAS_STATIC_QUERY_ID;
}

pub(in crate::store) struct UpdateId<Table, Filter, Changes>(PhantomData<(Table, Filter, Changes)>);

/// An UPDATE and what it gives of each row it changed.
pub(in crate::store) struct Returning<U, Columns> {
    update: U,
    columns: Columns,
}

impl<U, Columns, DB> QueryFragment<DB> for Returning<U, Columns>
where
    DB: Backend,
    U: QueryFragment<DB>,
    Columns: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.update.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        self.columns.walk_ast(out)
    }
}

impl<U, Columns: Expression> Query for Returning<U, Columns> {
    type SqlType = Columns::SqlType;
}

/// SQL that stands in the code, not made from anything given.
#[derive(Debug, Clone)]
pub(in crate::store) struct Fixed<Type> {
    text: Cow<'static, str>,
    of: PhantomData<Type>,
}

pub(in crate::store) fn fixed<Type>(text: impl Into<Cow<'static, str>>) -> Fixed<Type> {
    Fixed { text: text.into(), of: PhantomData }
}

/// A code that stands in a query's text instead of being bound to it: an index over the rows of one state is used only
/// where the text itself says that state.
pub(in crate::store) fn written(code: &'static str) -> Fixed<Text> {
    fixed(format!("'{code}'"))
}

impl<Type: SqlType + SingleValue> Expression for Fixed<Type> {
    type SqlType = Type;
}

impl<Type, DB: Backend> QueryFragment<DB> for Fixed<Type> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(&self.text);
        Ok(())
    }
}

/// Rows of PostgreSQL after a place in the order of commits, (tx, n) compared as one value: it then begins at that place of
/// the index, which it does not for the same thing written with OR.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct CommittedAfter {
    pub tx: i64,
    pub n: i64,
}

/// What a query of one row and one column gives, as a value beside the columns of any table. Diesel's own subqueries want
/// to be joinable with the tables around them.
#[derive(Debug, Clone, Copy, QueryId)]
pub(in crate::store) struct Scalar<Q> {
    query: Q,
}

pub(in crate::store) fn scalar<Q: Query>(query: Q) -> Scalar<Q> {
    Scalar { query }
}

impl<Q: Query<SqlType: SingleValue>> Expression for Scalar<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Scalar<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl Expression for CommittedAfter {
    type SqlType = Bool;
}

impl<DB: Backend + HasSqlType<BigInt>> QueryFragment<DB> for CommittedAfter
where
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(tx, n) > (");
        out.push_bind_param::<BigInt, _>(&self.tx)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.n)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<U: QueryId, Columns: QueryId> QueryId for Returning<U, Columns> {
    type QueryId = Returning<U::QueryId, Columns::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = U::HAS_STATIC_QUERY_ID && Columns::HAS_STATIC_QUERY_ID;
}

/// Two of one type may have two texts.
impl<Type> QueryId for Fixed<Type> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for CommittedAfter {
    type QueryId = CommittedAfter;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Table: QuerySource, Filter, Changes: AsChangeset, C> RunQueryDsl<C> for Update<Table, Filter, Changes> {}
impl<U, Columns, C> RunQueryDsl<C> for Returning<U, Columns> {}

/// What may stand beside any table's columns.
macro_rules! of_any_table {
    ($($name:ident<$($param:ident),*>;)*) => {$(
        impl<Source, $($param),*> AppearsOnTable<Source> for $name<$($param),*> where Self: Expression {}
        impl<Source, $($param),*> SelectableExpression<Source> for $name<$($param),*> where Self: Expression {}
        impl<Grouping, $($param),*> ValidGrouping<Grouping> for $name<$($param),*> {
            type IsAggregate = diesel::expression::is_aggregate::Never;
        }
    )*};
}
pub(in crate::store) use of_any_table;
of_any_table! {
    Fixed<Type>;
    Scalar<Q>;
    CommittedAfter<>;
}

/// Inserts rows with statements that a connection prepares once: many at a time, and the rest one by one. Diesel prepares an
/// insert of any other number of rows anew.
macro_rules! insert_rows {
    ($tx:expr, $table:expr, $rows:expr $(, $on_conflict:ident)?) => {
        $crate::store::conn::on_backend!($tx.0, c => {
            let (many, rest) = $rows.as_chunks::<32>();
            let (some, rest) = rest.as_chunks::<8>();
            let (few, single) = rest.as_chunks::<2>();
            for chunk in many {
                diesel::insert_into($table).values(chunk.clone())$(.$on_conflict())?.execute(c)?;
            }
            for chunk in some {
                diesel::insert_into($table).values(chunk.clone())$(.$on_conflict())?.execute(c)?;
            }
            for chunk in few {
                diesel::insert_into($table).values(chunk.clone())$(.$on_conflict())?.execute(c)?;
            }
            for row in single {
                diesel::insert_into($table).values(row.clone())$(.$on_conflict())?.execute(c)?;
            }
        })
    };
}
pub(in crate::store) use insert_rows;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tx;
    use crate::store::conn::Conn;
    use crate::store::schema::lease;
    use chrono::NaiveDateTime;
    use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
    use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, SqliteConnection};
    use std::sync::{Arc, Mutex};

    /// An empty table of leases, and the statements that are prepared for it from now on.
    fn leases() -> (SqliteConnection, Arc<Mutex<Vec<String>>>) {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE lease (name TEXT, holder TEXT, until TEXT)").unwrap();
        let prepared = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&prepared);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                told.lock().unwrap().push(sql.to_owned());
            }
        });
        (conn, prepared)
    }

    #[test]
    fn a_connection_prepares_an_update_and_a_fixed_text_once() {
        let (mut conn, prepared) = leases();
        conn.batch_execute("INSERT INTO lease VALUES ('a', 'x', '')").unwrap();
        for holder in ["y", "z"] {
            let changed = update(lease::table, lease::name.eq("a"), lease::holder.eq(holder)).execute(&mut conn);
            assert_eq!(changed, Ok(1));
            let found = lease::table.filter(lease::name.eq(written("a"))).select(lease::holder).first(&mut conn);
            assert_eq!(found, Ok(holder.to_owned()));
        }
        let prepared = prepared.lock().unwrap();
        assert_eq!(prepared.len(), 2, "{prepared:?}");
        assert!(prepared[1].contains("'a'"), "{prepared:?}");
    }

    #[derive(Debug, Clone, PartialEq, Queryable, Insertable)]
    #[diesel(table_name = lease, treat_none_as_default_value = false)]
    struct Lease {
        name: String,
        holder: String,
        until: NaiveDateTime,
    }

    #[test]
    fn any_number_of_rows_goes_in_by_a_few_prepared_statements() {
        let (conn, prepared) = leases();
        let mut conn = Conn::Sqlite(conn);
        let until = NaiveDateTime::default();
        let rows: Vec<Lease> =
            (0..3 * 32 + 2 * 8 + 3).map(|n| Lease { name: n.to_string(), holder: "x".to_owned(), until }).collect();
        for part in [&rows[..], &rows[..9], &rows[..45], &[]] {
            store(&mut Tx(&mut conn), part).unwrap();
            let Conn::Sqlite(sqlite) = &mut conn else { unreachable!() };
            assert_eq!(lease::table.load::<Lease>(sqlite).as_deref(), Ok(part));
            sqlite.batch_execute("DELETE FROM lease").unwrap();
        }
        let prepared = prepared.lock().unwrap();
        let inserts = prepared.iter().filter(|sql| sql.starts_with("INSERT"));
        assert_eq!(inserts.count(), 4, "{prepared:?}");
    }

    fn store(tx: &mut Tx, rows: &[Lease]) -> QueryResult<()> {
        insert_rows!(tx, lease::table, rows);
        Ok(())
    }
}
