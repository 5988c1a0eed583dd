//! What past cases teach: how long tasks really took, a playbook from a case, how a playbook's cases went.

use crate::app::access::require_reading;
use crate::app::plans::CasePlan;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::domain::task::{DurationUnit, TaskState};
use crate::lang::Message;
use crate::plan::History;
use crate::playbook::{self, Past, PastTask, Playbook};
use crate::store::cases::{self, Case};
use crate::store::people;
use crate::store::plans::{self, Task};
use chrono::NaiveDate;

/// What kind of work a task is: the same task of the same playbook. Empty for one that came from none.
pub fn kind_of(playbook_key: Option<&str>, task: &Task) -> String {
    match (playbook_key, &task.template_key) {
        (Some(playbook), Some(task)) => format!("{playbook}/{task}"),
        _ => String::new(),
    }
}

/// What a done task took, from its release to its acceptance, in what its duration counts; at least one.
pub fn took(ctx: &Ctx, task: &Task) -> Option<i32> {
    let (released, ended) = (task.released_at?, task.ended_at.filter(|_| task.state == TaskState::Done)?);
    let (from, to) = (ctx.app.clock.local_date(released), ctx.app.clock.local_date(ended));
    let amount = match task.duration_unit {
        DurationUnit::WorkingDays => ctx.calendars.of_unit(&task.unit_id).working_days_between(from, to),
        DurationUnit::NaturalDays => (to - from).num_days(),
        DurationUnit::Hours => (ended - released).num_hours(),
    };
    Some(i32::try_from(amount).unwrap_or(i32::MAX).max(1))
}

/// What tasks like those of a plan took before.
pub fn history(ctx: &mut Ctx, plan: &CasePlan) -> Result<History, Error> {
    let mut history = History::default();
    let Some(playbook) = plan.case.playbook_key.clone() else { return Ok(history) };
    for task in plans::done_of_playbook(&mut ctx.tx, &playbook)? {
        if let Some(days) = took(ctx, &task) {
            history.add(&task.unit_id, &kind_of(Some(&playbook), &task), days);
        }
    }
    Ok(history)
}

/// A case that was closed, as a playbook with its real durations.
pub fn learned(ctx: &mut Ctx, case_id: &str) -> Result<Playbook, Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_reading(ctx, &case)?;
    if case.state != CaseState::Closed {
        return Err(Error::Refused(Message::new("销号的专项才能生成办理模板。")));
    }
    let plan = CasePlan::of(ctx, case)?;
    let roles = cases::roles_of(&mut ctx.tx, case_id)?;
    let units = people::units(&mut ctx.tx)?;
    let mut tasks = Vec::new();
    for task in &plan.tasks {
        let Some(took) = took(ctx, task) else { continue };
        let into = plan.dependencies.iter().filter(|edge| edge.successor_id == task.id);
        let after = into.filter_map(|edge| Some((plan.task(&edge.predecessor_id).ok()?.no, edge.kind, edge.lag_days)));
        tasks.push(PastTask {
            no: task.no,
            key: task.template_key.clone(),
            title: task.title.clone(),
            unit_id: task.unit_id.clone(),
            description: task.description.clone(),
            acceptance: task.acceptance.clone(),
            evidence: task.evidence.clone(),
            outcome: task.outcome.clone(),
            duration_unit: task.duration_unit,
            took,
            range: task.duration_optimistic.zip(task.duration_pessimistic),
            after: after.collect(),
        });
    }
    if tasks.is_empty() {
        return Err(Error::Refused(Message::new("这个专项没有办结的任务。")));
    }
    let case = &plan.case;
    Ok(Playbook::learned(&Past {
        no: case.no.clone(),
        title: case.title.clone(),
        goal: case.goal.clone(),
        answer: case.answer.clone(),
        rule: serde_json::from_str(&case.observation_rule).unwrap_or_default(),
        lead_unit_id: case.lead_unit_id.clone(),
        roles: roles.into_iter().filter_map(|role| Some((role.role_key, role.name, role.unit_id?))).collect(),
        unit_names: units.into_iter().map(|unit| (unit.id, unit.name)).collect(),
        working_days: span(ctx, &plan).map_or(1, |(from, to)| ctx.calendar.working_days_between(from, to)),
        tasks,
    }))
}

