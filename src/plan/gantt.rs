//! Where the Gantt chart is drawn: days to pixels.

use super::graph::Plan;
use super::schedule::Schedule;
use chrono::{Datelike, NaiveDate, TimeDelta};

/// The chart's width is about this; a day is at least two pixels wide.
const WIDTH: i64 = 1_000;
const DAY_MIN: i64 = 2;
const DAY_MAX: i64 = 24;
pub const ROW_HEIGHT: i32 = 30;
const MONTH_NAME_WIDTH: i64 = 76;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    pub year: i32,
    pub month: u32,
    pub x: i64,
    pub width: i64,
    /// Whether its name fits above it.
    pub has_room: bool,
}

/// A task's bar, in the order of the plan's start dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    pub task_id: String,
    pub x: i64,
    pub width: i64,
    pub y: i32,
    /// Working days that could pass without harm, drawn as a thin tail.
    pub slack_width: i64,
    pub critical: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gantt {
    pub width: i64,
    pub height: i32,
    pub months: Vec<Month>,
    pub bars: Vec<Bar>,
    pub today_x: Option<i64>,
    pub deadline_x: i64,
}

/// Lays the scheduled tasks out from the first start to the later of forecast and deadline.
pub fn gantt(plan: &Plan, schedule: &Schedule, deadline: NaiveDate, today: NaiveDate) -> Gantt {
    let first = schedule.all_dates().map(|dates| dates.start).min().unwrap_or(today).min(today);
    let last = schedule.forecast.unwrap_or(deadline).max(deadline).max(today) + TimeDelta::days(3);
    let days = (last - first).num_days().max(1);
    let scale = (WIDTH / days).clamp(DAY_MIN, DAY_MAX);
    let x = |day: NaiveDate| (day - first).num_days() * scale;
    let mut tasks: Vec<_> = plan.tasks().filter_map(|task| Some((task, schedule.dates(&task.id)?))).collect();
    tasks.sort_by_key(|(task, dates)| (dates.start, dates.finish, task.no));
    let bars: Vec<Bar> = tasks
        .iter()
        .enumerate()
        .map(|(row, (task, dates))| Bar {
            task_id: task.id.clone(),
            x: x(dates.start),
            width: (x(dates.finish) - x(dates.start)).max(scale),
            y: row as i32 * ROW_HEIGHT,
            slack_width: if task.state.is_final() { 0 } else { x(dates.latest_finish) - x(dates.finish) },
            critical: dates.critical,
        })
        .collect();
    Gantt {
        width: days * scale,
        height: bars.len() as i32 * ROW_HEIGHT,
        months: months(first, last, &x),
        bars,
        today_x: (today >= first && today <= last).then(|| x(today)),
        deadline_x: x(deadline + TimeDelta::days(1)),
    }
}

fn months(first: NaiveDate, last: NaiveDate, x: &dyn Fn(NaiveDate) -> i64) -> Vec<Month> {
    let mut months = Vec::new();
    let mut from = first;
    while from < last {
        let next = from.with_day(1).unwrap_or(from).checked_add_months(chrono::Months::new(1)).unwrap_or(last);
        let until = next.min(last);
        let width = x(until) - x(from);
        let has_room = width >= MONTH_NAME_WIDTH;
        months.push(Month { year: from.year(), month: from.month(), x: x(from), width, has_room });
        from = next;
    }
    months
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{edge, task};
    use super::super::{AsOf, Calendars};
    use super::*;
    use crate::domain::calendar::Calendar;

    #[test]
    fn bars_follow_the_dates_and_months_cover_the_chart() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let plan = Plan::build((1..=3).map(task).collect(), vec![edge(1, 2), edge(2, 3)]).unwrap();
        let today = day("2026-03-20");
        let calendars = Calendars::new(&Calendar::mainland());
        let schedule = plan.schedule(&AsOf { today, begin: today, calendars: &calendars });
        let chart = gantt(&plan, &schedule, day("2026-05-10"), today);
        assert_eq!(chart.bars.iter().map(|bar| bar.task_id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert!(chart.bars.windows(2).all(|pair| pair[0].x + pair[0].width <= pair[1].x));
        assert_eq!(chart.months.iter().map(|month| month.width).sum::<i64>(), chart.width);
        assert_eq!(chart.months.iter().map(|month| month.month).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(chart.deadline_x > chart.bars[2].x);
    }
}
