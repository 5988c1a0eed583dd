//! Who works on a task: its unit, one officer of it, or another unit.

use crate::app::access::require_on_task;
use crate::app::plans::{CasePlan, cycle_of_version};
use crate::app::tasks::{take_plan_of, tell, told, touch};
use crate::app::{Ctx, Error, Recipient};
use crate::domain::access::Action;
use crate::domain::case::Part;
use crate::domain::notice::Stage;
use crate::domain::task::TaskState;
use crate::lang::Message;
use crate::store::plans::{self, Assignment, TaskInCase};
use crate::store::{cases, new_id, objections, people};
use serde_json::json;

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
    require_on_task(ctx, action, &found)?;
    if version != found.task.version {
        return Err(Error::Stale { yours: version, current: found.task.version });
    }
    found.task.officer_id = officer_id;
    if moves {
        return hand_over(ctx, found, unit_id, reason);
    }
    take_over(ctx, &found, reason)?;
    ctx.record(
        "task.assigned",
        ("task", task_id),
        Some(&found.task.case_id),
        told(&found, json!({ "officer": found.task.officer_id })),
    );
    touch(ctx, found)
}

pub fn hand_over(ctx: &mut Ctx, mut found: TaskInCase, unit_id: String, reason: Option<String>) -> Result<(), Error> {
    if found.task.state.is_final() || found.task.state == TaskState::Submitted {
        return Err(Error::Refused(
            Message::new("任务现在是“%{state}”，不能改派。").with("state", found.task.state.label()),
        ));
    }
    people::unit_by_id(&mut ctx.tx, &unit_id)?.ok_or_else(|| Error::field("unit_id", Message::new("没有这个单位")))?;
    cases::insert_units(&mut ctx.tx, &found.task.case_id, &[(unit_id.clone(), Part::Cooperating)], ctx.now)?;
    objections::set_holder(&mut ctx.tx, &found.task.id, &unit_id)?;
    let old_unit = std::mem::replace(&mut found.task.unit_id, unit_id);
    take_over(ctx, &found, reason)?;
    let case_id = found.task.case_id.clone();
    ctx.record(
        "task.handed_over",
        ("task", &found.task.id),
        Some(&case_id),
        told(&found, json!({ "from": old_unit, "to": found.task.unit_id })),
    );
    if found.task.state.is_with_unit() {
        // The new unit's clock starts anew: back to waiting, and released at once by the plan.
        let cycle = cycle_of_version(&found.task);
        tell(ctx, &found, Stage::TaskWithheld, Recipient::Unit(&old_unit), cycle, "");
        found.task.state = TaskState::Waiting;
        (found.task.released_at, found.task.acknowledged_at, found.task.started_at, found.task.due_on) =
            (None, None, None, None);
    }
    touch(ctx, found)?;
    CasePlan::read(ctx, &case_id)?.settle(ctx)
}

/// Keeps who has the task from now on, and until when others had it.
pub fn take_over(ctx: &mut Ctx, found: &TaskInCase, reason: Option<String>) -> Result<(), Error> {
    plans::end_assignment(&mut ctx.tx, &found.task.id, ctx.now)?;
    let row = Assignment {
        id: new_id(),
        task_id: found.task.id.clone(),
        unit_id: found.task.unit_id.clone(),
        officer_id: found.task.officer_id.clone(),
        reason,
        since: ctx.now,
        until: None,
        person_id: ctx.actor.id().to_owned(),
    };
    Ok(plans::insert_assignment(&mut ctx.tx, &row)?)
}
