//! A case's plan as a use case works on it: taken, loaded, changed, settled.

pub mod calendars;
pub mod feeds;
pub mod follow_up;
pub mod outlook;
pub mod plan_changes;
pub mod plan_edits;
pub mod plan_exchange;
pub mod what_if;
pub mod work_calendar;

use super::{Clock, Ctx, Error, Owed, Recipient};
use crate::app::cases::{learning, observing};
use crate::domain::case::CaseState;
use crate::domain::notice::Stage;
use crate::domain::task::{self, TaskMove};
use crate::lang::Message;
use crate::plan::{self, AsOf, Difference, Plan, PlanDependency, PlanError, PlanTask, Release, Runs, Schedule};
use crate::store::cases::{self, Case};
use crate::store::plans::{self, Dependency, Task, TaskInCase};
use crate::store::tasks;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::HashSet;

/// Enough for a lamp: P80 within a percent or two of its place. The same seed shows everyone the same.
const RUNS: Runs = Runs { count: 2_000, seed: 1 };

/// When a plan ends with four chances in five, and the chance (0 to 1) that it keeps its deadline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likely {
    pub p80: NaiveDate,
    pub chance: f64,
}

impl Likely {
    /// The chance in percent. One that is not certain never reads as certain.
    pub fn percent(&self) -> i32 {
        let rounded = (self.chance * 100.0).round() as i32;
        if self.chance > 0.0 && self.chance < 1.0 { rounded.clamp(1, 99) } else { rounded }
    }
}

#[derive(Clone)]
pub struct CasePlan {
    pub case: Case,
    pub tasks: Vec<Task>,
    pub dependencies: Vec<Dependency>,
    /// Ids of tasks with an open block; see [`CasePlan::with_blocks`].
    pub blocked: HashSet<String>,
}

impl CasePlan {
    /// Takes the plan for this transaction and loads it: the first statement of whatever gates, releases, dates or
    /// reshapes it.
    pub fn take(ctx: &mut Ctx, case_id: &str) -> Result<CasePlan, Error> {
        plans::take(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
        CasePlan::read(ctx, case_id)
    }

    pub fn read(ctx: &mut Ctx, case_id: &str) -> Result<CasePlan, Error> {
        let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
        CasePlan::of(ctx, case)
    }

    pub fn of(ctx: &mut Ctx, case: Case) -> Result<CasePlan, Error> {
        let tasks = plans::tasks_of(&mut ctx.tx, &case.id)?;
        let dependencies = plans::dependencies_of(&mut ctx.tx, &case.id)?;
        Ok(CasePlan { case, tasks, dependencies, blocked: HashSet::new() })
    }

    /// Takes the plan of a task's case and loads it, and the task with it.
    pub fn take_with(ctx: &mut Ctx, task_id: &str) -> Result<(CasePlan, TaskInCase), Error> {
        let case = plans::take_of_task(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
        let all = plans::of_case(&mut ctx.tx, &case.id)?;
        let found = all.iter().find(|found| found.task.id == task_id).cloned().ok_or(Error::NotFound)?;
        let tasks = all.into_iter().map(|found| found.task).collect();
        let dependencies = plans::dependencies_of(&mut ctx.tx, &case.id)?;
        Ok((CasePlan { case, tasks, dependencies, blocked: HashSet::new() }, found))
    }

    /// Loads which tasks are blocked: for whoever looks at the plan, not for what changes it.
    pub fn with_blocks(mut self, ctx: &mut Ctx) -> Result<CasePlan, Error> {
        self.blocked = tasks::blocked_of_case(&mut ctx.tx, &self.case.id)?.into_iter().collect();
        Ok(self)
    }

    pub fn task(&self, id: &str) -> Result<&Task, Error> {
        self.tasks.iter().find(|task| task.id == id).ok_or(Error::NotFound)
    }

    pub fn title_of(&self, id: &str) -> String {
        self.task(id).map_or_else(|_| id.to_owned(), |task| task.title.clone())
    }

    /// The graph of this plan.
    pub fn graph(&self, clock: &Clock) -> Result<Plan, Error> {
        let tasks = self.tasks.iter().map(|task| self.plan_task(task, clock)).collect();
        let dependencies = self.dependencies.iter().map(plan_dependency).collect();
        Plan::build(tasks, dependencies).map_err(|error| self.told(error))
    }

    /// The plan's dates as of today.
    pub fn schedule(&self, ctx: &Ctx, graph: &Plan) -> Schedule {
        graph.schedule(&self.as_of(ctx))
    }

    /// What becomes of the dates when this plan, drawn as `graph`, becomes another one.
    pub fn compared_with(&self, ctx: &Ctx, graph: &Plan, new: &Plan) -> Difference {
        graph.compared_with(new, &self.as_of(ctx))
    }

    /// How the plan will probably end; `None` when nothing in it is uncertain.
    pub fn likely(&self, ctx: &mut Ctx, graph: &Plan) -> Result<Option<Likely>, Error> {
        let history = learning::history(ctx, self)?;
        let Some(forecast) = graph.forecast(&self.as_of(ctx), &history, RUNS) else { return Ok(None) };
        let likely = Likely { p80: forecast.percentile(80), chance: forecast.chance_by(self.case.deadline) };
        Ok((forecast.ends.len() > 1).then_some(likely))
    }

    fn as_of<'a>(&self, ctx: &'a Ctx) -> AsOf<'a> {
        let begin = self.case.issued_at.map_or(ctx.today, |at| ctx.app.clock.local_date(at));
        AsOf { today: ctx.today, begin, calendars: &ctx.calendars.counted }
    }

