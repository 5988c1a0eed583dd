//! What a case's page reads: the case with its plan, and what only the tab asked for shows.

use super::case_drawn as drawn;
use crate::app::cases::before_assigning::{Load, Nearby, at_same_places, loads};
use crate::app::cases::case_people::{self, CasePeople, Opinions};
use crate::app::cases::case_views::{self, CaseView};
use crate::app::plans::outlook::Upcoming;
use crate::app::plans::what_if::{self, PlanChange, Tried};
use crate::app::{Ctx, Error, tickets};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::store::events::{self, Event};
use crate::store::sent::{self, Sent, SentFilter, Span};
use crate::store::tasks::Report;
use crate::store::tickets::{Filter, Ticket};
use std::collections::HashMap;

/// Events shown below the plan, and on their own tab.
const NEWS: i64 = 5;
const TIMELINE: i64 = 200;
const TICKETS_SHOWN: i64 = 200;
/// Dates shown of what comes next.
const UPCOMING: usize = 5;

/// What of a case is looked at.
pub struct Asked {
    pub id: String,
    pub tab: &'static str,
    pub is_graph: bool,
    /// The number of the task shown beside the graph.
    pub task: Option<i32>,
    /// A task is being added: what to know before it is given out is looked up only then.
    pub is_adding: bool,
    /// What is tried, where something is.
    pub changes: Option<Vec<PlanChange>>,
}

/// The task beside the graph.
pub struct Picked {
    pub task_id: String,
    /// The latest report on it, and who made it.
    pub report: Option<(Report, String)>,
}

/// What was read; empty where the tab does not show it.
pub struct Parts {
    pub view: CaseView,
    pub tried: Option<Tried>,
    pub picked: Option<Picked>,
    pub upcoming: Vec<Upcoming>,
    pub events: Vec<Event>,
    pub opinions: Opinions,
    pub people: Option<CasePeople>,
    pub tickets: Vec<Ticket>,
    /// What was sent, by mail or another channel.
    pub mails: Vec<Sent>,
    /// Other open cases at the same places.
    pub nearby: Vec<Nearby>,
    /// By unit its name and what it has in hand.
    pub loads: Option<HashMap<String, (String, Load)>>,
}

pub fn read(ctx: &mut Ctx, asked: Asked) -> Result<Parts, Error> {
    let Asked { id, tab, is_graph, task, is_adding, changes } = asked;
    let (view, tried) = match changes {
        Some(changes) => what_if::show(ctx, &id, changes).map(|(view, tried)| (view, Some(tried)))?,
        None => (case_views::show(ctx, &id)?, None),
    };
    let (id, state) = (view.line.case.id.clone(), view.line.case.state);
    let is_draft = view.line.case.issued_at.is_none();
    let gives_out = is_adding || tried.is_some() || state == CaseState::Verifying;
    Ok(Parts {
        picked: if is_graph { picked(ctx, &view, task)? } else { None },
        upcoming: if is_graph { case_views::upcoming(ctx, &view, UPCOMING)? } else { Vec::new() },
        events: match tab {
            "timeline" => events::of_case(&mut ctx.tx, &id, TIMELINE)?,
            _ if is_graph => events::news_of_case(&mut ctx.tx, &id, NEWS)?,
            _ => Vec::new(),
        },
        opinions: if is_draft || tab == "people" { Opinions::of_case(ctx, &id)? } else { Opinions::default() },
        people: if tab == "people" { Some(case_people::people(ctx, &view)?) } else { None },
        tickets: if tab == "tickets" { attached(ctx, &id)? } else { Vec::new() },
        mails: if tab == "mails" { mailed(ctx, &id)? } else { Vec::new() },
        nearby: if view.may_shape && is_adding { nearby(ctx, &view)? } else { Vec::new() },
        loads: if view.may_shape && gives_out { Some(loads(ctx)?) } else { None },
        tried,
        view,
    })
}

fn picked(ctx: &mut Ctx, view: &CaseView, no: Option<i32>) -> Result<Option<Picked>, Error> {
    let Some(task) = drawn::picked(view, no) else { return Ok(None) };
    Ok(Some(Picked { task_id: task.id.clone(), report: case_views::last_report(ctx, &task.id)? }))
}

/// Tickets of the case, for whoever may read tickets.
fn attached(ctx: &mut Ctx, case_id: &str) -> Result<Vec<Ticket>, Error> {
    if !ctx.actor.may_somewhere(Action::ReadTickets) {
        return Ok(Vec::new());
    }
    let filter = Filter { case_id: Some(case_id.to_owned()), ..Filter::default() };
    Ok(tickets::list(ctx, &filter, 0, TICKETS_SHOWN)?.0)
}

fn mailed(ctx: &mut Ctx, case_id: &str) -> Result<Vec<Sent>, Error> {
    let filter = SentFilter { case_id: Some(case_id.to_owned()), ..SentFilter::default() };
    Ok(sent::list(&mut ctx.tx, &filter, Span::first(TICKETS_SHOWN))?.0)
}

/// Other open cases at the same places, for whoever opens cases.
fn nearby(ctx: &mut Ctx, view: &CaseView) -> Result<Vec<Nearby>, Error> {
    if !ctx.actor.may_somewhere(Action::OpenCase) {
        return Ok(Vec::new());
    }
    at_same_places(ctx, &view.problem_ids, Some(&view.line.case.id))
}
