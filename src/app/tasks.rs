//! A task's way: signed for, started, reported on, submitted, accepted or returned, cancelled.

pub mod assigning;
pub mod checklists;
pub mod extensions;
pub mod files;
pub mod help;
pub mod inside;
pub mod inside_views;
pub mod objections;
pub mod proxy_entries;
pub mod task_views;

use super::access::require_on_task;
use super::plans::{CasePlan, save_task};
use super::{Clock, Ctx, Error, Owed, Recipient};
use crate::domain::access::{Action, Subject};
use crate::domain::case::CaseState;
use crate::domain::notice::Stage;
use crate::domain::task::{self, DependencyKind, TaskMove};
use crate::lang::Message;
use crate::store::cases::Case;
use crate::store::plans::{self, TaskInCase};
use crate::store::tasks::{self, Comment, Report, Submission, Verdict};
use crate::store::{new_id, people};
use chrono::NaiveDate;
use serde_json::json;

/// The longest text of a report, a submission or a reason.
pub const TEXT_MAX_CHARS: usize = 5_000;

/// What an officer reports.
#[derive(Debug, Clone)]
pub struct Progress {
    /// 0–100.
    pub percent: i32,
    pub text: String,
    /// How it came (phone, chat, paper) when a coordinator records it for the unit.
    pub proxy_source: Option<String>,
}

/// Loads a task for a change: the actor may make it, its case runs, and it is still the version that was read.
pub fn open(ctx: &mut Ctx, task_id: &str, version: Option<i64>, action: Action) -> Result<TaskInCase, Error> {
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    may_change(ctx, &found, version, action)?;
    Ok(found)
}

/// Refuses a change that [`open`] would refuse.
pub fn may_change(ctx: &mut Ctx, found: &TaskInCase, version: Option<i64>, action: Action) -> Result<(), Error> {
    require_on_task(ctx, action, found)?;
    if let Some(yours) = version.filter(|yours| *yours != found.task.version) {
        return Err(Error::Stale { yours, current: found.task.version });
    }
    if !found.case_state.is_running() {
        return Err(Error::Refused(
            Message::new("专项现在是“%{state}”，任务不能办理。").with("state", found.case_state.label()),
        ));
    }
    Ok(())
}

/// The unit signs for the task (签收).
pub fn acknowledge(ctx: &mut Ctx, task_id: &str, version: i64) -> Result<(), Error> {
    let mut found = open(ctx, task_id, Some(version), Action::ReceiveTask)?;
    found.task.acknowledged_at = Some(ctx.now);
    step(ctx, &mut found, TaskMove::Acknowledge, json!({}))
}

