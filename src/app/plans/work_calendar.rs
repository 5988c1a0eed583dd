//! The edited working-day calendars, of all and of single units, and the due dates that follow them.

use crate::app::plans::CasePlan;
use crate::app::{Actor, App, Ctx, Error, Owed, Recipient, WorkCalendars};
use crate::domain::access::Action;
use crate::domain::calendar::{DayKind, LineError, parse_csv};
use crate::domain::case::CaseState;
use crate::domain::notice::Stage;
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::plan::due_date;
use crate::store::cases;
use crate::store::house::{self, CalendarRow};
use crate::store::people::{self, UnitDay};
use crate::store::plans::Task;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes days into the calendar; they go over the shipped ones. A bad line refuses them all, by its number.
pub async fn import(app: &App, actor: &Actor, csv: String) -> Result<usize, Error> {
    let taken = app.write(actor, move |ctx| take_in(ctx, &csv)).await?;
    app.reload_calendars().await?;
    Ok(taken)
}

/// Takes an edited day out again: the shipped calendar's word for it holds.
pub async fn remove(app: &App, actor: &Actor, day: NaiveDate) -> Result<(), Error> {
    app.write(actor, move |ctx| take_out(ctx, day)).await?;
    app.reload_calendars().await
}

/// The edited days.
pub fn edited(ctx: &mut Ctx) -> Result<Vec<CalendarRow>, Error> {
    ctx.require_anywhere(Action::Administer)?;
    Ok(house::calendar_days(&mut ctx.tx)?)
}

fn take_in(ctx: &mut Ctx, csv: &str) -> Result<usize, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let days = parse_csv(csv).map_err(|faults| {
        let told = |fault: LineError| FieldError {
            field: "csv",
            reason: Message::new("第 %{line} 行：%{reason}")
                .with("line", fault.line)
                .with_message("reason", fault.reason),
        };
        Error::Invalid(faults.into_iter().map(told).collect())
    })?;
    let rows: Vec<CalendarRow> = days
        .into_iter()
        .map(|day| CalendarRow { day: day.date, kind: day.kind.code().to_owned(), name: day.name })
        .collect();
    house::put_calendar_days(&mut ctx.tx, &rows)?;
    ctx.record("calendar.imported", ("calendar", "mainland"), None, json!({ "days": rows.len() }));
    follow(ctx)?;
    Ok(rows.len())
}

fn take_out(ctx: &mut Ctx, day: NaiveDate) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    if !house::delete_calendar_day(&mut ctx.tx, day)? {
        return Err(Error::NotFound);
    }
    ctx.record("calendar.day_removed", ("calendar", "mainland"), None, json!({ "day": day }));
    follow(ctx)
}

/// Days on which a unit works, or does not, unlike all others.
pub struct UnitDays {
    pub from: NaiveDate,
    /// The last one; only one day without it.
    pub until: Option<NaiveDate>,
    pub kind: DayKind,
    pub name: String,
}

/// The longest stretch taken at once.
const UNIT_DAYS_MAX: i64 = 366;

/// Takes days into a unit's own calendar. Gives how many.
pub async fn add_unit_days(app: &App, actor: &Actor, unit_id: String, days: UnitDays) -> Result<usize, Error> {
    let taken = app.write(actor, move |ctx| take_in_of_unit(ctx, &unit_id, days)).await?;
    app.reload_calendars().await?;
    Ok(taken)
}

/// Takes a day out of a unit's own calendar.
pub async fn remove_unit_day(app: &App, actor: &Actor, unit_id: String, day: NaiveDate) -> Result<(), Error> {
    app.write(actor, move |ctx| {
        ctx.require_anywhere(Action::Administer)?;
        if !people::delete_unit_day(&mut ctx.tx, &unit_id, day)? {
            return Err(Error::NotFound);
        }
        ctx.record("unit.day_removed", ("unit", &unit_id), None, json!({ "day": day }));
        follow(ctx)
    })
    .await?;
    app.reload_calendars().await
}

/// A unit's own days from today on.
pub fn of_unit(ctx: &mut Ctx, unit_id: &str) -> Result<Vec<UnitDay>, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let days = people::unit_days(&mut ctx.tx)?.into_iter();
    Ok(days.filter(|row| row.unit_id == unit_id && row.day >= ctx.today).collect())
}

