//! Meetings (协调会): called, moved or cancelled with an invitation that calendars understand; what is decided becomes tasks.

use crate::app::access::{require_on_case, require_reading};
use crate::app::cases::case_views::unit_names;
use crate::app::plans::plan_changes::TaskDraft;
use crate::app::plans::plan_edits;
use crate::app::tasks::required;
use crate::app::{Ctx, Error, Owed, Recipient};
use crate::domain::access::Action;
use crate::domain::meeting::MeetingState;
use crate::domain::notice::Stage;
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::store::cases::{self, Case};
use crate::store::meetings::{self, Meeting, MeetingDecision};
use crate::store::plans::{self, Task};
use crate::store::{new_id, people};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::json;
use std::collections::HashMap;

/// Minutes of the longest meeting.
const DURATION_MAX: i32 = 24 * 60;

/// A meeting as somebody calls it, in local time.
#[derive(Debug, Clone)]
pub struct Call {
    pub topic: String,
    pub day: NaiveDate,
    pub time: NaiveTime,
    /// Minutes.
    pub duration: i32,
    pub place: String,
    /// None: every unit of the task force.
    pub unit_ids: Vec<String>,
}

/// Calls a meeting of a running case. Gives its id.
pub fn call(ctx: &mut Ctx, case_id: &str, call: Call) -> Result<String, Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_on_case(ctx, Action::ShapePlan, case_id)?;
    if !case.state.is_running() {
        return Err(Error::Refused(
            Message::new("专项现在是“%{state}”，不能召集协调会。").with("state", case.state.label()),
        ));
    }
    let held_at = checked(ctx, &call)?;
    let meeting = Meeting {
        id: new_id(),
        case_id: case_id.to_owned(),
        held_at,
        place: call.place.trim().to_owned(),
        minutes: String::new(),
        recorded_by: ctx.actor.id().to_owned(),
        created_at: ctx.now,
        topic: call.topic.trim().to_owned(),
        duration: call.duration,
        state: MeetingState::Called,
        sequence: 0,
        version: 1,
    };
    let id = meeting.id.clone();
    meetings::insert(&mut ctx.tx, meeting.clone())?;
    invite(ctx, &meeting, call.unit_ids, Stage::MeetingCalled)?;
    tell(ctx, "meeting.called", &meeting);
    Ok(id)
}

/// Moves a meeting, or changes its place or who is invited: the same calendar entry changes.
pub fn change(ctx: &mut Ctx, id: &str, version: i64, call: Call) -> Result<(), Error> {
    let meeting = open(ctx, id, version)?;
    let held_at = checked(ctx, &call)?;
    let (place, topic) = (call.place.trim().to_owned(), call.topic.trim().to_owned());
    let sequence = meeting.sequence + 1;
    let meeting = Meeting { held_at, place, topic, duration: call.duration, sequence, ..meeting };
    save(ctx, &meeting)?;
    invite(ctx, &meeting, call.unit_ids, Stage::MeetingChanged)?;
    tell(ctx, "meeting.changed", &meeting);
    Ok(())
}

/// Calls a meeting off, and says why.
pub fn cancel(ctx: &mut Ctx, id: &str, version: i64, reason: String) -> Result<(), Error> {
    let meeting = open(ctx, id, version)?;
    let reason = required("reason", reason)?;
    let meeting = Meeting { state: MeetingState::Cancelled, sequence: meeting.sequence + 1, ..meeting };
    save(ctx, &meeting)?;
    for unit in meetings::units_of(&mut ctx.tx, id)? {
        owe(ctx, &meeting, &unit, Stage::MeetingCancelled, &reason);
    }
    tell(ctx, "meeting.cancelled", &meeting);
    Ok(())
}

/// A decision of a meeting; with a unit it becomes that unit's task.
#[derive(Debug, Clone)]
pub struct Decided {
    pub text: String,
    pub unit_id: Option<String>,
    /// Working days.
    pub duration: i32,
}

/// Keeps the minutes, and makes tasks of what was decided: all of it, or nothing.
pub fn record(ctx: &mut Ctx, id: &str, version: i64, minutes: String, decided: Vec<Decided>) -> Result<(), Error> {
    let meeting = open(ctx, id, version)?;
    let minutes = required("minutes", minutes)?;
    let tasks = made_tasks(ctx, &meeting.case_id, &decided)?;
    let row = |(decided, task_id): (Decided, Option<String>)| MeetingDecision {
        id: new_id(),
        meeting_id: id.to_owned(),
        text: decided.text,
        task_id,
        at: ctx.now,
    };
    let rows = decided.into_iter().zip(tasks).map(row).collect();
    meetings::insert_decisions(&mut ctx.tx, rows)?;
    let meeting = Meeting { state: MeetingState::Held, minutes, ..meeting };
    save(ctx, &meeting)?;
    tell(ctx, "meeting.recorded", &meeting);
    Ok(())
}

fn made_tasks(ctx: &mut Ctx, case_id: &str, decided: &[Decided]) -> Result<Vec<Option<String>>, Error> {
    if decided.iter().all(|decided| decided.unit_id.is_none()) {
        return Ok(vec![None; decided.len()]);
    }
    plan_edits::edit(ctx, case_id, |ctx, plan| {
        let add = |decided: &Decided| {
            let draft = |unit_id: &String| TaskDraft {
                title: decided.text.clone(),
                unit_id: unit_id.clone(),
                description: String::new(),
                acceptance: String::new(),
                evidence: String::new(),
                duration: decided.duration,
                duration_unit: Default::default(),
                not_before: None,
                fixed_on: None,
            };
            decided.unit_id.as_ref().map(|unit_id| plan.add(ctx, draft(unit_id))).transpose()
        };
        decided.iter().map(add).collect()
    })
}

