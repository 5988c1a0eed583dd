//! Sessions and API tokens. Only hashes of what the caller holds are kept.

use super::schema::{api_token, session};
use super::{StoreError, Tx};
use chrono::NaiveDateTime;
use diesel::prelude::*;

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

/// The session when it has not expired at `now` (real time: a demo's clock does not age it).
pub fn find(tx: &mut Tx, token_hash: &str, now: NaiveDateTime) -> Result<Option<Session>, StoreError> {
    Ok(session::table
        .find(token_hash)
        .filter(session::expires_at.gt(now))
        .select(Session::as_select())
        .first(tx.0)
        .optional()?)
}

pub fn delete(tx: &mut Tx, token_hash: &str) -> Result<(), StoreError> {
    diesel::delete(session::table.find(token_hash)).execute(tx.0)?;
    Ok(())
}

pub fn delete_of_person(tx: &mut Tx, person_id: &str) -> Result<(), StoreError> {
    diesel::delete(session::table.filter(session::person_id.eq(person_id))).execute(tx.0)?;
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

pub fn find_token(tx: &mut Tx, token_hash: &str) -> Result<Option<ApiToken>, StoreError> {
    Ok(api_token::table
        .find(token_hash)
        .filter(api_token::revoked_at.is_null())
        .select(ApiToken::as_select())
        .first(tx.0)
        .optional()?)
}
