//! Versioned documents: a city's wordings, ladders, thresholds.

use super::schema::policy;
use super::{StoreError, Tx, new_id};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// The document of a kind that holds now, with its version.
pub fn latest(tx: &mut Tx, kind: &str) -> Result<Option<(i32, String)>, StoreError> {
    Ok(policy::table
        .filter(policy::kind.eq(kind))
        .order(policy::version.desc())
        .select((policy::version, policy::document))
        .first(tx.0)
        .optional()?)
}

/// Puts a new version into effect. Gives its number; of two at once one is refused.
pub fn put(
    tx: &mut Tx,
    kind: &str,
    document: &str,
    person_id: Option<&str>,
    now: NaiveDateTime,
) -> Result<i32, StoreError> {
    let version = latest(tx, kind)?.map_or(1, |(version, _)| version + 1);
    diesel::insert_into(policy::table)
        .values((
            policy::id.eq(new_id()),
            policy::kind.eq(kind),
            policy::version.eq(version),
            policy::document.eq(document),
            policy::effective_from.eq(now),
            policy::created_by.eq(person_id),
        ))
        .execute(tx.0)?;
    Ok(version)
}
