//! The weekly or monthly report to the leaders (简报): the ladder's upper end, issued by a person and never mailed by itself.

use super::coded::coded;
use chrono::{Months, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

coded! {
    #[derive(Default)]
    pub enum BriefKind {
        #[default]
        Weekly = "weekly" "周报",
        Monthly = "monthly" "月报",
    }
}

impl BriefKind {
    /// The first day of a brief that ends on `until`.
    pub fn first_day(self, until: NaiveDate) -> NaiveDate {
        match self {
            BriefKind::Weekly => until - TimeDelta::days(6),
            BriefKind::Monthly => until.checked_sub_months(Months::new(1)).unwrap_or(until) + TimeDelta::days(1),
        }
    }
}

/// What a brief says, as it stood when it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    pub in_hand: usize,
    pub red: usize,
    pub yellow: usize,
    pub verifying: usize,
    pub closed: usize,
    pub red_cases: Vec<RedCase>,
    /// Tasks that are late beyond the ladder's last step.
    pub raised: Vec<RaisedTask>,
    /// Ids of directives that waited for a report; who reads the brief sees those he may read.
    pub directives: Vec<String>,
}

/// A case whose lamp is red, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedCase {
    pub case_id: String,
    pub no: String,
    pub title: String,
    pub lead_unit: String,
    pub deadline: NaiveDate,
    pub holders: Vec<Holder>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub unit: String,
    pub task: String,
    /// Working days that it has waited.
    pub days: i64,
    pub blocked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedTask {
    pub task_id: String,
    pub number: String,
    pub title: String,
    pub unit: String,
    pub late_days: i64,
    /// Numbers of the signed 督办单.
    pub supervisions: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brief_covers_a_week_or_a_month() {
        let first = |kind: BriefKind, until: &str| kind.first_day(until.parse().unwrap()).to_string();
        assert_eq!(first(BriefKind::Weekly, "2026-03-15"), "2026-03-09");
        assert_eq!(first(BriefKind::Monthly, "2026-03-31"), "2026-03-01");
        assert_eq!(first(BriefKind::Monthly, "2026-03-15"), "2026-02-16");
    }
}
