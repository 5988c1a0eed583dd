//! Sessions and API tokens. Only hashes of what the caller holds are kept.

use super::conn::on_backend;
use super::holders::{self, Credential};
use super::schema::{api_token, calendar_feed, person, post, session, unit};
use super::{StoreError, Tx};
use crate::domain::access::{Post, Role};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Text;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = session)]
pub struct Session {
    /// SHA-256 of the cookie's token, hex.
    pub token_hash: String,
    pub person_id: String,
    pub csrf: String,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
}

pub fn insert(tx: &mut Tx, row: &Session) -> Result<(), StoreError> {
    diesel::insert_into(session::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn delete(tx: &mut Tx, token_hash: &str) -> Result<(), StoreError> {
    holders::change();
    diesel::delete(session::table.find(token_hash)).execute(tx.0)?;
    Ok(())
}

pub fn delete_expired(tx: &mut Tx, now: NaiveDateTime) -> Result<usize, StoreError> {
    Ok(diesel::delete(session::table.filter(session::expires_at.le(now))).execute(tx.0)?)
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_token)]
pub struct ApiToken {
    pub token_hash: String,
    pub person_id: String,
    pub name: String,
    pub created_at: NaiveDateTime,
    pub revoked_at: Option<NaiveDateTime>,
}

pub fn insert_token(tx: &mut Tx, row: &ApiToken) -> Result<(), StoreError> {
    diesel::insert_into(api_token::table).values(row).execute(tx.0)?;
    Ok(())
}

/// Who presents a session or a token, with the posts held at that moment.
#[derive(Debug, Clone)]
pub struct Holder {
    pub person_id: String,
    pub name: String,
    pub lang: String,
    pub posts: Vec<Post>,
    /// Of the session; empty for a token.
    pub csrf: String,
}

type HolderRow = (String, String, String, Option<PostColumns>, String);
type PostColumns = (String, Option<String>, Option<String>, Option<String>);

/// One active person's rows, a row a post held at `$now`, found through `$table` in one statement: every request asks.
macro_rules! holder_rows {
    ($table:ident, $now:expr, $csrf:expr) => {
        $table::table
            .inner_join(person::table.on(person::id.eq($table::person_id)))
            .left_join(
                post::table.on(post::person_id.eq(person::id).and(post::until.is_null().or(post::until.gt($now)))),
            )
            .left_join(unit::table.on(unit::id.nullable().eq(post::unit_id.nullable())))
            .filter(person::active.eq(true))
            .select((
                person::id,
                person::name,
                person::lang,
                (post::role, post::unit_id, unit::path.nullable(), post::case_id).nullable(),
                $csrf,
            ))
    };
}

/// Who holds what is presented, unless it has expired at `now` or was revoked.
pub(in crate::store) fn holder(tx: &mut Tx, of: &Credential, now: NaiveDateTime) -> Result<Option<Holder>, StoreError> {
    let rows = on_backend!(tx.0, c => match of {
        Credential::Session(hash) => holder_rows!(session, now, session::csrf)
            .filter(session::token_hash.eq(hash))
            .filter(session::expires_at.gt(now))
            .load::<HolderRow>(c),
        Credential::Token(hash) => holder_rows!(api_token, now, "".into_sql::<Text>())
            .filter(api_token::token_hash.eq(hash))
            .filter(api_token::revoked_at.is_null())
            .load::<HolderRow>(c),
    })?;
    Ok(holder_of(rows))
}

fn holder_of(rows: Vec<HolderRow>) -> Option<Holder> {
    let (person_id, name, lang, _, csrf) = rows.first().cloned()?;
    let posts = rows.into_iter().filter_map(|row| post_of(row.3?)).collect();
    Some(Holder { person_id, name, lang, posts, csrf })
}

fn post_of((role, unit_id, unit_path, case_id): PostColumns) -> Option<Post> {
    Some(Post { role: Role::parse(&role)?, unit_id, unit_path, case_id })
}

/// A person's tokens, the newest first.
pub fn tokens_of(tx: &mut Tx, person_id: &str) -> Result<Vec<ApiToken>, StoreError> {
    Ok(api_token::table
        .filter(api_token::person_id.eq(person_id))
        .order(api_token::created_at.desc())
        .select(ApiToken::as_select())
        .load(tx.0)?)
}

/// Ends one of a person's tokens; `false` when there is no such token that still holds.
pub fn revoke_token(tx: &mut Tx, person_id: &str, token_hash: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    holders::change();
    let open = api_token::table
        .filter(api_token::token_hash.eq(token_hash))
        .filter(api_token::person_id.eq(person_id))
        .filter(api_token::revoked_at.is_null());
    Ok(diesel::update(open).set(api_token::revoked_at.eq(now)).execute(tx.0)? == 1)
}

/// Signs a person out everywhere.
pub fn delete_of_person(tx: &mut Tx, person_id: &str) -> Result<(), StoreError> {
    holders::change();
    diesel::delete(session::table.filter(session::person_id.eq(person_id))).execute(tx.0)?;
    Ok(())
}

/// A secret address of a calendar; without a case it holds the person's own dates.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = calendar_feed)]
pub struct Feed {
    pub token_hash: String,
    pub person_id: String,
    pub case_id: Option<String>,
    pub created_at: NaiveDateTime,
    pub revoked_at: Option<NaiveDateTime>,
}

pub fn insert_feed(tx: &mut Tx, row: &Feed) -> Result<(), StoreError> {
    diesel::insert_into(calendar_feed::table).values(row).execute(tx.0)?;
    Ok(())
}

/// A feed that was not revoked, by its secret.
pub fn feed_of_token(tx: &mut Tx, token_hash: &str) -> Result<Option<Feed>, StoreError> {
    Ok(calendar_feed::table
        .find(token_hash)
        .filter(calendar_feed::revoked_at.is_null())
        .select(Feed::as_select())
        .first(tx.0)
        .optional()?)
}

/// A person's feeds that still hold, the newest first.
pub fn feeds_of(tx: &mut Tx, person_id: &str) -> Result<Vec<Feed>, StoreError> {
    Ok(calendar_feed::table
        .filter(calendar_feed::person_id.eq(person_id))
        .filter(calendar_feed::revoked_at.is_null())
        .order(calendar_feed::created_at.desc())
        .select(Feed::as_select())
        .load(tx.0)?)
}

/// Ends one of a person's feeds; `false` when there is no such feed that still holds.
pub fn revoke_feed(tx: &mut Tx, person_id: &str, token_hash: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let open = calendar_feed::table
        .find(token_hash)
        .filter(calendar_feed::person_id.eq(person_id))
        .filter(calendar_feed::revoked_at.is_null());
    Ok(diesel::update(open).set(calendar_feed::revoked_at.eq(now)).execute(tx.0)? == 1)
}
