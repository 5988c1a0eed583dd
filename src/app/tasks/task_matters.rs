//! What happens beside a task's one state: a block and the help it asks, an extension, an objection, a comment, who works on it.

use crate::app::plans::{CasePlan, save_task};
use crate::app::tasks::{open, required, take_plan_of, tell, told};
use crate::app::{Ctx, Error, Recipient};
use crate::domain::access::Action;
use crate::domain::notice::Stage;
use crate::domain::task::TaskState;
use crate::lang::Message;
use crate::store::new_id;
use crate::store::plans::{self, Assignment, TaskInCase};
use crate::store::tasks::{self, Block, Comment, Extension, Objection, Ruling};
use crate::store::{cases, people};
use chrono::NaiveDate;
use serde_json::json;

/// Days a coordinator has to rule on an objection at the first level.
const OBJECTION_RULING_DAYS: i64 = 3;
/// The first of the three levels: coordinator, consultation, leader.
const FIRST_LEVEL: &str = "coordinator";

fn with_unit(found: &TaskInCase) -> Result<(), Error> {
    if found.task.state.is_with_unit() {
        return Ok(());
    }
    Err(Error::Refused(
        Message::new("任务现在是“%{state}”，不在承办单位手中。").with("state", found.task.state.label()),
    ))
}

fn not_before_today(ctx: &Ctx, field: &'static str, date: NaiveDate) -> Result<(), Error> {
    if date < ctx.today { Err(Error::field(field, Message::new("日期不能早于今天"))) } else { Ok(()) }
}

/// The unit says what stops the task (受阻), and whose help it asks until when.
pub fn raise_block(
    ctx: &mut Ctx,
    task_id: &str,
    reason: String,
    helper: Option<String>,
    due_on: NaiveDate,
) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    with_unit(&found)?;
    let reason = required("reason", reason)?;
    not_before_today(ctx, "due_on", due_on)?;
    if tasks::open_block(&mut ctx.tx, task_id)?.is_some() {
        return Err(Error::Refused(Message::new("任务已登记受阻，请先解除。")));
    }
    if let Some(unit) = &helper {
        people::unit_by_id(&mut ctx.tx, unit)?
            .ok_or_else(|| Error::field("helper_unit_id", Message::new("没有这个单位")))?;
    }
    let row = Block {
        id: new_id(),
        task_id: task_id.to_owned(),
        reason: reason.clone(),
        helper_unit_id: helper,
        due_on,
        raised_by: ctx.actor.id().to_owned(),
        raised_at: ctx.now,
        answer: None,
        answered_by: None,
        answered_at: None,
        resolution: None,
        cleared_by: None,
        cleared_at: None,
    };
    tasks::insert_block(&mut ctx.tx, &row)?;
    let asked = row.helper_unit_id.as_deref().unwrap_or(&found.lead_unit_id);
    let cycle = crate::app::plans::cycle_of_version(&found.task);
    tell(ctx, &found, Stage::HelpAsked, Recipient::Unit(asked), cycle, &reason);
    ctx.record(
        "task.blocked",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "helper": row.helper_unit_id, "due_on": due_on })),
    );
    touch(ctx, found)
}

/// The unit whose help was asked answers.
pub fn answer_block(ctx: &mut Ctx, task_id: &str, answer: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::AnswerBlock)?;
    let answer = required("answer", answer)?;
    let block = tasks::open_block(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    let person = ctx.actor.id().to_owned();
    tasks::answer_block(&mut ctx.tx, &block.id, &answer, &person, ctx.now)?;
    let cycle = crate::app::plans::cycle_of_version(&found.task);
    tell(ctx, &found, Stage::HelpAnswered, Recipient::Unit(&found.task.unit_id), cycle, &answer);
    ctx.record("task.block_answered", ("task", task_id), Some(&found.task.case_id), told(&found, json!({})));
    touch(ctx, found)
}

/// The block is gone; whoever works on the task or decides its matters says how.
pub fn clear_block(ctx: &mut Ctx, task_id: &str, resolution: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::ClearBlock)?;
    let resolution = required("resolution", resolution)?;
    let block = tasks::open_block(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    let person = ctx.actor.id().to_owned();
    tasks::clear_block(&mut ctx.tx, &block.id, &resolution, &person, ctx.now)?;
    ctx.record("task.block_cleared", ("task", task_id), Some(&found.task.case_id), told(&found, json!({})));
    touch(ctx, found)
}

