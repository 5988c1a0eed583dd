//! A plan changed in memory: to be looked at, or to be saved as one change.

use crate::app::{Ctx, Error, Owed, Recipient};
use crate::app::{plans as case_plans, plans::CasePlan};
use crate::domain::case::Part;
use crate::domain::notice::Stage;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::plan::PlanError;
use crate::store::plans::{self, Dependency, Task};
use crate::store::{cases, new_id, people};
use chrono::NaiveDate;
use serde_json::json;

/// The longest title of a task, and the most tasks of a case.
pub const TITLE_MAX_CHARS: usize = 60;
pub const TASKS_MAX: usize = 500;
pub const DURATION_MAX: i32 = 1_000;
pub const LAG_MAX_DAYS: i32 = 365;

/// A task as the coordinator writes it.
#[derive(Debug, Clone, PartialEq)]
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
    /// The day it is to be released on, neither before nor after.
    pub fixed_on: Option<NaiveDate>,
}

impl TaskDraft {
    pub fn of(task: &Task) -> TaskDraft {
        TaskDraft {
            title: task.title.clone(),
            unit_id: task.unit_id.clone(),
            description: task.description.clone(),
            acceptance: task.acceptance.clone(),
            evidence: task.evidence.clone(),
            duration: task.duration,
            duration_unit: task.duration_unit,
            not_before: task.not_before,
            fixed_on: task.fixed_on,
        }
    }
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

/// The rows of a plan as they were before it was changed.
pub struct Rows {
    tasks: Vec<Task>,
    dependencies: Vec<Dependency>,
}

impl CasePlan {
    pub fn rows(&self) -> Rows {
        Rows { tasks: self.tasks.clone(), dependencies: self.dependencies.clone() }
    }

    /// Adds a task. Gives its id.
    pub fn add(&mut self, ctx: &mut Ctx, draft: TaskDraft) -> Result<String, Error> {
        if self.tasks.len() >= TASKS_MAX {
            return Err(Error::Refused(Message::new("一个专项最多 %{max} 项任务。").with("max", TASKS_MAX)));
        }
        let draft = checked(ctx, None, draft)?;
        let no = self.tasks.iter().map(|task| task.no).max().unwrap_or(0) + 1;
        let task = written(blank_task(ctx, &self.case.id, no, self.case.round), draft);
        let id = task.id.clone();
        self.tasks.push(task);
        Ok(id)
    }

    /// Changes what a task asks. A longer one its unit has already is due later.
    pub fn change(&mut self, ctx: &mut Ctx, task_id: &str, draft: TaskDraft) -> Result<(), Error> {
        let old = self.open_task(task_id)?.clone();
        let draft = checked(ctx, Some(&old), draft)?;
        if draft.unit_id != old.unit_id && old.state != TaskState::Waiting {
            return Err(Error::Refused(Message::new("任务已交办，更换单位请用改派。")));
        }
        let was = (old.duration, old.duration_unit);
        let mut task = written(old, draft);
        let lasts_otherwise = (task.duration, task.duration_unit) != was;
        if lasts_otherwise {
            // The outer points of an estimate move with the likely one; in another unit they say nothing.
            let in_proportion = |days: i32| (days * task.duration + was.0 / 2) / was.0;
            let moved = |days: Option<i32>| days.filter(|_| task.duration_unit == was.1).map(in_proportion);
            let (low, high) = (moved(task.duration_optimistic), moved(task.duration_pessimistic));
            (task.duration_optimistic, task.duration_pessimistic) = (low, high);
        }
        if lasts_otherwise && let Some(released) = task.released_at.filter(|_| task.state.is_with_unit()) {
            task.due_on = Some(case_plans::due_on(ctx, &task, ctx.app.clock.local_date(released)));
        }
        self.put(task);
        Ok(())
    }

    /// Gives the unit that has a task another due date.
    pub fn move_due(&mut self, ctx: &Ctx, task_id: &str, day: NaiveDate) -> Result<(), Error> {
        let task = self.open_task(task_id)?.clone();
        if !task.state.is_with_unit() {
            return Err(Error::Refused(
                Message::new("任务现在是“%{state}”，不在承办单位手中。").with("state", task.state.label()),
            ));
        }
        if day < ctx.today {
            return Err(Error::field("day", Message::new("日期不能早于今天")));
        }
        self.put(Task { due_on: Some(day), ..task });
        Ok(())
    }

