//! Delivery: frozen mails are claimed, sent, and recorded until the server has taken or refused them for good.

use crate::app::letters::{outdated, undelivered};
use crate::app::{Actor, App, Ctx, Error, sending};
use crate::domain::access::Action;
use crate::domain::notice::{AttemptOutcome, MailState};
use crate::lang::Message;
use crate::mail::{Mailer, SendError, backoff};
use crate::store::mails::{self, Attempt, Claim, Claimed, Mail};
use crate::store::{Tx, inbound, notices};
use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Mails that are held claimed: twice what left during the last transaction, so that a fast server does not wait for the
/// next one, and new mails do not wait long behind those for a slow one.
const HELD_LEAST: usize = 64;
const HELD_MOST: usize = 256;
/// Outcomes that may wait for the next transaction before no more sends begin.
const OUTCOMES_HELD: usize = 256;
/// A claim is at least twice the longest send: the settings allow no longer deadline than half of it.
pub const CLAIM_LASTS: TimeDelta = TimeDelta::minutes(5);
/// A send begins this soon after its claim, which gave the process's word anew, or not at all: a process that was
/// paused longer may have lost its claims.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// How soon new mails are looked for again when none was due, while others are under way.
const LOOKS_AGAIN: Duration = Duration::from_millis(200);
/// A mail that is only ever put off counts as failed after so many tries and so many days.
const ATTEMPTS_MAX: i32 = 20;
const PUT_OFF_MAX: TimeDelta = TimeDelta::days(5);

/// Sends queued mails as many at a time as there are connections, until none is due or `stopping`. Gives how many were
/// tried. One transaction writes down all that ended while the one before ran, and claims the next.
pub async fn send(app: &App, mailer: &Mailer, holder: &str, stopping: impl Fn() -> bool) -> Result<usize, Error> {
    let (mut under_way, mut writing) = (FuturesUnordered::new(), FuturesUnordered::new());
    let (mut claimed, mut ended) = (VecDeque::new(), Ended::default());
    let (mut dry_until, mut failed, mut tried) = (Instant::now(), None, 0);
    loop {
        let goes_on = failed.is_none() && !stopping() && !mailer.holds_off();
        if !goes_on || claimed.front().is_some_and(Waiting::is_late) {
            ended.untried.extend(claimed.drain(..).map(|waiting: Waiting| waiting.claimed.mail.id));
        }
        while under_way.len() < mailer.connections() && ended.outcomes.len() < OUTCOMES_HELD {
            let Some(waiting) = claimed.pop_front() else { break };
            under_way.push(attempt(mailer, waiting));
        }
        if writing.is_empty() {
            let held = (2 * ended.outcomes.len()).clamp(HELD_LEAST, HELD_MOST);
            let held = mailer.within(BEGINS_WITHIN / 2).min(held);
            // A claim costs a few looks: it is for some at once.
            let looks = goes_on && 4 * claimed.len() <= 3 * held && dry_until <= Instant::now();
            let wanted = if looks { held - claimed.len() } else { 0 };
            if wanted > 0 || !ended.is_empty() {
                writing.push(exchange(app, mailer, holder, std::mem::take(&mut ended), wanted));
            } else if under_way.is_empty() && claimed.is_empty() {
                mailer.close_rested().await;
                return failed.map_or(Ok(tried), Err);
            }
        }
        tokio::select! {
            Some(outcome) = under_way.next() => match outcome {
                Ok(outcome) => {
                    tried += 1;
                    ended.outcomes.push(outcome);
                }
                // First in the row again: it goes over another connection, or is given back.
                Err(untried) => claimed.push_front(untried),
            },
            Some(written) = writing.next() => match written {
                Ok(Exchanged { wanted, claimed: new }) => {
                    if wanted > 0 && new.is_empty() {
                        dry_until = Instant::now() + LOOKS_AGAIN;
                    }
                    let at = Instant::now();
                    claimed.extend(new.into_iter().map(|claimed| Waiting { claimed, since: at }));
                }
                Err(error) => failed = Some(error),
            },
            () = tokio::time::sleep(LOOKS_AGAIN) => {}
        }
    }
}

/// A claimed mail, and since when.
struct Waiting {
    claimed: Claimed,
    since: Instant,
}

impl Waiting {
    fn is_late(&self) -> bool {
        self.since.elapsed() > BEGINS_WITHIN
    }
}

#[derive(Clone)]
struct Tried {
    mail: Mail,
    outcome: Result<String, SendError>,
}

/// Sends a mail at its turn; gives it back untried when that comes too late, or no connection takes it.
async fn attempt(mailer: &Mailer, waiting: Waiting) -> Result<Tried, Waiting> {
    mailer.turn().await;
    if waiting.is_late() || mailer.holds_off() {
        return Err(waiting);
    }
    let Claimed { mail, message } = &waiting.claimed;
    match mailer.send(&mail.address, message.as_bytes()).await {
        Err(SendError::Crowded(_)) => Err(waiting),
        outcome => Ok(Tried { mail: waiting.claimed.mail, outcome }),
    }
}

