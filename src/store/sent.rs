//! What people were sent, in one list: mails, and messages of the other channels.

use super::prepared::written;
use super::schema::{mail, notice, task, unit, webhook, webhook_delivery};
use super::{StoreError, Tx, people};
use crate::domain::notice::{MailState, NoticeState, Stage};
use crate::domain::task::TaskState;
use crate::domain::webhook::{DeliveryState, Means};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// Everything of a mail or a message but its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub id: String,
    pub means: Means,
    pub case_id: Option<String>,
    pub recipient_id: String,
    pub recipient_name: String,
    /// Of a mail only: a message's is in its bytes.
    pub address: String,
    pub subject: String,
    pub state: MailState,
    pub attempts: i32,
    pub created_at: NaiveDateTime,
    pub settled_at: Option<NaiveDateTime>,
}

/// Which are looked for.
#[derive(Debug, Clone, Default)]
pub struct SentFilter {
    pub case_id: Option<String>,
    pub recipient_id: Option<String>,
    pub state: Option<MailState>,
    pub means: Option<Means>,
    /// Only those about a task that still waits to be signed for.
    pub silent: bool,
}

/// Which part of the list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub offset: i64,
    pub limit: i64,
    /// Where counting ends: a page that is looked at all day long does not count a year.
    pub counts_to: Option<i64>,
}

impl Span {
    pub fn first(limit: i64) -> Span {
        Span { offset: 0, limit, counts_to: None }
    }

    /// More than is counted, and than this span shows when it is full.
    fn beyond(self, most: i64, shown: usize) -> i64 {
        let next = i64::from(shown as i64 == self.limit);
        (most + 1).max(self.offset + shown as i64 + next)
    }
}

/// What was sent, newest first, and how much there is.
pub fn list(tx: &mut Tx, filter: &SentFilter, span: Span) -> Result<(Vec<Sent>, i64), StoreError> {
    let silent = if filter.silent { Some(about_unsigned_tasks(tx)?) } else { None };
    let silent = silent.as_deref();
    match filter.means {
        Some(Means::Mail) => mails(tx, filter, silent, span),
        Some(means) => messages(tx, filter, silent, Some(means), span),
        None => {
            // Two lists are merged from their beginnings.
            let Span { offset, limit, counts_to } = span;
            let from_start = Span { offset: 0, limit: offset + limit, counts_to };
            let (mut rows, mail_total) = mails(tx, filter, silent, from_start)?;
            let (others, message_total) = messages(tx, filter, silent, None, from_start)?;
            rows.extend(others);
            rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
            let page = rows.into_iter().skip(offset as usize).take(limit as usize).collect();
            Ok((page, mail_total + message_total))
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mail)]
struct MailRow {
    id: String,
    case_id: Option<String>,
    recipient_id: String,
    recipient_name: String,
    address: String,
    subject: String,
    #[diesel(deserialize_as = String)]
    state: MailState,
    attempts: i32,
    created_at: NaiveDateTime,
    settled_at: Option<NaiveDateTime>,
}

impl From<MailRow> for Sent {
    fn from(row: MailRow) -> Sent {
        Sent {
            id: row.id,
            means: Means::Mail,
            case_id: row.case_id,
            recipient_id: row.recipient_id,
            recipient_name: row.recipient_name,
            address: row.address,
            subject: row.subject,
            state: row.state,
            attempts: row.attempts,
            created_at: row.created_at,
            settled_at: row.settled_at,
        }
    }
}

fn mails(
    tx: &mut Tx,
    filter: &SentFilter,
    silent: Option<&[String]>,
    span: Span,
) -> Result<(Vec<Sent>, i64), StoreError> {
    let filtered = || {
        let mut query = mail::table.into_boxed();
        if let Some(case_id) = &filter.case_id {
            query = query.filter(mail::case_id.eq(case_id));
        }
        if let Some(recipient_id) = &filter.recipient_id {
            query = query.filter(mail::recipient_id.eq(recipient_id));
        }
        if let Some(state) = filter.state {
            query = query.filter(mail::state.eq(written(state.code())));
        }
        if let Some(silent) = silent {
            query = query.filter(mail::id.eq_any(silent));
        }
        query
    };
    let newest = filtered().order((mail::created_at.desc(), mail::id.desc())).offset(span.offset).limit(span.limit);
    let rows: Vec<MailRow> = newest.select(MailRow::as_select()).load(tx.0)?;
    let total = match span.counts_to {
        Some(most) if filtered().select(mail::id).offset(most).first::<String>(tx.0).optional()?.is_some() => {
            span.beyond(most, rows.len())
        }
        _ => filtered().count().get_result(tx.0)?,
    };
    Ok((rows.into_iter().map(Sent::from).collect(), total))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_delivery)]
