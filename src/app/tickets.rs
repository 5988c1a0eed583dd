//! Tickets in, listed, shown with the citizen masked, chased.

pub mod attaching;
pub mod calls;
pub mod importing;
pub mod known_problem;

use super::{Ctx, Error, keyed_hash};
use crate::app::problems::detection;
use crate::detect::explain;
use crate::domain::access::Action;
use crate::domain::mask;
use crate::domain::ticket::{Disposition, FieldError, NewTicket, TicketState};
use crate::lang::Message;
use crate::store::attachments::{self, Attachment, Urge};
use crate::store::cases::{self, Case};
use crate::store::memberships;
use crate::store::problems::{self, Problem};
use crate::store::tickets::{self, Contact, Filter, NewRow, Ticket};
use crate::store::{house, new_id};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The most tickets one call takes.
pub const BATCH_MAX: usize = 2_000;
const SHARED_SHOWN: usize = 5;

#[derive(Debug, Clone)]
pub struct Added {
    /// Ids of the tickets that were new.
    pub new: Vec<String>,
    /// How many were known by their number.
    pub repeated: usize,
}

/// A ticket as people see it: personal numbers and the caller masked.
#[derive(Debug, Clone)]
pub struct TicketView {
    pub ticket: Ticket,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub address: Option<String>,
    pub problem: Option<Placing>,
    pub attachment: Option<(Attachment, Case)>,
    pub urges: Vec<Urge>,
}

/// The problem that a ticket is in, and why.
#[derive(Debug, Clone)]
pub struct Placing {
    pub problem: Problem,
    pub by_person: bool,
    /// Likeness, 0–1.
    pub score: f64,
    /// Where else it might have been, and how alike that is.
    pub runner_up: Option<(Problem, f64)>,
    /// The words it shares with the others, the strongest first.
    pub shared: Vec<String>,
}

/// Stores tickets; those whose number is known change nothing. One bad ticket refuses the batch, naming it.
pub fn add(ctx: &mut Ctx, new: Vec<NewTicket>) -> Result<Added, Error> {
    ctx.require_anywhere(Action::AddTickets)?;
    if new.len() > BATCH_MAX {
        return Err(Error::Refused(Message::new("一次最多 %{max} 件").with("max", BATCH_MAX)));
    }
    for (index, ticket) in new.iter().enumerate() {
        let faults = ticket.faults();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults.into_iter().map(|fault| in_row(index, new.len(), fault)).collect()));
        }
    }
    let count = new.len();
    let rows: Vec<NewRow> = new.into_iter().map(|ticket| row(ctx, ticket)).collect();
    let mut digest = Sha256::new();
    for row in &rows {
        digest.update(row.ticket.source_no.as_bytes());
        digest.update(b"\n");
    }
    let range =
        (rows.first().map(|row| row.ticket.source_no.clone()), rows.last().map(|row| row.ticket.source_no.clone()));
    let stored = tickets::insert_batch(&mut ctx.tx, rows)?;
    if let Some(first) = stored.first() {
        let payload = json!({ "count": stored.len(), "first": range.0, "last": range.1, "digest": hex::encode(digest.finalize()) });
        ctx.record("tickets.added", ("ticket", first), None, payload);
    }
    Ok(Added { repeated: count - stored.len(), new: stored })
}

fn in_row(index: usize, of: usize, fault: FieldError) -> FieldError {
    if of == 1 {
        return fault;
    }
    let reason = Message::new("第 %{row} 件：%{reason}").with("row", index + 1).with("reason", fault.reason);
    FieldError { field: fault.field, reason }
}

fn row(ctx: &Ctx, new: NewTicket) -> NewRow {
    let settings = &ctx.app.settings;
    let id = new_id();
    let caller = new.caller.map(|caller| caller.trim().to_owned()).filter(|caller| !caller.is_empty());
    let contact = (caller.is_some() || new.caller_name.is_some() || new.address.is_some()).then(|| Contact {
        ticket_id: id.clone(),
        phone: caller.clone(),
        name: new.caller_name,
        address: new.address,
    });
    let ticket = Ticket {
        id,
        source_no: new.source_no.trim().to_owned(),
        title: new.title.trim().to_owned(),
        body: new.body.trim().to_owned(),
        received_at: new.received_at,
        due_at: new.due_at,
        channel: new.channel,
        category: new.category,
        district: new.district,
        latitude: new.latitude,
        longitude: new.longitude,
        caller_key_version: caller.is_some().then_some(settings.caller_key_version),
        // No list of phones can be made from the database.
        caller_hash: caller.as_deref().map(|caller| keyed_hash::of(&settings.caller_key, caller)),
        state: TicketState::Open,
        disposition: Disposition::Open,
        version: 1,
        created_at: ctx.now,
    };
    NewRow { ticket, contact }
}