/// What is to be written down: outcomes, and mails to give back.
#[derive(Clone, Default)]
struct Ended {
    outcomes: Vec<Tried>,
    untried: Vec<String>,
}

impl Ended {
    fn is_empty(&self) -> bool {
        self.outcomes.is_empty() && self.untried.is_empty()
    }
}

struct Exchanged {
    wanted: usize,
    claimed: Vec<Claimed>,
}

/// Writes down what ended and claims up to `wanted` mails, in one transaction.
async fn exchange(app: &App, mailer: &Mailer, holder: &str, ended: Ended, wanted: usize) -> Result<Exchanged, Error> {
    let now = app.clock.now();
    // A look costs no commit.
    if ended.is_empty() && !app.store.read_aside(move |tx| mails::any_due(tx, now)).await? {
        return Ok(Exchanged { wanted, claimed: Vec::new() });
    }
    let (running, name, longest, to_note) = (app.clone(), holder.to_owned(), mailer.deadline(), ended.clone());
    let together = app.store.write(move |tx| {
        if !to_note.is_empty() {
            running.run(tx, Actor::job("寄送"), |ctx| record(ctx, &name, to_note))?;
        }
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let take = |tx: &mut Tx, claim: &Claim| mails::claim(tx, claim, now, wanted as i64);
        Ok(sending::claim_in(tx, &name, CLAIM_LASTS, longest, take)?)
    });
    match together.await {
        Ok(mut claimed) => match outdated::withdraw(app, holder, &mut claimed).await {
            Ok(()) => Ok(Exchanged { wanted, claimed }),
            Err(error) => {
                let untried = claimed.into_iter().map(|claimed| claimed.mail.id).collect();
                note_each(app, holder, Ended { untried, ..Ended::default() }).await.and(Err(error))
            }
        },
        Err(error) if ended.is_empty() => Err(error),
        Err(_) => note_each(app, holder, ended).await.map(|()| Exchanged { wanted: 0, claimed: Vec::new() }),
    }
}

/// What could not be written down together is, one by one, as far as it can be.
async fn note_each(app: &App, holder: &str, ended: Ended) -> Result<(), Error> {
    let alone = ended.outcomes.into_iter().map(|tried| Ended { outcomes: vec![tried], untried: Vec::new() });
    let given_back = Ended { outcomes: Vec::new(), untried: ended.untried };
    let mut noted = Ok(());
    for one in alone.chain([given_back]) {
        let holder = holder.to_owned();
        noted = sending::note(app, Actor::job("寄送"), move |ctx| record(ctx, &holder, one)).await.and(noted);
    }
    noted
}

fn record(ctx: &mut Ctx, holder: &str, ended: Ended) -> Result<(), Error> {
    let (accepted, others): (Vec<_>, Vec<_>) = ended.outcomes.into_iter().partition(|tried| tried.outcome.is_ok());
    let attempts = accepted.into_iter().filter_map(|Tried { mail, outcome }| {
        Some(Attempt::by_smtp(mail.id, AttemptOutcome::Accepted, outcome.ok()?, ctx.now))
    });
    let attempts: Vec<Attempt> = attempts.collect();
    let (sent, recorded) = (attempts.len(), mails::record_accepted(&mut ctx.tx, attempts, holder)?);
    if recorded.len() < sent {
        tracing::warn!(mails = sent - recorded.len(), "claims were lost while the mails were sent");
    }
    for Tried { mail, outcome } in others {
        if let Err(error) = outcome {
            record_failed(ctx, holder, mail, error)?;
        }
    }
    Ok(mails::give_back(&mut ctx.tx, holder, &ended.untried)?)
}

fn record_failed(ctx: &mut Ctx, holder: &str, mail: Mail, error: SendError) -> Result<(), Error> {
    let given_up = mail.attempts >= ATTEMPTS_MAX && ctx.now - mail.created_at >= PUT_OFF_MAX;
    let put_off = if given_up { MailState::Failed } else { MailState::Queued };
    let wrong_address = matches!(error, SendError::Address(_));
    let (outcome, response, state) = match error {
        SendError::Address(text) | SendError::Permanent(text) => (AttemptOutcome::Refused, text, MailState::Failed),
        SendError::Transient(text) | SendError::Unreachable(text) | SendError::Crowded(text) => {
            (AttemptOutcome::Deferred, text, put_off)
        }
        // It may have arrived: sent again with the same Message-ID, so that a reader sees it once.
        SendError::Unknown(text) => (AttemptOutcome::Unknown, text, put_off),
    };
    let row = Attempt::by_smtp(mail.id.clone(), outcome, response.clone(), ctx.now);
    let wait = TimeDelta::from_std(backoff(mail.attempts, rand::random())).unwrap_or(TimeDelta::minutes(1));
    if !mails::record_attempt(&mut ctx.tx, row, holder, state, ctx.now + wait)? {
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
    notices::settle_again(&mut ctx.tx, mail_id)?;
    ctx.record("mail.resent", ("mail", mail_id), mail.case_id.as_deref(), json!({ "subject": mail.subject }));
    Ok(())
}
