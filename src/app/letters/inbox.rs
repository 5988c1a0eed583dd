//! What comes in by mail. Its bytes are kept before its row, and its row before it counts as read: nothing is lost.

use crate::app::letters::replies::{self, Trusted, Weighed};
use crate::app::tasks::required;
use crate::app::{Actor, App, Ctx, Error, letters::undelivered};
use crate::domain::access::Action;
use crate::domain::inbound::{InboundKind, InboundState};
use crate::domain::notice::AttemptOutcome;
use crate::lang::Message;
use crate::mail::bounce::{self, Bounce};
use crate::mail::maildir::{self, Unread};
use crate::mail::reply;
use crate::store::inbound::{self, Inbound};
use crate::store::mails::{self, Attempt};
use crate::store::new_id;
use mail_parser::MessageParser;
use serde_json::json;
use sha2::{Digest, Sha256};

const READ_AT_ONCE: usize = 20;

/// Takes in what the mail server delivered. Gives how many messages.
pub async fn take_in(app: &App) -> Result<usize, Error> {
    let Some(maildir) = app.settings.mail.inbound_maildir.clone() else { return Ok(0) };
    let failed = |error: std::io::Error| Error::Internal(format!("inbound maildir: {error}"));
    let folder = maildir.clone();
    let unread = tokio::task::spawn_blocking(move || maildir::unread(&folder, READ_AT_ONCE));
    let unread = unread.await.map_err(|error| Error::Internal(error.to_string()))?.map_err(failed)?;
    let count = unread.len();
    for message in unread {
        let message = take_in_one(app, message).await?;
        maildir::mark_read(&maildir, &message).map_err(failed)?;
    }
    Ok(count)
}

async fn take_in_one(app: &App, message: Unread) -> Result<Unread, Error> {
    let digest = hex::encode(Sha256::digest(&message.bytes));
    app.blobs.keep(&key_of(&digest), message.bytes.clone()).await?;
    let (message, pending) = app
        .write(&Actor::job("收信"), move |ctx| {
            // Read before, by another replica or before a crash.
            if inbound::is_known(&mut ctx.tx, &digest)? {
                return Ok((message, None));
            }
            let (row, weighed) = understood(ctx, digest, &message)?;
            match weighed {
                Weighed::Trusted(trusted) => Ok((message, Some((trusted, row)))),
                Weighed::Settled => {
                    inbound::insert(&mut ctx.tx, row)?;
                    Ok((message, None))
                }
            }
        })
        .await?;
    if let Some((trusted, row)) = pending {
        answer(app, *trusted, row).await?;
    }
    Ok(message)
}

fn key_of(digest: &str) -> String {
    format!("inbound/{digest}")
}

/// Does what a reply asks; what cannot be done waits for a person, with the reason.
async fn answer(app: &App, trusted: Trusted, mut row: Inbound) -> Result<(), Error> {
    let refused = match replies::act(app, trusted, row.clone()).await {
        Ok(()) => return Ok(()),
        // Not the message's fault: it stays unread and is tried again.
        Err(error @ (Error::Busy | Error::FilesUnavailable(_) | Error::Internal(_))) => return Err(error),
        Err(refused) => refused,
    };
    row.verdict = refused.message().to_string();
    app.write(&Actor::job("收信"), move |ctx| Ok(inbound::insert(&mut ctx.tx, row)?)).await
}

/// What a message is, once what a bounce tells is done.
fn understood(ctx: &mut Ctx, digest: String, message: &Unread) -> Result<(Inbound, Weighed), Error> {
    let mut row = Inbound {
        id: new_id(),
        digest,
        kind: InboundKind::Other,
        state: InboundState::Review,
        sender: String::new(),
        subject: String::new(),
        mail_id: None,
        case_id: None,
        verdict: "读不懂这封来信".to_owned(),
        received_at: ctx.now,
        handled_by: None,
        handled_at: None,
        note: None,
    };
    let Some(parsed) = MessageParser::default().parse(&message.bytes) else { return Ok((row, Weighed::Settled)) };
    row.sender = reply::sender(&parsed).chars().take(200).collect();
    row.subject = parsed.subject().unwrap_or_default().chars().take(200).collect();
    if message.cut_off {
        row.verdict = "来信过大，只保存了开头".to_owned();
        return Ok((row, Weighed::Settled));
    }
    if let Some(bounce) = bounce::read(&parsed) {
        row.kind = InboundKind::Bounce;
        return Ok((bounced(ctx, row, &bounce)?, Weighed::Settled));
    }
    let weighed = replies::weigh(ctx, &mut row, &parsed)?;
    Ok((row, weighed))
}

/// Messages of the review list, or all.
pub fn list(ctx: &mut Ctx, state: Option<InboundState>, offset: i64, limit: i64) -> Result<(Vec<Inbound>, i64), Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    Ok(inbound::list(&mut ctx.tx, state, offset, limit)?)
}

/// One message with its raw bytes, as they came.
pub async fn one(app: &App, actor: &Actor, id: String) -> Result<(Inbound, Vec<u8>), Error> {
    let row = app.read(actor, move |ctx| {
        ctx.require_anywhere(Action::ReadMail)?;
        inbound::by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)
    });
    let row = row.await?;
    let bytes = app.blobs.read(&key_of(&row.digest)).await?;
    Ok((row, bytes))
}

/// A person has dealt with a message that waited, and says how.
pub fn settle(ctx: &mut Ctx, id: &str, note: String) -> Result<(), Error> {
    ctx.require_anywhere(Action::ResendMail)?;
    let note = required("note", note)?;
    let row = inbound::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let person = ctx.actor.id().to_owned();
    if !inbound::settle(&mut ctx.tx, id, &person, &note, ctx.now)? {
        return Err(Error::Refused(Message::new("这封来信已处理。")));
    }
    ctx.record("mail.inbound_settled", ("inbound", id), row.case_id.as_deref(), json!({ "title": row.subject }));
    Ok(())
}

fn bounced(ctx: &mut Ctx, mut row: Inbound, bounce: &Bounce) -> Result<Inbound, Error> {
    let Some(mail) = mails::by_message_id(&mut ctx.tx, &bounce.message_id)? else {
        row.verdict = "退信所指的邮件不是本系统发出的".to_owned();
        return Ok(row);
    };
    (row.mail_id, row.case_id) = (Some(mail.id.clone()), mail.case_id.clone());
    row.state = InboundState::Done;
    let response = format!("{} {}", bounce.status, bounce.diagnostic);
    let outcome = if bounce.failed { AttemptOutcome::Refused } else { AttemptOutcome::Deferred };
    let (mail_id, at) = (mail.id.clone(), ctx.now);
    let told = Attempt { id: new_id(), mail_id, channel: "dsn".to_owned(), outcome, response: response.clone(), at };
    mails::insert_attempt(&mut ctx.tx, told)?;
    row.verdict = "对方服务器尚未送达，仍在重试".to_owned();
    if bounce.failed && mails::bounce(&mut ctx.tx, &mail.id, ctx.now)? {
        if bounce.blames_the_address() {
            undelivered::wrong_address(ctx, &mail, &response)?;
            row.verdict = "已标记该邮箱不可用，并告知协调员".to_owned();
        } else {
            undelivered::refused(ctx, &mail, &response)?;
            row.verdict = "邮件被退回，已告知协调员".to_owned();
        }
    }
    Ok(row)
}
