//! Shaping a plan: tasks and dependencies added, changed, removed, also while the case runs.

use crate::app::access::require_on_case;
use crate::app::plans::CasePlan;
use crate::app::plans::plan_changes::{DependencyDraft, TaskDraft};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::domain::task::DependencyKind;
use crate::lang::Message;
use crate::store::plans;

/// Takes a plan, lets `work` change it, and saves that as one change: then what it gates or releases settles.
pub fn edit<T>(
    ctx: &mut Ctx,
    case_id: &str,
    work: impl FnOnce(&mut Ctx, &mut CasePlan) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut plan = CasePlan::take(ctx, case_id)?;
    may_shape(ctx, &plan)?;
    let was = plan.rows();
    let value = work(ctx, &mut plan)?;
    plan.save_since(ctx, &was)?;
    plan.settle(ctx)?;
    Ok(value)
}

/// Refuses whoever may not shape the plan, and any plan that can no longer be shaped.
pub fn may_shape(ctx: &mut Ctx, plan: &CasePlan) -> Result<(), Error> {
    require_on_case(ctx, Action::ShapePlan, &plan.case.id)?;
    match plan.case.state {
        CaseState::Verifying => Err(Error::Refused(Message::new("专项在成效观察中，请先开始新一轮再调整计划。"))),
        state if !state.is_open() => {
            Err(Error::Refused(Message::new("专项现在是“%{state}”，计划不能调整。").with("state", state.label())))
        }
        _ => Ok(()),
    }
}

/// Adds a task, after `predecessors` if any. Gives its id.
pub fn add_task(ctx: &mut Ctx, case_id: &str, draft: TaskDraft, predecessors: &[String]) -> Result<String, Error> {
    edit(ctx, case_id, |ctx, plan| {
        let id = plan.add(ctx, draft)?;
        for predecessor in predecessors {
            plan.connect(ctx, finish_to_start(predecessor, &id))?;
        }
        Ok(id)
    })
}

pub fn finish_to_start(predecessor_id: &str, successor_id: &str) -> DependencyDraft {
    DependencyDraft {
        predecessor_id: predecessor_id.to_owned(),
        successor_id: successor_id.to_owned(),
        kind: DependencyKind::FinishToStart,
        lag_days: 0,
    }
}

/// Changes what a task asks. Its unit is told when it has the task already.
pub fn change_task(ctx: &mut Ctx, task_id: &str, version: i64, draft: TaskDraft) -> Result<(), Error> {
    let case_id = crate::app::tasks::take_plan_of(ctx, task_id)?.id;
    edit(ctx, &case_id, |ctx, plan| {
        let current = plan.task(task_id)?.version;
        if current != version {
            return Err(Error::Stale { yours: version, current });
        }
        plan.change(ctx, task_id, draft)
    })
}

pub fn add_dependency(ctx: &mut Ctx, case_id: &str, draft: DependencyDraft) -> Result<String, Error> {
    edit(ctx, case_id, |ctx, plan| plan.connect(ctx, draft))
}

pub fn remove_dependency(ctx: &mut Ctx, dependency_id: &str) -> Result<(), Error> {
    let row = plans::dependency_by_id(&mut ctx.tx, dependency_id)?.ok_or(Error::NotFound)?;
    edit(ctx, &row.case_id, |_, plan| plan.disconnect(dependency_id))
}
