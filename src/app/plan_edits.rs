//! Shaping a plan: tasks and dependencies added, changed, removed, also while the case runs.

use super::access::require_on_case;
use super::plans::CasePlan;
use super::tasks::required;
use super::{Ctx, Error, Owed, Recipient};
use crate::domain::access::Action;
use crate::domain::case::{CaseState, Part};
use crate::domain::notice::Stage;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use crate::lang::Message;
use crate::store::plans::{self, Dependency, Task};
use crate::store::{cases, new_id, people};
use chrono::NaiveDate;
use serde_json::json;

/// The longest title of a task, and the most tasks of a case.
const TITLE_MAX_CHARS: usize = 60;
const TASKS_MAX: usize = 500;
const DURATION_MAX: i32 = 1_000;
const LAG_MAX_DAYS: i32 = 365;

/// A task as the coordinator writes it.
#[derive(Debug, Clone)]
pub struct TaskDraft {
    pub title: String,
    pub unit_id: String,
    pub description: String,
    pub acceptance: String,
    /// What must be shown at the end, a line each.
    pub evidence: String,
    pub duration: i32,
    pub duration_unit: DurationUnit,
    pub not_before: Option<NaiveDate>,
}

/// A dependency as the coordinator draws it, by the tasks' ids.
#[derive(Debug, Clone)]
pub struct DependencyDraft {
    pub predecessor_id: String,
    pub successor_id: String,
    pub kind: DependencyKind,
    /// Working days; negative is a lead, which moves dates only.
    pub lag_days: i32,
}

fn take(ctx: &mut Ctx, case_id: &str) -> Result<CasePlan, Error> {
    let plan = CasePlan::take(ctx, case_id)?;
    require_on_case(ctx, Action::ShapePlan, case_id)?;
    match plan.case.state {
        CaseState::Verifying => Err(Error::Refused(Message::new("专项在成效观察中，请先开始新一轮再调整计划。"))),
        state if !state.is_open() => {
            Err(Error::Refused(Message::new("专项现在是“%{state}”，计划不能调整。").with("state", state.label())))
        }
        _ => Ok(plan),
    }
}

/// Adds a task, after `predecessors` if any. Gives its id.
pub fn add_task(ctx: &mut Ctx, case_id: &str, draft: TaskDraft, predecessors: &[String]) -> Result<String, Error> {
    let mut plan = take(ctx, case_id)?;
    if plan.tasks.len() >= TASKS_MAX {
        return Err(Error::Refused(Message::new("一个专项最多 %{max} 项任务。").with("max", TASKS_MAX)));
    }
    let draft = checked(ctx, draft)?;
    cases::insert_units(&mut ctx.tx, case_id, &[(draft.unit_id.clone(), Part::Cooperating)], ctx.now)?;
    let no = plan.tasks.iter().map(|task| task.no).max().unwrap_or(0) + 1;
    let task = new_task(ctx, &plan, no, draft);
    let id = task.id.clone();
    plans::insert_tasks(&mut ctx.tx, vec![task.clone()])?;
    ctx.record("task.added", ("task", &id), Some(case_id), json!({ "no": no, "title": task.title }));
    plan.tasks.push(task);
    for predecessor in predecessors {
        let draft = DependencyDraft {
            predecessor_id: predecessor.clone(),
            successor_id: id.clone(),
            kind: DependencyKind::FinishToStart,
            lag_days: 0,
        };
        connect(ctx, &mut plan, draft)?;
    }
    plan.settle(ctx)?;
    Ok(id)
}

/// Changes what a task asks. Its unit is told when it has the task already.
pub fn change_task(ctx: &mut Ctx, task_id: &str, version: i64, draft: TaskDraft) -> Result<(), Error> {
    let case_id = super::tasks::take_plan_of(ctx, task_id)?.id;
    let mut plan = take(ctx, &case_id)?;
    let mut task = plan.task(task_id)?.clone();
    if task.version != version {
        return Err(Error::Stale { yours: version, current: task.version });
    }
    if task.state.is_final() {
        return Err(Error::Refused(Message::new("任务现在是“%{state}”，不能修改。").with("state", task.state.label())));
    }
    let draft = checked(ctx, draft)?;
    if draft.unit_id != task.unit_id && task.state != TaskState::Waiting {
        return Err(Error::Refused(Message::new("任务已交办，更换单位请用改派。")));
    }
    cases::insert_units(&mut ctx.tx, &case_id, &[(draft.unit_id.clone(), Part::Cooperating)], ctx.now)?;
    let longer = (draft.duration, draft.duration_unit) != (task.duration, task.duration_unit);
    (task.title, task.unit_id) = (draft.title, draft.unit_id);
    (task.description, task.acceptance, task.evidence) = (draft.description, draft.acceptance, draft.evidence);
    (task.duration, task.duration_unit, task.not_before) = (draft.duration, draft.duration_unit, draft.not_before);
    if longer && let Some(released) = task.released_at.filter(|_| task.state.is_with_unit()) {
        let released_on = ctx.app.clock.local_date(released);
        task.due_on = Some(crate::plan::due_date(released_on, task.duration, task.duration_unit, &ctx.calendar));
    }
    ctx.record(
        "task.changed",
        ("task", task_id),
        Some(&case_id),
        json!({ "no": task.no, "title": task.title, "due_on": task.due_on }),
    );
    if task.state.is_with_unit() {
        ctx.owe(Owed {
            subject_kind: "task",
            subject_id: task_id,
            stage: Stage::TaskChanged,
            recipient: Recipient::Unit(&task.unit_id),
            cycle: super::plans::cycle_of_version(&task),
            case_id: Some(&case_id),
            detail: "",
        });
    }
    plan.save(ctx, task)?;
    plan.settle(ctx)
}

