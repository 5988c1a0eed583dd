//! A case (专项深办): the joint effort that removes one problem, and the states it passes through.

use super::coded::coded;
use crate::lang::Message;
use serde::{Deserialize, Serialize};

coded! {
    /// Where a case stands. No unit is asked to act before it is issued.
    pub enum CaseState {
        Draft = "draft" "拟立项",
        Consulted = "consulted" "征求意见",
        Approved = "approved" "报批",
        Issued = "issued" "办理中",
        Verifying = "verifying" "成效观察",
        Closed = "closed" "已销号",
        Terminated = "terminated" "已终止",
    }
}

impl CaseState {
    /// Its plan can still be shaped.
    pub fn is_open(self) -> bool {
        !matches!(self, CaseState::Closed | CaseState::Terminated)
    }

    /// Its units have been asked to act, so its tasks may be released.
    pub fn is_running(self) -> bool {
        matches!(self, CaseState::Issued | CaseState::Verifying)
    }
}

coded! {
    /// What moves a case.
    pub enum CaseMove {
        Consult = "consult" "征求意见",
        Approve = "approve" "报批",
        Issue = "issue" "交办",
        /// The last open task ended.
        Verify = "verify" "转入成效观察",
        /// The target was missed, or new tasks were added: work goes on in a new round.
        Resume = "resume" "继续办理",
        Close = "close" "销号",
        Terminate = "terminate" "终止",
        /// The tickets came back after closure.
        Reopen = "reopen" "重启",
    }
}

/// The state after `step`, or why a case in state `from` cannot take it.
pub fn next_state(from: CaseState, step: CaseMove) -> Result<CaseState, Message> {
    use CaseState::*;
    match (from, step) {
        (Draft, CaseMove::Consult) => Ok(Consulted),
        (Draft | Consulted, CaseMove::Approve) => Ok(Approved),
        (Draft | Consulted | Approved, CaseMove::Issue) => Ok(Issued),
        (Issued, CaseMove::Verify) => Ok(Verifying),
        (Verifying, CaseMove::Resume) => Ok(Issued),
        (Verifying, CaseMove::Close) => Ok(Closed),
        (from, CaseMove::Terminate) if from.is_open() => Ok(Terminated),
        (Closed, CaseMove::Reopen) => Ok(Issued),
        (from, step) => Err(Message::new("专项现在是“%{state}”，不能%{step}。")
            .with("state", from.label())
            .with("step", step.label())),
    }
}

coded! {
    /// How pressing a case is.
    #[derive(Default)]
    pub enum Grade {
        #[default]
        Ordinary = "ordinary" "一般",
        Important = "important" "重点",
        Urgent = "urgent" "紧急",
    }
}

coded! {
    /// A unit's part in a task force.
    pub enum Part {
        Lead = "lead" "牵头单位",
        Cooperating = "cooperating" "配合单位",
    }
}

coded! {
    /// What a unit says when it is asked about a draft. Silence is none of them.
    pub enum Opinion {
        Agree = "agree" "同意",
        Comment = "comment" "有意见",
        Object = "object" "不同意",
    }
}

impl Opinion {
    /// The shape that tells it without colour.
    pub fn shape(self) -> &'static str {
        match self {
            Opinion::Agree => "●",
            Opinion::Comment => "◆",
            Opinion::Object => "■",
        }
    }
}

coded! {
    /// What an approval decides.
    pub enum ApprovalSubject {
        Issue = "issue" "交办",
        Deadline = "deadline" "调整期限",
        Closure = "closure" "销号",
        Termination = "termination" "终止",
        Reopening = "reopening" "重启",
    }
}

coded! {
    /// Which days of a window prove something: a school problem is not cured by a holiday.
    #[derive(Default)]
    pub enum CompareDays {
        #[default]
        All = "all" "每天",
        WorkingDays = "working_days" "工作日",
        SchoolDays = "school_days" "上学日",
        HeatingSeason = "heating_season" "供暖季",
    }
}

coded! {
    /// What an observation says about its window.
    pub enum ObservationResult {
        Pending = "pending" "观察中",
        Met = "met" "达标",
        Missed = "missed" "未达标",
        /// Too few comparable days, or nothing to compare with: it closes nothing.
        NoData = "no_data" "可比天数不足",
    }
}

/// When a problem counts as cured, and when it counts as returned. Percentages are of the baseline's distinct callers per 7 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservationRule {
    pub baseline_weeks: i32,
    pub window_days: i32,
    pub target_percent: i32,
    pub reopen_percent: i32,
    pub reopen_days: i32,
    pub reopen_within_days: i32,
    pub compare: CompareDays,
}

