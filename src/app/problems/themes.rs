//! Citywide themes: the same grievance at several places, each place's own problem under it.

use crate::app::problems::detection::keep_lease;
use crate::app::problems::placements::{self, blank_problem};
use crate::app::{Actor, App, Ctx, Error};
use crate::detect::Theme;
use crate::domain::problem::ProblemKind;
use crate::store::memberships;
use crate::store::problems::{self, Problem};
use crate::store::{house, new_id};
use std::collections::{HashMap, HashSet};

/// Two places' problems make a theme; so do a problem or none with this many tickets of other places.
const LONE_LEAST: usize = 5;

/// A theme as it is to be: its id if it has one already, the problems and the lone tickets under it.
struct Wanted {
    id: Option<String>,
    problems: Vec<String>,
    tickets: Vec<String>,
}

/// Stores the themes that were found. A theme keeps its id while it has the most of what it had.
pub async fn store(app: &App, found: Vec<Theme>, holder: &str) -> Result<(), Error> {
    let worth = |theme: &Theme| theme.problems.len() > 1 || theme.tickets.len() >= LONE_LEAST;
    let found: Vec<Theme> = found.into_iter().filter(worth).collect();
    let (wanted, gone) = app.read(&Actor::job("归并"), move |ctx| named(ctx, found)).await?;
    for theme in wanted {
        let holder = holder.to_owned();
        app.write(&Actor::job("归并"), move |ctx| put(ctx, theme, &holder)).await?;
    }
    app.write(&Actor::job("归并"), move |ctx| gone.iter().try_for_each(|id| clear(ctx, id, &[], &[]))).await
}

/// Gives each theme found the id of the one it has most tickets of, and the ids of those that are no more.
fn named(ctx: &mut Ctx, found: Vec<Theme>) -> Result<(Vec<Wanted>, Vec<String>), Error> {
    let standing = problems::themes(&mut ctx.tx)?;
    let under: HashMap<String, (String, i64)> = problems::under_themes(&mut ctx.tx)?
        .into_iter()
        .map(|(problem, theme, tickets)| (problem, (theme, tickets)))
        .collect();
    let lone: HashMap<String, String> = memberships::theme_memberships(&mut ctx.tx)?.into_iter().collect();
    let mut shares: Vec<(i64, usize, String)> = Vec::new();
    for (number, theme) in found.iter().enumerate() {
        let mut share: HashMap<&String, i64> = HashMap::new();
        for (id, tickets) in theme.problems.iter().filter_map(|problem| under.get(problem)) {
            *share.entry(id).or_default() += tickets;
        }
        for id in theme.tickets.iter().filter_map(|ticket| lone.get(ticket)) {
            *share.entry(id).or_default() += 1;
        }
        shares.extend(share.into_iter().map(|(id, tickets)| (tickets, number, id.clone())));
    }
    shares.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, &a.2).cmp(&(b.1, &b.2))));
    let mut ids: Vec<Option<String>> = vec![None; found.len()];
    let mut taken = HashSet::new();
    for (_, number, id) in shares {
        if ids[number].is_none() && taken.insert(id.clone()) {
            ids[number] = Some(id);
        }
    }
    let gone = standing.into_iter().filter(|theme| theme.decided_at.is_none() && !taken.contains(&theme.id));
    let gone = gone.map(|theme| theme.id).collect();
    let wanted = found
        .into_iter()
        .zip(ids)
        .map(|(theme, id)| Wanted { id, problems: theme.problems, tickets: theme.tickets })
        .collect();
    Ok((wanted, gone))
}

/// Brings one theme to what it is to be.
fn put(ctx: &mut Ctx, wanted: Wanted, holder: &str) -> Result<(), Error> {
    keep_lease(ctx, holder)?;
    let id = match wanted.id {
        Some(id) => id,
        None => {
            let Some(first) = first_of(ctx, &wanted.problems, &wanted.tickets)? else { return Ok(()) };
            let (id, no) = (new_id(), house::next_number(&mut ctx.tx, "problem")?);
            let kind = ProblemKind::Theme;
            let row = Problem { kind, ..blank_problem(&id, no, &first.0, first.1, ctx.now) };
            problems::insert(&mut ctx.tx, vec![row])?;
            id
        }
    };
    clear(ctx, &id, &wanted.problems, &wanted.tickets)?;
    problems::put_under(&mut ctx.tx, &wanted.problems, Some(&id))?;
    let there: HashSet<String> = memberships::lone_of_theme(&mut ctx.tx, &id)?.into_iter().collect();
    let new: Vec<String> = wanted.tickets.into_iter().filter(|ticket| !there.contains(ticket)).collect();
    memberships::take_all_out(&mut ctx.tx, &new, ProblemKind::Theme, ctx.now)?;
    let rows = new.iter().map(|ticket| placements::by_machine(ctx.now, ticket, &id, ProblemKind::Theme));
    memberships::place(&mut ctx.tx, rows.collect())?;
    Ok(problems::set_uncounted(&mut ctx.tx, [&id], true)?)
}

/// Takes out of a theme what is not to be under it. An empty one stays, with its history.
fn clear(ctx: &mut Ctx, id: &str, problems: &[String], tickets: &[String]) -> Result<(), Error> {
    let leaving: Vec<String> =
        problems::under(&mut ctx.tx, id)?.into_iter().map(|row| row.id).filter(|id| !problems.contains(id)).collect();
    problems::put_under(&mut ctx.tx, &leaving, None)?;
    let out: Vec<String> =
        memberships::lone_of_theme(&mut ctx.tx, id)?.into_iter().filter(|ticket| !tickets.contains(ticket)).collect();
    memberships::take_all_out(&mut ctx.tx, &out, ProblemKind::Theme, ctx.now)?;
    Ok(problems::set_uncounted(&mut ctx.tx, [&id.to_owned()], true)?)
}

/// What a new theme is called at first, and when it began.
fn first_of(
    ctx: &mut Ctx,
    problem_ids: &[String],
    ticket_ids: &[String],
) -> Result<Option<(String, chrono::NaiveDateTime)>, Error> {
    if let Some(id) = problem_ids.first() {
        return Ok(problems::by_id(&mut ctx.tx, id)?.map(|problem| (problem.title, problem.first_at)));
    }
    let tickets = crate::store::tickets::by_ids(&mut ctx.tx, ticket_ids)?;
    Ok(tickets.into_iter().next().map(|ticket| (ticket.title, ticket.received_at)))
}