    fn plan_task(&self, task: &Task, clock: &Clock) -> PlanTask {
        let day = |at: Option<chrono::NaiveDateTime>| at.map(|at| clock.local_date(at));
        PlanTask {
            id: task.id.clone(),
            no: task.no,
            title: task.title.clone(),
            unit_id: task.unit_id.clone(),
            kind: learning::kind_of(self.case.playbook_key.as_deref(), task),
            state: task.state,
            duration: task.duration,
            range: task.duration_optimistic.zip(task.duration_pessimistic),
            duration_unit: task.duration_unit,
            not_before: task.not_before,
            fixed_on: task.fixed_on,
            release_on: task.release_on,
            due_on: task.due_on,
            released_on: day(task.released_at),
            started_on: day(task.started_at),
            ended_on: day(task.ended_at),
            blocked: self.blocked.contains(&task.id),
        }
    }

    /// A fault of the graph in words: a cycle is spelled out by its tasks' titles, the first repeated at the end.
    pub fn told(&self, error: PlanError) -> Error {
        match error {
            PlanError::Cycle(ids) => {
                let mut titles: Vec<String> = ids.iter().map(|id| self.title_of(id)).collect();
                titles.extend(titles.first().cloned());
                Error::Cycle(titles)
            }
            PlanError::UnknownTask(_) => Error::NotFound,
            PlanError::SelfDependency(id) => Error::Cycle(vec![self.title_of(&id), self.title_of(&id)]),
            PlanError::Duplicate(_) => Error::Refused(Message::new("这条前置关系已经存在。")),
        }
    }

    /// Saves a changed task when nobody changed it meanwhile.
    pub fn save(&mut self, ctx: &mut Ctx, mut task: Task) -> Result<(), Error> {
        save_task(ctx, &mut task)?;
        self.put(task);
        Ok(())
    }

    /// After a change: releases what is no longer gated, withholds what is gated again, and moves the case on to
    /// verifying when its last task has ended.
    pub fn settle(&mut self, ctx: &mut Ctx) -> Result<(), Error> {
        if self.case.state != CaseState::Issued {
            return Ok(());
        }
        for (what, task) in self.settling(ctx)? {
            self.tell(ctx, what, &task);
            self.save(ctx, task)?;
        }
        let mut this_round = self.tasks.iter().filter(|task| task.round == self.case.round).peekable();
        if this_round.peek().is_some() && self.tasks.iter().all(|task| task.state.is_final()) {
            observing::begin(ctx, &mut self.case)?;
        }
        Ok(())
    }

