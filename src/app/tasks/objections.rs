//! An objection (职责异议): the unit says the task is not its duty. It goes from the coordinator to a consultation and on
//! to a leader, each with a date; until the ruling the unit holds the task and its clock stands still, unless told otherwise.

use crate::app::plans::cycle_of_version;
use crate::app::tasks::assigning::hand_over;
use crate::app::tasks::{open, required, take_plan_of, tell, told, touch, with_unit};
use crate::app::{Actor, App, Ctx, Error, Recipient};
use crate::domain::access::{Action, Subject};
use crate::domain::notice::Stage;
use crate::domain::objection::{ObjectionLevel, likeness};
use crate::lang::Message;
use crate::store::objections::{self, Objection, ObjectionOpinion, ObjectionStep, Ruling};
use crate::store::plans::{self, Task, TaskInCase};
use crate::store::{new_id, people};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

/// Rulings that are looked through for precedents, and how many are shown.
const RULINGS_LOOKED_AT: i64 = 500;
const PRECEDENTS_SHOWN: usize = 3;

/// The unit says the task is not its duty, citing the duty list.
pub fn object(ctx: &mut Ctx, task_id: &str, clause: String, reason: String) -> Result<(), Error> {
    take_plan_of(ctx, task_id)?;
    let mut found = open(ctx, task_id, None, Action::WorkTask)?;
    with_unit(&found)?;
    let (clause, reason) = (required("clause", clause)?, required("reason", reason)?);
    if objections::open_of(&mut ctx.tx, task_id)?.is_some() {
        return Err(Error::Refused(Message::new("已有职责异议待裁定。")));
    }
    let level = ObjectionLevel::Coordinator;
    let row = Objection {
        id: new_id(),
        task_id: task_id.to_owned(),
        level,
        clause,
        reason: reason.clone(),
        due_on: ctx.calendar.add_working_days(ctx.today, level.days()),
        holder_unit_id: found.task.unit_id.clone(),
        raised_by: ctx.actor.id().to_owned(),
        raised_at: ctx.now,
        upheld: None,
        new_unit_id: None,
        ruling: None,
        ruled_by: None,
        ruled_at: None,
        basis: None,
    };
    let payload = told(&found, json!({ "due_on": row.due_on }));
    objections::insert(&mut ctx.tx, row)?;
    tell_coordinator(ctx, &found, Stage::ObjectionRaised, cycle_of_version(&found.task), &reason);
    ctx.record("task.objected", ("task", task_id), Some(&found.task.case_id), payload);
    found.task.clock_stopped_on = Some(ctx.today);
    touch(ctx, found)
}

fn tell_coordinator(ctx: &mut Ctx, found: &TaskInCase, stage: Stage, cycle: i32, detail: &str) {
    tell(ctx, found, stage, Recipient::Person(&found.coordinator_id), cycle, detail);
}

/// Lets the task's clock run, or stand still, until the ruling.
pub fn set_clock(ctx: &mut Ctx, task_id: &str, runs: bool) -> Result<(), Error> {
    take_plan_of(ctx, task_id)?;
    let mut found = open(ctx, task_id, None, Action::DecideTask)?;
    pending(ctx, task_id)?;
    if runs {
        start_clock(ctx, &mut found.task);
    } else {
        found.task.clock_stopped_on.get_or_insert(ctx.today);
    }
    ctx.record("task.clock_set", ("task", task_id), Some(&found.task.case_id), told(&found, json!({ "runs": runs })));
    touch(ctx, found)
}

/// The clock runs on: the days it stood still are given back.
fn start_clock(ctx: &Ctx, task: &mut Task) {
    let Some(since) = task.clock_stopped_on.take() else { return };
    let calendar = ctx.calendars.of_unit(&task.unit_id);
    let stood = calendar.working_days_between(since, ctx.today);
    task.due_on = task.due_on.map(|due| calendar.add_working_days(due, stood));
}

