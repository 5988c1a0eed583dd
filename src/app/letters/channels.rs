//! In which order of channels (渠道顺序) somebody is reached: the first that can reach them carries a notice, the next
//! when it finally fails. Mail is the default and the last resort.

use super::drafts::Drafts;
use super::{Bundle, To, by_name, is_urgent, messages, recipient};
use crate::app::letters::preferences;
use crate::app::{Ctx, Error, chase::duty};
use crate::domain::access::Role;
use crate::domain::notice::RecipientKind;
use crate::domain::webhook::{Means, WebhookKind, mobile};
use crate::lang::Lang;
use crate::store::mails::Mail;
use crate::store::notices::{self, Notice};
use crate::store::people::{self, Person};
use crate::store::preferences as rows;
use crate::store::webhooks::{self, Webhook};
use serde_json::json;

/// What carries a notice.
enum Way {
    Mail,
    Message(Box<Webhook>, To),
}

/// Words what is owed to one recipient for mails and messages.
pub fn draft(ctx: &mut Ctx, drafts: &mut Drafts, group: Vec<Notice>, bundle: Bundle, from: &str) -> Result<(), Error> {
    let Some(first) = group.first() else { return Ok(()) };
    let order = rows::of(&mut ctx.tx, &first.recipient_id)?.order();
    if order == [Means::Mail] {
        return super::draft(ctx, drafts, group, bundle, from);
    }
    let mut left = group;
    for means in order {
        let (tried, open): (Vec<_>, Vec<_>) = left.into_iter().partition(|notice| notice.has_tried(means.code()));
        left = tried;
        let Some(first) = open.first() else { continue };
        match way(ctx, first, means)? {
            Some(Way::Mail) => super::draft(ctx, drafts, open, bundle, from)?,
            Some(Way::Message(hook, to)) => messages::draft(ctx, drafts, open, bundle, &hook, to)?,
            None => left.extend(open),
        }
    }
    let reason =
        if left.iter().any(|notice| !notice.tried.is_empty()) { notices::UNDELIVERED } else { notices::NO_ADDRESS };
    drafts.skip_all(left, reason);
    Ok(())
}

/// How a means reaches the recipient, if it does.
fn way(ctx: &mut Ctx, notice: &Notice, means: Means) -> Result<Option<Way>, Error> {
    if means == Means::Mail {
        return Ok(recipient(ctx, notice)?.map(|_| Way::Mail));
    }
    let Some(hook) = endpoints(ctx)?.into_iter().find(|hook| hook.kind.means() == Some(means)) else { return Ok(None) };
    Ok(reader(ctx, notice)?.map(|to| Way::Message(Box::new(hook), to)))
}

/// The endpoints that carry notices to people.
fn endpoints(ctx: &mut Ctx) -> Result<Vec<Webhook>, Error> {
    let all = webhooks::all(&mut ctx.tx)?;
    Ok(all.into_iter().filter(|hook| hook.active && hook.carries_notices).collect())
}

/// The means that somebody can choose from.
pub fn offered(ctx: &mut Ctx) -> Result<Vec<Means>, Error> {
    let others = endpoints(ctx)?.into_iter().filter_map(|hook| hook.kind.means());
    Ok(std::iter::once(Means::Mail).chain(others).collect())
}

/// Whose telephone it is: the person's or the deputy's; of a unit who is on duty, the liaison's, an officer's, the head's.
fn reader(ctx: &mut Ctx, notice: &Notice) -> Result<Option<To>, Error> {
    let id = &notice.recipient_id;
    if notice.recipient_kind == RecipientKind::Person {
        let Some(person) = people::person_by_id(&mut ctx.tx, id)? else { return Ok(None) };
        return Ok(by_phone(preferences::deputy_of(ctx, id)?.unwrap_or(person)));
    }
    let Some(unit) = people::unit_by_id(&mut ctx.tx, id)? else { return Ok(None) };
    if is_urgent(ctx, notice)?
        && let Some(to) = duty::reads_on_day_off(ctx, id)?.into_iter().find_map(by_phone)
    {
        return Ok(Some(to));
    }
    for role in [Role::Liaison, Role::Officer, Role::UnitHead] {
        let staff = people::staff_of_unit(&mut ctx.tx, id, &[role], ctx.now)?;
        if let Some(to) = staff.into_iter().find_map(by_phone) {
            return Ok(Some(To { name: unit.name, lang: Lang::Zh, ..to }));
        }
    }
    Ok(None)
}

fn by_phone(person: Person) -> Option<To> {
    let address = mobile(person.phone.as_deref()?)?;
    by_name(Person { email: Some(address), ..person })
}

/// What a message settled that will not arrive is owed again, by the recipient's next means.
pub fn fall_back(ctx: &mut Ctx, delivery_id: &str, kind: WebhookKind) -> Result<(), Error> {
    let Some(means) = kind.means() else { return Ok(()) };
    let again = notices::owe_by_next(&mut ctx.tx, notices::Settled::ByMessage(delivery_id), means.code())?;
    tell(ctx, again, means);
    Ok(())
}

/// Likewise of a mail, where the recipient has another means.
pub fn fall_back_from_mail(ctx: &mut Ctx, mail: &Mail) -> Result<(), Error> {
    if rows::of(&mut ctx.tx, &mail.recipient_id)?.order() != [Means::Mail] {
        let again = notices::owe_by_next(&mut ctx.tx, notices::Settled::ByMail(&mail.id), Means::Mail.code())?;
        tell(ctx, again, Means::Mail);
    }
    Ok(())
}

fn tell(ctx: &mut Ctx, again: Vec<Notice>, failed: Means) {
    for notice in again {
        let payload = json!({ "stage": notice.stage.code(), "from": failed.label() });
        ctx.record("notice.rerouted", ("notice", &notice.id), notice.case_id.as_deref(), payload);
    }
}
