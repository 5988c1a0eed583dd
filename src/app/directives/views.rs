//! Directives as those read them who may.

use super::reminding;
use crate::app::{Ctx, Error};
use crate::domain::access::{Action, Subject};
use crate::domain::notice::Stage;
use crate::store::cases;
use crate::store::directives::{self, Directive, Reporting};
use crate::store::events::{self, Event};
use crate::store::people;
use crate::store::plans::{self, TaskInCase};
use chrono::NaiveDateTime;
use std::collections::HashMap;

const HISTORY: i64 = 100;

/// A directive with what it is about and who reports on it.
#[derive(Debug, Clone)]
pub struct DirectiveLine {
    pub row: Directive,
    pub case_no: String,
    pub case_title: String,
    /// Before its case is issued no unit learns of it.
    pub is_issued: bool,
    pub task: Option<TaskInCase>,
    pub units: Vec<Reporting>,
    /// Ids of the people who are named as readers.
    pub readers: Vec<String>,
    /// Working days until it is to be reported on; negative when that day has passed.
    pub days_left: Option<i64>,
}

impl DirectiveLine {
    pub fn is_open(&self) -> bool {
        self.row.reported_at.is_none()
    }

    pub fn is_late(&self) -> bool {
        self.is_open() && self.days_left.is_some_and(|days| days < 0)
    }

    /// Units that have not reported.
    pub fn silent(&self) -> impl Iterator<Item = &Reporting> {
        self.units.iter().filter(|unit| unit.reported_at.is_none())
    }

    pub fn silent_names(&self) -> String {
        self.silent().map(|unit| unit.unit_name.as_str()).collect::<Vec<_>>().join("、")
    }
}

fn line(ctx: &mut Ctx, row: Directive) -> Result<DirectiveLine, Error> {
    let case = cases::by_id(&mut ctx.tx, &row.case_id)?.ok_or(Error::NotFound)?;
    let task = row.task_id.as_deref().map(|id| plans::task_in_case(&mut ctx.tx, id)).transpose()?.flatten();
    let ids = std::slice::from_ref(&row.id);
    Ok(DirectiveLine {
        units: directives::units_of(&mut ctx.tx, ids)?,
        readers: directives::readers_of(&mut ctx.tx, ids)?.into_iter().map(|(_, person)| person).collect(),
        days_left: row.due_on.map(|due| ctx.calendar.working_days_between(ctx.today, due)),
        is_issued: case.issued_at.is_some(),
        case_no: case.no,
        case_title: case.title,
        task,
        row,
    })
}

/// Of rows, those the actor may read.
pub fn readable(ctx: &mut Ctx, rows: Vec<Directive>) -> Result<Vec<DirectiveLine>, Error> {
    let mut found = Vec::new();
    for row in rows {
        let line = line(ctx, row)?;
        if may_read(ctx, &line) {
            found.push(line);
        }
    }
    Ok(found)
}

/// Of directives, those the actor may not read.
pub fn hidden(ctx: &mut Ctx, ids: Vec<String>) -> Result<Vec<String>, Error> {
    if ctx.actor.may(Action::ReadDirective, &Subject::default()) {
        return Ok(Vec::new());
    }
    let mut hidden = Vec::new();
    for id in ids {
        let row = directives::by_id(&mut ctx.tx, &id)?.into_iter().collect();
        if readable(ctx, row)?.is_empty() {
            hidden.push(id);
        }
    }
    Ok(hidden)
}

fn may_read(ctx: &Ctx, line: &DirectiveLine) -> bool {
    let own = ctx.actor.id();
    let is_named = line.row.leader_id.as_deref() == Some(own) || line.readers.iter().any(|person| person == own);
    let subject = Subject { is_named, ..Subject::default() };
    ctx.actor.may(Action::ReadDirective, &subject)
        || (line.is_issued && line.units.iter().any(|unit| of_unit(ctx, Action::ReadDirective, unit)))
}

fn of_unit(ctx: &Ctx, action: Action, unit: &Reporting) -> bool {
    ctx.actor.may(action, &Subject { unit_path: Some(&unit.unit_path), ..Subject::default() })
}

/// Whether the actor may give it another date.
pub fn may_move(ctx: &Ctx, line: &DirectiveLine) -> bool {
    let is_named = line.row.leader_id.as_deref() == Some(ctx.actor.id());
    ctx.actor.may(Action::MoveDirective, &Subject { is_named, ..Subject::default() })
}

/// Of the units that have not reported, those the actor may report for.
pub fn reports_for(ctx: &Ctx, line: &DirectiveLine) -> Vec<String> {
    line.silent().filter(|unit| of_unit(ctx, Action::ReportDirective, unit)).map(|unit| unit.unit_id.clone()).collect()
}

/// Who may not read it is told that there is none.
pub fn readable_line(ctx: &mut Ctx, row: Directive) -> Result<DirectiveLine, Error> {
    let line = line(ctx, row)?;
    if may_read(ctx, &line) { Ok(line) } else { Err(Error::NotFound) }
}

pub fn of_case(ctx: &mut Ctx, case_id: &str) -> Result<Vec<DirectiveLine>, Error> {
    let rows = directives::of_case(&mut ctx.tx, case_id)?;
    readable(ctx, rows)
}

pub fn of_task(ctx: &mut Ctx, task_id: &str) -> Result<Vec<DirectiveLine>, Error> {
    let rows = directives::of_task(&mut ctx.tx, task_id)?;
    readable(ctx, rows)
}

/// What waits for a report (待反馈), the earliest due first.
pub fn waiting(ctx: &mut Ctx) -> Result<Vec<DirectiveLine>, Error> {
    let rows = directives::unreported(&mut ctx.tx)?;
    readable(ctx, rows)
}

pub fn reported_since(ctx: &mut Ctx, since: NaiveDateTime) -> Result<Vec<DirectiveLine>, Error> {
    let rows = directives::reported_since(&mut ctx.tx, since)?;
    readable(ctx, rows)
}

pub fn containing(ctx: &mut Ctx, text: &str, limit: usize) -> Result<Vec<DirectiveLine>, Error> {
    let rows = directives::containing(&mut ctx.tx, text)?;
    let mut found = readable(ctx, rows)?;
    found.truncate(limit);
    Ok(found)
}

/// One directive, whole.
pub struct DirectiveView {
    pub line: DirectiveLine,
    pub people: HashMap<String, String>,
    /// The ladder's next step and its moment.
    pub next_step: Option<(Stage, NaiveDateTime)>,
    pub events: Vec<Event>,
    /// Ids of units the reader may report for.
    pub may_report_for: Vec<String>,
    pub may_stop: bool,
    pub may_move: bool,
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<DirectiveView, Error> {
    let row = directives::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let line = readable_line(ctx, row)?;
    let mut ids = line.readers.clone();
    ids.push(line.row.recorded_by.clone());
    ids.extend(line.units.iter().filter_map(|unit| unit.reported_by.clone()));
    Ok(DirectiveView {
        people: people::names_of(&mut ctx.tx, &ids)?.into_iter().collect(),
        next_step: reminding::next(ctx, &line)?,
        events: events::of_subject(&mut ctx.tx, id, HISTORY)?,
        may_report_for: reports_for(ctx, &line),
        may_move: line.is_open() && may_move(ctx, &line),
        may_stop: ctx.actor.may(Action::DecideTask, &Subject::default()),
        line,
    })
}
