//! The calendars people work by.

use crate::domain::calendar::{Calendar, CalendarDay, DayKind};
use crate::plan::Calendars;
use crate::store::house::{self, CalendarRow};
use crate::store::people;
use crate::store::{StoreError, Tx};
use std::collections::HashMap;
use std::sync::Arc;

/// The statutory calendar with the edited days over it, and over that the days of units that have days of their own.
pub struct WorkCalendars {
    pub statutory: Arc<Calendar>,
    of_units: HashMap<String, Calendar>,
    /// The same, as the schedule counts with them.
    pub counted: Calendars,
}

impl WorkCalendars {
    pub fn read(tx: &mut Tx) -> Result<WorkCalendars, StoreError> {
        let statutory = Arc::new(over(&Calendar::mainland(), house::calendar_days(tx)?));
        let mut own: HashMap<String, Vec<CalendarRow>> = HashMap::new();
        for row in people::unit_days(tx)? {
            own.entry(row.unit_id).or_default().push(CalendarRow { day: row.day, kind: row.kind, name: row.name });
        }
        let of_units: HashMap<String, Calendar> =
            own.into_iter().map(|(unit_id, days)| (unit_id, over(&statutory, days))).collect();
        let counted = of_units.iter().fold(Calendars::new(&statutory), |all, (unit, days)| all.with_unit(unit, days));
        Ok(WorkCalendars { statutory, of_units, counted })
    }

    pub fn of_unit(&self, unit_id: &str) -> &Calendar {
        self.of_units.get(unit_id).unwrap_or(&self.statutory)
    }
}

fn over(below: &Calendar, edited: Vec<CalendarRow>) -> Calendar {
    below.with(
        edited
            .into_iter()
            .filter_map(|row| Some(CalendarDay { date: row.day, kind: DayKind::parse(&row.kind)?, name: row.name })),
    )
}
