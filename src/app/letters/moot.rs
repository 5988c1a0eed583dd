//! What needs no word any more when its mail could leave: somebody was quicker, or the matter went elsewhere. What there is
//! to know about it stands on its page.

use crate::app::chase::{self, NO_LONGER_NEEDED};
use crate::app::directives::reminding;
use crate::app::{Ctx, Error};
use crate::domain::notice::{MailState, RecipientKind, Stage};
use crate::domain::task::{ProxyAct, TaskState};
use crate::store::notices::Notice;
use crate::store::plans::Task;
use crate::store::tasks::{self, Submission};
use crate::store::{consultations, directives, mails, proxy_entries};
use chrono::Datelike;

/// Why a notice needs no word any more; `None` while it does. A notice about a task comes with it.
pub fn why(ctx: &mut Ctx, notice: &Notice, task: Option<&Task>) -> Result<Option<&'static str>, Error> {
    let is_moot = match notice.subject_kind.as_str() {
        "task" => {
            let Some(task) = task else { return Ok(None) };
            if notice.stage.is_reminder() && !chase::is_formal(notice.stage) {
                let is_elsewhere = !is_with(notice, task);
                let elsewhere = is_elsewhere.then_some(NO_LONGER_NEEDED);
                return Ok(elsewhere.or_else(|| chase::overtaken(ctx, task, notice.stage, notice.cycle)));
            }
            of_task(ctx, notice, task)?
        }
        "directive" => return of_directive(ctx, notice),
        "case" => of_consultation(ctx, notice)?,
        // A mail that somebody sent again is on its way.
        "mail" => mails::by_id(&mut ctx.tx, &notice.subject_id)?
            .is_some_and(|mail| !matches!(mail.state, MailState::Failed | MailState::Bounced)),
        _ => false,
    };
    Ok(is_moot.then_some(NO_LONGER_NEEDED))
}

fn of_task(ctx: &mut Ctx, notice: &Notice, task: &Task) -> Result<bool, Error> {
    let is_with_unit = task.state.is_with_unit();
    Ok(match notice.stage {
        Stage::TaskReleased => {
            let is_current = task.released_at.is_some_and(|at| at <= notice.owed_at);
            !is_with_unit || !is_with(notice, task) || !is_current || has_signed(ctx, task)?
        }
        Stage::TaskWithheld => is_with_unit && is_with(notice, task),
        Stage::TaskPassedOn => !is_with_unit || !is_with(notice, task),
        Stage::TaskChanged => task.state.is_final() || !is_with(notice, task),
        Stage::Supervised | Stage::SupervisedLead => !is_with_unit,
        Stage::SignOffAsked => handed_in(ctx, notice, task)?.is_none_or(|row| !row.awaits_sign_off),
        Stage::SubmissionToAccept => handed_in(ctx, notice, task)?
            .is_none_or(|row| notice.recipient_kind == RecipientKind::Unit && row.lead_accepted_at.is_some()),
        Stage::SubmissionReturned => task.state.is_final() || task.submission_round != notice.cycle,
        Stage::ExtensionAsked => {
            let asked = tasks::extensions_of(&mut ctx.tx, &task.id)?;
            !asked.iter().any(|asked| asked.decided_at.is_none() && asked.asked_at <= notice.owed_at)
        }
        _ => false,
    })
}

/// The recipient is who works on the task: its unit or its officer.
fn is_with(notice: &Notice, task: &Task) -> bool {
    notice.recipient_id == task.unit_id || task.officer_id.as_ref() == Some(&notice.recipient_id)
}

/// The unit signed for the task itself. What a coordinator entered for it (代录) it has still to read.
fn has_signed(ctx: &mut Ctx, task: &Task) -> Result<bool, Error> {
    if task.state == TaskState::Ready {
        return Ok(false);
    }
    let entered = proxy_entries::of_task(&mut ctx.tx, &task.id)?;
    Ok(!entered.iter().any(|entry| entry.act == ProxyAct::Acknowledge))
}

/// What was handed in when the notice was owed, while it waits for a verdict.
fn handed_in(ctx: &mut Ctx, notice: &Notice, task: &Task) -> Result<Option<Submission>, Error> {
    if task.state != TaskState::Submitted || task.submission_round != notice.cycle {
        return Ok(None);
    }
    Ok(tasks::submissions_of(&mut ctx.tx, &task.id)?.pop())
}

fn of_directive(ctx: &mut Ctx, notice: &Notice) -> Result<Option<&'static str>, Error> {
    let Some(row) = directives::by_id(&mut ctx.tx, &notice.subject_id)? else { return Ok(None) };
    let units = directives::units_of(&mut ctx.tx, std::slice::from_ref(&row.id))?;
    if !units.iter().any(|unit| unit.unit_id == notice.recipient_id && unit.reported_at.is_none()) {
        return Ok(Some(NO_LONGER_NEEDED));
    }
    Ok(reminding::overtaken(ctx, &row, notice.stage, notice.cycle))
}

/// A question that was answered, or asked anew with another date; an entry for the unit that it or somebody changed.
fn of_consultation(ctx: &mut Ctx, notice: &Notice) -> Result<bool, Error> {
    if !matches!(notice.stage, Stage::OpinionAsked | Stage::OpinionEntered) {
        return Ok(false);
    }
    let asked = consultations::of_case(&mut ctx.tx, &notice.subject_id)?;
    let Some(row) = asked.into_iter().find(|row| row.unit_id == notice.recipient_id) else { return Ok(true) };
    Ok(match notice.stage {
        Stage::OpinionAsked => row.replied_at.is_some() || row.due_on.num_days_from_ce() != notice.cycle,
        _ => row.replied_at.is_some_and(|at| at > notice.owed_at),
    })
}
