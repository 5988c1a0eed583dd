//! Counting a problem's distinct callers over the days that compare.

use super::{Ctx, Error};
use crate::domain::calendar::Calendar;
use crate::domain::case::{CallerCount, CompareDays};
use crate::store::problems;
use chrono::{Datelike, NaiveDate};
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
    let calls = problems::calls(&mut ctx.tx, problem_id, Some(ctx.app.clock.start_of(from)))?;
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
