//! Trying changes of a plan out (推演): nothing is saved until they are applied, all of them as one.

use crate::app::access::require_reading;
use crate::app::cases::case_views::{self, CaseView};
use crate::app::plans::plan_changes::{DependencyDraft, TaskDraft};
use crate::app::plans::plan_edits::{edit, finish_to_start, may_shape};
use crate::app::plans::{CasePlan, Likely};
use crate::app::{Ctx, Error};
use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use crate::plan::{Difference, Plan, Schedule};
use crate::store::cases;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most changes tried at once: they travel in an address.
const CHANGES_MAX: usize = 30;

/// A change of a plan as people name it: tasks by their numbers, new ones numbered on from the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlanChange {
    /// How long a task takes, in the unit its duration counts in.
    Duration {
        task: i32,
        duration: i32,
    },
    /// Before when a task does not begin; `null` for no such day.
    NotBefore {
        task: i32,
        day: Option<NaiveDate>,
    },
    /// The day a task is to be released on.
    Fixed {
        task: i32,
        day: Option<NaiveDate>,
    },
    /// Until when the unit that has a task has time.
    Due {
        task: i32,
        day: NaiveDate,
    },
    AddTask {
        title: String,
        unit: String,
        duration: i32,
        /// Numbers of the tasks it follows.
        #[serde(default)]
        after: Vec<i32>,
        /// Numbers of the tasks that follow it.
        #[serde(default)]
        before: Vec<i32>,
    },
    AddDependency {
        from: i32,
        to: i32,
        #[serde(default)]
        kind: DependencyKind,
        /// Working days.
        #[serde(default)]
        lag_days: i32,
    },
    DropDependency {
        from: i32,
        to: i32,
        kind: DependencyKind,
    },
}

/// Reads changes, each a JSON object.
pub fn parse(texts: &[String]) -> Result<Vec<PlanChange>, Error> {
    if texts.len() > CHANGES_MAX {
        return Err(Error::field("changes", Message::new("一次最多推演 %{max} 项改动").with("max", CHANGES_MAX)));
    }
    let read = |text: &String| {
        serde_json::from_str(text)
            .map_err(|_| Error::field("changes", Message::new("“%{text}”不是可用的值").with("text", text)))
    };
    texts.iter().map(read).collect()
}

impl PlanChange {
    fn apply(&self, ctx: &mut Ctx, plan: &mut CasePlan) -> Result<(), Error> {
        match self {
            PlanChange::Duration { task, duration } => redrafted(ctx, plan, *task, |draft| draft.duration = *duration),
            PlanChange::NotBefore { task, day } => redrafted(ctx, plan, *task, |draft| draft.not_before = *day),
            PlanChange::Fixed { task, day } => redrafted(ctx, plan, *task, |draft| draft.fixed_on = *day),
            PlanChange::Due { task, day } => {
                let id = id_of(plan, *task)?;
                plan.move_due(ctx, &id, *day)
            }
            PlanChange::AddTask { title, unit, duration, after, before } => {
                let draft = TaskDraft {
                    title: title.clone(),
                    unit_id: unit.clone(),
                    description: String::new(),
                    acceptance: String::new(),
                    evidence: String::new(),
                    duration: *duration,
                    duration_unit: DurationUnit::WorkingDays,
                    not_before: None,
                    fixed_on: None,
                };
                let id = plan.add(ctx, draft)?;
                for no in after {
                    let draft = finish_to_start(&id_of(plan, *no)?, &id);
                    plan.connect(ctx, draft)?;
                }
                for no in before {
                    let draft = finish_to_start(&id, &id_of(plan, *no)?);
                    plan.connect(ctx, draft)?;
                }
                Ok(())
            }
            PlanChange::AddDependency { from, to, kind, lag_days } => {
                let (predecessor_id, successor_id) = (id_of(plan, *from)?, id_of(plan, *to)?);
                let draft = DependencyDraft { predecessor_id, successor_id, kind: *kind, lag_days: *lag_days };
                plan.connect(ctx, draft).map(|_| ())
            }
            PlanChange::DropDependency { from, to, kind } => {
                let ends = (id_of(plan, *from)?, id_of(plan, *to)?);
                let rows = plan.dependencies.iter();
                let found = rows
                    .filter(|row| row.kind == *kind)
                    .find(|row| (&row.predecessor_id, &row.successor_id) == (&ends.0, &ends.1));
                let id = found.ok_or_else(|| Error::Refused(Message::new("没有这条前置关系。")))?.id.clone();
                plan.disconnect(&id)
            }
        }
    }
}

