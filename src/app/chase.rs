//! The ladder at work: each step of a task once, the next one shown, any of them stopped with a reason.

pub mod briefs;
pub mod duty;
pub mod supervisions;

use super::access::require_on_task;
use super::tasks::{required, told};
use super::{Actor, App, Ctx, Error, Owed, Recipient, directives};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::domain::chase::Rung;
use crate::domain::notice::{NoticeState, RecipientKind, Stage};
use crate::lang::Message;
use crate::store::notices::{self, Notice};
use crate::store::plans::{self, Task};
use crate::store::{cases, new_id};
use chrono::{Datelike, NaiveDateTime};
use serde_json::json;
use std::collections::HashSet;

/// Why a step was not sent: a later one has come, or nobody needs it any more.
pub(in crate::app) const PASSED: &str = "passed";
pub(in crate::app) const NO_LONGER_NEEDED: &str = "no_longer_needed";

/// A task with steps whose moment has come.
struct Due {
    task: Task,
    steps: Vec<Rung>,
    /// Those of the steps that were neither taken nor stopped.
    open: Vec<Rung>,
}

/// Owes the reminders that are due and drafts the 督办单 that are.
pub async fn remind(app: &App) -> Result<(), Error> {
    let job = Actor::job("催办");
    // Thousands of tasks are looked through, few have something due: people do not wait for the look.
    let ids = app.read(&job, ids_of_due).await?;
    app.write(&job, move |ctx| {
        remind_of(ctx, &ids)?;
        directives::reminding::remind_all(ctx)
    })
    .await
}

fn ids_of_due(ctx: &mut Ctx) -> Result<Vec<String>, Error> {
    let running: HashSet<String> =
        cases::in_states(&mut ctx.tx, &[CaseState::Issued])?.into_iter().map(|case| case.id).collect();
    let held = plans::with_unit(&mut ctx.tx)?.into_iter().filter(|task| running.contains(&task.case_id)).collect();
    Ok(due(ctx, held)?.into_iter().map(|due| due.task.id).collect())
}

/// Takes what is due of these tasks, as they stand now.
fn remind_of(ctx: &mut Ctx, ids: &[String]) -> Result<(), Error> {
    let found = plans::by_ids(&mut ctx.tx, ids)?.into_values();
    let held = found.filter(|found| found.case_state == CaseState::Issued && found.task.state.is_with_unit());
    let mut tasks: Vec<Task> = held.map(|found| found.task).collect();
    tasks.sort_by_key(|task| (task.due_on, task.no));
    for Due { task, steps, open } in due(ctx, tasks)? {
        // What goes by itself and what a person signs are two ways: a draft does not stand in for a reminder.
        for formal in [false, true] {
            let of_kind = |rung: &&Rung| is_formal(rung.stage) == formal;
            let latest = steps.iter().rfind(of_kind).copied();
            for rung in open.iter().filter(of_kind) {
                // A step that a later one has overtaken (the server was off, the case just began) is not sent after it.
                if Some(*rung) == latest {
                    take(ctx, &task, rung.stage)?;
                } else {
                    settle_without_mail(ctx, &step(ctx, &task, rung.stage), PASSED)?;
                }
            }
        }
    }
    Ok(())
}

/// Of the tasks those with an open step.
fn due(ctx: &mut Ctx, tasks: Vec<Task>) -> Result<Vec<Due>, Error> {
    let mut with_steps: Vec<(Task, Vec<Rung>)> = Vec::new();
    for task in tasks {
        let mut steps = rungs(ctx, &task);
        steps.retain(|rung| moment(ctx, rung) <= ctx.now);
        if !steps.is_empty() {
            with_steps.push((task, steps));
        }
    }
    let ids: Vec<String> = with_steps.iter().map(|(task, _)| task.id.clone()).collect();
    let known: HashSet<(String, Stage, i32)> = notices::reminders_of(&mut ctx.tx, "task", &ids)?.into_iter().collect();
    let all = with_steps.into_iter().map(|(task, steps)| {
        let is_open = |rung: &&Rung| !known.contains(&(task.id.clone(), rung.stage, cycle(ctx, &task, rung.stage)));
        let open = steps.iter().filter(is_open).copied().collect();
        Due { task, steps, open }
    });
    Ok(all.filter(|due| !due.open.is_empty()).collect())
}

/// The steps of a task its unit has, while its clock runs.
fn rungs(ctx: &Ctx, task: &Task) -> Vec<Rung> {
    if task.clock_stopped_on.is_some() {
        return Vec::new();
    }
    let (Some(due_on), Some(released_at)) = (task.due_on, task.released_at) else { return Vec::new() };
    let released_on = ctx.app.clock.local_date(released_at);
    let calendar = ctx.calendars.of_unit(&task.unit_id);
    ctx.app.settings.chase.rungs(task.state, released_on, due_on, calendar)
}

/// When a step comes, in UTC. A chase waits for the close of the due day in any case: its day is a later one.
pub(in crate::app) fn moment(ctx: &Ctx, rung: &Rung) -> NaiveDateTime {
    let reminds_at = ctx.app.settings.chase.reminds_at;
    ctx.app.clock.start_of(rung.day) + (reminds_at - chrono::NaiveTime::MIN)
}

