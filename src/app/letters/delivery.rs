//! Delivery: frozen mails are claimed, sent, and recorded until the server has taken or refused them for good.

use crate::app::{Actor, App, Ctx, Error, letters::undelivered, sending};
use crate::domain::access::Action;
use crate::domain::notice::{AttemptOutcome, MailState};
use crate::lang::Message;
use crate::mail::{Mailer, SendError, backoff};
use crate::store::mails::{self, Attempt, Claim, Mail};
use crate::store::{StoreError, Tx, inbound, new_id};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Mails that one worker claims for itself at a time.
const CLAIMED_AT_ONCE: i64 = 8;
/// A claim is at least twice the longest send: the settings allow no longer deadline than half of it.
pub const CLAIM_LASTS: TimeDelta = TimeDelta::minutes(5);
/// A send begins this soon after its claim, which gave the process's word anew, or not at all: a process that was
/// paused longer may have lost its claims.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// A mail that is only ever put off counts as failed after so many tries and so many days.
const ATTEMPTS_MAX: i32 = 20;
const PUT_OFF_MAX: TimeDelta = TimeDelta::days(5);

/// One worker's turn: sends some of the queued mails that are due, one after the other. Gives how many were tried.
pub async fn send(app: &App, mailer: &Mailer, holder: &str) -> Result<usize, Error> {
    let now = app.clock.now();
    if mailer.holds_off() || !app.store.read(move |tx| mails::any_due(tx, now)).await? {
        return Ok(0);
    }
    let claimed_at = Instant::now();
    let mut mails = VecDeque::from(claim(app, mailer, holder).await?);
    let mut tried = 0;
    let mut last: Option<Tried> = None;
    while let Some(mail) = mails.pop_front() {
        let turn = async {
            mailer.turn().await;
            let begins = claimed_at.elapsed() <= BEGINS_WITHIN && !mailer.holds_off();
            if begins { Ok(attempt(mailer, mail).await) } else { Err(mail) }
        };
        // The last outcome is written down while this mail waits for its turn and is under way.
        let (outcome, noted) = futures_util::join!(turn, note(app, holder, last.take()));
        noted?;
        match outcome {
            Ok(outcome) => last = Some(outcome),
            Err(untried) => {
                mails.push_front(untried);
                break;
            }
        }
        tried += 1;
    }
    note(app, holder, last).await?;
    if !mails.is_empty() {
        let (ids, holder): (Vec<String>, _) = (mails.into_iter().map(|mail| mail.id).collect(), holder.to_owned());
        app.store.write(move |tx| mails::give_back(tx, &holder, &ids)).await?;
    }
    Ok(tried)
}

async fn claim(app: &App, mailer: &Mailer, holder: &str) -> Result<Vec<Mail>, StoreError> {
    let now = app.clock.now();
    let take = move |tx: &mut Tx, claim: &Claim| mails::claim(tx, claim, now, CLAIMED_AT_ONCE);
    sending::claim(app, holder, CLAIM_LASTS, mailer.deadline(), take).await
}

#[derive(Clone)]
struct Tried {
    mail: Mail,
    outcome: Result<String, SendError>,
}

async fn attempt(mailer: &Mailer, mail: Mail) -> Tried {
    let outcome = mailer.send(&mail.address, mail.message.as_bytes()).await;
    Tried { mail, outcome }
}

async fn note(app: &App, holder: &str, tried: Option<Tried>) -> Result<(), Error> {
    let Some(tried) = tried else { return Ok(()) };
    let holder = holder.to_owned();
    sending::note(app, Actor::job("寄送"), move |ctx| record(ctx, &holder, tried)).await
}

fn record(ctx: &mut Ctx, holder: &str, Tried { mail, outcome }: Tried) -> Result<(), Error> {
    let given_up = mail.attempts >= ATTEMPTS_MAX && ctx.now - mail.created_at >= PUT_OFF_MAX;
    let put_off = if given_up { MailState::Failed } else { MailState::Queued };
    let wrong_address = matches!(outcome, Err(SendError::Address(_)));
    let (outcome, response, state) = match outcome {
        Ok(response) => (AttemptOutcome::Accepted, response, MailState::Sent),
        Err(SendError::Address(text) | SendError::Permanent(text)) => {
            (AttemptOutcome::Refused, text, MailState::Failed)
        }
        Err(SendError::Transient(text) | SendError::Unreachable(text)) => (AttemptOutcome::Deferred, text, put_off),
        // It may have arrived: sent again with the same Message-ID, so that a reader sees it once.
        Err(SendError::Unknown(text)) => (AttemptOutcome::Unknown, text, put_off),
    };
    let row = Attempt {
        id: new_id(),
        mail_id: mail.id.clone(),
        channel: "smtp".to_owned(),
        outcome,
        response: response.clone(),
        at: ctx.now,
    };
    let wait = TimeDelta::from_std(backoff(mail.attempts, rand::random())).unwrap_or(TimeDelta::minutes(1));
    let recorded = mails::record_attempt(&mut ctx.tx, row, holder, state, ctx.now + wait)?;
    if !recorded {
        tracing::warn!(mail = mail.id, "a mail's claim was lost while it was sent");
        return Ok(());
    }
    match (state, wrong_address) {
        (MailState::Failed, true) => undelivered::wrong_address(ctx, &mail, &response),
        (MailState::Failed, false) => undelivered::refused(ctx, &mail, &response),
        _ => Ok(()),
    }
}

/// Sends a mail that did not arrive again as it was frozen: a person's decision, who also vouches for the address.
pub fn resend(ctx: &mut Ctx, mail_id: &str) -> Result<(), Error> {
    ctx.require_anywhere(Action::ResendMail)?;
    let mail = mails::by_id(&mut ctx.tx, mail_id)?.ok_or(Error::NotFound)?;
    if !matches!(mail.state, MailState::Failed | MailState::Bounced) {
        return Err(Error::Refused(Message::new("只有发送失败或被退信的邮件可以重发。")));
    }
    inbound::unflag(&mut ctx.tx, &mail.address)?;
    mails::requeue(&mut ctx.tx, mail_id, ctx.now)?;
    ctx.record("mail.resent", ("mail", mail_id), mail.case_id.as_deref(), json!({ "subject": mail.subject }));
    Ok(())
}
