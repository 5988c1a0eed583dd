//! The duty roster (值班表): who is on duty for a unit on a day, and so whom to call, and to mail on days off.

use crate::app::{Ctx, Error};
use crate::domain::access::{Action, Role, Subject};
use crate::domain::calendar::LineError;
use crate::domain::duty::{self, DutyRow};
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::store::duty::{self as rows, Duty};
use crate::store::people::{self, Person, Unit};
use crate::store::{new_id, plans};
use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Days shown at once.
pub const SHOWN_FOR: TimeDelta = TimeDelta::days(20);

/// Takes pasted rows in; they replace what was known of the same unit's day. A bad line refuses them all, by its number.
/// Gives how many.
pub fn import(ctx: &mut Ctx, text: &str) -> Result<usize, Error> {
    let parsed = duty::parse(text).map_err(refused)?;
    if parsed.is_empty() {
        return Err(Error::field("rows", Message::new("请填写内容")));
    }
    let units = people::units(&mut ctx.tx)?;
    let people = people::people(&mut ctx.tx)?;
    let mut faults = Vec::new();
    let mut known = Vec::new();
    for row in parsed {
        match units.iter().find(|unit| unit.name == row.unit && unit.active) {
            None => faults.push(fault(&row, Message::new("没有这个单位"))),
            Some(unit) if !may_keep(ctx, unit) => faults.push(fault(&row, Message::new("您不能维护这个单位的值班"))),
            Some(unit) => known.push(entered(row, unit, &people)),
        }
    }
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    rows::put(&mut ctx.tx, &known)?;
    let days: BTreeSet<NaiveDate> = known.iter().map(|row| row.day).collect();
    let payload = json!({ "rows": known.len(), "from": days.first(), "to": days.last() });
    ctx.record("duty.imported", ("duty", "roster"), None, payload);
    Ok(known.len())
}

fn fault(row: &DutyRow, reason: Message) -> LineError {
    LineError { line: row.line, reason }
}

fn refused(faults: Vec<LineError>) -> Error {
    let told = |fault: LineError| FieldError {
        field: "rows",
        reason: Message::new("第 %{line} 行：%{reason}").with("line", fault.line).with_message("reason", fault.reason),
    };
    Error::Invalid(faults.into_iter().map(told).collect())
}

fn may_keep(ctx: &Ctx, unit: &Unit) -> bool {
    ctx.actor.may(Action::KeepDuty, &Subject { unit_path: Some(&unit.path), ..Subject::default() })
}

/// A name is an account where it is the only active one of that name.
fn entered(row: DutyRow, unit: &Unit, people: &[Person]) -> Duty {
    let mut named = people.iter().filter(|person| person.active && person.name == row.person);
    let person_id = named.next().filter(|_| named.next().is_none()).map(|person| person.id.clone());
    Duty { id: new_id(), unit_id: unit.id.clone(), day: row.day, person: row.person, phone: row.phone, person_id }
}

/// Takes a unit's day out of the roster.
pub fn remove(ctx: &mut Ctx, unit_id: &str, day: NaiveDate) -> Result<(), Error> {
    let unit = people::unit_by_id(&mut ctx.tx, unit_id)?.ok_or(Error::NotFound)?;
    if !may_keep(ctx, &unit) {
        return Err(Error::Forbidden);
    }
    if rows::clear(&mut ctx.tx, unit_id, day)? == 0 {
        return Err(Error::NotFound);
    }
    ctx.record("duty.removed", ("unit", unit_id), None, json!({ "title": unit.name, "day": day }));
    Ok(())
}

/// One day of the roster.
pub struct DutyDay {
    pub day: NaiveDate,
    pub is_working_day: bool,
    /// The holiday's name.
    pub name: String,
    /// By unit, each with whether the reader may take it out.
    pub units: Vec<(Unit, Vec<Duty>, bool)>,
    /// Units with open tasks that nobody is on duty for on this day off.
    pub missing: Vec<String>,
}