/// Adds a dependency. One that would close a cycle is refused with the cycle spelled out; one that would gate a task
/// its unit has signed for is refused too.
pub fn add_dependency(ctx: &mut Ctx, case_id: &str, draft: DependencyDraft) -> Result<String, Error> {
    let mut plan = take(ctx, case_id)?;
    let id = connect(ctx, &mut plan, draft)?;
    plan.settle(ctx)?;
    Ok(id)
}

fn connect(ctx: &mut Ctx, plan: &mut CasePlan, draft: DependencyDraft) -> Result<String, Error> {
    if draft.lag_days.abs() > LAG_MAX_DAYS {
        return Err(Error::field("lag_days", Message::new("间隔不能超过 %{max} 个工作日").with("max", LAG_MAX_DAYS)));
    }
    plan.task(&draft.predecessor_id).map_err(|_| Error::field("predecessor_id", Message::new("没有这项任务")))?;
    let successor =
        plan.task(&draft.successor_id).map_err(|_| Error::field("successor_id", Message::new("没有这项任务")))?;
    let gates_release = draft.kind != DependencyKind::FinishToFinish;
    if gates_release && !matches!(successor.state, TaskState::Waiting | TaskState::Ready) {
        return Err(Error::Refused(
            Message::new("任务“%{title}”已签收，不能再加前置任务。").with("title", &successor.title),
        ));
    }
    let graph = plan.graph(&ctx.app.clock)?;
    if let Some(cycle) = graph.would_cycle(&draft.predecessor_id, &draft.successor_id) {
        return Err(plan.told(crate::plan::PlanError::Cycle(cycle)));
    }
    let taken =
        |known: &Dependency| known.predecessor_id == draft.predecessor_id && known.successor_id == draft.successor_id;
    if plan.dependencies.iter().any(taken) {
        return Err(Error::Refused(Message::new("这条前置关系已经存在。")));
    }
    let row = Dependency {
        id: new_id(),
        case_id: plan.case.id.clone(),
        predecessor_id: draft.predecessor_id,
        successor_id: draft.successor_id,
        kind: draft.kind,
        lag_days: draft.lag_days,
    };
    plans::insert_dependencies(&mut ctx.tx, vec![row.clone()])?;
    let payload = json!({ "from": plan.title_of(&row.predecessor_id), "to": plan.title_of(&row.successor_id), "kind": row.kind.code(), "lag_days": row.lag_days });
    ctx.record("dependency.added", ("dependency", &row.id), Some(&plan.case.id), payload);
    let id = row.id.clone();
    plan.dependencies.push(row);
    Ok(id)
}

/// Removes a dependency; what it gated may be released at once.
pub fn remove_dependency(ctx: &mut Ctx, dependency_id: &str) -> Result<(), Error> {
    let row = plans::dependency_by_id(&mut ctx.tx, dependency_id)?.ok_or(Error::NotFound)?;
    let mut plan = take(ctx, &row.case_id)?;
    if !plans::delete_dependency(&mut ctx.tx, dependency_id)? {
        return Err(Error::NotFound);
    }
    let payload = json!({ "from": plan.title_of(&row.predecessor_id), "to": plan.title_of(&row.successor_id) });
    ctx.record("dependency.removed", ("dependency", dependency_id), Some(&row.case_id), payload);
    plan.dependencies.retain(|known| known.id != dependency_id);
    plan.settle(ctx)
}

fn checked(ctx: &mut Ctx, mut draft: TaskDraft) -> Result<TaskDraft, Error> {
    draft.title = required("title", draft.title)?;
    if draft.title.chars().count() > TITLE_MAX_CHARS {
        return Err(Error::field("title", Message::new("不能超过 %{max} 字").with("max", TITLE_MAX_CHARS)));
    }
    if !(1..=DURATION_MAX).contains(&draft.duration) {
        return Err(Error::field("duration", Message::new("工期应在 1 到 %{max} 之间").with("max", DURATION_MAX)));
    }
    people::unit_by_id(&mut ctx.tx, &draft.unit_id)?
        .ok_or_else(|| Error::field("unit_id", Message::new("没有这个单位")))?;
    Ok(draft)
}

fn new_task(ctx: &Ctx, plan: &CasePlan, no: i32, draft: TaskDraft) -> Task {
    Task {
        title: draft.title,
        description: draft.description,
        acceptance: draft.acceptance,
        evidence: draft.evidence,
        unit_id: draft.unit_id,
        duration: draft.duration,
        duration_unit: draft.duration_unit,
        not_before: draft.not_before,
        ..blank_task(ctx, &plan.case.id, no, plan.case.round)
    }
}

/// A waiting task with nothing in it yet.
pub fn blank_task(ctx: &Ctx, case_id: &str, no: i32, round: i32) -> Task {
    Task {
        id: new_id(),
        case_id: case_id.to_owned(),
        no,
        round,
        title: String::new(),
        description: String::new(),
        acceptance: String::new(),
        evidence: String::new(),
        outcome: None,
        unit_id: String::new(),
        officer_id: None,
        state: TaskState::Waiting,
        template_key: None,
        parent_task_id: None,
        duration_optimistic: None,
        duration: 1,
        duration_pessimistic: None,
        duration_unit: DurationUnit::WorkingDays,
        not_before: None,
        release_on: None,
        due_on: None,
        baseline_start: None,
        baseline_finish: None,
        percent: 0,
        submission_round: 0,
        released_at: None,
        acknowledged_at: None,
        started_at: None,
        submitted_at: None,
        ended_at: None,
        version: 1,
        created_at: ctx.now,
    }
}
