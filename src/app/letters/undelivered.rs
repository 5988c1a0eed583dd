//! Mails that did not arrive: the address is flagged, the coordinator is told, and what was owed finds another way.

use crate::app::{Ctx, Error, Owed, Recipient, letters::channels};
use crate::domain::notice::{RecipientKind, Stage};
use crate::store::inbound::Flagged;
use crate::store::mails::Mail;
use crate::store::notices;
use crate::store::{cases, inbound};
use serde_json::json;

/// The address takes no mail: it is flagged, and what the mail settled is owed again, to whoever else can be reached.
pub fn wrong_address(ctx: &mut Ctx, mail: &Mail, reason: &str) -> Result<(), Error> {
    let (address, now) = (mail.address.clone(), ctx.now);
    let row = Flagged { address, reason: reason.to_owned(), mail_id: Some(mail.id.clone()), since: now };
    inbound::flag(&mut ctx.tx, row)?;
    notices::owe_again(&mut ctx.tx, &mail.id)?;
    tell_coordinator(ctx, mail, reason)
}

/// The mail does not arrive, whoever it is addressed to: the coordinator is told, and what it settled goes another way.
pub fn refused(ctx: &mut Ctx, mail: &Mail, reason: &str) -> Result<(), Error> {
    channels::fall_back_from_mail(ctx, mail)?;
    tell_coordinator(ctx, mail, reason)
}

/// The coordinator of the mail's case learns that it did not arrive.
fn tell_coordinator(ctx: &mut Ctx, mail: &Mail, reason: &str) -> Result<(), Error> {
    let payload = json!({ "title": mail.subject, "to": mail.recipient_name, "address": mail.address });
    ctx.record("mail.undelivered", ("mail", &mail.id), mail.case_id.as_deref(), payload);
    let case = mail.case_id.as_deref().map(|id| cases::by_id(&mut ctx.tx, id)).transpose()?.flatten();
    let Some(coordinator) = case.map(|case| case.coordinator().to_owned()) else { return Ok(()) };
    if mail.recipient_kind == RecipientKind::Person && mail.recipient_id == coordinator {
        return Ok(());
    }
    ctx.owe(Owed {
        subject_kind: "mail",
        subject_id: &mail.id,
        stage: Stage::MailUndelivered,
        recipient: Recipient::Person(&coordinator),
        cycle: mail.attempts,
        case_id: mail.case_id.as_deref(),
        detail: &format!("{} <{}>: {reason}", mail.recipient_name, mail.address),
    });
    Ok(())
}
