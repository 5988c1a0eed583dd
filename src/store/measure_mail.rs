//! What delivery did and what waits: for benchmarks only.

use super::mails::{self, Claimed};
use super::schema::{attempt, mail, notice, task};
use super::{StoreError, Tx};
use crate::domain::notice::{AttemptOutcome, MailState, NoticeState, Stage};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Puts mails into the queue that nothing was owed for.
pub fn queue(tx: &mut Tx, rows: Vec<Claimed>) -> Result<(), StoreError> {
    rows.into_iter().try_for_each(|row| mails::insert(tx, row.mail, &row.message))
}

pub fn count_in(tx: &mut Tx, state: MailState) -> Result<i64, StoreError> {
    Ok(mail::table.filter(mail::state.eq(state.code())).count().get_result(tx.0)?)
}

/// How long each notice of a stage waited from the change that owed it, since some moment, until a server had taken its
/// mail, in seconds.
pub fn waited(tx: &mut Tx, stage: Stage, since: NaiveDateTime) -> Result<Vec<f64>, StoreError> {
    let rows: Vec<(NaiveDateTime, NaiveDateTime)> = notice::table
        .inner_join(mail::table.on(notice::mail_id.eq(mail::id.nullable())))
        .inner_join(attempt::table.on(attempt::mail_id.eq(mail::id)))
        .filter(notice::stage.eq(stage.code()))
        .filter(notice::owed_at.ge(since))
        .filter(attempt::outcome.eq(AttemptOutcome::Accepted.code()))
        .select((notice::owed_at, attempt::at))
        .load(tx.0)?;
    let seconds = |(owed, taken): (NaiveDateTime, NaiveDateTime)| (taken - owed).as_seconds_f64();
    Ok(rows.into_iter().map(seconds).collect())
}

/// Notices of a stage owed since some moment that needed no mail any more when one would have been written.
pub fn moot(tx: &mut Tx, stage: Stage, since: NaiveDateTime) -> Result<i64, StoreError> {
    let skipped = notice::table.filter(notice::state.eq(NoticeState::Skipped.code()));
    Ok(skipped.filter(notice::stage.eq(stage.code())).filter(notice::owed_at.ge(since)).count().get_result(tx.0)?)
}

/// (recipient, when) of every mail.
pub fn mailed(tx: &mut Tx) -> Result<Vec<(String, NaiveDateTime)>, StoreError> {
    Ok(mail::table.select((mail::recipient_id, mail::created_at)).load(tx.0)?)
}

/// Released tasks whose unit was neither mailed that it has one nor found to need no mail any more.
pub fn released_untold(tx: &mut Tx) -> Result<i64, StoreError> {
    let told = notice::table.filter(notice::stage.eq(Stage::TaskReleased.code()));
    let told = told.filter(notice::state.ne(NoticeState::Owed.code()));
    let untold =
        task::table.filter(task::released_at.is_not_null()).filter(task::id.ne_all(told.select(notice::subject_id)));
    Ok(untold.count().get_result(tx.0)?)
}

/// (owed, mailed, settled without a mail): how many notices stand where.
pub fn notices_by_state(tx: &mut Tx) -> Result<(i64, i64, i64), StoreError> {
    let mut of = |state: NoticeState| notice::table.filter(notice::state.eq(state.code())).count().get_result(tx.0);
    Ok((of(NoticeState::Owed)?, of(NoticeState::Mailed)?, of(NoticeState::Skipped)?))
}
