//! Plans as files of other programs. Values in, values out.
//!
//! * [`mspdi`]: the XML of Microsoft Project, out; [`mspdi_in`]: in.
//! * [`sheet`]: a spreadsheet, out; [`sheet_in`]: in, with the columns an office makes.
//! * [`feed`] makes iCalendar feeds.
//!
//! A file is read whole: every mistake in it is told with its line or cell.

pub mod feed;
mod links;
mod mspdi;
mod mspdi_in;
mod sheet;
mod sheet_in;
#[cfg(test)]
mod tests;
mod xml;

pub use mspdi::{exceptions, to_mspdi};
pub use sheet::to_sheet;

use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use chrono::NaiveDate;

/// A working day has this many minutes.
const MINUTES_A_DAY: i64 = 480;

/// A plan for others to read.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOut {
    /// The case's number and title.
    pub no: String,
    pub title: String,
    /// Those that were not cancelled.
    pub tasks: Vec<TaskOut>,
    /// Weekdays not worked, and weekend days worked, between the plan's first and last day.
    pub exceptions: Vec<(NaiveDate, bool)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TaskOut {
    pub no: i32,
    pub title: String,
    pub unit: String,
    pub acceptance: String,
    pub duration: i32,
    pub duration_unit: DurationUnit,
    pub not_before: Option<NaiveDate>,
    pub fixed_on: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    /// A word in the reader's language.
    pub state: String,
    pub percent: i32,
    /// The first and the last day of its work.
    pub days: (NaiveDate, NaiveDate),
    pub has_started: bool,
    pub has_ended: bool,
    pub critical: bool,
    pub slack_days: i64,
    /// Predecessor's number, kind and lag in working days.
    pub after: Vec<(i32, DependencyKind, i32)>,
}

/// Where in a file something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Line(usize),
    /// Row and column, counted from 0.
    Cell(u32, u32),
}

impl Place {
    fn said(self) -> Message {
        match self {
            Place::Line(line) => Message::new("第 %{line} 行").with("line", line),
            Place::Cell(row, column) => Message::new("%{cell}").with("cell", cell_name(row, column)),
        }
    }
}

/// `C5`.
fn cell_name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        letters.push(b'A' + ((left - 1) % 26) as u8);
        left = (left - 1) / 26;
    }
    let letters: String = letters.into_iter().rev().map(char::from).collect();
    format!("{letters}{}", row + 1)
}

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub reason: Message,
}

impl Fault {
    pub fn new(place: Place, reason: Message) -> Fault {
        Fault { place, reason }
    }

    /// With its place before it.
    pub fn said(&self) -> Message {
        Message::new("%{place}：%{reason}")
            .with_message("place", self.place.said())
            .with_message("reason", self.reason.clone())
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub value: T,
    pub place: Place,
}

impl<T> At<T> {
    fn new(value: T, place: Place) -> At<T> {
        At { value, place }
    }
}

/// A plan as a file says it, and what is wrong with the file. What could not be read stands in with something harmless,
/// so that the rest can be looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanIn {
    pub tasks: Vec<TaskIn>,
    pub faults: Vec<Fault>,
}

impl PlanIn {
    fn unreadable(fault: Fault) -> PlanIn {
        PlanIn { tasks: Vec::new(), faults: vec![fault] }
    }
}

/// Stands in for a title that is missing.
const STAND_IN: &str = "?";

#[derive(Debug, Clone, PartialEq)]
pub struct TaskIn {
    pub place: Place,
    /// Case and number of the task it was exported from.
    pub known: Option<(String, i32)>,
    pub title: At<String>,
    /// The unit's name; empty when that is among the file's faults.
    pub unit: At<String>,
    pub duration: At<i32>,
    pub duration_unit: DurationUnit,
    /// `None` where the file does not speak of it.
    pub acceptance: Option<String>,
    pub not_before: Option<At<NaiveDate>>,
    pub fixed_on: Option<At<NaiveDate>>,
    pub after: Vec<At<LinkIn>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkIn {
    /// The predecessor's place in [`PlanIn::tasks`].
    pub task: usize,
    pub kind: DependencyKind,
    /// Working days.
    pub lag_days: i32,
}

/// Reads a plan from an XLSX or MSPDI file, by what is in it.
pub fn read(bytes: &[u8]) -> PlanIn {
    // An XLSX file is a ZIP archive.
    if bytes.starts_with(b"PK") { sheet_in::read(bytes) } else { mspdi_in::read(bytes) }
}

/// The number after the last `/` of a task's full number, and the case's number before it.
fn known(number: &str) -> Option<(String, i32)> {
    let (case, no) = number.trim().rsplit_once('/')?;
    Some((case.to_owned(), no.parse().ok()?))
}
