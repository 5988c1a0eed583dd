//! notice → mail: what a change owes, and what settled it.

use super::conn::Conn;
use super::mails::{self, Mail};
use super::prepared::{insert_rows, written};
use super::schema::{mail, mail_link, notice};
use super::{StoreError, Tx};
use crate::domain::notice::{MailState, NoticeState, RecipientKind, Stage};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// Decisions on what no channel brought to anybody: there was none, or none that delivered.
pub const NO_ADDRESS: &str = "no_address";
pub const UNDELIVERED: &str = "undelivered";
const REACHED_NOBODY: [&str; 2] = [NO_ADDRESS, UNDELIVERED];

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = notice)]
#[diesel(treat_none_as_default_value = false)]
pub struct Notice {
    pub id: String,
    pub subject_kind: String,
    pub subject_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub stage: Stage,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub recipient_kind: RecipientKind,
    pub recipient_id: String,
    pub cycle: i32,
    pub case_id: Option<String>,
    pub policy_version: i32,
    /// JSON of what the mail says beyond the subject's own rows (a comment, a decision's words).
    pub detail: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: NoticeState,
    pub mail_id: Option<String>,
    /// Why it was settled without a mail.
    pub decision: Option<String>,
    pub owed_at: NaiveDateTime,
    /// The message of another channel that settled it.
    pub delivery_id: Option<String>,
    /// Codes of the channels that failed it, separated by spaces.
    pub tried: String,
}

impl Notice {
    pub fn has_tried(&self, means: &str) -> bool {
        self.tried.split(' ').any(|tried| tried == means)
    }
}

/// Owes the notices; one that is owed or settled already in its cycle is left as it is.
pub fn owe(tx: &mut Tx, rows: Vec<Notice>) -> Result<(), StoreError> {
    insert_rows!(tx, notice::table, rows, on_conflict_do_nothing);
    Ok(())
}

/// All notices owed to one recipient about one case, the oldest first.
pub fn owed_to(tx: &mut Tx, recipient_id: &str, case_id: Option<&str>) -> Result<Vec<Notice>, StoreError> {
    let owed = notice::table
        .filter(notice::state.eq(written(NoticeState::Owed.code())))
        .filter(notice::recipient_id.eq(recipient_id))
        .order((notice::owed_at, notice::id))
        .select(Notice::as_select())
        .into_boxed();
    let of_case = match case_id {
        Some(case_id) => owed.filter(notice::case_id.eq(case_id)),
        None => owed.filter(notice::case_id.is_null()),
    };
    Ok(of_case.load(tx.0)?)
}

/// Of these notices those that are owed.
macro_rules! still_owed_of {
    ($ids:expr) => {
        notice::table.filter(notice::id.eq_any($ids)).filter(notice::state.eq(NoticeState::Owed.code()))
    };
}

/// Which of these notices are still owed, held until the transaction ends. What another replica holds it settles itself.
pub fn still_owed(tx: &mut Tx, ids: &[String]) -> Result<HashSet<String>, StoreError> {
    let owed = still_owed_of!(ids).select(notice::id);
    let held: Vec<String> = match tx.0 {
        Conn::Sqlite(c) => owed.load(c)?,
        Conn::Pg(c) => owed.for_update().skip_locked().load(c)?,
    };
    Ok(held.into_iter().collect())
}

/// What is owed to one recipient about one case.
#[derive(Debug, Clone, PartialEq)]
pub struct OwedGroup {
    pub recipient_id: String,
    pub case_id: Option<String>,
    pub first_owed: NaiveDateTime,
}

/// What is owed to recipients after the one named, by recipient and case, in their order.
pub fn owed_groups(tx: &mut Tx, after: Option<String>, limit: i64) -> Result<Vec<OwedGroup>, StoreError> {
    let rows = notice::table
        .filter(notice::state.eq(written(NoticeState::Owed.code())))
        .filter(notice::recipient_id.gt(after.unwrap_or_default()))
        .group_by((notice::recipient_id, notice::case_id))
        .select((notice::recipient_id, notice::case_id, diesel::dsl::min(notice::owed_at)))
        .order((notice::recipient_id, notice::case_id))
        .limit(limit)
        .load(tx.0)?;
    Ok(groups(rows))
}

