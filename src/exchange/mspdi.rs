//! The XML of Microsoft Project ("MSPDI", schema http://schemas.microsoft.com/project), as its own program reads it.
//! A case's number is the project's subject and a task's number its UID, so that a changed file finds them again.

use super::{MINUTES_A_DAY, PlanOut, TaskOut};
use crate::domain::task::{DependencyKind, DurationUnit};
use chrono::{Datelike, NaiveDate};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

pub const NAMESPACE: &str = "http://schemas.microsoft.com/project";
/// When a day of work begins and ends there.
const BEGIN: &str = "08:00:00";
const END: &str = "17:00:00";
/// Minutes of a lag count in tenths.
const TENTHS_A_DAY: i64 = MINUTES_A_DAY * 10;

/// Constraint types of the schema.
pub const AS_SOON_AS_POSSIBLE: &str = "0";
pub const MUST_START_ON: &str = "2";
pub const START_NO_EARLIER: &str = "4";
/// Formats of a duration: hours, days, elapsed days.
const FORMAT_HOURS: &str = "5";
const FORMAT_DAYS: &str = "7";
const FORMAT_ELAPSED_DAYS: &str = "8";

type Xml = Writer<Vec<u8>>;

pub fn to_mspdi(plan: &PlanOut) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 1);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), Some("yes"))))?;
    let units = units(plan);
    xml.create_element("Project").with_attribute(("xmlns", NAMESPACE)).write_inner_content(|xml| {
        project(xml, plan)?;
        xml.create_element("Calendars").write_inner_content(|xml| calendar(xml, plan))?;
        xml.create_element("Tasks").write_inner_content(|xml| plan.tasks.iter().try_for_each(|row| task(xml, row)))?;
        xml.create_element("Resources")
            .write_inner_content(|xml| (1..).zip(&units).try_for_each(|(uid, name)| resource(xml, uid, name)))?;
        xml.create_element("Assignments").write_inner_content(|xml| {
            (1..).zip(&plan.tasks).try_for_each(|(uid, row)| {
                let unit = units.iter().position(|unit| *unit == row.unit).map_or(0, |at| at + 1);
                assignment(xml, uid, row, unit)
            })
        })?;
        Ok(())
    })?;
    Ok(xml.into_inner())
}

fn units(plan: &PlanOut) -> Vec<&str> {
    let mut units: Vec<&str> = plan.tasks.iter().map(|task| task.unit.as_str()).collect();
    units.sort_unstable();
    units.dedup();
    units
}

fn put(xml: &mut Xml, name: &str, text: impl ToString) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&text.to_string()))?;
    Ok(())
}

fn project(xml: &mut Xml, plan: &PlanOut) -> io::Result<()> {
    put(xml, "SaveVersion", 14)?;
    put(xml, "Name", format!("{}.xml", plan.no))?;
    put(xml, "Title", &plan.title)?;
    put(xml, "Subject", &plan.no)?;
    put(xml, "ScheduleFromStart", 1)?;
    if let Some(first) = plan.tasks.iter().map(|task| task.days.0).min() {
        put(xml, "StartDate", format!("{first}T{BEGIN}"))?;
    }
    put(xml, "CalendarUID", 1)?;
    put(xml, "DefaultStartTime", BEGIN)?;
    put(xml, "DefaultFinishTime", END)?;
    put(xml, "MinutesPerDay", MINUTES_A_DAY)?;
    put(xml, "MinutesPerWeek", 5 * MINUTES_A_DAY)?;
    put(xml, "DaysPerMonth", 20)
}

fn calendar(xml: &mut Xml, plan: &PlanOut) -> io::Result<()> {
    xml.create_element("Calendar").write_inner_content(|xml| {
        put(xml, "UID", 1)?;
        put(xml, "Name", "Standard")?;
        put(xml, "IsBaseCalendar", 1)?;
        xml.create_element("WeekDays").write_inner_content(|xml| {
            // Sunday is 1; a day of type 0 is an exception with its own dates.
            for day in 1..=7 {
                weekday(xml, day, (2..=6).contains(&day), None)?;
            }
            plan.exceptions.iter().try_for_each(|(date, works)| weekday(xml, 0, *works, Some(*date)))
        })?;
        Ok(())
    })?;
    Ok(())
}

