//! Counting a problem's distinct callers over the days that compare, and anew when people change which tickets it has.

use crate::app::problems::counting::refresh;
use crate::app::{Ctx, Error};
use crate::domain::calendar::Calendar;
use crate::domain::case::{CallerCount, CaseState, CompareDays, ObservationResult};
use crate::store::{memberships, observations, plans, problems};
use chrono::{Datelike, NaiveDate};
use serde_json::json;
use std::collections::HashSet;

/// Distinct callers of a problem from a day (inclusive) until another (exclusive), on comparable days only. A ticket
/// without a caller counts as its own.
pub fn count(
    ctx: &mut Ctx,
    problem_id: &str,
    from: NaiveDate,
    until: NaiveDate,
    compare: CompareDays,
) -> Result<CallerCount, Error> {
    let calendar = ctx.calendar.clone();
    let compares = |day: NaiveDate| is_comparable(day, compare, &calendar);
    let comparable_days = from.iter_days().take_while(|day| *day < until).filter(|day| compares(*day)).count();
    let problem_id = problems::living(&mut ctx.tx, problem_id)?;
    let calls = memberships::calls(&mut ctx.tx, &problem_id, Some(ctx.app.clock.start_of(from)))?;
    let callers: HashSet<String> = calls
        .into_iter()
        .filter(|call| {
            let day = ctx.app.clock.local_date(call.received_at);
            day < until && compares(day)
        })
        .map(|call| call.caller_hash.unwrap_or(call.ticket_id))
        .collect();
    Ok(CallerCount { callers: callers.len() as i64, comparable_days: comparable_days as i64 })
}

/// People changed which tickets a problem has: it is counted anew, and what its cases hold it against as well. A merge
/// or a split can so neither prove a closure nor feign a return.
pub fn members_changed(ctx: &mut Ctx, problem_id: &str) -> Result<(), Error> {
    refresh(ctx, problem_id)?;
    rebase(ctx, problem_id)
}

/// Counts the baseline of a problem's observations anew; one that was judged already is judged again.
pub fn rebase(ctx: &mut Ctx, problem_id: &str) -> Result<(), Error> {
    for (mut row, state) in observations::standing_of_problem(&mut ctx.tx, problem_id)? {
        plans::take(&mut ctx.tx, &row.case_id)?;
        let baseline = count(ctx, problem_id, row.baseline_from, row.baseline_until, row.compare)?;
        if (baseline.callers, baseline.comparable_days) == (row.baseline_callers, row.baseline_days) {
            continue;
        }
        let told =
            json!({ "problem": problem_id, "before": row.baseline_callers, "baseline_callers": baseline.callers });
        ctx.record("case.rebased", ("case", &row.case_id), Some(&row.case_id), told);
        (row.baseline_callers, row.baseline_days) = (baseline.callers, baseline.comparable_days);
        if state == CaseState::Verifying {
            (row.result, row.decided_at) = (ObservationResult::Pending, None);
        }
        observations::save(&mut ctx.tx, &row)?;
    }
    Ok(())
}

/// Whether a day proves something. School is off in July, August, and from mid-January to mid-February; heating runs
/// from 15 November to 15 March.
pub fn is_comparable(day: NaiveDate, compare: CompareDays, calendar: &Calendar) -> bool {
    let month_day = (day.month(), day.day());
    match compare {
        CompareDays::All => true,
        CompareDays::WorkingDays => calendar.is_working_day(day),
        CompareDays::SchoolDays => {
            let off = matches!(day.month(), 7 | 8) || ((1, 15)..=(2, 15)).contains(&month_day);
            calendar.is_working_day(day) && !off
        }
        CompareDays::HeatingSeason => month_day >= (11, 15) || month_day <= (3, 15),
    }
}