/// What is owed to the recipients of the last notices since some moment.
pub fn newly_owed_groups(tx: &mut Tx, since: NaiveDateTime, notices: i64) -> Result<Vec<OwedGroup>, StoreError> {
    let last: Vec<String> = notice::table
        .filter(notice::state.eq(written(NoticeState::Owed.code())))
        .filter(notice::owed_at.ge(since))
        .order(notice::owed_at.desc())
        .limit(notices)
        .select(notice::recipient_id)
        .load(tx.0)?;
    let recipients: HashSet<String> = last.into_iter().collect();
    let rows = notice::table
        .filter(notice::state.eq(written(NoticeState::Owed.code())))
        .filter(notice::recipient_id.eq_any(recipients))
        .group_by((notice::recipient_id, notice::case_id))
        .select((notice::recipient_id, notice::case_id, diesel::dsl::min(notice::owed_at)))
        .load(tx.0)?;
    Ok(groups(rows))
}

fn groups(rows: Vec<(String, Option<String>, Option<NaiveDateTime>)>) -> Vec<OwedGroup> {
    let group = |(recipient_id, case_id, first_owed): (_, _, Option<NaiveDateTime>)| {
        first_owed.map(|first_owed| OwedGroup { recipient_id, case_id, first_owed })
    };
    rows.into_iter().filter_map(group).collect()
}

/// (subject, stage, cycle) of every step of the ladder that was taken or settled for one of these tasks or directives.
pub fn reminders_of(tx: &mut Tx, subject_kind: &str, ids: &[String]) -> Result<Vec<(String, Stage, i32)>, StoreError> {
    let stages = Stage::ALL.iter().filter(|stage| stage.is_reminder()).map(|stage| stage.code());
    let rows: Vec<(String, String, i32)> = notice::table
        .filter(notice::subject_kind.eq(subject_kind))
        .filter(notice::subject_id.eq_any(ids))
        .filter(notice::stage.eq_any(stages))
        .select((notice::subject_id, notice::stage, notice::cycle))
        .load(tx.0)?;
    Ok(rows.into_iter().filter_map(|(id, stage, cycle)| Some((id, Stage::parse(&stage)?, cycle))).collect())
}

/// Freezes one mail that settles `notices`.
pub fn freeze(tx: &mut Tx, row: Mail, message: &str, notices: &[String]) -> Result<(), StoreError> {
    let mail_id = row.id.clone();
    mails::insert(tx, row, message)?;
    diesel::update(still_owed_of!(notices))
        .set((notice::state.eq(NoticeState::Mailed.code()), notice::mail_id.eq(&mail_id)))
        .execute(tx.0)?;
    Ok(())
}

/// Settles owed notices by a recorded decision instead of a mail.
pub fn skip(tx: &mut Tx, notices: &[String], decision: &str) -> Result<(), StoreError> {
    diesel::update(still_owed_of!(notices))
        .set((notice::state.eq(NoticeState::Skipped.code()), notice::decision.eq(decision)))
        .execute(tx.0)?;
    Ok(())
}

/// Owes again what a mail settled that did not arrive. It keeps the mail's name: see [`settle_again`].
pub fn owe_again(tx: &mut Tx, mail_id: &str) -> Result<usize, StoreError> {
    Ok(diesel::update(notice::table.filter(notice::mail_id.eq(mail_id)))
        .set(notice::state.eq(NoticeState::Owed.code()))
        .execute(tx.0)?)
}

/// Settles by a mail that leaves again what is owed since it did not arrive, and what reached nobody meanwhile.
pub fn settle_again(tx: &mut Tx, mail_id: &str) -> Result<(), StoreError> {
    let reached_nobody = notice::state.eq(NoticeState::Skipped.code()).and(notice::decision.eq_any(REACHED_NOBODY));
    let unsettled = notice::state.eq(NoticeState::Owed.code()).or(reached_nobody);
    diesel::update(notice::table.filter(notice::mail_id.eq(mail_id)).filter(unsettled))
        .set((notice::state.eq(NoticeState::Mailed.code()), notice::decision.eq(None::<String>)))
        .execute(tx.0)?;
    Ok(())
}

/// Settles notices by a message of another channel.
pub fn settle_by_message(tx: &mut Tx, delivery_id: &str, notices: &[String]) -> Result<(), StoreError> {
    diesel::update(still_owed_of!(notices))
        .set((
            notice::state.eq(NoticeState::Mailed.code()),
            notice::mail_id.eq(None::<String>),
            notice::delivery_id.eq(delivery_id),
        ))
        .execute(tx.0)?;
    Ok(())
}