struct MessageRow {
    id: String,
    webhook_id: String,
    title: String,
    recipient_id: Option<String>,
    case_id: Option<String>,
    #[diesel(deserialize_as = String)]
    state: DeliveryState,
    attempts: i32,
    created_at: NaiveDateTime,
    settled_at: Option<NaiveDateTime>,
}

fn messages(
    tx: &mut Tx,
    filter: &SentFilter,
    silent: Option<&[String]>,
    means: Option<Means>,
    span: Span,
) -> Result<(Vec<Sent>, i64), StoreError> {
    let hooks: Vec<(String, String)> = webhook::table.select((webhook::id, webhook::kind)).load(tx.0)?;
    let ways: HashMap<String, Means> =
        hooks.into_iter().filter_map(|(id, kind)| Some((id, Means::parse(&kind)?))).collect();
    let wanted: Vec<&String> =
        ways.iter().filter(|(_, way)| means.is_none_or(|means| means == **way)).map(|(id, _)| id).collect();
    let filtered = || {
        let mut query = webhook_delivery::table
            .filter(webhook_delivery::recipient_id.is_not_null())
            .filter(webhook_delivery::webhook_id.eq_any(wanted.clone()))
            .into_boxed();
        if let Some(case_id) = &filter.case_id {
            query = query.filter(webhook_delivery::case_id.eq(case_id));
        }
        if let Some(recipient_id) = &filter.recipient_id {
            query = query.filter(webhook_delivery::recipient_id.eq(recipient_id));
        }
        if let Some(state) = filter.state {
            let states = DeliveryState::ALL.iter().filter(|of_message| stands(**of_message) == state);
            query = query.filter(webhook_delivery::state.eq_any(states.map(|state| state.code())));
        }
        if let Some(silent) = silent {
            query = query.filter(webhook_delivery::id.eq_any(silent));
        }
        query
    };
    let newest = filtered().order((webhook_delivery::created_at.desc(), webhook_delivery::id.desc()));
    let newest = newest.offset(span.offset).limit(span.limit);
    let rows: Vec<MessageRow> = newest.select(MessageRow::as_select()).load(tx.0)?;
    let ids = || filtered().select(webhook_delivery::id);
    let total = match span.counts_to {
        Some(most) if ids().offset(most).first::<String>(tx.0).optional()?.is_some() => span.beyond(most, rows.len()),
        _ => filtered().count().get_result(tx.0)?,
    };
    let recipients: Vec<String> = rows.iter().filter_map(|row| row.recipient_id.clone()).collect();
    let names = names_of(tx, &recipients)?;
    let sent = |row: MessageRow| {
        let recipient_id = row.recipient_id?;
        Some(Sent {
            means: *ways.get(&row.webhook_id)?,
            case_id: row.case_id,
            recipient_name: names.get(&recipient_id).cloned().unwrap_or_default(),
            recipient_id,
            address: String::new(),
            subject: row.title,
            state: stands(row.state),
            attempts: row.attempts,
            created_at: row.created_at,
            settled_at: row.settled_at,
            id: row.id,
        })
    };
    Ok((rows.into_iter().filter_map(sent).collect(), total))
}

/// A message's state as one says it of a mail.
fn stands(state: DeliveryState) -> MailState {
    match state {
        DeliveryState::Queued => MailState::Queued,
        DeliveryState::Delivered => MailState::Sent,
        DeliveryState::Failed => MailState::Failed,
    }
}

/// Names of units and people.
pub(super) fn names_of(tx: &mut Tx, ids: &[String]) -> Result<HashMap<String, String>, StoreError> {
    let mut names = people::names_of(tx, ids)?;
    names.extend(
        unit::table.filter(unit::id.eq_any(ids)).select((unit::id, unit::name)).load::<(String, String)>(tx.0)?,
    );
    Ok(names.into_iter().collect())
}