    fn open_task(&self, task_id: &str) -> Result<&Task, Error> {
        let task = self.task(task_id)?;
        if task.state.is_final() {
            return Err(Error::Refused(
                Message::new("任务现在是“%{state}”，不能修改。").with("state", task.state.label()),
            ));
        }
        Ok(task)
    }

    /// Adds a dependency. One that would close a cycle is refused with the cycle spelled out; one that would gate a task
    /// its unit has signed for is refused too. Gives its id.
    pub fn connect(&mut self, ctx: &Ctx, draft: DependencyDraft) -> Result<String, Error> {
        if draft.lag_days.abs() > LAG_MAX_DAYS {
            return Err(Error::field(
                "lag_days",
                Message::new("间隔不能超过 %{max} 个工作日").with("max", LAG_MAX_DAYS),
            ));
        }
        self.task(&draft.predecessor_id).map_err(|_| Error::field("predecessor_id", Message::new("没有这项任务")))?;
        let successor =
            self.task(&draft.successor_id).map_err(|_| Error::field("successor_id", Message::new("没有这项任务")))?;
        let gates_release = draft.kind != DependencyKind::FinishToFinish;
        if gates_release && !matches!(successor.state, TaskState::Waiting | TaskState::Ready) {
            return Err(Error::Refused(
                Message::new("任务“%{title}”已签收，不能再加前置任务。").with("title", &successor.title),
            ));
        }
        let graph = self.graph(&ctx.app.clock)?;
        if let Some(cycle) = graph.would_cycle(&draft.predecessor_id, &draft.successor_id) {
            return Err(self.told(PlanError::Cycle(cycle)));
        }
        let ends = |known: &Dependency| (known.predecessor_id.clone(), known.successor_id.clone(), known.kind);
        let wanted = (draft.predecessor_id.clone(), draft.successor_id.clone(), draft.kind);
        if self.dependencies.iter().any(|known| ends(known) == wanted) {
            return Err(Error::Refused(Message::new("这条前置关系已经存在。")));
        }
        let row = Dependency {
            id: new_id(),
            case_id: self.case.id.clone(),
            predecessor_id: draft.predecessor_id,
            successor_id: draft.successor_id,
            kind: draft.kind,
            lag_days: draft.lag_days,
        };
        let id = row.id.clone();
        self.dependencies.push(row);
        Ok(id)
    }

