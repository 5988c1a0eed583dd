//! A directive's own ladder: its units are told, reminded before and on the day, chased after it; then it waits on the
//! coordinator's desk. Nothing goes to the leader by itself.

use super::views::{self, DirectiveLine};
use crate::app::chase::{PASSED, Step, moment, settle_without_mail};
use crate::app::tasks::required;
use crate::app::{Ctx, Error, Owed, Recipient};
use crate::domain::access::Action;
use crate::domain::chase::Rung;
use crate::domain::notice::Stage;
use crate::lang::Message;
use crate::store::directives::{self, Directive};
use crate::store::{cases, notices};
use chrono::NaiveDateTime;
use serde_json::json;

/// Owes what is due of every directive that waits for a report.
pub fn remind_all(ctx: &mut Ctx) -> Result<(), Error> {
    for row in directives::unreported(&mut ctx.tx)? {
        take_due(ctx, &row)?;
    }
    Ok(())
}

/// Takes the steps of a directive that are due. No unit learns of it before its case is issued.
pub fn take_due(ctx: &mut Ctx, row: &Directive) -> Result<(), Error> {
    let case = cases::by_id(&mut ctx.tx, &row.case_id)?;
    if case.is_none_or(|case| case.issued_at.is_none()) {
        return Ok(());
    }
    let open = open_rungs(ctx, row)?;
    let due: Vec<Rung> = open.into_iter().filter(|rung| moment_of(ctx, rung) <= ctx.now).collect();
    let Some(latest) = due.last() else { return Ok(()) };
    let units = directives::units_of(&mut ctx.tx, std::slice::from_ref(&row.id))?;
    for unit in units.iter().filter(|unit| unit.reported_at.is_none()) {
        for rung in &due {
            if rung == latest {
                owe(ctx, row, &unit.unit_id, rung.stage);
            } else {
                settle_without_mail(ctx, &step(row, &unit.unit_id, rung.stage), PASSED)?;
            }
        }
    }
    Ok(())
}

fn rungs(ctx: &Ctx, row: &Directive) -> Vec<Rung> {
    let Some(due_on) = row.due_on else { return Vec::new() };
    ctx.app.settings.chase.directive_rungs(ctx.app.clock.local_date(row.at), due_on, &ctx.calendar)
}

/// Steps that were neither taken nor stopped, in order.
fn open_rungs(ctx: &mut Ctx, row: &Directive) -> Result<Vec<Rung>, Error> {
    let known = notices::reminders_of(&mut ctx.tx, "directive", std::slice::from_ref(&row.id))?;
    let rungs = rungs(ctx, row);
    // What a later step has overtaken does not come after it.
    let is_taken = |rung: &Rung| known.iter().any(|(_, stage, cycle)| (*stage, *cycle) == (rung.stage, row.moved));
    let last = rungs.iter().rposition(is_taken);
    let open = rungs.into_iter().skip(last.map_or(0, |last| last + 1));
    // Who was told of it once is told of its new date instead.
    Ok(open.filter(|rung| row.moved == 0 || rung.stage != Stage::DirectiveGiven).collect())
}

/// Why a step that waited is not sent after all: the date was moved, or a later step has come meanwhile.
pub(in crate::app) fn overtaken(ctx: &Ctx, row: &Directive, stage: Stage, of_cycle: i32) -> Option<&'static str> {
    let rungs = rungs(ctx, row);
    let own = rungs.iter().position(|rung| rung.stage == stage).map_or(0, |own| own + 1);
    let has_later = stage.is_reminder() && rungs[own..].iter().any(|rung| moment_of(ctx, rung) <= ctx.now);
    (of_cycle != row.moved || has_later).then_some(PASSED)
}

/// The first step goes at once, the others at the hour of reminders.
fn moment_of(ctx: &Ctx, rung: &Rung) -> NaiveDateTime {
    if rung.stage == Stage::DirectiveGiven { ctx.app.clock.start_of(rung.day) } else { moment(ctx, rung) }
}

fn step<'a>(row: &'a Directive, unit_id: &'a str, stage: Stage) -> Step<'a> {
    Step { subject: ("directive", &row.id), unit_id, case_id: None, stage, cycle: row.moved }
}

/// The case's mails have more readers than the directive: its notices are of no case.
fn owe(ctx: &mut Ctx, row: &Directive, unit_id: &str, stage: Stage) {
    ctx.owe(Owed {
        subject_kind: "directive",
        subject_id: &row.id,
        stage,
        recipient: Recipient::Unit(unit_id),
        cycle: row.moved,
        case_id: None,
        detail: "",
    });
}

/// The units that are still to report learn of the new date, once they know of the directive at all.
pub fn tell_moved(ctx: &mut Ctx, row: &Directive, line: &DirectiveLine) {
    for unit in line.silent().filter(|_| line.is_issued) {
        owe(ctx, row, &unit.unit_id, Stage::DirectiveMoved);
    }
}

/// The step that comes next, with its moment.
pub fn next(ctx: &mut Ctx, line: &DirectiveLine) -> Result<Option<(Stage, NaiveDateTime)>, Error> {
    if !line.is_open() || !line.is_issued {
        return Ok(None);
    }
    let first = open_rungs(ctx, &line.row)?.into_iter().next();
    Ok(first.map(|rung| (rung.stage, moment_of(ctx, &rung))))
}

/// Stops the next step, with a reason.
pub fn stop(ctx: &mut Ctx, id: &str, stage: Stage, reason: String) -> Result<(), Error> {
    let row = directives::take(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    ctx.require_anywhere(Action::DecideTask)?;
    let line = views::readable_line(ctx, row)?;
    let reason = required("reason", reason)?;
    if next(ctx, &line)?.map(|(next, _)| next) != Some(stage) {
        return Err(Error::Refused(Message::new("这一步已经发出或已停止。")));
    }
    for unit in line.silent() {
        settle_without_mail(ctx, &step(&line.row, &unit.unit_id, stage), &reason)?;
    }
    let payload = json!({ "stage": stage.code(), "reason": reason });
    ctx.record("directive.step_stopped", ("directive", id), None, payload);
    Ok(())
}