/// A number for a ticket that an operator types in.
pub fn next_source_no(ctx: &mut Ctx) -> Result<String, Error> {
    let day = ctx.today.format("%Y%m%d").to_string();
    let serial = house::next_number(&mut ctx.tx, &format!("ticket.{day}"))?;
    Ok(format!("SB{day}{serial:05}"))
}

pub fn list(ctx: &mut Ctx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Ticket>, i64), Error> {
    ctx.require_anywhere(Action::ReadTickets)?;
    let (rows, total) = tickets::list(&mut ctx.tx, filter, offset, limit)?;
    Ok((rows.into_iter().map(|ticket| masked(ticket, None)).collect(), total))
}

/// A ticket with the numbers in its text hidden.
pub fn masked(mut ticket: Ticket, caller_name: Option<&str>) -> Ticket {
    ticket.title = mask::text(&ticket.title, caller_name);
    ticket.body = mask::text(&ticket.body, caller_name);
    ticket
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<TicketView, Error> {
    ctx.require_anywhere(Action::ReadTickets)?;
    let ticket = find(ctx, id)?;
    let contact = tickets::contact_of(&mut ctx.tx, &ticket.id)?;
    let problem = placing(ctx, &ticket)?;
    let attachment = match attachments::open_of(&mut ctx.tx, &ticket.id)? {
        Some(open) => cases::by_id(&mut ctx.tx, &open.case_id)?.map(|case| (open, case)),
        None => None,
    };
    let urges = attachments::urges_of(&mut ctx.tx, &ticket.id)?;
    let known = contact.as_ref().and_then(|contact| contact.name.as_deref());
    Ok(TicketView {
        ticket: masked(ticket, known),
        caller: contact.as_ref().and_then(|contact| contact.phone.as_deref()).map(mask::number),
        caller_name: known.map(mask::name),
        address: contact.as_ref().and_then(|contact| contact.address.clone()),
        problem,
        attachment,
        urges,
    })
}

fn placing(ctx: &mut Ctx, ticket: &Ticket) -> Result<Option<Placing>, Error> {
    let Some(row) = memberships::standing(&mut ctx.tx, std::slice::from_ref(&ticket.id))?.into_iter().next() else {
        return Ok(None);
    };
    let Some(problem) = problems::by_id(&mut ctx.tx, &row.problem_id)? else { return Ok(None) };
    let runner_up = match &row.runner_up_id {
        Some(id) => {
            problems::by_id(&mut ctx.tx, id)?.filter(|other| other.merged_into.is_none() && other.id != problem.id)
        }
        None => None,
    };
    let document = detection::text_of(ticket);
    let shared = ctx.app.index.read(|index| explain::reasons(index, &document, &problem.id, SHARED_SHOWN));
    Ok(Some(Placing {
        by_person: row.is_by_person(),
        score: row.score,
        runner_up: runner_up.zip(row.runner_up_score),
        shared: shared.unwrap_or_default().into_iter().map(|(word, _)| word).collect(),
        problem,
    }))
}

fn find(ctx: &mut Ctx, id: &str) -> Result<Ticket, Error> {
    match tickets::by_id(&mut ctx.tx, id)? {
        Some(ticket) => Ok(ticket),
        None => tickets::by_source_no(&mut ctx.tx, id)?.ok_or(Error::NotFound),
    }
}

/// The caller in clear, for those whose work needs it; each look is logged with its reason.
pub fn unmask(ctx: &mut Ctx, id: &str, reason: String) -> Result<Contact, Error> {
    ctx.require_anywhere(Action::Unmask)?;
    let reason = super::tasks::required("reason", reason)?;
    let ticket = find(ctx, id)?;
    let contact = tickets::contact_of(&mut ctx.tx, &ticket.id)?.ok_or(Error::NotFound)?;
    ctx.record("ticket.unmasked", ("ticket", &ticket.id), None, json!({ "reason": reason }));
    Ok(contact)
}

/// A caller chases an old ticket (催单).
pub fn urge(ctx: &mut Ctx, id: &str, note: Option<String>) -> Result<(), Error> {
    ctx.require_anywhere(Action::AttachTickets)?;
    let ticket = find(ctx, id)?;
    let row =
        Urge { id: new_id(), ticket_id: ticket.id.clone(), note, person_id: ctx.actor.id().to_owned(), at: ctx.now };
    attachments::insert_urge(&mut ctx.tx, &row)?;
    ctx.record("ticket.urged", ("ticket", &ticket.id), None, json!({}));
    Ok(())
}