fn pending(ctx: &mut Ctx, task_id: &str) -> Result<Objection, Error> {
    objections::open_of(&mut ctx.tx, task_id)?.ok_or_else(|| Error::Refused(Message::new("没有待裁定的职责异议。")))
}

/// Asks the units that keep the duty lists (编办、司法局) what they say about it. Others may be asked later.
pub fn consult(
    ctx: &mut Ctx,
    task_id: &str,
    unit_ids: &[String],
    note: String,
    due_on: Option<NaiveDate>,
) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::DecideTask)?;
    let objection = pending(ctx, task_id)?;
    if objection.level == ObjectionLevel::Leader {
        return Err(Error::Refused(Message::new("异议已提请领导指定。")));
    }
    if unit_ids.is_empty() {
        return Err(Error::field("unit_ids", Message::new("请选择会商单位")));
    }
    let due_on = step(ctx, &found, &objection, ObjectionLevel::Consultation, note, due_on)?;
    for unit_id in unit_ids {
        people::unit_by_id(&mut ctx.tx, unit_id)?
            .ok_or_else(|| Error::field("unit_ids", Message::new("没有这个单位")))?;
        let row = ObjectionOpinion {
            id: new_id(),
            objection_id: objection.id.clone(),
            unit_id: unit_id.clone(),
            asked_at: ctx.now,
            text: None,
            person_id: None,
            at: None,
        };
        if objections::consult(&mut ctx.tx, &row)? {
            let cycle = due_on.num_days_from_ce();
            tell(ctx, &found, Stage::ObjectionConsulted, Recipient::Unit(unit_id), cycle, "");
        }
    }
    touch(ctx, found)
}

/// Nobody could settle it: a leader designates.
pub fn refer(ctx: &mut Ctx, task_id: &str, note: String, due_on: Option<NaiveDate>) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::DecideTask)?;
    let objection = pending(ctx, task_id)?;
    if objection.level == ObjectionLevel::Leader {
        return Err(Error::Refused(Message::new("异议已提请领导指定。")));
    }
    let note = required("note", note)?;
    step(ctx, &found, &objection, ObjectionLevel::Leader, note, due_on)?;
    touch(ctx, found)
}

/// Takes it on to a level; gives until when it is to be settled there.
fn step(
    ctx: &mut Ctx,
    found: &TaskInCase,
    objection: &Objection,
    level: ObjectionLevel,
    note: String,
    due_on: Option<NaiveDate>,
) -> Result<NaiveDate, Error> {
    let due_on = due_on.unwrap_or_else(|| ctx.calendar.add_working_days(ctx.today, level.days()));
    if due_on <= ctx.today {
        return Err(Error::field("due_on", Message::new("期限应晚于今天")));
    }
    let row = ObjectionStep {
        id: new_id(),
        objection_id: objection.id.clone(),
        level,
        note: note.trim().to_owned(),
        due_on,
        person_id: ctx.actor.id().to_owned(),
        at: ctx.now,
    };
    if !objections::step(&mut ctx.tx, row)? {
        return Err(Error::Refused(Message::new("没有待裁定的职责异议。")));
    }
    let payload = told(found, json!({ "level": level.code(), "to": due_on }));
    ctx.record("task.objection_referred", ("task", &found.task.id), Some(&found.task.case_id), payload);
    Ok(due_on)
}

