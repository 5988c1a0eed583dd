//! What consolidation proposes about problems that a person decided about: accepted with one word, or declined for good.

use crate::app::problems::matching_index::EngineChange;
use crate::app::{Ctx, Error, problems::problem_decisions, tickets as readable};
use crate::domain::access::Action;
use crate::domain::problem::ProposalKind;
use crate::store::decisions::{self, Proposal};
use crate::store::problems::{self, Problem};
use crate::store::tickets::{self, Ticket};

/// A proposal with what it is about.
#[derive(Debug, Clone)]
pub struct ProposalView {
    pub proposal: Proposal,
    pub problem: Problem,
    pub into: Option<Problem>,
    /// The tickets to split off.
    pub tickets: Vec<Ticket>,
}

/// What is proposed: about one problem, or all of it. A proposal whose problems were decided about meanwhile is left out.
pub fn list(ctx: &mut Ctx, about: Option<&str>) -> Result<Vec<ProposalView>, Error> {
    ctx.require_anywhere(Action::ReadProblems)?;
    let mut views = Vec::new();
    for proposal in decisions::proposals(&mut ctx.tx)? {
        let concerns = |id: &str| proposal.problem_id == id || proposal.into_id.as_deref() == Some(id);
        if about.is_some_and(|id| !concerns(id)) {
            continue;
        }
        let Some(problem) = living(ctx, &proposal.problem_id)? else { continue };
        let into = match &proposal.into_id {
            Some(into) => living(ctx, into)?,
            None => None,
        };
        if into.is_none() && proposal.kind == ProposalKind::Merge {
            continue;
        }
        let ids = decisions::proposed_tickets(&mut ctx.tx, &proposal.id)?;
        let tickets =
            tickets::by_ids(&mut ctx.tx, &ids)?.into_iter().map(|ticket| readable::masked(ticket, None)).collect();
        views.push(ProposalView { proposal, problem, into, tickets });
    }
    Ok(views)
}

fn living(ctx: &mut Ctx, id: &str) -> Result<Option<Problem>, Error> {
    Ok(problems::by_id(&mut ctx.tx, id)?.filter(|problem| problem.merged_into.is_none()))
}

/// Merges or splits as proposed. Gives the problem to look at.
pub fn accept(ctx: &mut Ctx, id: &str) -> Result<(String, Vec<EngineChange>), Error> {
    let (proposal, part) = take(ctx, id)?;
    match proposal.into_id {
        Some(into) => {
            let changes = problem_decisions::merge(ctx, &proposal.problem_id, &into, String::new())?;
            Ok((into, changes))
        }
        None => {
            let first = tickets::by_ids(&mut ctx.tx, &part)?.into_iter().next().ok_or(Error::NotFound)?;
            let title = crate::app::problems::detection::short(&first.title);
            problem_decisions::split(ctx, &proposal.problem_id, &part, title)
        }
    }
}

/// Never again: the two problems are told apart, or the one is kept whole. Gives the problem to look at.
pub fn decline(ctx: &mut Ctx, id: &str) -> Result<(String, Vec<EngineChange>), Error> {
    let (proposal, part) = take(ctx, id)?;
    let changes = match &proposal.into_id {
        Some(into) => problem_decisions::keep_apart(ctx, &proposal.problem_id, into, String::new())?,
        None => problem_decisions::keep_whole(ctx, &proposal.problem_id, &part)?,
    };
    Ok((proposal.problem_id, changes))
}

fn take(ctx: &mut Ctx, id: &str) -> Result<(Proposal, Vec<String>), Error> {
    ctx.require_anywhere(Action::DecideProblems)?;
    let proposal = decisions::proposal(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let part = decisions::proposed_tickets(&mut ctx.tx, id)?;
    decisions::withdraw(&mut ctx.tx, id)?;
    Ok((proposal, part))
}
