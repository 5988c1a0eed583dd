//! What the calendar asks for: lags that have passed, reminders once a stage.

use super::plans::CasePlan;
use super::{Actor, App, Ctx, Error, Owed, Recipient};
use crate::domain::calendar::due_moment;
use crate::domain::case::CaseState;
use crate::domain::notice::Stage;
use crate::domain::task::TaskState;
use crate::store::cases;
use crate::store::plans::{self, Task};
use chrono::{Datelike, TimeDelta};

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

/// Owes the reminders that are due: to sign, due soon, overdue. Each is owed once for one due date.
pub async fn remind(app: &App) -> Result<(), Error> {
    let actor = Actor::job("催办");
    app.write(&actor, remind_all).await
}

fn remind_all(ctx: &mut Ctx) -> Result<(), Error> {
    let settings = ctx.app.settings.clone();
    let running: Vec<String> =
        cases::in_states(&mut ctx.tx, &[CaseState::Issued])?.into_iter().map(|case| case.id).collect();
    let in_hand = |task: &Task| running.contains(&task.case_id);
    let unsigned_since = ctx.now - TimeDelta::days(settings.acknowledge_within_days);
    for task in plans::unacknowledged_since(&mut ctx.tx, unsigned_since)?.into_iter().filter(in_hand) {
        owe(ctx, &task, Stage::AcknowledgeReminder, super::plans::cycle_of_version(&task));
    }
    let soon = ctx.calendar.add_working_days(ctx.today, settings.due_soon_days);
    for task in plans::with_unit_due_by(&mut ctx.tx, soon)?.into_iter().filter(in_hand) {
        let Some(due_on) = task.due_on else { continue };
        let over = due_moment(due_on, settings.timezone, settings.close_of_day) <= ctx.now;
        let stage = if over { Stage::Overdue } else { Stage::DueSoon };
        owe(ctx, &task, stage, due_on.num_days_from_ce());
    }
    Ok(())
}

fn owe(ctx: &mut Ctx, task: &Task, stage: Stage, cycle: i32) {
    ctx.owe(Owed {
        subject_kind: "task",
        subject_id: &task.id,
        stage,
        recipient: Recipient::Unit(&task.unit_id),
        cycle,
        case_id: Some(&task.case_id),
        detail: "",
    });
}

/// Whether a task is late now: its unit has it and its due date is over.
pub fn is_late(ctx: &Ctx, task: &Task) -> bool {
    let settings = &ctx.app.settings;
    let held = task.state.is_with_unit() || task.state == TaskState::Submitted;
    held && task.due_on.is_some_and(|day| due_moment(day, settings.timezone, settings.close_of_day) <= ctx.now)
}
