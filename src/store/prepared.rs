//! What is asked of the database all day: statements it prepares once a connection, and codes that an index can use.

use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::expression::SqlLiteral;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Text;

/// An UPDATE of always the same columns. Diesel has every UPDATE prepared anew, since one of a changeset may leave columns
/// out.
pub(in crate::store) struct Prepared<T>(pub T);

impl<T: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Prepared<T> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T> QueryId for Prepared<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Query> Query for Prepared<T> {
    type SqlType = T::SqlType;
}

impl<T, C> RunQueryDsl<C> for Prepared<T> {}

/// A code that stands in a query's text instead of being bound to it: an index over the rows of one state is used only
/// where the text itself says that state.
pub(in crate::store) fn written(code: &'static str) -> SqlLiteral<Text> {
    diesel::dsl::sql(&format!("'{code}'"))
}
