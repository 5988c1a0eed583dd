//! Objections (职责异议): the levels they go through, what consulted units say, and the rulings that are precedents.

use super::schema::{objection, objection_opinion, objection_step, task};
use super::{StoreError, Tx};
use crate::domain::objection::ObjectionLevel;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = objection)]
pub struct Objection {
    pub id: String,
    pub task_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub level: ObjectionLevel,
    /// The clause of the duty list it cites.
    pub clause: String,
    pub reason: String,
    /// Until when it is to be settled at its level.
    pub due_on: NaiveDate,
    /// Who holds the task until the ruling.
    pub holder_unit_id: String,
    pub raised_by: String,
    pub raised_at: NaiveDateTime,
    pub upheld: Option<bool>,
    pub new_unit_id: Option<String>,
    pub ruling: Option<String>,
    pub ruled_by: Option<String>,
    pub ruled_at: Option<NaiveDateTime>,
    /// By what right a leader's designation was recorded for the leader.
    pub basis: Option<String>,
}

/// A level it went on to.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = objection_step)]
pub struct ObjectionStep {
    pub id: String,
    pub objection_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub level: ObjectionLevel,
    pub note: String,
    pub due_on: NaiveDate,
    pub person_id: String,
    pub at: NaiveDateTime,
}

/// What a consulted unit says; no text while it is silent.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = objection_opinion)]
pub struct ObjectionOpinion {
    pub id: String,
    pub objection_id: String,
    pub unit_id: String,
    pub asked_at: NaiveDateTime,
    pub text: Option<String>,
    pub person_id: Option<String>,
    pub at: Option<NaiveDateTime>,
}

pub fn insert(tx: &mut Tx, row: Objection) -> Result<(), StoreError> {
    diesel::insert_into(objection::table).values(row).execute(tx.0)?;
    Ok(())
}

/// A task's objections, the oldest first.
pub fn of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<Objection>, StoreError> {
    Ok(objection::table
        .filter(objection::task_id.eq(task_id))
        .order(objection::raised_at)
        .select(Objection::as_select())
        .load(tx.0)?)
}

/// The one that waits for its ruling.
pub fn open_of(tx: &mut Tx, task_id: &str) -> Result<Option<Objection>, StoreError> {
    Ok(objection::table
        .filter(objection::task_id.eq(task_id))
        .filter(objection::ruled_at.is_null())
        .select(Objection::as_select())
        .first(tx.0)
        .optional()?)
}

/// Those of all cases that wait, the longest waiting first.
pub fn open(tx: &mut Tx) -> Result<Vec<Objection>, StoreError> {
    Ok(objection::table
        .filter(objection::ruled_at.is_null())
        .order(objection::raised_at)
        .select(Objection::as_select())
        .load(tx.0)?)
}

/// The latest rulings, each with its task's title.
pub fn ruled(tx: &mut Tx, most: i64) -> Result<Vec<(Objection, String)>, StoreError> {
    Ok(objection::table
        .inner_join(task::table.on(task::id.eq(objection::task_id)))
        .filter(objection::ruled_at.is_not_null())
        .order(objection::ruled_at.desc())
        .limit(most)
        .select((Objection::as_select(), task::title))
        .load(tx.0)?)
}

/// Takes an open objection on to another level; `false` when it was ruled on meanwhile.
pub fn step(tx: &mut Tx, row: ObjectionStep) -> Result<bool, StoreError> {
    let open = objection::table.find(&row.objection_id).filter(objection::ruled_at.is_null());
    let taken = diesel::update(open)
        .set((objection::level.eq(row.level.code()), objection::due_on.eq(row.due_on)))
        .execute(tx.0)?;
    diesel::insert_into(objection_step::table).values(row).execute(tx.0)?;
    Ok(taken == 1)
}

pub fn steps_of(tx: &mut Tx, id: &str) -> Result<Vec<ObjectionStep>, StoreError> {
    Ok(objection_step::table
        .filter(objection_step::objection_id.eq(id))
        .order(objection_step::at)
        .select(ObjectionStep::as_select())
        .load(tx.0)?)
}