/// A moved due date begins the ladder anew; a reminder to sign belongs to the release.
fn cycle(ctx: &Ctx, task: &Task, stage: Stage) -> i32 {
    let day = match stage {
        Stage::AcknowledgeReminder => task.released_at.map(|at| ctx.app.clock.local_date(at)),
        _ => task.due_on,
    };
    day.map_or(0, |day| day.num_days_from_ce())
}

/// Why a reminder that waited is not sent after all: it is due no more, or a later one has come meanwhile.
pub(in crate::app) fn overtaken(ctx: &Ctx, task: &Task, stage: Stage, of_cycle: i32) -> Option<&'static str> {
    let mut rungs = rungs(ctx, task);
    rungs.retain(|rung| !is_formal(rung.stage));
    let Some(own) = rungs.iter().position(|rung| rung.stage == stage && cycle(ctx, task, stage) == of_cycle) else {
        return Some(NO_LONGER_NEEDED);
    };
    rungs[own + 1..].iter().any(|rung| moment(ctx, rung) <= ctx.now).then_some(PASSED)
}

/// From the unit's head upwards.
pub(in crate::app) fn is_formal(stage: Stage) -> bool {
    matches!(stage, Stage::Supervised | Stage::SupervisedLead)
}

fn take(ctx: &mut Ctx, task: &Task, stage: Stage) -> Result<(), Error> {
    if is_formal(stage) {
        // From the head upwards a person signs: the draft is the step, and is recorded as one.
        settle_without_mail(ctx, &step(ctx, task, stage), "drafted")?;
        return supervisions::draft(ctx, task, stage, cycle(ctx, task, stage));
    }
    let cycle = cycle(ctx, task, stage);
    let mut owe = |recipient| {
        ctx.owe(Owed {
            subject_kind: "task",
            subject_id: &task.id,
            stage,
            recipient,
            cycle,
            case_id: Some(&task.case_id),
            detail: "",
        });
    };
    owe(Recipient::Unit(&task.unit_id));
    if let Some(officer) = &task.officer_id {
        owe(Recipient::Person(officer));
    }
    Ok(())
}

/// One step of a ladder, for one unit.
pub(in crate::app) struct Step<'a> {
    /// Kind and id.
    pub subject: (&'a str, &'a str),
    pub unit_id: &'a str,
    pub case_id: Option<&'a str>,
    pub stage: Stage,
    pub cycle: i32,
}

fn step<'a>(ctx: &Ctx, task: &'a Task, stage: Stage) -> Step<'a> {
    let cycle = cycle(ctx, task, stage);
    Step { subject: ("task", &task.id), unit_id: &task.unit_id, case_id: Some(&task.case_id), stage, cycle }
}

/// Records that a step is settled without a mail, and why.
pub(in crate::app) fn settle_without_mail(ctx: &mut Ctx, step: &Step, decision: &str) -> Result<(), Error> {
    let row = Notice {
        id: new_id(),
        subject_kind: step.subject.0.to_owned(),
        subject_id: step.subject.1.to_owned(),
        stage: step.stage,
        recipient_kind: RecipientKind::Unit,
        recipient_id: step.unit_id.to_owned(),
        cycle: step.cycle,
        case_id: step.case_id.map(str::to_owned),
        policy_version: ctx.app.policy_version,
        detail: String::new(),
        state: NoticeState::Skipped,
        mail_id: None,
        delivery_id: None,
        tried: String::new(),
        decision: Some(decision.to_owned()),
        owed_at: ctx.now,
    };
    notices::owe(&mut ctx.tx, vec![row])?;
    Ok(())
}

/// The step that comes next for a task, with its moment.
pub fn next(ctx: &mut Ctx, task: &Task) -> Result<Option<(Stage, NaiveDateTime)>, Error> {
    let ids = std::slice::from_ref(&task.id);
    let known: HashSet<(String, Stage, i32)> = notices::reminders_of(&mut ctx.tx, "task", ids)?.into_iter().collect();
    let is_open = |rung: &Rung| !known.contains(&(task.id.clone(), rung.stage, cycle(ctx, task, rung.stage)));
    let mut open = rungs(ctx, task).into_iter().filter(is_open).peekable();
    let today = ctx.today;
    // Of several that are due only the last will be taken.
    let mut found = None;
    while let Some(rung) = open.next_if(|rung| rung.day <= today) {
        found = Some(rung);
    }
    let found = found.or_else(|| open.next());
    Ok(found.map(|rung| (rung.stage, moment(ctx, &rung))))
}

/// Stops the next step of a task, with a reason.
pub fn stop(ctx: &mut Ctx, task_id: &str, stage: Stage, reason: String) -> Result<(), Error> {
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::DecideTask, &found)?;
    let reason = required("reason", reason)?;
    if next(ctx, &found.task)?.map(|(next, _)| next) != Some(stage) {
        return Err(Error::Refused(Message::new("这一步已经发出或已停止。")));
    }
    settle_without_mail(ctx, &step(ctx, &found.task, stage), &reason)?;
    let payload = told(&found, json!({ "stage": stage.code(), "reason": reason }));
    ctx.record("task.step_stopped", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}