/// What a consulted unit says; until the ruling it may be changed.
pub fn give_opinion(ctx: &mut Ctx, task_id: &str, unit_id: &str, text: String) -> Result<(), Error> {
    let unit = people::unit_by_id(&mut ctx.tx, unit_id)?.ok_or(Error::NotFound)?;
    ctx.require(Action::ReplyOpinion, &Subject { unit_path: Some(&unit.path), ..Subject::default() })?;
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    let objection = pending(ctx, task_id)?;
    let (text, person) = (required("text", text)?, ctx.actor.id().to_owned());
    if !objections::give_opinion(&mut ctx.tx, &objection.id, unit_id, &text, &person, ctx.now)? {
        return Err(Error::Refused(Message::new("没有征求过这个单位的意见。")));
    }
    let payload = told(&found, json!({ "unit": unit_id, "reason": text }));
    ctx.record("task.objection_opinion", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}

/// A ruling as it is entered.
pub struct NewRuling {
    /// Another unit takes the task and starts from signing for it; none: it stays where it is.
    pub new_unit_id: Option<String>,
    pub text: String,
    /// What a leader decided, when somebody enters it for the leader.
    pub basis: Option<String>,
}

/// Rules on the open objection. What was referred to a leader is ruled on by a leader, or entered with its basis.
pub fn rule(ctx: &mut Ctx, task_id: &str, ruling: NewRuling) -> Result<(), Error> {
    take_plan_of(ctx, task_id)?;
    let objection = pending(ctx, task_id)?;
    let is_leader = ctx.actor.may(Action::Instruct, &Subject::default());
    let at_leader = objection.level == ObjectionLevel::Leader;
    let action = if is_leader && at_leader { Action::Instruct } else { Action::DecideTask };
    let mut found = open(ctx, task_id, None, action)?;
    let text = required("ruling", ruling.text)?;
    if at_leader && !is_leader && ruling.basis.is_none() {
        return Err(Error::field("basis", Message::new("请填写领导批示或会议纪要")));
    }
    if ruling.new_unit_id.as_ref() == Some(&found.task.unit_id) {
        return Err(Error::field("new_unit_id", Message::new("任务已在这个单位")));
    }
    let person = ctx.actor.id().to_owned();
    let ruled = Ruling {
        new_unit_id: ruling.new_unit_id.as_deref(),
        text: &text,
        basis: ruling.basis.as_deref(),
        person_id: &person,
        at: ctx.now,
    };
    objections::rule(&mut ctx.tx, &objection.id, &ruled)?;
    let cycle = cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ObjectionRuled, Recipient::Unit(&found.task.unit_id), cycle, &text);
    let payload = told(
        &found,
        json!({ "level": objection.level.code(), "unit": ruling.new_unit_id, "reason": text, "basis": ruling.basis }),
    );
    ctx.record("task.objection_ruled", ("task", task_id), Some(&found.task.case_id), payload);
    start_clock(ctx, &mut found.task);
    match ruling.new_unit_id {
        Some(unit_id) => hand_over(ctx, found, unit_id, Some(text)),
        None => touch(ctx, found),
    }
}

/// An earlier ruling on a like objection.
#[derive(Debug, Clone)]
pub struct Precedent {
    pub objection: Objection,
    pub title: String,
}

/// Rulings on tasks like this one, or on the same clause, the most alike first.
pub fn precedents(ctx: &mut Ctx, task: &Task, open: Option<&Objection>) -> Result<Vec<Precedent>, Error> {
    let clause = open.map_or("", |open| open.clause.as_str());
    let mut alike: Vec<(f64, Precedent)> = Vec::new();
    for (objection, title) in objections::ruled(&mut ctx.tx, RULINGS_LOOKED_AT)? {
        if objection.task_id != task.id
            && let Some(score) = likeness(&task.title, clause, &title, &objection.clause)
        {
            alike.push((score, Precedent { objection, title }));
        }
    }
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(alike.into_iter().take(PRECEDENTS_SHOWN).map(|(_, precedent)| precedent).collect())
}

/// Reminds the coordinator of objections whose level has had its time.
pub async fn remind(app: &App) -> Result<(), Error> {
    app.write(&Actor::job("催办"), |ctx| {
        let today = ctx.today;
        for row in objections::open(&mut ctx.tx)?.into_iter().filter(|row| row.due_on < today) {
            let Some(found) = plans::task_in_case(&mut ctx.tx, &row.task_id)? else { continue };
            tell_coordinator(ctx, &found, Stage::ObjectionDue, row.due_on.num_days_from_ce(), &row.reason);
        }
        Ok(())
    })
    .await
}
