//! Mails with their frozen bytes, who is sending them, and each try to deliver them.

use super::conn::on_backend;
use super::prepared::written;
use super::schema::{attempt, lease, mail, mail_message};
use super::{StoreError, Tx, new_id};
use crate::domain::notice::{AttemptOutcome, MailState, RecipientKind};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = mail)]
pub struct Mail {
    pub id: String,
    pub message_id: String,
    pub case_id: Option<String>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub recipient_kind: RecipientKind,
    pub recipient_id: String,
    pub recipient_name: String,
    pub address: String,
    pub subject: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: MailState,
    pub attempts: i32,
    pub next_attempt_at: NaiveDateTime,
    pub claimed_by: Option<String>,
    pub claimed_until: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub settled_at: Option<NaiveDateTime>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = attempt)]
pub struct Attempt {
    pub id: String,
    pub mail_id: String,
    pub channel: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub outcome: AttemptOutcome,
    pub response: String,
    pub at: NaiveDateTime,
}

const SMTP: &str = "smtp";

impl Attempt {
    pub fn by_smtp(mail_id: String, outcome: AttemptOutcome, response: String, at: NaiveDateTime) -> Attempt {
        Attempt { id: new_id(), mail_id, channel: SMTP.to_owned(), outcome, response, at }
    }
}

/// Mails to one recipient about one case since some moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailed {
    pub recipient_id: String,
    pub case_id: Option<String>,
    pub count: i64,
    pub last: NaiveDateTime,
}

pub fn mailed_since(tx: &mut Tx, recipients: &[String], since: NaiveDateTime) -> Result<Vec<Mailed>, StoreError> {
    let rows: Vec<(String, Option<String>, i64, Option<NaiveDateTime>)> = mail::table
        .filter(mail::recipient_id.eq_any(recipients))
        .filter(mail::created_at.gt(since))
        .filter(mail::state.ne(MailState::Withdrawn.code()))
        .group_by((mail::recipient_id, mail::case_id))
        .select((mail::recipient_id, mail::case_id, diesel::dsl::count(mail::id), diesel::dsl::max(mail::created_at)))
        .load(tx.0)?;
    let mailed = |(recipient_id, case_id, count, last): (_, _, _, Option<NaiveDateTime>)| {
        last.map(|last| Mailed { recipient_id, case_id, count, last })
    };
    Ok(rows.into_iter().filter_map(mailed).collect())
}

/// Whether a queued mail is due at `now`: a look that costs no commit.
pub fn any_due(tx: &mut Tx, now: NaiveDateTime) -> Result<bool, StoreError> {
    let due =
        mail::table.filter(mail::state.eq(written(MailState::Queued.code()))).filter(mail::next_attempt_at.le(now));
    Ok(due.select(mail::id).first::<String>(tx.0).optional()?.is_some())
}

/// For how long, and by whom, mails are claimed; all on real time.
pub struct Claim<'a> {
    pub holder: &'a str,
    pub real: NaiveDateTime,
    pub until: NaiveDateTime,
    /// The claims of a process whose word ran out before this moment are free.
    pub word_held_after: NaiveDateTime,
}

/// A mail that is to be sent, with its whole message, 7-bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    pub mail: Mail,
    pub message: String,
}

