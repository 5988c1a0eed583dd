//! What whoever gives out work wants to know first: what a unit has in hand and late, and what else goes on at the place.

use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::calendar::due_moment;
use crate::domain::case::CaseState;
use crate::domain::mask::street;
use crate::store::cases::{self, Case};
use crate::store::{memberships, people, plans};
use chrono::TimeDelta;
use std::collections::{BTreeSet, HashMap};

/// Tasks that a unit and the units below it have now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    pub in_hand: usize,
    pub late: usize,
}

/// Every unit's load by its id, with its name; units without one are there too.
pub fn loads(ctx: &mut Ctx) -> Result<HashMap<String, (String, Load)>, Error> {
    let today_is_over = due_moment(ctx.today, ctx.app.settings.timezone, ctx.app.settings.close_of_day) <= ctx.now;
    let last_day_over = if today_is_over { ctx.today } else { ctx.today - TimeDelta::days(1) };
    let held = plans::held_by_units(&mut ctx.tx, last_day_over)?;
    let units = people::units(&mut ctx.tx)?;
    let paths: HashMap<&str, &str> = units.iter().map(|unit| (unit.id.as_str(), unit.path.as_str())).collect();
    let mut loads: HashMap<String, (String, Load)> =
        units.iter().map(|unit| (unit.id.clone(), (unit.name.clone(), Load::default()))).collect();
    for (holder, in_hand, late) in held {
        for unit_id in paths.get(holder.as_str()).into_iter().flat_map(|path| path.split('/')) {
            if let Some((_, load)) = loads.get_mut(unit_id) {
                load.in_hand += in_hand;
                load.late += late;
            }
        }
    }
    Ok(loads)
}

/// An open case where people complain about the same street.
#[derive(Debug, Clone)]
pub struct Nearby {
    pub case: Case,
    pub places: Vec<String>,
}

/// Open cases, but one, at the places of the problems.
pub fn at_same_places(ctx: &mut Ctx, problem_ids: &[String], besides: Option<&str>) -> Result<Vec<Nearby>, Error> {
    ctx.require_anywhere(Action::OpenCase)?;
    let own = streets(ctx, problem_ids)?;
    let open: Vec<CaseState> = CaseState::ALL.iter().copied().filter(|state| state.is_open()).collect();
    let mut found = Vec::new();
    for case in cases::in_states(&mut ctx.tx, &open)?.into_iter().filter(|case| besides != Some(&case.id)) {
        let theirs = cases::problems_of(&mut ctx.tx, &case.id)?;
        let places: Vec<String> = streets(ctx, &theirs)?.intersection(&own).cloned().collect();
        if !places.is_empty() {
            found.push(Nearby { case, places });
        }
    }
    Ok(found)
}

fn streets(ctx: &mut Ctx, problem_ids: &[String]) -> Result<BTreeSet<String>, Error> {
    let mut streets = BTreeSet::new();
    for id in problem_ids {
        streets.extend(memberships::addresses(&mut ctx.tx, id)?.iter().filter_map(|address| street(address)));
    }
    Ok(streets)
}