fn id_of(plan: &CasePlan, no: i32) -> Result<String, Error> {
    let task = plan.tasks.iter().find(|task| task.no == no);
    task.map(|task| task.id.clone()).ok_or_else(|| Error::Refused(Message::new("没有第 %{no} 项任务。").with("no", no)))
}

fn redrafted(ctx: &mut Ctx, plan: &mut CasePlan, no: i32, set: impl FnOnce(&mut TaskDraft)) -> Result<(), Error> {
    let id = id_of(plan, no)?;
    let mut draft = TaskDraft::of(plan.task(&id)?);
    set(&mut draft);
    plan.change(ctx, &id, draft)
}

/// When a plan ends, one way or the other.
#[derive(Debug, Clone)]
pub struct Outlook {
    pub forecast: Option<NaiveDate>,
    pub likely: Option<Likely>,
    /// Numbers of the tasks on the critical path.
    pub path: Vec<i32>,
}

/// What changes that nobody saved would do.
pub struct Tried {
    pub changes: Vec<PlanChange>,
    /// The first change that cannot be made, counted from 0, and why; it and those after it are left out.
    pub fault: Option<(usize, Message)>,
    pub before: Outlook,
    pub after: Outlook,
    pub difference: Difference,
}

/// The case with its plan as it would be after the changes.
pub fn show(ctx: &mut Ctx, case_id: &str, changes: Vec<PlanChange>) -> Result<(CaseView, Tried), Error> {
    let mut view = case_views::show(ctx, case_id)?;
    may_shape(ctx, &view.plan)?;
    let (plan, fault) = changed(ctx, view.plan.clone(), &changes);
    let plan = plan.settled(ctx)?;
    let graph = plan.graph(&ctx.app.clock)?;
    let difference = view.plan.compared_with(ctx, &view.graph, &graph);
    let before = outlook(ctx, &view.plan, &view.graph, &difference.before)?;
    let after = outlook(ctx, &plan, &graph, &difference.after)?;
    (view.plan, view.graph, view.schedule) = (plan, graph, difference.after.clone());
    Ok((view, Tried { changes, fault, before, after, difference }))
}

fn outlook(ctx: &mut Ctx, plan: &CasePlan, graph: &Plan, schedule: &Schedule) -> Result<Outlook, Error> {
    Ok(Outlook {
        forecast: schedule.forecast,
        likely: plan.likely(ctx, graph)?,
        path: schedule.critical_path.iter().filter_map(|id| Some(plan.task(id).ok()?.no)).collect(),
    })
}

/// The plan with the changes up to the first that cannot be made, and which that is.
fn changed(ctx: &mut Ctx, mut plan: CasePlan, changes: &[PlanChange]) -> (CasePlan, Option<(usize, Message)>) {
    for (at, change) in changes.iter().enumerate() {
        let mut next = plan.clone();
        if let Err(error) = change.apply(ctx, &mut next) {
            return (plan, Some((at, error.message())));
        }
        plan = next;
    }
    (plan, None)
}

/// Applies changes as they were tried on a revision of the plan: all of them, or none.
pub fn apply(ctx: &mut Ctx, case_id: &str, revision: i64, changes: &[PlanChange]) -> Result<(), Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_reading(ctx, &case)?;
    if changes.is_empty() {
        return Err(Error::field("changes", Message::new("请填写内容")));
    }
    edit(ctx, case_id, |ctx, plan| {
        // Taking the plan gave it the next revision.
        let current = plan.case.plan_revision - 1;
        if current != revision {
            return Err(Error::Stale { yours: revision, current });
        }
        ctx.record("case.plan_changed", ("case", case_id), Some(case_id), json!({ "changes": changes }));
        for change in changes {
            change.apply(ctx, plan)?;
        }
        Ok(())
    })
}