/// Claims queued mails that are due at `now`: those that wait longest, and beside a long queue also new ones to
/// recipients who have nothing waiting in it.
pub fn claim(tx: &mut Tx, claim: &Claim, now: NaiveDateTime, limit: i64) -> Result<Vec<Claimed>, StoreError> {
    let running = lease::table.filter(lease::until.ge(claim.word_held_after)).select(lease::name.nullable());
    let free =
        mail::claimed_until.is_null().or(mail::claimed_until.lt(claim.real)).or(mail::claimed_by.ne_all(running));
    let due = || {
        mail::table
            .filter(mail::state.eq(written(MailState::Queued.code())))
            .filter(mail::next_attempt_at.le(now))
            .filter(free)
            .limit(limit)
            .select((mail::id, mail::recipient_id, mail::created_at))
    };
    let longest: Vec<(String, String, NaiveDateTime)> = due().order(mail::next_attempt_at).load(tx.0)?;
    let mut chosen: Vec<String> = longest.into_iter().map(|(id, ..)| id).collect();
    if chosen.len() as i64 == limit {
        let newest: Vec<(String, String, NaiveDateTime)> = due().order(mail::next_attempt_at.desc()).load(tx.0)?;
        let since = waiting_since(tx, newest.iter().map(|(_, recipient, _)| recipient.clone()).collect())?;
        let is_first = |(id, recipient, at): (String, String, NaiveDateTime)| {
            (since.get(&recipient) == Some(&at) && !chosen.contains(&id)).then_some(id)
        };
        let mut first: Vec<String> = newest.into_iter().filter_map(is_first).take(chosen.len() / 2).collect();
        chosen.truncate(chosen.len() - first.len());
        first.append(&mut chosen);
        chosen = first;
    }
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    // Two replicas may have read the same rows: the one whose update still finds them free has them.
    let mut claimed: Vec<Mail> = on_backend!(tx.0, c => diesel::update(mail::table.filter(mail::id.eq_any(&chosen)).filter(mail::settled_at.is_null()).filter(free))
        .set((mail::claimed_by.eq(claim.holder), mail::claimed_until.eq(claim.until), mail::attempts.eq(mail::attempts + 1)))
        .returning(Mail::as_returning())
        .get_results(c))?;
    claimed.sort_by_key(|mail| chosen.iter().position(|id| *id == mail.id));
    let mut messages: HashMap<String, String> = mail_message::table
        .filter(mail_message::mail_id.eq_any(claimed.iter().map(|mail| &mail.id)))
        .select((mail_message::mail_id, mail_message::message))
        .load::<(String, String)>(tx.0)?
        .into_iter()
        .collect();
    let with_message = |mail: Mail| messages.remove(&mail.id).map(|message| Claimed { mail, message });
    Ok(claimed.into_iter().filter_map(with_message).collect())
}

/// When the oldest queued mail to each recipient was written.
fn waiting_since(tx: &mut Tx, recipients: HashSet<String>) -> Result<HashMap<String, NaiveDateTime>, StoreError> {
    let rows: Vec<(String, Option<NaiveDateTime>)> = mail::table
        .filter(mail::state.eq(written(MailState::Queued.code())))
        .filter(mail::recipient_id.eq_any(recipients))
        .group_by(mail::recipient_id)
        .select((mail::recipient_id, diesel::dsl::min(mail::created_at)))
        .load(tx.0)?;
    Ok(rows.into_iter().filter_map(|(recipient, at)| Some((recipient, at?))).collect())
}

/// A new mail with its message.
pub fn insert(tx: &mut Tx, row: Mail, message: &str) -> Result<(), StoreError> {
    let id = row.id.clone();
    on_backend!(tx.0, c => diesel::insert_into(mail::table).values(row).execute(c))?;
    let message = (mail_message::mail_id.eq(id), mail_message::message.eq(message));
    on_backend!(tx.0, c => diesel::insert_into(mail_message::table).values(message).execute(c))?;
    Ok(())
}

pub fn message_of(tx: &mut Tx, mail_id: &str) -> Result<Option<String>, StoreError> {
    Ok(mail_message::table.find(mail_id).select(mail_message::message).first(tx.0).optional()?)
}

/// Gives claimed mails back untried.
pub fn give_back(tx: &mut Tx, holder: &str, mails: &[String]) -> Result<(), StoreError> {
    diesel::update(mail::table.filter(mail::id.eq_any(mails)).filter(mail::claimed_by.eq(holder)))
        .set((
            mail::claimed_by.eq(None::<String>),
            mail::claimed_until.eq(None::<NaiveDateTime>),
            mail::attempts.eq(mail::attempts - 1),
        ))
        .execute(tx.0)?;
    Ok(())
}

/// Takes a claimed mail back that was not tried; `false` when the claim was lost.
pub fn withdraw(tx: &mut Tx, mail_id: &str, holder: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let withdrawn = diesel::update(mail::table.find(mail_id).filter(mail::claimed_by.eq(holder)))
        .set((
            mail::state.eq(MailState::Withdrawn.code()),
            mail::attempts.eq(mail::attempts - 1),
            mail::claimed_by.eq(None::<String>),
            mail::claimed_until.eq(None::<NaiveDateTime>),
            mail::settled_at.eq(now),
        ))
        .execute(tx.0)?;
    Ok(withdrawn == 1)
}

/// Marks a mail that was sent as bounced; `false` when it was not sent.
pub fn bounce(tx: &mut Tx, mail_id: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let bounced = diesel::update(mail::table.find(mail_id).filter(mail::state.eq(MailState::Sent.code())))
        .set((mail::state.eq(MailState::Bounced.code()), mail::settled_at.eq(now)))
        .execute(tx.0)?;
    Ok(bounced == 1)
}

