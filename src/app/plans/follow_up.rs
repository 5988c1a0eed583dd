//! What the calendar asks for: lags that have passed, and which tasks are late.

use crate::app::plans::CasePlan;
use crate::app::{Actor, App, Ctx, Error};
use crate::domain::calendar::due_moment;
use crate::domain::task::TaskState;
use crate::store::plans::{self, Task};

/// Settles every running case: lags that have passed release, and whatever a race left over is made good.
pub async fn settle_running(app: &App) -> Result<usize, Error> {
    let actor = Actor::job("计划");
    let today = app.clock.local_date(app.clock.now());
    let due = app.read(&actor, move |ctx| Ok(plans::cases_to_release(&mut ctx.tx, today)?)).await?;
    let count = due.len();
    for case_id in due {
        app.write(&actor, move |ctx| CasePlan::take(ctx, &case_id)?.settle(ctx)).await?;
    }
    Ok(count)
}

/// Whether a task is late now: its unit has it, its clock runs, and its due date is over.
pub fn is_late(ctx: &Ctx, task: &Task) -> bool {
    let settings = &ctx.app.settings;
    let held = task.state.is_with_unit() || task.state == TaskState::Submitted;
    let runs = task.clock_stopped_on.is_none();
    held && runs && task.due_on.is_some_and(|day| due_moment(day, settings.timezone, settings.close_of_day) <= ctx.now)
}
