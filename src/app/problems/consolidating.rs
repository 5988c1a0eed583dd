//! Once a night all tickets are looked at together: what only the machine placed may move, the rest is proposed to people,
//! and problems with the same grievance are put under a theme.

use crate::app::problems::detection::{is_free, keep_lease};
use crate::app::problems::placements::{self, blank_problem};
use crate::app::{Actor, App, Ctx, Error, problems::themes};
use crate::detect::{Change, Proposal as Proposed};
use crate::domain::problem::{ProblemKind, ProposalKind};
use crate::store::decisions::{self, Proposal};
use crate::store::memberships::{self, Membership};
use crate::store::problems;
use crate::store::{house, new_id, tickets};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The local day on which it was done last.
const DONE_ON_SETTING: &str = "detection.consolidated_on";
/// The local hour from which on it is done: hardly anybody works.
const FROM_HOUR: u32 = 2;
/// Tickets moved in one transaction.
const MOVED_AT_ONCE: usize = 64;
/// The likeliest are proposed: people decide about a handful a day.
const PROPOSALS_MAX: usize = 30;

/// From a problem, into another or none.
type Left = Vec<(String, Option<String>)>;
/// By problem that tickets left: how many went where.
type Went = HashMap<String, HashMap<Option<String>, usize>>;

/// Consolidates if it is night and it was not done yet. Gives whether it did.
pub async fn nightly(app: &App, holder: &str) -> Result<bool, Error> {
    let now = app.clock.now();
    let (today, hour) = (app.clock.local_date(now).to_string(), chrono::Timelike::hour(&app.clock.local(now)));
    let done_on = app.store.read_aside(|tx| house::setting(tx, DONE_ON_SETTING)).await?;
    if hour < FROM_HOUR || done_on.as_ref() == Some(&today) || !is_free(app, holder).await? {
        return Ok(false);
    }
    // Noted first: what fails is told once a night, and matching goes on.
    app.store.write(move |tx| house::put_setting(tx, DONE_ON_SETTING, &today, now)).await?;
    consolidate(app, holder).await?;
    Ok(true)
}

/// Looks at all tickets again and stores what comes of it. Gives how many tickets moved. Nothing without the index.
pub async fn consolidate(app: &App, holder: &str) -> Result<usize, Error> {
    let index = app.index.clone();
    let done = tokio::task::spawn_blocking(move || index.read(|engine| engine.consolidate(new_id))).await;
    let Some(done) = done.map_err(|error| Error::Internal(error.to_string()))? else { return Ok(0) };
    let moves: Vec<(String, Option<String>)> = done
        .changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Moved { ticket, problem } => Some((ticket, problem)),
            Change::Founded { .. } => None,
        })
        .collect();
    let (mut moved, mut went) = (0, Went::new());
    for chunk in moves.chunks(MOVED_AT_ONCE) {
        let (chunk, holder) = (chunk.to_vec(), holder.to_owned());
        let (stored, left) = app.write(&Actor::job("归并"), move |ctx| move_some(ctx, chunk, &holder)).await?;
        moved += stored.len();
        for (source, target) in left {
            *went.entry(source).or_default().entry(target).or_default() += 1;
        }
        app.index.change(|engine| engine.apply(&stored));
    }
    let proposals = done.proposals;
    let leave_and_propose = move |ctx: &mut Ctx| {
        leave_behind(ctx, went)?;
        propose(ctx, proposals)
    };
    app.write(&Actor::job("归并"), leave_and_propose).await?;
    themes::store(app, done.themes, holder).await?;
    Ok(moved)
}