fn take_in_of_unit(ctx: &mut Ctx, unit_id: &str, days: UnitDays) -> Result<usize, Error> {
    ctx.require_anywhere(Action::Administer)?;
    people::unit_by_id(&mut ctx.tx, unit_id)?.ok_or(Error::NotFound)?;
    let until = days.until.unwrap_or(days.from);
    if !(0..UNIT_DAYS_MAX).contains(&(until - days.from).num_days()) {
        return Err(Error::field("until", Message::new("应在开始之后，且不超过 %{max} 天").with("max", UNIT_DAYS_MAX)));
    }
    let name = crate::app::tasks::required("name", days.name)?;
    let row = |day| UnitDay { unit_id: unit_id.to_owned(), day, kind: days.kind.code().to_owned(), name: name.clone() };
    let rows: Vec<UnitDay> = days.from.iter_days().take_while(|day| *day <= until).map(row).collect();
    let count = rows.len();
    people::put_unit_days(&mut ctx.tx, rows)?;
    let payload = json!({ "title": name, "from": days.from, "until": until, "kind": days.kind });
    ctx.record("unit.days_added", ("unit", unit_id), None, payload);
    follow(ctx)?;
    Ok(count)
}

/// Open due dates move with the calendar: one event a case, one notice a unit.
fn follow(ctx: &mut Ctx) -> Result<(), Error> {
    let before = ctx.calendars.clone();
    ctx.calendars = Arc::new(WorkCalendars::read(&mut ctx.tx)?);
    ctx.calendar = ctx.calendars.statutory.clone();
    for case in cases::in_states(&mut ctx.tx, &[CaseState::Issued])? {
        let mut plan = CasePlan::take(ctx, &case.id)?;
        let moved = recompute(ctx, &mut plan, &before)?;
        if !moved.is_empty() {
            tell(ctx, &plan, &moved);
        }
    }
    Ok(())
}

/// A task whose due date moved, and the date it had.
struct Moved {
    task: Task,
    from: NaiveDate,
}

/// Dates that follow from a release and a duration. One that a person granted stays.
fn recompute(ctx: &mut Ctx, plan: &mut CasePlan, before: &WorkCalendars) -> Result<Vec<Moved>, Error> {
    let mut moved = Vec::new();
    for task in plan.tasks.clone().into_iter().filter(|task| task.state.is_with_unit()) {
        let (Some(from), Some(released_at)) = (task.due_on, task.released_at) else { continue };
        let released_on = ctx.app.clock.local_date(released_at);
        let due = |calendars: &WorkCalendars| {
            due_date(released_on, task.duration, task.duration_unit, calendars.of_unit(&task.unit_id))
        };
        let to = due(&ctx.calendars);
        if from != due(before) || from == to {
            continue;
        }
        let task = Task { due_on: Some(to), ..task };
        plan.save(ctx, task.clone())?;
        moved.push(Moved { task, from });
    }
    Ok(moved)
}

fn tell(ctx: &mut Ctx, plan: &CasePlan, moved: &[Moved]) {
    let told = |moved: &Moved| json!({ "no": moved.task.no, "from": moved.from, "to": moved.task.due_on });
    let payload = json!({ "tasks": moved.iter().map(told).collect::<Vec<_>>() });
    ctx.record("case.dates_recomputed", ("case", &plan.case.id), Some(&plan.case.id), payload);
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Moved { task, from } in moved {
        let to = task.due_on.map(|day| day.to_string()).unwrap_or_default();
        lines.entry(&task.unit_id).or_default().push(format!("{:02} {}：{from} → {to}", task.no, task.title));
    }
    for (unit_id, lines) in lines {
        ctx.owe(Owed {
            subject_kind: "case",
            subject_id: &plan.case.id,
            stage: Stage::CalendarChanged,
            recipient: Recipient::Unit(unit_id),
            // Taking the plan gave it a new revision: each change of the calendar is a cycle of its own.
            cycle: i32::try_from(plan.case.plan_revision).unwrap_or(i32::MAX),
            case_id: Some(&plan.case.id),
            detail: &lines.join("\n"),
        });
    }
}
