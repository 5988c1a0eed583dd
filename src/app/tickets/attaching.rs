//! Tickets join a running case (并单) and leave it again (拆单).

use crate::app::problems::matching_index::EngineChange;
use crate::app::{Ctx, Error, problems::problem_decisions};
use crate::domain::access::Action;
use crate::domain::ticket::{AttachMode, Disposition, TicketState};
use crate::lang::Message;
use crate::store::attachments::{self, Attachment};
use crate::store::tickets::{self, Ticket};
use crate::store::{cases, new_id};
use serde_json::json;

/// Attaches a ticket to a running case. Answered with the agreed wording it is settled; otherwise it stays open.
pub fn attach(ctx: &mut Ctx, ticket_id: &str, case_id: &str, mode: AttachMode, told: String) -> Result<(), Error> {
    ctx.require_anywhere(Action::AttachTickets)?;
    let ticket = tickets::by_id(&mut ctx.tx, ticket_id)?.ok_or(Error::NotFound)?;
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    if !case.state.is_running() {
        return Err(Error::Refused(Message::new("专项现在是“%{state}”，不能并单。").with("state", case.state.label())));
    }
    if attachments::open_of(&mut ctx.tx, ticket_id)?.is_some() {
        return Err(Error::Refused(Message::new("工单已并单，请先拆单。")));
    }
    store_attachment(ctx, &ticket, case_id, mode, told)
}

/// Attaches what detection put into a problem under way.
pub fn attach_matched(ctx: &mut Ctx, ticket: &Ticket, case_id: &str) -> Result<(), Error> {
    if attachments::open_of(&mut ctx.tx, &ticket.id)?.is_some() {
        return Ok(());
    }
    store_attachment(ctx, ticket, case_id, AttachMode::Matched, String::new())
}

fn store_attachment(
    ctx: &mut Ctx,
    ticket: &Ticket,
    case_id: &str,
    mode: AttachMode,
    told: String,
) -> Result<(), Error> {
    let row = Attachment {
        id: new_id(),
        ticket_id: ticket.id.clone(),
        case_id: case_id.to_owned(),
        mode,
        told,
        prior_state: ticket.state,
        prior_disposition: ticket.disposition,
        since: ctx.now,
        until: None,
        person_id: ctx.actor.person_id.clone(),
        ended_by: None,
        end_reason: None,
    };
    attachments::insert(&mut ctx.tx, row)?;
    let state = if mode == AttachMode::Answered { TicketState::Settled } else { ticket.state };
    attachments::set_standing(&mut ctx.tx, &ticket.id, state, Disposition::Attached)?;
    ctx.record("ticket.attached", ("ticket", &ticket.id), Some(case_id), json!({ "mode": mode.code() }));
    Ok(())
}

/// Takes a wrongly attached ticket out: it goes back with its original time and state, leaves the problem, and is never
/// put back by the machine.
pub fn detach(ctx: &mut Ctx, ticket_id: &str, reason: String) -> Result<Vec<EngineChange>, Error> {
    ctx.require_anywhere(Action::AttachTickets)?;
    let reason = crate::app::tasks::required("reason", reason)?;
    let open =
        attachments::open_of(&mut ctx.tx, ticket_id)?.ok_or_else(|| Error::Refused(Message::new("工单没有并单。")))?;
    let person = ctx.actor.id().to_owned();
    attachments::end(&mut ctx.tx, &open.id, &person, &reason, ctx.now)?;
    attachments::set_standing(&mut ctx.tx, ticket_id, open.prior_state, open.prior_disposition)?;
    ctx.record("ticket.detached", ("ticket", ticket_id), Some(&open.case_id), json!({ "reason": reason }));
    problem_decisions::take_ticket(ctx, ticket_id, None, Some(reason))
}
