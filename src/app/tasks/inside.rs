//! A unit is not one officer: a liaison receives a task and passes it on, a section works on it or a part of it, the head
//! signs off what is handed in where the unit wants that.

use crate::app::access::require_on_task;
use crate::app::plans::plan_changes::{DependencyDraft, TaskDraft};
use crate::app::plans::{CasePlan, cycle_of_version};
use crate::app::tasks::assigning::take_over;
use crate::app::tasks::{
    current_submission, finish, give_back, may_change, open, required, tell, told, touch, with_unit,
};
use crate::app::{Clock, Ctx, Error, Recipient};
use crate::domain::access::{Action, Role, Subject};
use crate::domain::notice::Stage;
use crate::domain::task::DependencyKind;
use crate::lang::Message;
use crate::store::people::{self, Unit};
use crate::store::plans::{self, Task, TaskInCase};
use crate::store::tasks;
use serde_json::json;

/// Passes a task on to a section, back up, or to one officer. Its state and dates stay: to the outside nothing changes.
pub fn pass_on(
    ctx: &mut Ctx,
    task_id: &str,
    version: i64,
    unit_id: String,
    officer_id: Option<String>,
    reason: Option<String>,
) -> Result<(), Error> {
    let mut found = open(ctx, task_id, Some(version), Action::ReceiveTask)?;
    with_unit(&found)?;
    let unit = within_branch(ctx, &found, Action::ReceiveTask, &unit_id)?;
    if let Some(officer) = &officer_id {
        let posts = people::posts_of(&mut ctx.tx, officer, Clock::real())?;
        if !posts.iter().any(|post| post.unit_id.as_ref() == Some(&unit.id)) {
            return Err(Error::field("officer_id", Message::new("这个人不在所选单位")));
        }
    }
    let from = std::mem::replace(&mut found.task.unit_id, unit_id);
    found.task.officer_id = officer_id;
    take_over(ctx, &found, reason.clone())?;
    let (cycle, reason) = (cycle_of_version(&found.task), reason.unwrap_or_default());
    if from != found.task.unit_id {
        tell(ctx, &found, Stage::TaskPassedOn, Recipient::Unit(&unit.id), cycle, &reason);
    }
    if let Some(officer) = &found.task.officer_id {
        tell(ctx, &found, Stage::TaskPassedOn, Recipient::Person(officer), cycle, &reason);
    }
    let payload = told(&found, json!({ "unit": unit.id, "officer": found.task.officer_id, "to": unit.name }));
    ctx.record("task.passed_on", ("task", task_id), Some(&found.task.case_id), payload);
    touch(ctx, found)
}

/// The chosen unit, which must be in the same branch as the task's, and one for which the actor may do the same.
fn within_branch(ctx: &mut Ctx, found: &TaskInCase, action: Action, unit_id: &str) -> Result<Unit, Error> {
    let unit = people::unit_by_id(&mut ctx.tx, unit_id)?;
    let unit = unit.ok_or_else(|| Error::field("unit_id", Message::new("没有这个单位")))?;
    let same_branch = unit.path.starts_with(&found.unit_path) || found.unit_path.starts_with(&unit.path);
    let subject = Subject { unit_path: Some(&unit.path), case_id: Some(&found.task.case_id), ..Subject::default() };
    if same_branch && ctx.actor.may(action, &subject) {
        return Ok(unit);
    }
    Err(Error::field("unit_id", Message::new("只能在本单位内转办；改派外单位请提出职责异议")))
}

/// Whether the actor is a head whose handing in is its own signature.
pub fn may_sign_off(ctx: &Ctx, found: &TaskInCase) -> bool {
    ctx.actor.may(Action::SignOff, &Subject { unit_path: Some(&found.unit_path), ..Subject::default() })
}

