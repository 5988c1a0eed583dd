//! A block (受阻) and the coordination request (协助请求) it makes of another unit, with a date of its own.

use crate::app::plans::cycle_of_version;
use crate::app::tasks::task_views::{TaskLine, lines};
use crate::app::tasks::{not_before_today, open, required, tell, told, touch, with_unit};
use crate::app::{Actor, App, Ctx, Error, Recipient};
use crate::domain::access::Action;
use crate::domain::notice::Stage;
use crate::lang::Message;
use crate::store::plans::{self, TaskInCase};
use crate::store::tasks::{self, Block};
use crate::store::{new_id, people};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

/// The unit says what stops the task (受阻), and whose help it asks until when: the lead unit's where it names none.
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
    let helper = helper.or_else(|| Some(found.lead_unit_id.clone()).filter(|lead| *lead != found.task.unit_id));
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
    tell(ctx, &found, Stage::HelpAsked, asked(&row, &found), cycle_of_version(&found.task), &reason);
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
    let cycle = cycle_of_version(&found.task);
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

/// Whom a block asks: a unit, or the coordinator where nobody else can help.
fn asked<'a>(block: &'a Block, found: &'a TaskInCase) -> Recipient<'a> {
    block.helper_unit_id.as_deref().map_or(Recipient::Person(&found.coordinator_id), Recipient::Unit)
}

/// A coordination request that a unit has still to answer, by the date it was given.
#[derive(Debug, Clone)]
pub struct HelpLine {
    pub block: Block,
    pub line: TaskLine,
    /// Working days past its date.
    pub late_days: i64,
}

/// What others ask of the actor's units, the nearest date first.
pub fn asked_of_my_units(ctx: &mut Ctx) -> Result<Vec<HelpLine>, Error> {
    let mut asked = Vec::new();
    for block in tasks::help_asked_of(&mut ctx.tx, &ctx.actor.unit_ids())? {
        let found = plans::task_in_case(&mut ctx.tx, &block.task_id)?.into_iter().collect();
        for line in lines(ctx, found)? {
            let late_days = ctx.calendar.working_days_between(block.due_on, ctx.today).max(0);
            asked.push(HelpLine { block: block.clone(), line, late_days });
        }
    }
    Ok(asked)
}

/// Reminds of requests whose date has come: whoever is asked, and the coordinator, once.
pub async fn remind(app: &App) -> Result<(), Error> {
    app.write(&Actor::job("催办"), |ctx| {
        for block in tasks::unanswered_help(&mut ctx.tx, ctx.today)? {
            let found = plans::task_in_case(&mut ctx.tx, &block.task_id)?;
            let Some(found) = found.filter(|found| found.case_state.is_running()) else { continue };
            let cycle = block.due_on.num_days_from_ce();
            for recipient in [asked(&block, &found), Recipient::Person(&found.coordinator_id)] {
                tell(ctx, &found, Stage::HelpDue, recipient, cycle, &block.reason);
            }
        }
        Ok(())
    })
    .await
}