/// Work begins, with a first report if there is one.
pub fn start(ctx: &mut Ctx, task_id: &str, version: i64, first: Option<Progress>) -> Result<(), Error> {
    let (mut found, has_followers) = plans::before_start(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    let mut plan = None;
    if has_followers {
        // What was read before the plan was taken may have changed meanwhile.
        let (taken, now) = CasePlan::take_with(ctx, task_id)?;
        (plan, found) = (Some(taken), now);
    }
    may_change(ctx, &found, Some(version), Action::WorkTask)?;
    found.task.started_at = Some(ctx.now);
    if let Some(progress) = &first {
        found.task.percent = checked(progress)?;
        insert_report(ctx, task_id, progress)?;
    }
    let payload = json!({ "percent": found.task.percent });
    step(ctx, &mut found, TaskMove::Start, payload)?;
    match plan {
        Some(mut plan) => {
            plan.put(found.task);
            plan.settle(ctx)
        }
        None => Ok(()),
    }
}

/// Reports progress: touches the task's own row only.
pub fn report(ctx: &mut Ctx, task_id: &str, version: i64, progress: Progress) -> Result<(), Error> {
    let mut found = open(ctx, task_id, Some(version), Action::WorkTask)?;
    if !found.task.state.is_with_unit() {
        return Err(Error::Refused(
            Message::new("任务现在是“%{state}”，不能填报进展。").with("state", found.task.state.label()),
        ));
    }
    found.task.percent = checked(&progress)?;
    insert_report(ctx, task_id, &progress)?;
    save_task(ctx, &mut found.task)?;
    let payload = told(&found, json!({ "percent": found.task.percent, "proxy": progress.proxy_source }));
    ctx.record("task.reported", ("task", task_id), Some(&found.task.case_id), payload);
    Ok(())
}

/// Hands the result in for acceptance. A finish-to-finish predecessor must have ended first.
pub fn submit(ctx: &mut Ctx, task_id: &str, version: i64, text: String) -> Result<(), Error> {
    let (mut found, before) = tasks::before_submission(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    may_change(ctx, &found, Some(version), Action::WorkTask)?;
    let text = required("text", text)?;
    checklists::all_ticked(before.unticked)?;
    if before.unfinished > 0 {
        return Err(awaits_predecessors(ctx, task_id)?);
    }
    found.task.submission_round += 1;
    found.task.submitted_at = Some(ctx.now);
    found.task.percent = 100;
    let round = found.task.submission_round;
    let awaits_sign_off = before.wants_sign_off && !inside::may_sign_off(ctx, &found);
    tasks::insert_submission(
        &mut ctx.tx,
        &Submission {
            id: new_id(),
            task_id: task_id.to_owned(),
            round,
            text,
            person_id: ctx.actor.id().to_owned(),
            at: ctx.now,
            signed_off_by: None,
            lead_accepted_by: None,
            lead_accepted_at: None,
            accepted: None,
            verdict_note: None,
            verdict_by: None,
            verdict_at: None,
            awaits_sign_off,
        },
    )?;
    step(ctx, &mut found, TaskMove::Submit, json!({ "round": round }))?;
    if awaits_sign_off { inside::ask_sign_off(ctx, &found, round) } else { hand_in(ctx, &found) }
}

fn awaits_predecessors(ctx: &mut Ctx, task_id: &str) -> Result<Error, Error> {
    let predecessors = plans::predecessors(&mut ctx.tx, task_id, DependencyKind::FinishToFinish)?;
    let unfinished = predecessors.into_iter().filter(|(_, state)| !state.is_final());
    let numbers: Vec<String> = unfinished.map(|(no, _)| format!("{no:02}")).collect();
    Ok(Error::Refused(Message::new("须待任务 %{numbers} 完成后才能提交办结。").with("numbers", numbers.join("、"))))
}

/// Tells whoever is to accept it: the unit whose task it is a part of, else the lead unit.
fn hand_in(ctx: &mut Ctx, found: &TaskInCase) -> Result<(), Error> {
    let whole = found.task.parent_task_id.as_deref();
    let whole = whole.map(|id| plans::task_by_id(&mut ctx.tx, id)).transpose()?.flatten();
    let acceptor = whole.map_or_else(|| found.lead_unit_id.clone(), |whole| whole.unit_id);
    tell(ctx, found, Stage::SubmissionToAccept, Recipient::Unit(&acceptor), found.task.submission_round, "");
    Ok(())
}

/// Accepts a submission. The lead unit's manager accepts first (初验); the coordinator's word ends the task, releases
/// what waited for it, and may move the case on to verifying.
pub fn accept(ctx: &mut Ctx, task_id: &str, version: i64, note: String) -> Result<(), Error> {
    let (plan, found) = CasePlan::take_with(ctx, task_id)?;
    may_change(ctx, &found, Some(version), Action::AcceptTask)?;
    if !has_final_say(ctx) {
        return accept_first(ctx, &found);
    }
    let is_of_lead = found.task.unit_id == found.lead_unit_id;
    let managed_case = (!is_of_lead).then(|| found.task.case_id.clone());
    finish(ctx, plan, found, managed_case.as_deref(), &note)
}

/// Ends a task whose submission is accepted for good; the manager of `managed_case`, if it has one, accepts first.
fn finish(
    ctx: &mut Ctx,
    mut plan: CasePlan,
    mut found: TaskInCase,
    managed_case: Option<&str>,
    note: &str,
) -> Result<(), Error> {
    let round = found.task.submission_round;
    found.task.ended_at = Some(ctx.now);
    step(ctx, &mut found, TaskMove::Accept, json!({ "round": round }))?;
    let person_id = ctx.actor.id().to_owned();
    let verdict = Verdict { accepted: true, note: note.trim(), person_id: &person_id, at: ctx.now };
    let (task_id, now) = (&found.task.id, Clock::real());
    if !tasks::accept_submission(&mut ctx.tx, task_id, round, managed_case, now, verdict)? {
        let is_signed = tasks::submissions_of(&mut ctx.tx, task_id)?.pop().is_some_and(|row| !row.awaits_sign_off);
        return Err(if is_signed { awaits_first_acceptance() } else { awaits_signature() });
    }
    tell(ctx, &found, Stage::SubmissionAccepted, Recipient::Unit(&found.task.unit_id), round, note.trim());
    plan.put(found.task);
    plan.settle(ctx)
}

/// A lead unit's manager may accept first, whoever decides tasks of every case accepts for good.
fn has_final_say(ctx: &Ctx) -> bool {
    ctx.actor.may(Action::AcceptTask, &Subject::default())
}

/// Whether the lead unit has still to accept first: it has a manager for the case, and the task is not its own.
pub fn awaits_first(ctx: &mut Ctx, found: &TaskInCase) -> Result<bool, Error> {
    if found.task.unit_id == found.lead_unit_id
        || !people::has_manager(&mut ctx.tx, &found.task.case_id, Clock::real())?
    {
        return Ok(false);
    }
    Ok(current_submission(ctx, found)?.is_some_and(|row| row.lead_accepted_at.is_none()))
}

/// What was handed in last, while the task waits for its acceptance.
fn current_submission(ctx: &mut Ctx, found: &TaskInCase) -> Result<Option<Submission>, Error> {
    let last = tasks::submissions_of(&mut ctx.tx, &found.task.id)?.pop();
    Ok(last.filter(|_| found.task.state == task::TaskState::Submitted))
}

fn awaits_first_acceptance() -> Error {
    Error::Refused(Message::new("须先由牵头单位初验。"))
}

fn awaits_signature() -> Error {
    Error::Refused(Message::new("须先由承办单位负责人签发。"))
}

fn accept_first(ctx: &mut Ctx, found: &TaskInCase) -> Result<(), Error> {
    if current_submission(ctx, found)?.is_some_and(|row| row.awaits_sign_off) {
        return Err(awaits_signature());
    }
    let (round, person) = (found.task.submission_round, ctx.actor.id().to_owned());
    if found.task.state != task::TaskState::Submitted
        || !tasks::accept_first(&mut ctx.tx, &found.task.id, round, &person, ctx.now)?
    {
        return Err(Error::Refused(Message::new("没有待初验的提交。")));
    }
    tell(ctx, found, Stage::SubmissionToAccept, Recipient::Person(&found.coordinator_id), round, "");
    ctx.record(
        "task.accepted_first",
        ("task", &found.task.id),
        Some(&found.task.case_id),
        told(found, json!({ "round": round })),
    );
    Ok(())
}

/// Sends a submission back (退回), with what is missing.
pub fn send_back(ctx: &mut Ctx, task_id: &str, version: i64, reason: String) -> Result<(), Error> {
    let found = open(ctx, task_id, Some(version), Action::AcceptTask)?;
    let reason = required("reason", reason)?;
    give_back(ctx, found, reason)
}

fn give_back(ctx: &mut Ctx, mut found: TaskInCase, reason: String) -> Result<(), Error> {
    let round = found.task.submission_round;
    found.task.submitted_at = None;
    step(ctx, &mut found, TaskMove::Return, json!({ "round": round }))?;
    let person_id = ctx.actor.id().to_owned();
    let verdict = Verdict { accepted: false, note: &reason, person_id: &person_id, at: ctx.now };
    tasks::return_submission(&mut ctx.tx, &found.task.id, round, verdict)?;
    tell(ctx, &found, Stage::SubmissionReturned, Recipient::Unit(&found.task.unit_id), round, &reason);
    Ok(())
}

/// Cancels a task: its dependencies count as satisfied from then on.
pub fn cancel(ctx: &mut Ctx, task_id: &str, version: i64, reason: String) -> Result<(), Error> {
    let (mut plan, mut found) = CasePlan::take_with(ctx, task_id)?;
    require_on_task(ctx, Action::ShapePlan, &found)?;
    if found.task.version != version {
        return Err(Error::Stale { yours: version, current: found.task.version });
    }
    let reason = required("reason", reason)?;
    let unit_knows = found.task.released_at.is_some();
    found.task.ended_at = Some(ctx.now);
    step(ctx, &mut found, TaskMove::Cancel, json!({ "reason": reason }))?;
    if unit_knows {
        tell(ctx, &found, Stage::TaskCancelled, Recipient::Unit(&found.task.unit_id), 0, &reason);
    }
    plan.put(found.task);
    plan.settle(ctx)
}

/// Refuses what only the unit that has the task may do.
pub fn with_unit(found: &TaskInCase) -> Result<(), Error> {
    if found.task.state.is_with_unit() {
        return Ok(());
    }
    Err(Error::Refused(
        Message::new("任务现在是“%{state}”，不在承办单位手中。").with("state", found.task.state.label()),
    ))
}

pub fn not_before_today(ctx: &Ctx, field: &'static str, date: NaiveDate) -> Result<(), Error> {
    if date < ctx.today { Err(Error::field(field, Message::new("日期不能早于今天"))) } else { Ok(()) }
}

/// Saves the task as it is now: readers of the old version learn that something beside it changed.
pub fn touch(ctx: &mut Ctx, mut found: TaskInCase) -> Result<(), Error> {
    save_task(ctx, &mut found.task)
}

/// Takes the plan of a task's case; gives the case.
pub fn take_plan_of(ctx: &mut Ctx, task_id: &str) -> Result<Case, Error> {
    plans::take_of_task(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)
}

/// Moves the task, saves it at its version, and tells it.
fn step(ctx: &mut Ctx, found: &mut TaskInCase, step: TaskMove, payload: serde_json::Value) -> Result<(), Error> {
    if found.case_state == CaseState::Verifying && step != TaskMove::Cancel {
        return Err(Error::Refused(Message::new("专项已转入成效观察，任务不再变动。")));
    }
    found.task.state = task::next_state(found.task.state, step).map_err(Error::Refused)?;
    save_task(ctx, &mut found.task)?;
    let kind = format!("task.{}", step.code());
    ctx.record(&kind, ("task", &found.task.id), Some(&found.task.case_id), told(found, payload));
    Ok(())
}

/// An event's payload with what names the task in a timeline.
pub fn told(found: &TaskInCase, mut payload: serde_json::Value) -> serde_json::Value {
    payload["no"] = json!(found.task.no);
    payload["title"] = json!(found.task.title);
    payload
}

/// Owes a notice about a task.
pub fn tell(ctx: &mut Ctx, found: &TaskInCase, stage: Stage, recipient: Recipient, cycle: i32, detail: &str) {
    ctx.owe(Owed {
        subject_kind: "task",
        subject_id: &found.task.id,
        stage,
        recipient,
        cycle,
        case_id: Some(&found.task.case_id),
        detail,
    });
}

pub fn comment(ctx: &mut Ctx, task_id: &str, text: String) -> Result<(), Error> {
    let found = open(ctx, task_id, None, Action::CommentTask)?;
    let text = required("text", text)?;
    let row =
        Comment { id: new_id(), task_id: task_id.to_owned(), text, person_id: ctx.actor.id().to_owned(), at: ctx.now };
    tasks::insert_comment(&mut ctx.tx, &row)?;
    ctx.record("task.commented", ("task", task_id), Some(&found.task.case_id), told(&found, json!({})));
    Ok(())
}

fn insert_report(ctx: &mut Ctx, task_id: &str, progress: &Progress) -> Result<(), Error> {
    let row = Report {
        id: new_id(),
        task_id: task_id.to_owned(),
        percent: progress.percent,
        text: progress.text.trim().to_owned(),
        person_id: ctx.actor.id().to_owned(),
        proxy_source: progress.proxy_source.clone(),
        at: ctx.now,
    };
    Ok(tasks::insert_report(&mut ctx.tx, &row)?)
}

fn checked(progress: &Progress) -> Result<i32, Error> {
    bounded("text", &progress.text)?;
    checked_percent(progress.percent)
}

fn checked_percent(percent: i32) -> Result<i32, Error> {
    if (0..=100).contains(&percent) {
        return Ok(percent);
    }
    Err(Error::field("percent", Message::new("进度应在 0 到 100 之间")))
}

/// A text that must be there.
pub fn required(field: &'static str, text: String) -> Result<String, Error> {
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(Error::field(field, Message::new("请填写内容")));
    }
    bounded(field, &text)?;
    Ok(text)
}

pub fn bounded(field: &'static str, text: &str) -> Result<(), Error> {
    if text.chars().count() > TEXT_MAX_CHARS {
        return Err(Error::field(field, Message::new("不能超过 %{max} 字").with("max", TEXT_MAX_CHARS)));
    }
    Ok(())
}
