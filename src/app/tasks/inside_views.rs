//! What a unit sees of a task within its own house.

use crate::app::access::require_on_task;
use crate::app::{Clock, Ctx, Error};
use crate::domain::access::{Action, Subject};
use crate::store::checklists::{self, ChecklistItem};
use crate::store::people::{self, Colleague};
use crate::store::plans::{self, Task, TaskInCase};
use crate::store::tasks::Submission;

pub struct Inside {
    pub checklist: Vec<ChecklistItem>,
    pub parts: Vec<Task>,
    /// The task this one is a part of.
    pub whole: Option<Task>,
    /// Units the reader may pass the task on to, and people of theirs.
    pub places: Vec<(String, String)>,
    pub colleagues: Vec<Colleague>,
    /// What was handed in waits for the unit's head.
    pub awaits_sign_off: bool,
    /// It waits for the lead unit's first acceptance.
    pub awaits_first: bool,
    /// The reader accepts it as a part of the own task.
    pub judges_part: bool,
}

pub fn show(ctx: &mut Ctx, found: &TaskInCase, last: Option<&Submission>) -> Result<Inside, Error> {
    let task_id = &found.task.id;
    let whole = found.task.parent_task_id.as_deref();
    let whole = whole.map(|id| plans::task_in_case(&mut ctx.tx, id)).transpose()?.flatten();
    let judges_part = match &whole {
        Some(whole) => require_on_task(ctx, Action::WorkTask, whole).is_ok(),
        None => false,
    };
    let passes = found.task.state.is_with_unit() && require_on_task(ctx, Action::ReceiveTask, found).is_ok();
    let (places, colleagues) = if passes { house(ctx, found)? } else { Default::default() };
    let submitted = last.filter(|row| row.verdict_at.is_none());
    Ok(Inside {
        checklist: checklists::of_task(&mut ctx.tx, task_id)?,
        parts: plans::parts_of(&mut ctx.tx, task_id)?,
        awaits_sign_off: submitted.is_some_and(|row| row.awaits_sign_off),
        awaits_first: submitted.is_some() && super::awaits_first(ctx, found)?,
        whole: whole.map(|whole| whole.task),
        places,
        colleagues,
        judges_part,
    })
}

/// Id and name of each unit, and who is in them.
type House = (Vec<(String, String)>, Vec<Colleague>);

/// The branch of the tree the task is in, as far as the reader may pass it on.
fn house(ctx: &mut Ctx, found: &TaskInCase) -> Result<House, Error> {
    let mut units = people::units(&mut ctx.tx)?;
    units.retain(|unit| {
        let same_branch = unit.path.starts_with(&found.unit_path) || found.unit_path.starts_with(&unit.path);
        let subject = Subject { unit_path: Some(&unit.path), ..Subject::default() };
        unit.active && same_branch && ctx.actor.may(Action::ReceiveTask, &subject)
    });
    let ids: Vec<String> = units.iter().map(|unit| unit.id.clone()).collect();
    let colleagues = people::colleagues(&mut ctx.tx, &ids, Clock::real())?;
    Ok((units.into_iter().map(|unit| (unit.id, unit.name)).collect(), colleagues))
}
