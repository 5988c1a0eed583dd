//! How a person or a unit wants its mails, and who reads a person's meanwhile.

use crate::app::{Ctx, Error, keyed_hash};
use crate::domain::access::Action;
use crate::domain::notice::{Rhythm, Stage};
use crate::domain::webhook::Means;
use crate::lang::Message;
use crate::store::preferences::{self, Absence, Preference};
use crate::store::{new_id, people};
use chrono::NaiveDate;
use serde_json::json;

/// Sets the actor's own.
pub fn set_own(ctx: &mut Ctx, rhythm: Rhythm, muted: Vec<Stage>, order: &[Means]) -> Result<(), Error> {
    // What asks something of its reader is not a matter of taste.
    if let Some(wrong) = muted.iter().find(|stage| !can_be_muted(**stage)) {
        let reason = Message::new("“%{stage}”不能关闭").with_message("stage", Message::new(wrong.label()));
        return Err(Error::field("muted", reason));
    }
    let person_id = ctx.actor.id().to_owned();
    set(ctx, ("person", &person_id), rhythm, &muted, order)
}

/// Sets a unit's: an administrator's matter.
pub fn set_of_unit(ctx: &mut Ctx, unit_id: &str, rhythm: Rhythm, order: &[Means]) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    people::unit_by_id(&mut ctx.tx, unit_id)?.ok_or(Error::NotFound)?;
    set(ctx, ("unit", unit_id), rhythm, &[], order)
}

fn set(ctx: &mut Ctx, (kind, id): (&str, &str), rhythm: Rhythm, muted: &[Stage], order: &[Means]) -> Result<(), Error> {
    let muted = muted.iter().map(|stage| stage.code()).collect::<Vec<_>>().join(" ");
    let channels = order.iter().map(|means| means.code()).collect::<Vec<_>>().join(" ");
    let payload = json!({ "to": rhythm.code(), "channels": channels });
    preferences::put(&mut ctx.tx, &Preference { recipient_id: id.to_owned(), rhythm, muted, channels })?;
    ctx.record("mail.preference_set", (kind, id), None, payload);
    Ok(())
}

/// News may be muted, and the first hint of a date, which the unit gets as well; what is asked may not.
pub fn can_be_muted(stage: Stage) -> bool {
    use Stage::*;
    matches!(
        stage,
        CaseIssued
            | DueSoon
            | SubmissionAccepted
            | ExtensionDecided
            | CalendarChanged
            | CaseVerifying
            | CaseClosed
            | CaseReopened
    )
}

/// Somebody else reads the actor's mails from a day until another. Gives the absence's id.
pub fn be_absent(ctx: &mut Ctx, deputy_id: &str, from_day: NaiveDate, until_day: NaiveDate) -> Result<String, Error> {
    let person_id = ctx.actor.id().to_owned();
    if until_day < from_day || until_day < ctx.today {
        return Err(Error::field("until_day", Message::new("日期不能早于今天")));
    }
    let deputy = people::person_by_id(&mut ctx.tx, deputy_id)?.filter(|deputy| deputy.active && deputy.id != person_id);
    deputy.ok_or_else(|| Error::field("deputy_id", Message::new("没有这个人")))?;
    let row =
        Absence { id: new_id(), person_id: person_id.clone(), deputy_id: deputy_id.to_owned(), from_day, until_day };
    let id = row.id.clone();
    preferences::insert_absence(&mut ctx.tx, row)?;
    let payload = json!({ "from": from_day, "to": until_day, "deputy": deputy_id });
    ctx.record("person.absence_set", ("person", &person_id), None, payload);
    Ok(id)
}

pub fn be_back(ctx: &mut Ctx, absence_id: &str) -> Result<(), Error> {
    let person_id = ctx.actor.id().to_owned();
    if !preferences::end_absence(&mut ctx.tx, &person_id, absence_id)? {
        return Err(Error::NotFound);
    }
    ctx.record("person.absence_ended", ("person", &person_id), None, json!({}));
    Ok(())
}

/// Who reads a person's mails today, when somebody else does.
pub fn deputy_of(ctx: &mut Ctx, person_id: &str) -> Result<Option<people::Person>, Error> {
    let absences = preferences::absences_of(&mut ctx.tx, person_id, ctx.today)?;
    let Some(now) = absences.into_iter().find(|absence| absence.from_day <= ctx.today) else { return Ok(None) };
    Ok(people::person_by_id(&mut ctx.tx, &now.deputy_id)?.filter(|deputy| deputy.active && deputy.email.is_some()))
}

/// The address that ends a recipient's digests with one click (RFC 8058): signed, so that nobody else's can be ended.
pub fn unsubscribe_path(ctx: &Ctx, recipient_id: &str) -> String {
    let signature = keyed_hash::of(&ctx.app.settings.caller_key, &signed_text(recipient_id));
    format!("/m/digests/{recipient_id}/{signature}")
}

fn signed_text(recipient_id: &str) -> String {
    format!("digests:{recipient_id}")
}

/// Back to single mails, by a digest's own link.
pub fn end_digests(ctx: &mut Ctx, recipient_id: &str, signed: &str) -> Result<(), Error> {
    if !keyed_hash::is_of(&ctx.app.settings.caller_key, &signed_text(recipient_id), signed) {
        return Err(Error::NotFound);
    }
    let kept = preferences::of(&mut ctx.tx, recipient_id)?;
    preferences::put(&mut ctx.tx, &Preference { rhythm: Rhythm::Each, ..kept })?;
    ctx.record("mail.preference_set", ("recipient", recipient_id), None, json!({ "to": Rhythm::Each.code() }));
    Ok(())
}