fn open(ctx: &mut Ctx, id: &str, version: i64) -> Result<Meeting, Error> {
    let meeting = meetings::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    require_on_case(ctx, Action::ShapePlan, &meeting.case_id)?;
    if meeting.version != version {
        return Err(Error::Stale { yours: version, current: meeting.version });
    }
    if meeting.state != MeetingState::Called {
        return Err(Error::Refused(
            Message::new("会议现在是“%{state}”，不能再改。").with("state", meeting.state.label()),
        ));
    }
    Ok(meeting)
}

fn save(ctx: &mut Ctx, meeting: &Meeting) -> Result<(), Error> {
    if meetings::save(&mut ctx.tx, meeting)? {
        return Ok(());
    }
    let current = meetings::by_id(&mut ctx.tx, &meeting.id)?.ok_or(Error::NotFound)?.version;
    Err(Error::Stale { yours: meeting.version, current })
}

/// When it begins, in UTC; or every field that cannot be taken.
fn checked(ctx: &Ctx, call: &Call) -> Result<NaiveDateTime, Error> {
    let mut faults = Vec::new();
    let mut fault = |field, reason| faults.push(FieldError { field, reason });
    for (field, text) in [("topic", &call.topic), ("place", &call.place)] {
        match text.trim().chars().count() {
            0 => fault(field, Message::new("请填写内容")),
            1..=100 => {}
            _ => fault(field, Message::new("不能超过 %{max} 字").with("max", 100)),
        }
    }
    if !(1..=DURATION_MAX).contains(&call.duration) {
        fault("duration", Message::new("时长应在 1 到 %{max} 分钟之间").with("max", DURATION_MAX));
    }
    let held_at = ctx.app.clock.start_of(call.day) + (call.time - NaiveTime::MIN);
    if held_at <= ctx.now {
        fault("day", Message::new("会议时间应晚于现在"));
    }
    if faults.is_empty() { Ok(held_at) } else { Err(Error::Invalid(faults)) }
}

/// Invites the units; whoever was invited before and is no longer gets a cancellation.
fn invite(ctx: &mut Ctx, meeting: &Meeting, unit_ids: Vec<String>, stage: Stage) -> Result<(), Error> {
    let mut unit_ids: Vec<String> = if unit_ids.is_empty() {
        cases::force(&mut ctx.tx, &meeting.case_id)?.into_iter().map(|member| member.unit_id).collect()
    } else {
        unit_ids
    };
    unit_ids.sort();
    unit_ids.dedup();
    for unit in &unit_ids {
        people::unit_by_id(&mut ctx.tx, unit)?.ok_or_else(|| Error::field("unit_ids", Message::new("没有这个单位")))?;
        owe(ctx, meeting, unit, stage, "");
    }
    for unit in meetings::set_units(&mut ctx.tx, &meeting.id, &unit_ids)? {
        owe(ctx, meeting, &unit, Stage::MeetingCancelled, "");
    }
    Ok(())
}

fn owe(ctx: &mut Ctx, meeting: &Meeting, unit_id: &str, stage: Stage, detail: &str) {
    ctx.owe(Owed {
        subject_kind: "meeting",
        subject_id: &meeting.id,
        stage,
        recipient: Recipient::Unit(unit_id),
        cycle: meeting.sequence,
        case_id: Some(&meeting.case_id),
        detail,
    });
}

fn tell(ctx: &mut Ctx, kind: &str, meeting: &Meeting) {
    let payload = json!({ "title": meeting.topic, "held_at": meeting.held_at.and_utc(), "sequence": meeting.sequence });
    ctx.record(kind, ("meeting", &meeting.id), Some(&meeting.case_id), payload);
}

/// One meeting with what its page shows.
pub struct MeetingView {
    pub meeting: Meeting,
    pub case: Case,
    /// Ids of the units that are invited.
    pub invited: Vec<String>,
    pub units: HashMap<String, String>,
    pub decisions: Vec<(MeetingDecision, Option<Task>)>,
    pub may_shape: bool,
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<MeetingView, Error> {
    let meeting = meetings::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let case = cases::by_id(&mut ctx.tx, &meeting.case_id)?.ok_or(Error::NotFound)?;
    require_reading(ctx, &case)?;
    let mut decisions = Vec::new();
    for row in meetings::decisions_of(&mut ctx.tx, id)? {
        let task = row.task_id.as_deref().map(|id| plans::task_by_id(&mut ctx.tx, id)).transpose()?.flatten();
        decisions.push((row, task));
    }
    Ok(MeetingView {
        invited: meetings::units_of(&mut ctx.tx, id)?,
        units: unit_names(ctx)?,
        may_shape: require_on_case(ctx, Action::ShapePlan, &case.id).is_ok(),
        decisions,
        meeting,
        case,
    })
}

/// The meetings of a case the actor may read, the latest first.
pub fn of_case(ctx: &mut Ctx, case_id: &str) -> Result<Vec<Meeting>, Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_reading(ctx, &case)?;
    Ok(meetings::of_case(&mut ctx.tx, case_id)?)
}
