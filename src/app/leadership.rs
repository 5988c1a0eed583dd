//! The leaders' minute: which cases are red and who holds them, how the units stand, what rises, what is owed to them.

use super::{Ctx, Error};
use crate::app::cases::case_views::{self, CaseLine, unit_names};
use crate::app::directives::views::{self as directive_views, DirectiveLine};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::domain::problem::ProblemState;
use crate::domain::share::Share;
use crate::domain::task::TaskState;
use crate::plan::Lamp;
use crate::store::briefs::{self, Brief};
use crate::store::cases;
use crate::store::problems::{self, Problem};
use crate::store::{events, plans, tasks};
use chrono::TimeDelta;
use std::collections::{BTreeMap, HashMap};

/// Fewer ended tasks than this say little about a unit: it is shown, not ranked.
pub const SAMPLE_MIN: usize = 10;
/// Rising problems shown.
const RISING: i64 = 5;
/// How long a directive's report stays on the page.
const REPORTED_SHOWN_FOR: TimeDelta = TimeDelta::days(14);

pub struct Leadership {
    pub in_hand: usize,
    pub red: usize,
    pub yellow: usize,
    pub verifying: usize,
    pub closed_this_week: usize,
    pub reopened_this_week: i64,
    pub terminated: usize,
    /// Cases in hand or being observed, the worst lamp first.
    pub lines: Vec<CaseLine>,
    /// Working days each blocked task has waited, by its id.
    pub blocked_days: HashMap<String, i64>,
    /// Those with enough ended tasks first, the worst share first.
    pub units: Vec<UnitFigures>,
    /// Proposed problems without a case, the hottest first.
    pub rising: Vec<Problem>,
    /// What waits for a report, and what was reported on of late; of those the reader may read.
    pub directives: Vec<DirectiveLine>,
    pub reported: Vec<DirectiveLine>,
    pub brief: Option<Brief>,
}

pub fn leadership(ctx: &mut Ctx) -> Result<Leadership, Error> {
    ctx.require_anywhere(Action::ReadLeadership)?;
    let all = cases::all(&mut ctx.tx)?;
    let week_ago = ctx.now - TimeDelta::days(7);
    let ended_since =
        |state| all.iter().filter(|c| c.state == state && c.ended_at.is_some_and(|at| at > week_ago)).count();
    let in_a_later_round: Vec<&str> = all.iter().filter(|case| case.round > 1).map(|case| case.id.as_str()).collect();
    let lines = case_views::list(ctx, &[CaseState::Issued, CaseState::Verifying])?;
    let with_lamp = |lamp| lines.iter().filter(|line| line.lamp == Some(lamp)).count();
    let in_state = |state| lines.iter().filter(|line| line.case.state == state).count();
    Ok(Leadership {
        in_hand: in_state(CaseState::Issued),
        red: with_lamp(Lamp::Red),
        yellow: with_lamp(Lamp::Yellow),
        verifying: in_state(CaseState::Verifying),
        closed_this_week: ended_since(CaseState::Closed),
        reopened_this_week: events::count_since(&mut ctx.tx, &in_a_later_round, "case.reopen", week_ago)?,
        terminated: all.iter().filter(|case| case.state == CaseState::Terminated).count(),
        blocked_days: blocked_days(ctx, &lines)?,
        units: units(ctx, &lines)?,
        rising: rising(ctx)?,
        lines,
        directives: directive_views::waiting(ctx)?,
        reported: directive_views::reported_since(ctx, ctx.now - REPORTED_SHOWN_FOR)?,
        brief: briefs::latest(&mut ctx.tx, 1)?.pop(),
    })
}

/// Working days each blocked task has waited, by its id.
pub fn blocked_days(ctx: &mut Ctx, lines: &[CaseLine]) -> Result<HashMap<String, i64>, Error> {
    let blocked = lines.iter().flat_map(|line| &line.troubles).filter(|trouble| trouble.blocked);
    let ids: Vec<String> = blocked.map(|trouble| trouble.task.id.clone()).collect();
    let rows = tasks::open_blocks(&mut ctx.tx, &ids)?;
    let waited = |at| ctx.calendar.working_days_between(ctx.app.clock.local_date(at), ctx.today);
    Ok(rows.into_iter().map(|row| (row.task_id, waited(row.raised_at))).collect())
}

fn rising(ctx: &mut Ctx) -> Result<Vec<Problem>, Error> {
    let filter = problems::Filter { states: vec![ProblemState::Proposed], text: None };
    let mut found = Vec::new();
    for problem in problems::list(&mut ctx.tx, &filter, 0, RISING * 2)?.0 {
        if cases::open_case_of(&mut ctx.tx, &problem.id)?.is_none() {
            found.push(problem);
        }
    }
    found.truncate(RISING as usize);
    Ok(found)
}

/// How one unit stands with the tasks of the open cases.
#[derive(Debug, Clone, Default)]
pub struct UnitFigures {
    pub name: String,
    pub in_hand: usize,
    pub late: usize,
    /// Of the `done`, those submitted by their due date.
    pub on_time: usize,
    pub done: usize,
}

impl UnitFigures {
    pub fn share(&self) -> Option<Share> {
        Share::of(self.on_time, self.done)
    }

    /// Too few ended tasks to judge by.
    pub fn is_small(&self) -> bool {
        self.done < SAMPLE_MIN
    }
}

fn units(ctx: &mut Ctx, cases: &[CaseLine]) -> Result<Vec<UnitFigures>, Error> {
    let names = unit_names(ctx)?;
    let mut by_unit: BTreeMap<String, UnitFigures> = BTreeMap::new();
    for line in cases {
        for task in plans::tasks_of(&mut ctx.tx, &line.case.id)? {
            let Some(name) = names.get(&task.unit_id) else { continue };
            let figures = by_unit
                .entry(name.clone())
                .or_insert_with(|| UnitFigures { name: name.clone(), ..UnitFigures::default() });
            figures.in_hand += usize::from(task.state.is_with_unit());
            figures.late += usize::from(crate::app::plans::follow_up::is_late(ctx, &task));
            if let (TaskState::Done, Some(due), Some(at)) = (task.state, task.due_on, task.submitted_at) {
                figures.on_time += usize::from(ctx.app.clock.local_date(at) <= due);
                figures.done += 1;
            }
        }
    }
    let mut rows: Vec<_> = by_unit.into_values().filter(|unit| unit.in_hand + unit.done > 0).collect();
    let rank = |unit: &UnitFigures| {
        let share = unit.share().filter(|_| !unit.is_small()).map_or(2.0, |share| share.value);
        (share * 1e6) as i64
    };
    rows.sort_by_key(|unit| (rank(unit), std::cmp::Reverse((unit.late, unit.in_hand))));
    Ok(rows)
}