fn weekday(xml: &mut Xml, kind: u32, works: bool, date: Option<NaiveDate>) -> io::Result<()> {
    xml.create_element("WeekDay").write_inner_content(|xml| {
        put(xml, "DayType", kind)?;
        put(xml, "DayWorking", u8::from(works))?;
        if let Some(date) = date {
            xml.create_element("TimePeriod").write_inner_content(|xml| {
                put(xml, "FromDate", format!("{date}T00:00:00"))?;
                put(xml, "ToDate", format!("{date}T23:59:00"))
            })?;
        }
        if works {
            xml.create_element("WorkingTimes").write_inner_content(|xml| {
                for (from, to) in [(BEGIN, "12:00:00"), ("13:00:00", END)] {
                    xml.create_element("WorkingTime").write_inner_content(|xml| {
                        put(xml, "FromTime", from)?;
                        put(xml, "ToTime", to)
                    })?;
                }
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A duration in hours, and the format it is shown in.
fn duration(task: &TaskOut) -> (i64, &'static str) {
    let amount = i64::from(task.duration);
    match task.duration_unit {
        DurationUnit::WorkingDays => (amount * MINUTES_A_DAY / 60, FORMAT_DAYS),
        DurationUnit::NaturalDays => (amount * 24, FORMAT_ELAPSED_DAYS),
        DurationUnit::Hours => (amount, FORMAT_HOURS),
    }
}

fn task(xml: &mut Xml, task: &TaskOut) -> io::Result<()> {
    xml.create_element("Task").write_inner_content(|xml| {
        put(xml, "UID", task.no)?;
        put(xml, "ID", task.no)?;
        put(xml, "Name", &task.title)?;
        put(xml, "Type", 0)?;
        put(xml, "OutlineLevel", 1)?;
        let (first, last) = task.days;
        put(xml, "Start", format!("{first}T{BEGIN}"))?;
        put(xml, "Finish", format!("{last}T{END}"))?;
        let (hours, format) = duration(task);
        put(xml, "Duration", format!("PT{hours}H0M0S"))?;
        put(xml, "DurationFormat", format)?;
        put(xml, "Milestone", 0)?;
        put(xml, "Summary", 0)?;
        put(xml, "Critical", u8::from(task.critical))?;
        put(xml, "PercentComplete", if task.has_ended { 100 } else { task.percent.clamp(0, 99) })?;
        if task.has_started {
            put(xml, "ActualStart", format!("{first}T{BEGIN}"))?;
        }
        if task.has_ended {
            put(xml, "ActualFinish", format!("{last}T{END}"))?;
        }
        // A day of ours is the close of that day: work begins on the next.
        let (kind, day) = match (task.fixed_on, task.not_before) {
            (Some(day), _) => (MUST_START_ON, Some(day)),
            (None, Some(day)) => (START_NO_EARLIER, Some(day)),
            (None, None) => (AS_SOON_AS_POSSIBLE, None),
        };
        put(xml, "ConstraintType", kind)?;
        put(xml, "CalendarUID", -1)?;
        if let Some(day) = day {
            put(xml, "ConstraintDate", format!("{day}T{END}"))?;
        }
        if let Some(day) = task.due_on {
            put(xml, "Deadline", format!("{day}T{END}"))?;
        }
        if !task.acceptance.is_empty() {
            put(xml, "Notes", &task.acceptance)?;
        }
        task.after.iter().try_for_each(|link| predecessor(xml, link))
    })?;
    Ok(())
}

fn predecessor(xml: &mut Xml, (no, kind, lag): &(i32, DependencyKind, i32)) -> io::Result<()> {
    xml.create_element("PredecessorLink").write_inner_content(|xml| {
        put(xml, "PredecessorUID", no)?;
        put(
            xml,
            "Type",
            match kind {
                DependencyKind::FinishToFinish => 0,
                DependencyKind::FinishToStart => 1,
                DependencyKind::StartToStart => 3,
            },
        )?;
        put(xml, "CrossProject", 0)?;
        put(xml, "LinkLag", i64::from(*lag) * TENTHS_A_DAY)?;
        put(xml, "LagFormat", FORMAT_DAYS)
    })?;
    Ok(())
}

fn resource(xml: &mut Xml, uid: usize, name: &str) -> io::Result<()> {
    xml.create_element("Resource").write_inner_content(|xml| {
        put(xml, "UID", uid)?;
        put(xml, "ID", uid)?;
        put(xml, "Name", name)?;
        put(xml, "Type", 1)
    })?;
    Ok(())
}

fn assignment(xml: &mut Xml, uid: usize, task: &TaskOut, unit: usize) -> io::Result<()> {
    xml.create_element("Assignment").write_inner_content(|xml| {
        put(xml, "UID", uid)?;
        put(xml, "TaskUID", task.no)?;
        put(xml, "ResourceUID", unit)
    })?;
    Ok(())
}

/// The days between two others that the week alone would not tell, and whether they are worked.
pub fn exceptions(from: NaiveDate, to: NaiveDate, works: impl Fn(NaiveDate) -> bool) -> Vec<(NaiveDate, bool)> {
    let by_week = |day: NaiveDate| day.weekday().num_days_from_monday() < 5;
    let days = from.iter_days().take_while(|day| *day <= to);
    days.filter(|day| works(*day) != by_week(*day)).map(|day| (day, works(day))).collect()
}
