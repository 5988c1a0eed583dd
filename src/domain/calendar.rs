//! The working-day calendar.
use super::coded::coded;
use chrono::NaiveDate;

coded! {
    pub enum DayKind {
        Holiday = "holiday" "节假日",
        Workday = "workday" "调休上班",
    }
}
#[derive(Debug, Clone)]
pub struct CalendarDay {
    pub date: NaiveDate,
    pub kind: DayKind,
    pub name: String,
}
#[derive(Debug, Clone)]
pub struct Calendar {
    days: Vec<CalendarDay>,
}
impl Calendar {
    pub fn mainland() -> Calendar {
        Calendar { days: Vec::new() }
    }
    pub fn from_days(days: Vec<CalendarDay>) -> Calendar {
        Calendar { days }
    }
    pub fn days(&self) -> impl Iterator<Item = CalendarDay> {
        self.days.clone().into_iter()
    }
}