/// Asks the head of the unit that wants it; the unit where nobody is known.
pub fn ask_sign_off(ctx: &mut Ctx, found: &TaskInCase, round: i32) -> Result<(), Error> {
    let Some(unit) = people::signs_off_on(&mut ctx.tx, &found.unit_path)? else { return Ok(()) };
    let heads = people::reachable_in_unit(&mut ctx.tx, &unit.id, &[Role::UnitHead], ctx.now)?;
    for head in &heads {
        tell(ctx, found, Stage::SignOffAsked, Recipient::Person(&head.id), round, "");
    }
    if heads.is_empty() {
        tell(ctx, found, Stage::SignOffAsked, Recipient::Unit(&unit.id), round, "");
    }
    Ok(())
}

/// The head signs off: now it is handed in.
pub fn sign_off(ctx: &mut Ctx, task_id: &str, version: i64) -> Result<(), Error> {
    let found = awaiting(ctx, task_id, version)?;
    let (round, person) = (found.task.submission_round, ctx.actor.id().to_owned());
    tasks::sign_off(&mut ctx.tx, task_id, round, &person)?;
    ctx.record(
        "task.signed_off",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "round": round })),
    );
    super::hand_in(ctx, &found)?;
    touch(ctx, found)
}

/// The head gives it back within the unit.
pub fn decline(ctx: &mut Ctx, task_id: &str, version: i64, reason: String) -> Result<(), Error> {
    let found = awaiting(ctx, task_id, version)?;
    let reason = required("reason", reason)?;
    give_back(ctx, found, reason)
}

fn awaiting(ctx: &mut Ctx, task_id: &str, version: i64) -> Result<TaskInCase, Error> {
    let found = open(ctx, task_id, Some(version), Action::SignOff)?;
    match current_submission(ctx, &found)? {
        Some(row) if row.awaits_sign_off => Ok(found),
        _ => Err(Error::Refused(Message::new("没有待签发的提交。"))),
    }
}

/// Gives a part of a task (子任务) to a section: released at once, and ended before the whole is handed in.
pub fn add_part(ctx: &mut Ctx, task_id: &str, draft: TaskDraft) -> Result<String, Error> {
    let (mut plan, found) = CasePlan::take_with(ctx, task_id)?;
    may_change(ctx, &found, None, Action::AssignTask)?;
    with_unit(&found)?;
    within_branch(ctx, &found, Action::AssignTask, &draft.unit_id)?;
    let was = plan.rows();
    let id = plan.add(ctx, draft)?;
    let part = Task { parent_task_id: Some(task_id.to_owned()), ..plan.task(&id)?.clone() };
    plan.put(part);
    let before_the_whole = DependencyDraft {
        predecessor_id: id.clone(),
        successor_id: task_id.to_owned(),
        kind: DependencyKind::FinishToFinish,
        lag_days: 0,
    };
    plan.connect(ctx, before_the_whole)?;
    plan.save_since(ctx, &was)?;
    plan.settle(ctx)?;
    Ok(id)
}

/// Accepts a part that was handed in: whoever works on the whole.
pub fn accept_part(ctx: &mut Ctx, task_id: &str, version: i64, note: String) -> Result<(), Error> {
    let (plan, found) = CasePlan::take_with(ctx, task_id)?;
    may_judge(ctx, &found, version)?;
    finish(ctx, plan, found, None, &note)
}

pub fn return_part(ctx: &mut Ctx, task_id: &str, version: i64, reason: String) -> Result<(), Error> {
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    may_judge(ctx, &found, version)?;
    let reason = required("reason", reason)?;
    give_back(ctx, found, reason)
}

/// Refuses whoever may not judge this part of a task.
fn may_judge(ctx: &mut Ctx, found: &TaskInCase, version: i64) -> Result<(), Error> {
    may_change(ctx, found, Some(version), Action::ReadTask)?;
    let whole = found.task.parent_task_id.as_deref().ok_or(Error::Forbidden)?;
    let whole = plans::task_in_case(&mut ctx.tx, whole)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::WorkTask, &whole)
}
