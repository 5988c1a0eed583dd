//! Matters beside tasks that wait for a decision or an answer.

use super::{Group, Waiting, wait_for_task};
use crate::app::access::require_on_task;
use crate::app::tasks::help;
use crate::app::tasks::task_views::lines;
use crate::app::{Ctx, Error};
use crate::domain::access::{Action, Subject};
use crate::domain::objection::ObjectionLevel;
use crate::domain::task::TaskState;
use crate::store::objections::{self, Objection};
use crate::store::plans::{self, TaskInCase};
use crate::store::tasks;
use chrono::NaiveDate;

/// Extensions and objections that wait for the coordinator.
pub fn to_decide(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for row in tasks::open_extensions(&mut ctx.tx)? {
        let task = plans::task_in_case(&mut ctx.tx, &row.task_id)?.into_iter().collect();
        for line in lines(ctx, task)? {
            let waiting = wait_for_task(ctx, Group::Matter, "延期待批", "批复", &line, row.asked_at);
            found.push(Waiting { link: format!("{}#extension", waiting.link), ..waiting });
        }
    }
    for row in objections::open(&mut ctx.tx)? {
        objected(ctx, found, Group::Matter, ("异议待裁", "裁定"), &row)?;
    }
    Ok(())
}

/// Objections that only a leader can settle.
pub fn to_designate(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for row in objections::open(&mut ctx.tx)?.into_iter().filter(|row| row.level == ObjectionLevel::Leader) {
        objected(ctx, found, Group::Matter, ("异议待领导指定", "指定"), &row)?;
    }
    Ok(())
}

/// Objections about which the actor's units are consulted.
pub fn consulted(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let units = ctx.actor.unit_ids();
    for (row, _) in objections::unanswered_of(&mut ctx.tx, &units)? {
        objected(ctx, found, Group::Own, ("职责异议会商", "提意见"), &row)?;
    }
    Ok(())
}

fn objected(
    ctx: &mut Ctx,
    found: &mut Vec<Waiting>,
    group: Group,
    (what, button): (&'static str, &'static str),
    row: &Objection,
) -> Result<(), Error> {
    let task = plans::task_in_case(&mut ctx.tx, &row.task_id)?.into_iter().collect();
    for line in lines(ctx, task)? {
        let waiting = wait_for_task(ctx, group, what, button, &line, row.raised_at);
        found.push(with_date(ctx, Waiting { link: format!("{}#objection", waiting.link), ..waiting }, row.due_on));
    }
    Ok(())
}

/// What other units ask of the actor's.
pub fn help_asked(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for asked in help::asked_of_my_units(ctx)? {
        let row = wait_for_task(ctx, Group::Own, "请求我单位协助", "答复", &asked.line, asked.block.raised_at);
        let row = Waiting { link: format!("{}#help", row.link), ..row };
        found.push(with_date(ctx, row, asked.block.due_on));
    }
    Ok(())
}

/// The row with a date of its own instead of its task's.
fn with_date(ctx: &Ctx, row: Waiting, day: NaiveDate) -> Waiting {
    let late_days = ctx.calendar.working_days_between(day, ctx.today).max(0);
    Waiting { due_on: Some(day), late: late_days > 0, late_days, ..row }
}

/// What the people of the actor's units handed in, for the head to sign off.
pub fn to_sign_off(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for task_id in tasks::awaiting_sign_off(&mut ctx.tx)? {
        let Some(task) = plans::task_in_case(&mut ctx.tx, &task_id)? else { continue };
        if require_on_task(ctx, Action::SignOff, &task).is_ok() {
            waits(ctx, found, "待签发", "签发", task)?;
        }
    }
    Ok(())
}

/// Parts of the actor's tasks that their sections handed in.
pub fn parts_to_accept(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let awaiting = tasks::awaiting_sign_off(&mut ctx.tx)?;
    for part in plans::in_states(&mut ctx.tx, &[TaskState::Submitted])? {
        let Some(whole) = part.task.parent_task_id.as_deref().filter(|_| !awaiting.contains(&part.task.id)) else {
            continue;
        };
        let Some(whole) = plans::task_in_case(&mut ctx.tx, whole)? else { continue };
        let subject = Subject { unit_path: Some(&whole.unit_path), ..Subject::default() };
        if ctx.actor.may(Action::WorkTask, &subject) {
            waits(ctx, found, "子任务待验收", "验收", part)?;
        }
    }
    Ok(())
}

fn waits(
    ctx: &mut Ctx,
    found: &mut Vec<Waiting>,
    what: &'static str,
    button: &'static str,
    task: TaskInCase,
) -> Result<(), Error> {
    for line in lines(ctx, vec![task])? {
        let since = line.found.task.submitted_at.unwrap_or(ctx.now);
        found.push(wait_for_task(ctx, Group::Acceptance, what, button, &line, since));
    }
    Ok(())
}