/// What settled notices and did not arrive.
pub enum Settled<'a> {
    ByMail(&'a str),
    ByMessage(&'a str),
}

/// Owes again what did not arrive by `means`, now by another; gives those notices.
pub fn owe_by_next(tx: &mut Tx, by: Settled, means: &str) -> Result<Vec<Notice>, StoreError> {
    let settled = notice::table.select(Notice::as_select()).into_boxed();
    let settled = match by {
        Settled::ByMail(id) => settled.filter(notice::mail_id.eq(id.to_owned())),
        Settled::ByMessage(id) => settled.filter(notice::delivery_id.eq(id.to_owned())),
    };
    let rows: Vec<Notice> = settled.load(tx.0)?;
    for row in &rows {
        diesel::update(notice::table.find(&row.id))
            .set((
                notice::state.eq(NoticeState::Owed.code()),
                notice::delivery_id.eq(None::<String>),
                notice::tried.eq(format!("{} {means}", row.tried).trim()),
            ))
            .execute(tx.0)?;
    }
    Ok(rows)
}

/// What these mails were to settle.
pub fn of_mails(tx: &mut Tx, mails: &[String]) -> Result<Vec<Notice>, StoreError> {
    Ok(notice::table.filter(notice::mail_id.eq_any(mails)).select(Notice::as_select()).load(tx.0)?)
}

/// What a notice is about and whose it is: kind and id of the subject, and the recipient.
pub type SubjectOf = (String, String, String);

pub fn subject_of(notice: &Notice) -> SubjectOf {
    (notice.subject_kind.clone(), notice.subject_id.clone(), notice.recipient_id.clone())
}

/// When the recipients were last owed a word about the subjects of these notices.
pub fn last_owed(tx: &mut Tx, of: &[Notice]) -> Result<HashMap<SubjectOf, NaiveDateTime>, StoreError> {
    let kinds: HashSet<&String> = of.iter().map(|notice| &notice.subject_kind).collect();
    let subjects: HashSet<&String> = of.iter().map(|notice| &notice.subject_id).collect();
    let subjects: Vec<&String> = subjects.into_iter().collect();
    let mut last = HashMap::new();
    for some in subjects.chunks(1000) {
        let rows: Vec<(String, String, String, Option<NaiveDateTime>)> = notice::table
            .filter(notice::subject_kind.eq_any(&kinds))
            .filter(notice::subject_id.eq_any(some))
            .filter(notice::state.ne(NoticeState::Skipped.code()))
            .group_by((notice::subject_kind, notice::subject_id, notice::recipient_id))
            .select((notice::subject_kind, notice::subject_id, notice::recipient_id, diesel::dsl::max(notice::owed_at)))
            .load(tx.0)?;
        last.extend(
            rows.into_iter().filter_map(|(kind, subject, recipient, at)| Some(((kind, subject, recipient), at?))),
        );
    }
    Ok(last)
}

/// Ids of the tasks that a mail is about, those included that it has a link for and another mail told of later.
pub fn tasks_of_mail(tx: &mut Tx, mail_id: &str) -> Result<Vec<String>, StoreError> {
    let about = notice::table.filter(notice::mail_id.eq(mail_id)).filter(notice::subject_kind.eq("task"));
    let mut tasks: Vec<String> = about.select(notice::subject_id).load(tx.0)?;
    tasks.extend(
        mail_link::table.filter(mail_link::mail_id.eq(mail_id)).select(mail_link::task_id).load::<String>(tx.0)?,
    );
    tasks.sort();
    tasks.dedup();
    Ok(tasks)
}

/// Notices about one task, newest first.
pub fn of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<Notice>, StoreError> {
    Ok(notice::table
        .filter(notice::subject_kind.eq("task"))
        .filter(notice::subject_id.eq(task_id))
        .order((notice::owed_at.desc(), notice::id.desc()))
        .select(Notice::as_select())
        .load(tx.0)?)
}

/// (owed notices, queued mails): what is still to go out.
pub fn backlog(tx: &mut Tx) -> Result<(i64, i64), StoreError> {
    let owed = notice::table.filter(notice::state.eq(written(NoticeState::Owed.code()))).count().get_result(tx.0)?;
    let queued = mail::table.filter(mail::state.eq(written(MailState::Queued.code()))).count().get_result(tx.0)?;
    Ok((owed, queued))
}