    /// The plan as settling will leave it, for whoever only looks.
    pub fn settled(mut self, ctx: &Ctx) -> Result<CasePlan, Error> {
        if self.case.state == CaseState::Issued {
            for (_, task) in self.settling(ctx)? {
                self.put(task);
            }
        }
        Ok(self)
    }

    /// Tasks that the plan itself moves now, as they will be.
    fn settling(&self, ctx: &Ctx) -> Result<Vec<(Settled, Task)>, Error> {
        let graph = self.graph(&ctx.app.clock)?;
        let mut moved = Vec::new();
        for (id, release) in graph.releasable(ctx.today, &ctx.calendar) {
            let task = self.task(&id)?.clone();
            match release {
                Release::Now => moved.push((Settled::Released, released(ctx, task)?)),
                Release::Later(day) if task.release_on == Some(day) => {}
                Release::Later(day) => moved.push((Settled::Dated, Task { release_on: Some(day), ..task })),
            }
        }
        for id in graph.to_withhold() {
            let task = self.task(&id)?.clone();
            let state = task::next_state(task.state, TaskMove::Withhold).map_err(Error::Refused)?;
            moved.push((Settled::Withheld, Task { state, released_at: None, due_on: None, ..task }));
        }
        Ok(moved)
    }

    fn tell(&self, ctx: &mut Ctx, what: Settled, task: &Task) {
        let (kind, stage) = match what {
            Settled::Released => ("task.released", Stage::TaskReleased),
            Settled::Withheld => ("task.withheld", Stage::TaskWithheld),
            Settled::Dated => return,
        };
        let payload = json!({ "no": task.no, "title": task.title, "due_on": task.due_on });
        ctx.record(kind, ("task", &task.id), Some(&self.case.id), payload);
        ctx.owe(Owed {
            subject_kind: "task",
            subject_id: &task.id,
            stage,
            recipient: Recipient::Unit(&task.unit_id),
            cycle: cycle_of_version(task),
            case_id: Some(&self.case.id),
            detail: "",
        });
    }

    pub fn put(&mut self, task: Task) {
        if let Some(slot) = self.tasks.iter_mut().find(|known| known.id == task.id) {
            *slot = task;
        }
    }
}

/// What settling does to a task.
enum Settled {
    Released,
    /// It is known on which day a lag releases it.
    Dated,
    Withheld,
}

fn released(ctx: &Ctx, task: Task) -> Result<Task, Error> {
    let state = task::next_state(task.state, TaskMove::Release).map_err(Error::Refused)?;
    let due_on = Some(due_on(ctx, &task, ctx.today));
    Ok(Task { state, released_at: Some(ctx.now), release_on: None, due_on, ..task })
}

/// Until when a task released on a day is due, on its unit's calendar.
pub fn due_on(ctx: &Ctx, task: &Task, released_on: NaiveDate) -> NaiveDate {
    plan::due_date(released_on, task.duration, task.duration_unit, ctx.calendars.of_unit(&task.unit_id))
}

/// A task may be released, withheld and released again: each time is a cycle of its own.
pub fn cycle_of_version(task: &Task) -> i32 {
    i32::try_from(task.version).unwrap_or(i32::MAX)
}

/// Saves a task at the version it was read in.
pub fn save_task(ctx: &mut Ctx, task: &mut Task) -> Result<(), Error> {
    match plans::save_task(&mut ctx.tx, task)? {
        Some(version) => {
            task.version = version;
            Ok(())
        }
        None => {
            let current = plans::task_by_id(&mut ctx.tx, &task.id)?.ok_or(Error::NotFound)?.version;
            Err(Error::Stale { yours: task.version, current })
        }
    }
}

fn plan_dependency(row: &Dependency) -> PlanDependency {
    PlanDependency {
        id: row.id.clone(),
        predecessor: row.predecessor_id.clone(),
        successor: row.successor_id.clone(),
        kind: row.kind,
        lag_days: row.lag_days,
    }
}