/// The days from `from` on that have somebody on duty, or should have.
pub fn roster(ctx: &mut Ctx, from: NaiveDate) -> Result<Vec<DutyDay>, Error> {
    ctx.require_anywhere(Action::ReadDuty)?;
    let until = from + SHOWN_FOR;
    let units = people::units(&mut ctx.tx)?;
    let working: BTreeSet<String> = plans::with_unit(&mut ctx.tx)?.into_iter().map(|task| task.unit_id).collect();
    let mut by_day: BTreeMap<NaiveDate, Vec<Duty>> = BTreeMap::new();
    for row in rows::between(&mut ctx.tx, from, until)? {
        by_day.entry(row.day).or_default().push(row);
    }
    let days = from.iter_days().take_while(|day| *day <= until);
    let told = |day: NaiveDate| {
        let on_duty = by_day.remove(&day).unwrap_or_default();
        let of = |unit: &Unit| on_duty.iter().filter(|row| row.unit_id == unit.id).cloned().collect::<Vec<_>>();
        let is_missing = |unit: &&Unit| {
            let rests = !ctx.calendars.of_unit(&unit.id).is_working_day(day);
            rests && working.contains(&unit.id) && of(unit).is_empty()
        };
        DutyDay {
            day,
            is_working_day: ctx.calendar.is_working_day(day),
            name: ctx.calendar.day(day).map(|known| known.name.clone()).unwrap_or_default(),
            missing: units.iter().filter(is_missing).map(|unit| unit.name.clone()).collect(),
            units: units
                .iter()
                .map(|unit| (unit.clone(), of(unit), may_keep(ctx, unit)))
                .filter(|(_, rows, _)| !rows.is_empty())
                .collect(),
        }
    };
    Ok(days.map(told).filter(|day| !day.units.is_empty() || !day.missing.is_empty()).collect())
}

/// Whom to call about a unit's task now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub phone: Option<String>,
    /// In what capacity, as a translation key.
    pub role: &'static str,
}

/// On a day off who is on duty, or (nobody is) the unit's head; on a working day the task's officer or the unit's people.
pub fn contact(ctx: &mut Ctx, unit_id: &str, officer_id: Option<&str>) -> Result<Option<Contact>, Error> {
    if rests(ctx, unit_id) {
        if let Some(row) = rows::of_unit(&mut ctx.tx, unit_id, ctx.today)?.into_iter().next() {
            return Ok(Some(Contact { name: row.person, phone: Some(row.phone), role: "值班" }));
        }
        return first_of(ctx, unit_id, &[(Role::UnitHead, "无人值班，单位负责人")]);
    }
    if let Some(officer) = officer_id.map(|id| people::person_by_id(&mut ctx.tx, id)).transpose()?.flatten() {
        return Ok(Some(Contact { name: officer.name, phone: officer.phone, role: Role::Officer.label() }));
    }
    let posts = [Role::Officer, Role::Liaison, Role::UnitHead].map(|role| (role, role.label()));
    first_of(ctx, unit_id, &posts)
}

/// The first with a phone, else the first.
fn first_of(ctx: &mut Ctx, unit_id: &str, posts: &[(Role, &'static str)]) -> Result<Option<Contact>, Error> {
    let mut found = Vec::new();
    for (post, role) in posts {
        let people = people::staff_of_unit(&mut ctx.tx, unit_id, &[*post], ctx.now)?;
        found.extend(people.into_iter().map(|person| Contact { name: person.name, phone: person.phone, role }));
    }
    found.sort_by_key(|contact| contact.phone.is_none());
    Ok(found.into_iter().next())
}

/// Whom an urgent notice to a unit goes to on a day off: who is on duty, else the head. None on a working day.
pub fn reads_on_day_off(ctx: &mut Ctx, unit_id: &str) -> Result<Vec<Person>, Error> {
    if !rests(ctx, unit_id) {
        return Ok(Vec::new());
    }
    let mut readers = Vec::new();
    for row in rows::of_unit(&mut ctx.tx, unit_id, ctx.today)? {
        let person = row.person_id.map(|id| people::person_by_id(&mut ctx.tx, &id)).transpose()?.flatten();
        readers.extend(person.filter(|person| person.active && person.email.is_some()));
    }
    if readers.is_empty() {
        readers = people::reachable_in_unit(&mut ctx.tx, unit_id, &[Role::UnitHead], ctx.now)?;
    }
    Ok(readers)
}

fn rests(ctx: &Ctx, unit_id: &str) -> bool {
    !ctx.calendars.of_unit(unit_id).is_working_day(ctx.today)
}
