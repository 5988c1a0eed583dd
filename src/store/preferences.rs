//! How recipients want their mails, and who stands in for whom.

use super::conn::on_backend;
use super::schema::{absence, mail_preference};
use super::{StoreError, Tx};
use crate::domain::notice::Rhythm;
use crate::domain::webhook::Means;
use chrono::NaiveDate;
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = mail_preference)]
pub struct Preference {
    pub recipient_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub rhythm: Rhythm,
    /// Codes of stages that are not mailed, separated by spaces.
    pub muted: String,
    /// Codes of the means to reach them by, in order, separated by spaces.
    pub channels: String,
}

impl Preference {
    /// What holds until somebody chooses.
    pub fn usual(recipient_id: &str) -> Preference {
        Preference {
            recipient_id: recipient_id.to_owned(),
            rhythm: Rhythm::Each,
            muted: String::new(),
            channels: String::new(),
        }
    }

    /// The means to reach them by; mail comes last where they do not name it.
    pub fn order(&self) -> Vec<Means> {
        let mut order: Vec<Means> = self.channels.split(' ').filter_map(Means::parse).collect();
        if !order.contains(&Means::Mail) {
            order.push(Means::Mail);
        }
        order
    }

    pub fn mutes(&self, stage: &str) -> bool {
        self.muted.split(' ').any(|muted| muted == stage)
    }
}

pub fn of(tx: &mut Tx, recipient_id: &str) -> Result<Preference, StoreError> {
    let found = mail_preference::table.find(recipient_id).select(Preference::as_select()).first(tx.0).optional()?;
    Ok(found.unwrap_or_else(|| Preference::usual(recipient_id)))
}

/// What the recipients that chose something chose.
pub fn chosen(tx: &mut Tx, recipients: &[String]) -> Result<Vec<Preference>, StoreError> {
    let chosen = mail_preference::table.filter(mail_preference::recipient_id.eq_any(recipients));
    Ok(chosen.select(Preference::as_select()).load(tx.0)?)
}

pub fn put(tx: &mut Tx, row: &Preference) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(mail_preference::table)
        .values(row.clone())
        .on_conflict(mail_preference::recipient_id)
        .do_update()
        .set((
            mail_preference::rhythm.eq(row.rhythm.code()),
            mail_preference::muted.eq(&row.muted),
            mail_preference::channels.eq(&row.channels),
        ))
        .execute(c))?;
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = absence)]
pub struct Absence {
    pub id: String,
    pub person_id: String,
    pub deputy_id: String,
    pub from_day: NaiveDate,
    pub until_day: NaiveDate,
}

pub fn insert_absence(tx: &mut Tx, row: Absence) -> Result<(), StoreError> {
    diesel::insert_into(absence::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn end_absence(tx: &mut Tx, person_id: &str, id: &str) -> Result<bool, StoreError> {
    Ok(diesel::delete(absence::table.find(id).filter(absence::person_id.eq(person_id))).execute(tx.0)? == 1)
}

/// Absences of a person that are not over on `day`, the next first.
pub fn absences_of(tx: &mut Tx, person_id: &str, day: NaiveDate) -> Result<Vec<Absence>, StoreError> {
    let open = absence::table.filter(absence::person_id.eq(person_id)).filter(absence::until_day.ge(day));
    Ok(open.order(absence::from_day).select(Absence::as_select()).load(tx.0)?)
}