/// The unit asks for more time.
pub fn ask_extension(ctx: &mut Ctx, task_id: &str, asked_due_on: NaiveDate, reason: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    with_unit(&found)?;
    let reason = required("reason", reason)?;
    let Some(old_due_on) = found.task.due_on else {
        return Err(Error::Refused(Message::new("任务还没有期限。")));
    };
    if asked_due_on <= old_due_on {
        return Err(Error::field("asked_due_on", Message::new("新期限应晚于原期限")));
    }
    if tasks::extensions_of(&mut ctx.tx, task_id)?.iter().any(|asked| asked.decided_at.is_none()) {
        return Err(Error::Refused(Message::new("已有延期申请待批复。")));
    }
    let row = Extension {
        id: new_id(),
        task_id: task_id.to_owned(),
        reason: reason.clone(),
        old_due_on,
        asked_due_on,
        asked_by: ctx.actor.id().to_owned(),
        asked_at: ctx.now,
        granted: None,
        note: None,
        decided_by: None,
        decided_at: None,
    };
    tasks::insert_extension(&mut ctx.tx, &row)?;
    let cycle = crate::app::plans::cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ExtensionAsked, Recipient::Unit(&found.lead_unit_id), cycle, &reason);
    ctx.record(
        "task.extension_asked",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "from": old_due_on, "to": asked_due_on })),
    );
    touch(ctx, found)
}

/// Grants or refuses the extension that is asked; a grant moves the due date.
pub fn decide_extension(ctx: &mut Ctx, task_id: &str, granted: bool, note: String) -> Result<(), Error> {
    take_plan_of(ctx, task_id)?;
    let mut found = open(ctx, task_id, None, Action::DecideTask)?;
    let asked = tasks::extensions_of(&mut ctx.tx, task_id)?
        .into_iter()
        .find(|asked| asked.decided_at.is_none())
        .ok_or_else(|| Error::Refused(Message::new("没有待批复的延期申请。")))?;
    let note = if granted { note.trim().to_owned() } else { required("note", note)? };
    let person = ctx.actor.id().to_owned();
    tasks::decide_extension(&mut ctx.tx, &asked.id, granted, &note, &person, ctx.now)?;
    if granted {
        found.task.due_on = Some(asked.asked_due_on);
    }
    let cycle = crate::app::plans::cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ExtensionDecided, Recipient::Unit(&found.task.unit_id), cycle, &note);
    ctx.record(
        "task.extension_decided",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "granted": granted, "due_on": found.task.due_on })),
    );
    touch(ctx, found)
}

/// The unit says the task is not its duty (职责异议), citing the duty list. It holds the task until the ruling.
pub fn object(ctx: &mut Ctx, task_id: &str, clause: String, reason: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    with_unit(&found)?;
    let (clause, reason) = (required("clause", clause)?, required("reason", reason)?);
    if tasks::objections_of(&mut ctx.tx, task_id)?.iter().any(|open| open.ruled_at.is_none()) {
        return Err(Error::Refused(Message::new("已有职责异议待裁定。")));
    }
    let row = Objection {
        id: new_id(),
        task_id: task_id.to_owned(),
        level: FIRST_LEVEL.to_owned(),
        clause,
        reason: reason.clone(),
        due_on: ctx.calendar.add_working_days(ctx.today, OBJECTION_RULING_DAYS),
        holder_unit_id: found.task.unit_id.clone(),
        raised_by: ctx.actor.id().to_owned(),
        raised_at: ctx.now,
        upheld: None,
        new_unit_id: None,
        ruling: None,
        ruled_by: None,
        ruled_at: None,
    };
    tasks::insert_objection(&mut ctx.tx, &row)?;
    let cycle = crate::app::plans::cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ObjectionRaised, Recipient::Person(&found.coordinator_id), cycle, &reason);
    ctx.record(
        "task.objected",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "due_on": row.due_on })),
    );
    touch(ctx, found)
}

/// Rules on the open objection: upheld moves the task to `new_unit_id`, which starts from signing for it.
pub fn rule_objection(ctx: &mut Ctx, task_id: &str, new_unit_id: Option<String>, ruling: String) -> Result<(), Error> {
    let case_id = take_plan_of(ctx, task_id)?.id;
    let found = open(ctx, task_id, None, Action::DecideTask)?;
    let ruling = required("ruling", ruling)?;
    let objection = tasks::objections_of(&mut ctx.tx, task_id)?
        .into_iter()
        .find(|open| open.ruled_at.is_none())
        .ok_or_else(|| Error::Refused(Message::new("没有待裁定的职责异议。")))?;
    let person = ctx.actor.id().to_owned();
    let ruled = Ruling {
        upheld: new_unit_id.is_some(),
        new_unit_id: new_unit_id.as_deref(),
        text: &ruling,
        person_id: &person,
        at: ctx.now,
    };
    tasks::rule_objection(&mut ctx.tx, &objection.id, &ruled)?;
    let cycle = crate::app::plans::cycle_of_version(&found.task);
    tell(ctx, &found, Stage::ObjectionRuled, Recipient::Unit(&found.task.unit_id), cycle, &ruling);
    ctx.record(
        "task.objection_ruled",
        ("task", task_id),
        Some(&case_id),
        told(&found, json!({ "upheld": new_unit_id.is_some(), "unit": new_unit_id })),
    );
    match new_unit_id {
        Some(unit_id) => hand_over(ctx, found, unit_id, Some(ruling)),
        None => touch(ctx, found),
    }
}