pub fn by_message_id(tx: &mut Tx, message_id: &str) -> Result<Option<Mail>, StoreError> {
    Ok(mail::table.filter(mail::message_id.eq(message_id)).select(Mail::as_select()).first(tx.0).optional()?)
}

pub fn insert_attempt(tx: &mut Tx, row: Attempt) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(attempt::table).values(row).execute(c))?;
    Ok(())
}

/// Records attempts that a server accepted. Gives the mails whose claim still held; of the others only the attempt is kept.
pub fn record_accepted(tx: &mut Tx, rows: Vec<Attempt>, holder: &str) -> Result<Vec<String>, StoreError> {
    let Some(at) = rows.iter().map(|row| row.at).max() else { return Ok(Vec::new()) };
    let mails: Vec<String> = rows.iter().map(|row| row.mail_id.clone()).collect();
    for row in rows {
        insert_attempt(tx, row)?;
    }
    Ok(
        on_backend!(tx.0, c => diesel::update(mail::table.filter(mail::id.eq_any(&mails)).filter(mail::claimed_by.eq(holder)))
        .set((
            mail::state.eq(MailState::Sent.code()),
            mail::claimed_by.eq(None::<String>),
            mail::claimed_until.eq(None::<NaiveDateTime>),
            mail::settled_at.eq(at),
        ))
        .returning(mail::id)
        .get_results(c))?,
    )
}

/// Records how an attempt ended and where that leaves the mail. A claim that was lost meanwhile records the attempt only.
pub fn record_attempt(
    tx: &mut Tx,
    row: Attempt,
    holder: &str,
    state: MailState,
    next_attempt_at: NaiveDateTime,
) -> Result<bool, StoreError> {
    let (mail_id, at) = (row.mail_id.clone(), row.at);
    insert_attempt(tx, row)?;
    let settled_at = (state != MailState::Queued).then_some(at);
    let recorded = diesel::update(mail::table.find(&mail_id).filter(mail::claimed_by.eq(holder)))
        .set((
            mail::state.eq(state.code()),
            mail::next_attempt_at.eq(next_attempt_at),
            mail::claimed_by.eq(None::<String>),
            mail::claimed_until.eq(None::<NaiveDateTime>),
            mail::settled_at.eq(settled_at),
        ))
        .execute(tx.0)?;
    Ok(recorded == 1)
}

/// The Message-ID of the first mail of a case (or of none) to a recipient: what later ones refer to, so that a case is
/// one thread.
pub fn thread_root(tx: &mut Tx, case_id: Option<&str>, recipient_id: &str) -> Result<Option<String>, StoreError> {
    let query = mail::table.filter(mail::recipient_id.eq(recipient_id)).into_boxed();
    let query = query.filter(mail::state.ne(MailState::Withdrawn.code()));
    let query = match case_id {
        Some(case_id) => query.filter(mail::case_id.eq(case_id.to_owned())),
        None => query.filter(mail::case_id.is_null()),
    };
    Ok(query.order(mail::created_at).select(mail::message_id).first(tx.0).optional()?)
}

/// Puts a mail back into the queue.
pub fn requeue(tx: &mut Tx, mail_id: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(mail::table.find(mail_id))
        .set((
            mail::state.eq(MailState::Queued.code()),
            mail::attempts.eq(0),
            mail::next_attempt_at.eq(now),
            mail::settled_at.eq(None::<NaiveDateTime>),
        ))
        .execute(tx.0)?;
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Mail>, StoreError> {
    Ok(mail::table.find(id).select(Mail::as_select()).first(tx.0).optional()?)
}

/// The outcomes of each mail's tries over SMTP that are known.
pub fn outcomes_of(tx: &mut Tx, mails: &[String]) -> Result<HashMap<String, Vec<AttemptOutcome>>, StoreError> {
    let tries = attempt::table.filter(attempt::mail_id.eq_any(mails)).filter(attempt::channel.eq(SMTP));
    let rows: Vec<(String, String)> = tries.select((attempt::mail_id, attempt::outcome)).load(tx.0)?;
    let mut outcomes: HashMap<String, Vec<AttemptOutcome>> = HashMap::new();
    for (mail_id, outcome) in rows {
        outcomes.entry(mail_id).or_default().extend(AttemptOutcome::parse(&outcome));
    }
    Ok(outcomes)
}

pub fn attempts_of(tx: &mut Tx, mail_id: &str) -> Result<Vec<Attempt>, StoreError> {
    Ok(attempt::table
        .filter(attempt::mail_id.eq(mail_id))
        .order(attempt::at)
        .select(Attempt::as_select())
        .load(tx.0)?)
}