    /// Removes a dependency; what it gated may be released at once.
    pub fn disconnect(&mut self, dependency_id: &str) -> Result<(), Error> {
        let known = self.dependencies.len();
        self.dependencies.retain(|row| row.id != dependency_id);
        if self.dependencies.len() == known { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Saves whatever differs from the rows as they were, with an event each. A unit is told of a change of what it has.
    pub fn save_since(&mut self, ctx: &mut Ctx, was: &Rows) -> Result<(), Error> {
        let case_id = self.case.id.clone();
        let known = |task: &Task| was.tasks.iter().find(|old| old.id == task.id);
        let added: Vec<Task> = self.tasks.iter().filter(|task| known(task).is_none()).cloned().collect();
        let changed = self.tasks.iter().filter(|task| known(task).is_some_and(|old| old != *task));
        let changed: Vec<Task> = changed.cloned().collect();
        let units = added.iter().chain(&changed).map(|task| (task.unit_id.clone(), Part::Cooperating));
        cases::insert_units(&mut ctx.tx, &case_id, &units.collect::<Vec<_>>(), ctx.now)?;
        for task in &added {
            ctx.record("task.added", ("task", &task.id), Some(&case_id), json!({ "no": task.no, "title": task.title }));
        }
        plans::insert_tasks(&mut ctx.tx, added)?;
        for task in changed {
            tell_change(ctx, &task);
            self.save(ctx, task)?;
        }
        self.save_dependencies_since(ctx, was)
    }

    fn save_dependencies_since(&mut self, ctx: &mut Ctx, was: &Rows) -> Result<(), Error> {
        let payload = |row: &Dependency| json!({ "from": self.title_of(&row.predecessor_id), "to": self.title_of(&row.successor_id), "kind": row.kind.code(), "lag_days": row.lag_days });
        let is_in = |rows: &[Dependency], row: &Dependency| rows.iter().any(|known| known.id == row.id);
        for row in was.dependencies.iter().filter(|row| !is_in(&self.dependencies, row)) {
            if !plans::delete_dependency(&mut ctx.tx, &row.id)? {
                return Err(Error::NotFound);
            }
            ctx.record("dependency.removed", ("dependency", &row.id), Some(&self.case.id), payload(row));
        }
        let added: Vec<Dependency> =
            self.dependencies.iter().filter(|row| !is_in(&was.dependencies, row)).cloned().collect();
        for row in &added {
            ctx.record("dependency.added", ("dependency", &row.id), Some(&self.case.id), payload(row));
        }
        for task_id in added.iter().filter_map(Dependency::looked_at_by) {
            let task = self.task(task_id)?.clone();
            if task.state.is_with_unit() {
                self.save(ctx, task)?;
            }
        }
        Ok(plans::insert_dependencies(&mut ctx.tx, added)?)
    }
}

impl Dependency {
    /// The task that is started or submitted by its own version alone, and looks at this dependency then: saved with it,
    /// it is not started or submitted past one that is added at the same time.
    fn looked_at_by(&self) -> Option<&String> {
        match self.kind {
            DependencyKind::FinishToStart => None,
            DependencyKind::StartToStart => Some(&self.predecessor_id),
            DependencyKind::FinishToFinish => Some(&self.successor_id),
        }
    }
}

fn tell_change(ctx: &mut Ctx, task: &Task) {
    let payload = json!({ "no": task.no, "title": task.title, "due_on": task.due_on });
    ctx.record("task.changed", ("task", &task.id), Some(&task.case_id), payload);
    if task.state.is_with_unit() {
        ctx.owe(Owed {
            subject_kind: "task",
            subject_id: &task.id,
            stage: Stage::TaskChanged,
            recipient: Recipient::Unit(&task.unit_id),
            cycle: case_plans::cycle_of_version(task),
            case_id: Some(&task.case_id),
            detail: "",
        });
    }
}

/// A draft that can be taken, or every field of it that cannot. A start that has happened is no longer a matter of plan.
fn checked(ctx: &mut Ctx, old: Option<&Task>, draft: TaskDraft) -> Result<TaskDraft, Error> {
    let was = old.map_or((None, None), |task| (task.not_before, task.fixed_on));
    let moved = (draft.not_before, draft.fixed_on) != was;
    if moved && old.is_some_and(|task| task.state != TaskState::Waiting) {
        return Err(Error::Refused(Message::new("任务已放行，不能再定开始日期；要调整请改期限。")));
    }
    let mut faults = Vec::new();
    let mut fault = |field, reason| faults.push(FieldError { field, reason });
    let title = draft.title.trim().to_owned();
    match title.chars().count() {
        0 => fault("title", Message::new("请填写内容")),
        1..=TITLE_MAX_CHARS => {}
        _ => fault("title", Message::new("不能超过 %{max} 字").with("max", TITLE_MAX_CHARS)),
    }
    if !(1..=DURATION_MAX).contains(&draft.duration) {
        fault("duration", Message::new("工期应在 1 到 %{max} 之间").with("max", DURATION_MAX));
    }
    if draft.fixed_on != was.1 && draft.fixed_on.is_some_and(|day| day < ctx.today) {
        fault("fixed_on", Message::new("日期不能早于今天"));
    }
    if people::unit_by_id(&mut ctx.tx, &draft.unit_id)?.is_none() {
        fault("unit_id", Message::new("没有这个单位"));
    }
    if faults.is_empty() { Ok(TaskDraft { title, ..draft }) } else { Err(Error::Invalid(faults)) }
}

fn written(task: Task, draft: TaskDraft) -> Task {
    Task {
        title: draft.title,
        description: draft.description,
        acceptance: draft.acceptance,
        evidence: draft.evidence,
        unit_id: draft.unit_id,
        duration: draft.duration,
        duration_unit: draft.duration_unit,
        not_before: draft.not_before,
        fixed_on: draft.fixed_on,
        ..task
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
        fixed_on: None,
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
        clock_stopped_on: None,
    }
}