/// Another unit holds the task until the ruling.
pub fn set_holder(tx: &mut Tx, task_id: &str, unit_id: &str) -> Result<(), StoreError> {
    diesel::update(objection::table.filter(objection::task_id.eq(task_id)).filter(objection::ruled_at.is_null()))
        .set(objection::holder_unit_id.eq(unit_id))
        .execute(tx.0)?;
    Ok(())
}

/// A ruling: upheld means another unit takes the task.
pub struct Ruling<'a> {
    pub new_unit_id: Option<&'a str>,
    pub text: &'a str,
    pub basis: Option<&'a str>,
    pub person_id: &'a str,
    pub at: NaiveDateTime,
}

pub fn rule(tx: &mut Tx, id: &str, ruling: &Ruling) -> Result<bool, StoreError> {
    let ruled = diesel::update(objection::table.find(id).filter(objection::ruled_at.is_null()))
        .set((
            objection::upheld.eq(ruling.new_unit_id.is_some()),
            objection::new_unit_id.eq(ruling.new_unit_id),
            objection::ruling.eq(ruling.text),
            objection::basis.eq(ruling.basis),
            objection::ruled_by.eq(ruling.person_id),
            objection::ruled_at.eq(ruling.at),
        ))
        .execute(tx.0)?;
    Ok(ruled == 1)
}

/// Asks a unit; one that was asked already is not asked twice: `false`.
pub fn consult(tx: &mut Tx, row: &ObjectionOpinion) -> Result<bool, StoreError> {
    let known: i64 = objection_opinion::table
        .filter(objection_opinion::objection_id.eq(&row.objection_id))
        .filter(objection_opinion::unit_id.eq(&row.unit_id))
        .count()
        .get_result(tx.0)?;
    if known > 0 {
        return Ok(false);
    }
    diesel::insert_into(objection_opinion::table).values(row).execute(tx.0)?;
    Ok(true)
}

pub fn opinions_of(tx: &mut Tx, id: &str) -> Result<Vec<ObjectionOpinion>, StoreError> {
    Ok(objection_opinion::table
        .filter(objection_opinion::objection_id.eq(id))
        .order(objection_opinion::asked_at)
        .select(ObjectionOpinion::as_select())
        .load(tx.0)?)
}

/// Keeps what a unit says; a later word replaces it. `false` when it was not asked.
pub fn give_opinion(
    tx: &mut Tx,
    id: &str,
    unit_id: &str,
    text: &str,
    person_id: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let asked = objection_opinion::table
        .filter(objection_opinion::objection_id.eq(id))
        .filter(objection_opinion::unit_id.eq(unit_id));
    let given = diesel::update(asked)
        .set((
            objection_opinion::text.eq(text),
            objection_opinion::person_id.eq(person_id),
            objection_opinion::at.eq(now),
        ))
        .execute(tx.0)?;
    Ok(given == 1)
}

/// Open objections about which the units have still to say something, each with the unit that is asked.
pub fn unanswered_of(tx: &mut Tx, unit_ids: &[String]) -> Result<Vec<(Objection, String)>, StoreError> {
    Ok(objection_opinion::table
        .inner_join(objection::table.on(objection::id.eq(objection_opinion::objection_id)))
        .filter(objection_opinion::unit_id.eq_any(unit_ids))
        .filter(objection_opinion::at.is_null())
        .filter(objection::ruled_at.is_null())
        .select((Objection::as_select(), objection_opinion::unit_id))
        .load(tx.0)?)
}

/// Units that are consulted about an open objection to a task.
pub fn consulted_about(tx: &mut Tx, task_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(objection_opinion::table
        .inner_join(objection::table.on(objection::id.eq(objection_opinion::objection_id)))
        .filter(objection::task_id.eq(task_id))
        .filter(objection::ruled_at.is_null())
        .select(objection_opinion::unit_id)
        .load(tx.0)?)
}