/// Moves those that still only the machine placed. Gives what was stored, and from which problem into which.
fn move_some(ctx: &mut Ctx, moves: Vec<(String, Option<String>)>, holder: &str) -> Result<(Vec<Change>, Left), Error> {
    keep_lease(ctx, holder)?;
    let ids: Vec<String> = moves.iter().map(|(ticket, _)| ticket.clone()).collect();
    let held: BTreeSet<String> = problems::decided(&mut ctx.tx)?.into_iter().collect();
    let standing = memberships::standing(&mut ctx.tx, &ids)?;
    let now_in: HashMap<&str, &Membership> = standing.iter().map(|row| (&*row.ticket_id, row)).collect();
    let free = |(ticket, to): &(String, Option<String>)| {
        let source_is_free =
            now_in.get(&**ticket).is_none_or(|row| !row.is_by_person() && !held.contains(&row.problem_id));
        source_is_free && to.as_ref().is_none_or(|to| !held.contains(to) || !now_in.contains_key(&**ticket))
    };
    let moves: Vec<(String, Option<String>)> = moves.into_iter().filter(free).collect();
    found(ctx, &moves)?;
    let leaving: Vec<String> = moves.iter().map(|(ticket, _)| ticket.clone()).collect();
    memberships::take_all_out(&mut ctx.tx, &leaving, ProblemKind::Local, ctx.now)?;
    let entering = moves.iter().filter_map(|(ticket, to)| {
        let to = to.as_ref()?;
        Some(placements::by_machine(ctx.now, ticket, to, ProblemKind::Local))
    });
    memberships::place(&mut ctx.tx, entering.collect())?;
    let left: Left =
        moves.iter().filter_map(|(ticket, to)| Some((now_in.get(&**ticket)?.problem_id.clone(), to.clone()))).collect();
    let sources = left.iter().map(|(source, _)| source);
    problems::set_uncounted(&mut ctx.tx, moves.iter().filter_map(|(_, to)| to.as_ref()).chain(sources), true)?;
    Ok((moves.into_iter().map(|(ticket, problem)| Change::Moved { ticket, problem }).collect(), left))
}

/// Makes the problems that do not exist yet, each named by its first ticket.
fn found(ctx: &mut Ctx, moves: &[(String, Option<String>)]) -> Result<(), Error> {
    let targets: BTreeSet<&String> = moves.iter().filter_map(|(_, to)| to.as_ref()).collect();
    for target in targets {
        if problems::by_id(&mut ctx.tx, target)?.is_some() {
            continue;
        }
        let Some((ticket, _)) = moves.iter().find(|(_, to)| to.as_ref() == Some(target)) else { continue };
        let ticket = tickets::by_id(&mut ctx.tx, ticket)?.ok_or(Error::NotFound)?;
        let no = house::next_number(&mut ctx.tx, "problem")?;
        problems::insert(&mut ctx.tx, vec![blank_problem(target, no, &ticket.title, ticket.received_at, ctx.now)])?;
    }
    Ok(())
}

/// A problem that all its tickets left points to where most of them went. Not before all are moved: others may have
/// come in.
fn leave_behind(ctx: &mut Ctx, went: Went) -> Result<(), Error> {
    for (source, targets) in went {
        let most = targets.into_iter().filter_map(|(target, count)| Some((count, target?))).max();
        let (Some((_, into)), true) = (most, memberships::is_empty(&mut ctx.tx, &source)?) else { continue };
        let Some(mut problem) = problems::by_id(&mut ctx.tx, &source)? else { continue };
        ctx.record("problem.merged", ("problem", &source), None, json!({ "no": problem.no, "into": into }));
        problem.merged_into = Some(into);
        if !problems::save(&mut ctx.tx, &problem)? {
            return Err(Error::Busy);
        }
    }
    Ok(())
}

/// A problem whose tickets a person held back was never made: nothing is proposed about it.
fn propose(ctx: &mut Ctx, proposed: Vec<Proposed>) -> Result<(), Error> {
    let mut rows: Vec<(Proposal, Vec<String>)> = proposed
        .into_iter()
        .map(|proposed| {
            let (kind, problem_id, into_id, score, tickets) = match proposed {
                Proposed::Merge { from, into, score } => {
                    (ProposalKind::Merge, from, Some(into), Some(score), Vec::new())
                }
                Proposed::Split { problem, tickets } => (ProposalKind::Split, problem, None, None, tickets),
            };
            (Proposal { id: new_id(), kind, problem_id, into_id, score, at: ctx.now }, tickets)
        })
        .collect();
    let named = rows.iter().flat_map(|(row, _)| [Some(&row.problem_id), row.into_id.as_ref()]).flatten();
    let there: HashSet<String> = problems::existing(&mut ctx.tx, named)?.into_iter().collect();
    rows.retain(|(row, _)| {
        there.contains(&row.problem_id) && row.into_id.as_ref().is_none_or(|into| there.contains(into))
    });
    rows.sort_by(|(a, _), (b, _)| b.score.unwrap_or(1.0).total_cmp(&a.score.unwrap_or(1.0)));
    rows.truncate(PROPOSALS_MAX);
    Ok(decisions::propose(&mut ctx.tx, rows)?)
}