/// Gives the task to another unit, or to one officer of its unit.
pub fn assign(
    ctx: &mut Ctx,
    task_id: &str,
    version: i64,
    unit_id: String,
    officer_id: Option<String>,
    reason: Option<String>,
) -> Result<(), Error> {
    take_plan_of(ctx, task_id)?;
    let mut found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    let moves = unit_id != found.task.unit_id;
    // A unit's own people decide who of them works on it; which unit does is a matter of the plan.
    let action = if moves { Action::ShapePlan } else { Action::AssignTask };
    crate::app::access::require_on_task(ctx, action, &found)?;
    if version != found.task.version {
        return Err(Error::Stale { yours: version, current: found.task.version });
    }
    found.task.officer_id = officer_id;
    if moves {
        return hand_over(ctx, found, unit_id, reason);
    }
    let assignment = assignment(ctx, &found, reason);
    plans::end_assignment(&mut ctx.tx, task_id, ctx.now)?;
    plans::insert_assignment(&mut ctx.tx, &assignment)?;
    ctx.record(
        "task.assigned",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "officer": found.task.officer_id })),
    );
    touch(ctx, found)
}

fn hand_over(ctx: &mut Ctx, mut found: TaskInCase, unit_id: String, reason: Option<String>) -> Result<(), Error> {
    if found.task.state.is_final() || found.task.state == TaskState::Submitted {
        return Err(Error::Refused(
            Message::new("任务现在是“%{state}”，不能改派。").with("state", found.task.state.label()),
        ));
    }
    people::unit_by_id(&mut ctx.tx, &unit_id)?.ok_or_else(|| Error::field("unit_id", Message::new("没有这个单位")))?;
    let part = crate::domain::case::Part::Cooperating;
    cases::insert_units(&mut ctx.tx, &found.task.case_id, &[(unit_id.clone(), part)], ctx.now)?;
    let old_unit = std::mem::replace(&mut found.task.unit_id, unit_id);
    plans::end_assignment(&mut ctx.tx, &found.task.id, ctx.now)?;
    let assignment = assignment(ctx, &found, reason);
    plans::insert_assignment(&mut ctx.tx, &assignment)?;
    let case_id = found.task.case_id.clone();
    ctx.record(
        "task.handed_over",
        ("task", &found.task.id),
        Some(&case_id),
        told(&found, json!({ "from": old_unit, "to": found.task.unit_id })),
    );
    if found.task.state.is_with_unit() {
        // The new unit's clock starts anew: back to waiting, and released at once by the plan.
        let cycle = crate::app::plans::cycle_of_version(&found.task);
        tell(ctx, &found, Stage::TaskWithheld, Recipient::Unit(&old_unit), cycle, "");
        found.task.state = TaskState::Waiting;
        (found.task.released_at, found.task.acknowledged_at, found.task.started_at, found.task.due_on) =
            (None, None, None, None);
    }
    touch(ctx, found)?;
    CasePlan::read(ctx, &case_id)?.settle(ctx)
}

fn assignment(ctx: &Ctx, found: &TaskInCase, reason: Option<String>) -> Assignment {
    Assignment {
        id: new_id(),
        task_id: found.task.id.clone(),
        unit_id: found.task.unit_id.clone(),
        officer_id: found.task.officer_id.clone(),
        reason,
        since: ctx.now,
        until: None,
        person_id: ctx.actor.id().to_owned(),
    }
}

pub fn comment(ctx: &mut Ctx, task_id: &str, text: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::CommentTask)?;
    let text = required("text", text)?;
    let row =
        Comment { id: new_id(), task_id: task_id.to_owned(), text, person_id: ctx.actor.id().to_owned(), at: ctx.now };
    tasks::insert_comment(&mut ctx.tx, &row)?;
    ctx.record("task.commented", ("task", task_id), Some(&found.task.case_id), told(&found, json!({})));
    Ok(())
}

/// Saves the task as it is now: readers of the old version learn that something beside it changed.
fn touch(ctx: &mut Ctx, mut found: TaskInCase) -> Result<(), Error> {
    save_task(ctx, &mut found.task)
}