/// From a case's issue to the end of its last task.
fn span(ctx: &Ctx, plan: &CasePlan) -> Option<(NaiveDate, NaiveDate)> {
    let from = ctx.app.clock.local_date(plan.case.issued_at?);
    let ends = plan.tasks.iter().filter(|task| task.state == TaskState::Done).filter_map(|task| task.ended_at);
    Some((from, ends.max().map(|at| ctx.app.clock.local_date(at))?))
}

/// How a case of a playbook went.
pub struct PastCase {
    pub case: Case,
    /// Working days from its issue to its last task's end: as planned when it was issued, and as it was.
    pub planned_days: Option<i64>,
    pub took_days: Option<i64>,
}

/// How a task of a playbook went in its cases.
pub struct PastKind {
    pub title: String,
    /// As the playbook estimates it now.
    pub estimate: String,
    pub unit: DurationUnit,
    /// What it took, from short to long.
    pub took: Vec<i32>,
}

impl PastKind {
    pub fn median(&self) -> Option<i32> {
        self.took.get(self.took.len() / 2).copied()
    }
}

/// A playbook with what became of its cases.
pub struct Record {
    pub playbook: Playbook,
    pub cases: Vec<PastCase>,
    pub kinds: Vec<PastKind>,
}

pub fn record(ctx: &mut Ctx, key: &str) -> Result<Record, Error> {
    ctx.require_anywhere(Action::OpenCase)?;
    let playbook = playbook::by_key(key).ok_or(Error::NotFound)?;
    let mut went = Vec::new();
    for case in cases::of_playbook(&mut ctx.tx, key)? {
        let plan = CasePlan::of(ctx, case)?;
        let issued = plan.case.issued_at.map(|at| ctx.app.clock.local_date(at));
        let planned = plan.tasks.iter().filter_map(|task| task.baseline_finish).max();
        let is_over = plan.tasks.iter().all(|task| task.state.is_final());
        let took = span(ctx, &plan).filter(|_| is_over);
        went.push(PastCase {
            planned_days: issued.zip(planned).map(|(from, to)| ctx.calendar.working_days_between(from, to)),
            took_days: took.map(|(from, to)| ctx.calendar.working_days_between(from, to)),
            case: plan.case,
        });
    }
    let done = plans::done_of_playbook(&mut ctx.tx, key)?;
    let kinds = playbook.tasks.iter().map(|task| {
        let alike = done.iter().filter(|row| row.template_key.as_deref() == Some(&task.key));
        let mut days: Vec<i32> = alike.filter_map(|row| took(ctx, row)).collect();
        days.sort_unstable();
        PastKind { title: task.title.clone(), estimate: task.estimate(), unit: task.unit, took: days }
    });
    Ok(Record { kinds: kinds.collect(), cases: went, playbook })
}

/// The playbook a case began from, as it was, and what the present one does otherwise.
pub struct Version {
    pub case: Case,
    pub title: String,
    pub is_same: bool,
    /// No playbook of that key comes with the program any more.
    pub is_gone: bool,
    pub changes: Vec<Message>,
}

pub fn version(ctx: &mut Ctx, case_id: &str) -> Result<Version, Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_reading(ctx, &case)?;
    let text = case.playbook_text.clone().ok_or(Error::NotFound)?;
    let kept = Playbook::parse(&text).ok();
    let present = case.playbook_key.as_deref().and_then(playbook::by_key);
    let is_same = present.as_ref().is_some_and(|book| Some(book.hash()) == case.playbook_hash);
    let changes = match (&kept, &present) {
        (Some(kept), Some(present)) => kept.changes_to(present),
        _ => Vec::new(),
    };
    Ok(Version {
        title: kept.map_or_else(|| case.playbook_key.clone().unwrap_or_default(), |book| book.title),
        is_gone: present.is_none(),
        is_same,
        changes,
        case,
    })
}
