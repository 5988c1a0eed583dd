//! Mails that leave notably later than they were worded, because the server was away: what has changed meanwhile is asked
//! again. One that says what is no longer so is withdrawn, and what it owes is owed again: the outbox words that anew or
//! records that nobody needs it.

use super::moot;
use crate::app::{Actor, App, Ctx, Error, sending};
use crate::domain::notice::AttemptOutcome;
use crate::store::mails::{self, Claimed, Mail};
use crate::store::notices::{self, Notice, subject_of};
use crate::store::plans::{self, TaskInCase};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::HashMap;

/// So long a mail says what is so, unless it was tried before.
const HOLDS_FOR: TimeDelta = TimeDelta::seconds(30);

/// Withdraws those of the claimed mails that are outdated and leaves the others; all of them when it fails.
pub async fn withdraw(app: &App, holder: &str, claimed: &mut Vec<Claimed>) -> Result<(), Error> {
    let since = app.clock.now() - HOLDS_FOR;
    let is_late = move |mail: &Mail| mail.attempts > 1 || mail.created_at < since;
    if !claimed.iter().any(|claimed| is_late(&claimed.mail)) {
        return Ok(());
    }
    let mails: Vec<Mail> = claimed.iter().map(|claimed| claimed.mail.clone()).collect();
    let outdated = app.read(&Actor::job("寄送"), move |ctx| outdated(ctx, mails, is_late)).await?;
    if !outdated.is_empty() {
        let (holder, withdrawn) = (holder.to_owned(), outdated.clone());
        let record = move |ctx: &mut Ctx| withdrawn.iter().try_for_each(|mail| record(ctx, &holder, mail));
        sending::note(app, Actor::job("寄送"), record).await?;
    }
    claimed.retain(|claimed| !outdated.contains(&claimed.mail));
    Ok(())
}

fn record(ctx: &mut Ctx, holder: &str, mail: &Mail) -> Result<(), Error> {
    if mails::withdraw(&mut ctx.tx, &mail.id, holder, ctx.now)? {
        notices::owe_again(&mut ctx.tx, &mail.id)?;
        let payload = json!({ "title": mail.subject, "to": mail.recipient_name });
        ctx.record("mail.withdrawn", ("mail", &mail.id), mail.case_id.as_deref(), payload);
    }
    Ok(())
}

/// The late ones that are outdated, and what else waits for their readers about the same case: that goes together with
/// what is worded anew, or it would be read before it.
fn outdated(ctx: &mut Ctx, claimed: Vec<Mail>, is_late: impl Fn(&Mail) -> bool) -> Result<Vec<Mail>, Error> {
    let ids: Vec<String> = claimed.iter().map(|mail| mail.id.clone()).collect();
    let mut notices: HashMap<String, Vec<Notice>> = HashMap::new();
    let owed = notices::of_mails(&mut ctx.tx, &ids)?;
    let is_of_task = |notice: &&Notice| notice.subject_kind == "task";
    let about: Vec<String> = owed.iter().filter(is_of_task).map(|notice| notice.subject_id.clone()).collect();
    let tasks = plans::by_ids(&mut ctx.tx, &about)?;
    let last_owed = notices::last_owed(&mut ctx.tx, &owed)?;
    for notice in owed {
        notices.entry(notice.mail_id.clone().unwrap_or_default()).or_default().push(notice);
    }
    let outcomes = mails::outcomes_of(&mut ctx.tx, &ids)?;
    let received = |mail: &Mail| received(mail, outcomes.get(&mail.id).map_or(&[], Vec::as_slice));
    let (mut outdated, mut others) = (Vec::new(), Vec::new());
    for mail in claimed {
        match notices.get(&mail.id) {
            Some(notices) if is_late(&mail) => {
                let has_newer =
                    |notice: &Notice| last_owed.get(&subject_of(notice)).is_some_and(|at| *at > mail.created_at);
                let is_outdated = is_outdated(ctx, notices, &tasks, received(&mail), has_newer)?;
                if is_outdated { &mut outdated } else { &mut others }.push(mail);
            }
            Some(_) => others.push(mail),
            None => {}
        }
    }
    let read_with =
        |mail: &Mail, other: &Mail| (&mail.recipient_id, &mail.case_id) == (&other.recipient_id, &other.case_id);
    others.retain(|mail| received(mail) == Received::Not && outdated.iter().any(|other| read_with(mail, other)));
    outdated.append(&mut others);
    Ok(outdated)
}

/// Whether somebody may have the mail already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Received {
    Not,
    Perhaps,
    /// A person had it sent again, whatever it says.
    Resent,
}

fn received(mail: &Mail, outcomes: &[AttemptOutcome]) -> Received {
    let noted = outcomes.len() as i32;
    match mail.attempts - 1 {
        tries if tries < noted => Received::Resent,
        // Of a try more than was noted nobody knows how it ended.
        tries if tries == noted && outcomes.iter().all(|outcome| *outcome == AttemptOutcome::Deferred) => Received::Not,
        _ => Received::Perhaps,
    }
}

/// What nobody needs any more does not leave. What nobody can have yet says all that is so; a second mail in place of one
/// that somebody may have would say twice what has not changed.
fn is_outdated(
    ctx: &mut Ctx,
    notices: &[Notice],
    tasks: &HashMap<String, TaskInCase>,
    received: Received,
    has_newer: impl Fn(&Notice) -> bool,
) -> Result<bool, Error> {
    if received == Received::Resent {
        return Ok(false);
    }
    for notice in notices {
        let task = tasks.get(&notice.subject_id).map(|found| &found.task);
        let is_moot = moot::why(ctx, notice, task)?.is_some();
        match received {
            Received::Not if is_moot || has_newer(notice) => return Ok(true),
            Received::Perhaps if !is_moot => return Ok(false),
            _ => {}
        }
    }
    Ok(received == Received::Perhaps)
}