impl Default for ObservationRule {
    fn default() -> Self {
        ObservationRule {
            baseline_weeks: 8,
            window_days: 28,
            target_percent: 30,
            reopen_percent: 50,
            reopen_days: 14,
            reopen_within_days: 180,
            compare: CompareDays::All,
        }
    }
}

/// Distinct callers counted over comparable days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CallerCount {
    pub callers: i64,
    pub comparable_days: i64,
}

impl CallerCount {
    /// Callers per 7 comparable days; `None` when no day compares.
    pub fn per_week(self) -> Option<f64> {
        (self.comparable_days > 0).then(|| self.callers as f64 * 7.0 / self.comparable_days as f64)
    }
}

/// The share of a window's days that must compare before it proves anything.
const COMPARABLE_SHARE: f64 = 0.5;

/// Judges an observation window that has ended. Integer percent of the baseline when both sides compare.
pub fn judge(rule: &ObservationRule, baseline: CallerCount, observed: CallerCount) -> (ObservationResult, Option<f64>) {
    let (Some(before), Some(after)) = (baseline.per_week(), observed.per_week()) else {
        return (ObservationResult::NoData, None);
    };
    let needed = comparable_days_needed(rule);
    if before <= 0.0 || observed.comparable_days < needed {
        return (ObservationResult::NoData, None);
    }
    let percent = after / before * 100.0;
    let result =
        if percent <= f64::from(rule.target_percent) { ObservationResult::Met } else { ObservationResult::Missed };
    (result, Some(percent))
}

/// How many comparable days a window needs. On working or school days five of seven can compare at best.
pub fn comparable_days_needed(rule: &ObservationRule) -> i64 {
    let possible = match rule.compare {
        CompareDays::All | CompareDays::HeatingSeason => f64::from(rule.window_days),
        CompareDays::WorkingDays | CompareDays::SchoolDays => f64::from(rule.window_days) * 5.0 / 7.0,
    };
    (possible * COMPARABLE_SHARE).ceil() as i64
}

/// Whether tickets after closure have returned: the trailing window against the baseline.
pub fn has_returned(rule: &ObservationRule, baseline: CallerCount, trailing: CallerCount) -> bool {
    match (baseline.per_week(), trailing.per_week()) {
        (Some(before), Some(after)) if before > 0.0 => after >= before * f64::from(rule.reopen_percent) / 100.0,
        _ => false,
    }
}

/// Days after closure on which the unit that keeps it cured is looked at again (回头看).
pub const LOOK_BACK_DAYS: [i64; 3] = [30, 90, 180];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(callers: i64, comparable_days: i64) -> CallerCount {
        CallerCount { callers, comparable_days }
    }

    #[test]
    fn thirty_percent_of_the_baseline_meets_the_target_and_more_does_not() {
        let rule = ObservationRule::default();
        assert_eq!(judge(&rule, count(80, 56), count(12, 28)).0, ObservationResult::Met);
        assert_eq!(judge(&rule, count(80, 56), count(13, 28)).0, ObservationResult::Missed);
    }

    #[test]
    fn a_school_holiday_proves_nothing() {
        let rule = ObservationRule { compare: CompareDays::SchoolDays, ..ObservationRule::default() };
        assert_eq!(judge(&rule, count(80, 40), count(0, 3)).0, ObservationResult::NoData);
        assert_eq!(judge(&rule, count(80, 40), count(0, 15)).0, ObservationResult::Met);
    }

    #[test]
    fn an_empty_baseline_closes_nothing() {
        assert_eq!(judge(&ObservationRule::default(), count(0, 56), count(0, 28)).0, ObservationResult::NoData);
    }

    #[test]
    fn half_of_the_baseline_in_fourteen_days_is_a_return() {
        let rule = ObservationRule::default();
        assert!(has_returned(&rule, count(80, 56), count(10, 14)));
        assert!(!has_returned(&rule, count(80, 56), count(9, 14)));
    }

    proptest! {
        #[test]
        fn no_walk_closes_a_case_that_was_not_observed(
            steps in proptest::collection::vec(proptest::sample::select(CaseMove::ALL.to_vec()), 0..40)
        ) {
            let mut state = CaseState::Draft;
            let mut issued = false;
            for step in steps {
                let Ok(next) = next_state(state, step) else { continue };
                issued |= next == CaseState::Issued;
                prop_assert!(!next.is_running() || issued);
                if next == CaseState::Closed {
                    prop_assert_eq!(state, CaseState::Verifying);
                }
                prop_assert!(state != CaseState::Terminated);
                state = next;
            }
        }
    }
}