/// Ids of mails and messages that ask something about tasks that their unit has not signed for.
fn about_unsigned_tasks(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let ids: Vec<(Option<String>, Option<String>)> = notice::table
        .inner_join(task::table.on(task::id.eq(notice::subject_id)))
        .filter(notice::subject_kind.eq("task"))
        .filter(notice::stage.eq_any(asking_stages()))
        .filter(task::state.eq(TaskState::Ready.code()))
        .filter(task::unit_id.eq(notice::recipient_id))
        .select((notice::mail_id, notice::delivery_id))
        .distinct()
        .load(tx.0)?;
    Ok(ids.into_iter().flat_map(|(mail, message)| [mail, message]).flatten().collect())
}

/// A unit that was told of tasks and has signed for none of them.
#[derive(Debug, Clone, PartialEq)]
pub struct SilentUnit {
    pub unit_id: String,
    pub name: String,
    pub tasks: i64,
    /// Since when the longest waiting is.
    pub since: NaiveDateTime,
}

/// Who was told of a task, in one case or in any, and has not signed for it; the longest silent first.
pub fn silent_units(tx: &mut Tx, case_id: Option<&str>) -> Result<Vec<SilentUnit>, StoreError> {
    let mut told = task::table
        .inner_join(notice::table.on(notice::subject_id.eq(task::id)))
        .filter(notice::subject_kind.eq("task"))
        .filter(task::state.eq(TaskState::Ready.code()))
        .filter(notice::stage.eq_any(asking_stages()))
        .filter(notice::recipient_id.eq(task::unit_id))
        .filter(notice::state.eq(NoticeState::Mailed.code()))
        .select((task::id, task::unit_id, notice::owed_at))
        .order(notice::owed_at)
        .into_boxed();
    if let Some(case_id) = case_id {
        told = told.filter(task::case_id.eq(case_id.to_owned()));
    }
    let rows: Vec<(String, String, NaiveDateTime)> = told.load(tx.0)?;
    let names = names_of(tx, &rows.iter().map(|(_, unit, _)| unit.clone()).collect::<Vec<_>>())?;
    let (mut silent, mut counted): (Vec<SilentUnit>, HashSet<String>) = Default::default();
    for (task_id, unit_id, since) in rows {
        if !counted.insert(task_id) {
            continue;
        }
        match silent.iter_mut().find(|known| known.unit_id == unit_id) {
            Some(known) => known.tasks += 1,
            None => {
                let name = names.get(&unit_id).cloned().unwrap_or_default();
                silent.push(SilentUnit { unit_id, name, tasks: 1, since });
            }
        }
    }
    Ok(silent)
}

/// Stages that ask something of the reader.
fn asking_stages() -> impl Iterator<Item = &'static str> {
    Stage::ALL.iter().filter(|stage| stage.asks()).map(|stage| stage.code())
}

/// Which of these mails and messages ask something of their reader.
pub fn asking(tx: &mut Tx, ids: &[String]) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<(Option<String>, Option<String>)> = notice::table
        .filter(notice::mail_id.eq_any(ids).or(notice::delivery_id.eq_any(ids)))
        .filter(notice::stage.eq_any(asking_stages()))
        .select((notice::mail_id, notice::delivery_id))
        .distinct()
        .load(tx.0)?;
    Ok(rows.into_iter().flat_map(|(mail, message)| [mail, message]).flatten().collect())
}

/// When the tasks that mails and messages asked to sign for were signed for, by whichever door: (mail or message, when).
/// None of those of which a task still waits.
pub fn signed_for(tx: &mut Tx, ids: &[String]) -> Result<HashMap<String, NaiveDateTime>, StoreError> {
    let asked = [Stage::TaskReleased.code(), Stage::AcknowledgeReminder.code()];
    let rows: Vec<(Option<String>, Option<String>, Option<NaiveDateTime>)> = notice::table
        .inner_join(task::table.on(task::id.eq(notice::subject_id)))
        .filter(notice::mail_id.eq_any(ids).or(notice::delivery_id.eq_any(ids)))
        .filter(notice::stage.eq_any(asked))
        .select((notice::mail_id, notice::delivery_id, task::acknowledged_at))
        .load(tx.0)?;
    let mut signed: HashMap<String, Option<NaiveDateTime>> = HashMap::new();
    for (mail, message, at) in rows {
        let Some(id) = mail.or(message) else { continue };
        signed.entry(id).and_modify(|last| *last = at.zip(*last).map(|(a, b)| a.max(b))).or_insert(at);
    }
    Ok(signed.into_iter().filter_map(|(id, at)| Some((id, at?))).collect())
}
