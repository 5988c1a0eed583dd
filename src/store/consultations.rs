//! Who was asked for an opinion on a draft, and what came back.

use super::conn::on_backend;
use super::schema::consultation;
use super::{StoreError, Tx};
use crate::domain::case::Opinion;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = consultation)]
pub struct Consultation {
    pub id: String,
    pub case_id: String,
    pub unit_id: String,
    pub asked_at: NaiveDateTime,
    pub due_on: NaiveDate,
    /// A code of [`Opinion`]; none while the unit is silent.
    pub reply: Option<String>,
    pub comment: Option<String>,
    pub replied_at: Option<NaiveDateTime>,
    /// How it came, when a coordinator entered it for the unit.
    pub proxy_source: Option<String>,
}

impl Consultation {
    pub fn opinion(&self) -> Option<Opinion> {
        self.reply.as_deref().and_then(Opinion::parse)
    }
}

pub fn of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<Consultation>, StoreError> {
    Ok(consultation::table
        .filter(consultation::case_id.eq(case_id))
        .order(consultation::asked_at)
        .select(Consultation::as_select())
        .load(tx.0)?)
}

/// Questions that the units have not answered, the nearest due first.
pub fn unanswered_of(tx: &mut Tx, unit_ids: &[String]) -> Result<Vec<Consultation>, StoreError> {
    Ok(consultation::table
        .filter(consultation::unit_id.eq_any(unit_ids))
        .filter(consultation::replied_at.is_null())
        .order(consultation::due_on)
        .select(Consultation::as_select())
        .load(tx.0)?)
}

pub fn insert(tx: &mut Tx, rows: Vec<Consultation>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(consultation::table).values(rows).execute(c))?;
    Ok(())
}

/// Gives the units that have not answered until another day.
pub fn prolong(tx: &mut Tx, case_id: &str, due_on: NaiveDate) -> Result<(), StoreError> {
    let silent =
        consultation::table.filter(consultation::case_id.eq(case_id)).filter(consultation::replied_at.is_null());
    diesel::update(silent).set(consultation::due_on.eq(due_on)).execute(tx.0)?;
    Ok(())
}

/// Keeps a unit's answer; a later one replaces it. `false` when it was not asked.
pub fn reply(
    tx: &mut Tx,
    case_id: &str,
    unit_id: &str,
    opinion: Opinion,
    comment: Option<&str>,
    proxy_source: Option<&str>,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let asked = consultation::table.filter(consultation::case_id.eq(case_id)).filter(consultation::unit_id.eq(unit_id));
    let changed = diesel::update(asked)
        .set((
            consultation::reply.eq(opinion.code()),
            consultation::comment.eq(comment),
            consultation::replied_at.eq(now),
            consultation::proxy_source.eq(proxy_source),
        ))
        .execute(tx.0)?;
    Ok(changed == 1)
}
