//! A case's tasks and dependencies: the rows that [`crate::plan`] makes a graph of.

use super::cases::Case;
use super::conn::on_backend;
use super::prepared::{Fixed, fixed, scalar, update, written};
use super::schema::{assignment, cases, dependency, task, unit};
use super::{StoreError, Tx};
use crate::domain::case::CaseState;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{case_when, count, count_star, exists};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = task)]
pub struct Task {
    pub id: String,
    pub case_id: String,
    /// Its number within the case; people see `ZX-2026-0007/03`.
    pub no: i32,
    pub round: i32,
    pub title: String,
    pub description: String,
    pub acceptance: String,
    /// What must be shown at the end, a line each.
    pub evidence: String,
    pub outcome: Option<String>,
    pub unit_id: String,
    pub officer_id: Option<String>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: TaskState,
    pub template_key: Option<String>,
    pub parent_task_id: Option<String>,
    pub duration_optimistic: Option<i32>,
    pub duration: i32,
    pub duration_pessimistic: Option<i32>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub duration_unit: DurationUnit,
    pub not_before: Option<NaiveDate>,
    /// The day it is to be released on, neither before nor after.
    pub fixed_on: Option<NaiveDate>,
    /// When a lag lets it begin although its predecessors are done.
    pub release_on: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    pub baseline_start: Option<NaiveDate>,
    pub baseline_finish: Option<NaiveDate>,
    pub percent: i32,
    pub submission_round: i32,
    pub released_at: Option<NaiveDateTime>,
    pub acknowledged_at: Option<NaiveDateTime>,
    pub started_at: Option<NaiveDateTime>,
    pub submitted_at: Option<NaiveDateTime>,
    /// When it was accepted or cancelled.
    pub ended_at: Option<NaiveDateTime>,
    pub version: i64,
    pub created_at: NaiveDateTime,
    /// Since when its clock stands still: it is neither reminded of nor late.
    pub clock_stopped_on: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = dependency)]
pub struct Dependency {
    pub id: String,
    pub case_id: String,
    pub predecessor_id: String,
    pub successor_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub kind: DependencyKind,
    pub lag_days: i32,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = assignment, treat_none_as_default_value = false)]
pub struct Assignment {
    pub id: String,
    pub task_id: String,
    pub unit_id: String,
    pub officer_id: Option<String>,
    pub reason: Option<String>,
    pub since: NaiveDateTime,
    pub until: Option<NaiveDateTime>,
    pub person_id: String,
}

/// Takes the plan for this transaction: the first statement of whatever gates, releases, dates or reshapes it, on both
/// databases, so that two people never do it side by side. Gives the new revision; `None` when there is no such case.
pub fn take(tx: &mut Tx, case_id: &str) -> Result<Option<i64>, StoreError> {
    Ok(
        on_backend!(tx.0, c => update(cases::table, cases::id.eq(case_id), cases::plan_revision.eq(cases::plan_revision + 1))
        .returning(cases::plan_revision)
        .get_result(c)
        .optional())?,
    )
}

/// [`take`] by one of the case's tasks; gives the case.
pub fn take_of_task(tx: &mut Tx, task_id: &str) -> Result<Option<Case>, StoreError> {
    let own_case = task::table.find(task_id).select(task::case_id);
    Ok(
        on_backend!(tx.0, c => update(cases::table, cases::id.eq_any(own_case), cases::plan_revision.eq(cases::plan_revision + 1))
        .returning(Case::as_returning())
        .get_result(c)
        .optional())?,
    )
}

pub fn tasks_of(tx: &mut Tx, case_id: &str) -> Result<Vec<Task>, StoreError> {
    let of_case = task::table.filter(task::case_id.eq(case_id)).order(task::no);
    Ok(on_backend!(tx.0, c => of_case.select(Task::as_select()).load(c))?)
}

pub fn dependencies_of(tx: &mut Tx, case_id: &str) -> Result<Vec<Dependency>, StoreError> {
    let of_case = dependency::table.filter(dependency::case_id.eq(case_id)).order(dependency::id);
    Ok(on_backend!(tx.0, c => of_case.select(Dependency::as_select()).load(c))?)
}

/// The parts of a task.
pub fn parts_of(tx: &mut Tx, task_id: &str) -> Result<Vec<Task>, StoreError> {
    Ok(task::table.filter(task::parent_task_id.eq(task_id)).order(task::no).select(Task::as_select()).load(tx.0)?)
}

pub fn task_by_id(tx: &mut Tx, id: &str) -> Result<Option<Task>, StoreError> {
    Ok(on_backend!(tx.0, c => task::table.find(id).select(Task::as_select()).first(c).optional())?)
}

/// A task with what authorisation and the officer's page need of its unit and its case.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInCase {
    pub task: Task,
    pub unit_name: String,
    pub unit_path: String,
    pub case_no: String,
    pub case_title: String,
    pub case_state: CaseState,
    pub lead_unit_id: String,
    /// The coordinator who looks after the case.
    pub coordinator_id: String,
}

impl TaskInCase {
    /// What people call the task: `ZX-2026-0007/03`.
    pub fn number(&self) -> String {
        format!("{}/{:02}", self.case_no, self.task.no)
    }
}

type UnitColumns = (String, String);
type CaseColumns = (String, String, String, String, String);
type InCaseRow = (Task, UnitColumns, CaseColumns);
/// And what else was asked.
pub(in crate::store) type InCaseRowWith<More> = (Task, UnitColumns, CaseColumns, More);

pub(in crate::store) fn in_case(
    (task, (unit_name, unit_path), (case_no, case_title, state, lead, coordinator)): InCaseRow,
) -> Result<TaskInCase, StoreError> {
    let case_state = CaseState::try_from(state).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(TaskInCase {
        task,
        unit_name,
        unit_path,
        case_no,
        case_title,
        case_state,
        lead_unit_id: lead,
        coordinator_id: coordinator,
    })
}

/// The columns of [`TaskInCase`], joined, and what else is asked of each task.
macro_rules! tasks_in_cases {
    ($($more:expr)?) => {
        task::table.inner_join(unit::table).inner_join(cases::table).select((
            Task::as_select(),
            (unit::name, unit::path),
            (cases::no, cases::title, cases::state, cases::lead_unit_id, cases::coordinator_id.assume_not_null()),
            $($more,)?
        ))
    };
}
pub(in crate::store) use tasks_in_cases;

pub fn task_in_case(tx: &mut Tx, id: &str) -> Result<Option<TaskInCase>, StoreError> {
    on_backend!(tx.0, c => tasks_in_cases!().filter(task::id.eq(id)).first::<InCaseRow>(c).optional())?
        .map(in_case)
        .transpose()
}

/// A case's tasks, by their numbers.
pub fn of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<TaskInCase>, StoreError> {
    let rows: Vec<InCaseRow> =
        on_backend!(tx.0, c => tasks_in_cases!().filter(task::case_id.eq(case_id)).order(task::no).load(c))?;
    rows.into_iter().map(in_case).collect()
}

/// [`task_in_case`], and whether its start releases others (start-to-start).
pub fn before_start(tx: &mut Tx, id: &str) -> Result<Option<(TaskInCase, bool)>, StoreError> {
    let followers = dependency::table
        .filter(dependency::predecessor_id.eq(id))
        .filter(dependency::kind.eq(DependencyKind::StartToStart.code()));
    let has_followers = scalar(diesel::select(exists(followers)));
    let row: Option<InCaseRowWith<bool>> =
        on_backend!(tx.0, c => tasks_in_cases!(has_followers).filter(task::id.eq(id)).first(c).optional())?;
    row.map(|(task, unit, case, has_followers)| Ok((in_case((task, unit, case))?, has_followers))).transpose()
}

/// Of these tasks those that exist, by their ids.
pub fn by_ids(tx: &mut Tx, ids: &[String]) -> Result<HashMap<String, TaskInCase>, StoreError> {
    let mut found = HashMap::new();
    for some in ids.chunks(1000) {
        let rows: Vec<InCaseRow> = tasks_in_cases!().filter(task::id.eq_any(some)).load(tx.0)?;
        for row in rows {
            found.insert(row.0.id.clone(), in_case(row)?);
        }
    }
    Ok(found)
}

/// Tasks of running cases in one of `states`, the earliest due first.
pub fn in_states(tx: &mut Tx, states: &[TaskState]) -> Result<Vec<TaskInCase>, StoreError> {
    let codes: Vec<&str> = states.iter().map(|state| state.code()).collect();
    let running = [CaseState::Issued.code(), CaseState::Verifying.code()];
    let rows: Vec<InCaseRow> = tasks_in_cases!()
        .filter(task::state.eq_any(codes))
        .filter(cases::state.eq_any(running))
        .order((task::due_on, task::no))
        .load(tx.0)?;
    rows.into_iter().map(in_case).collect()
}

/// Predecessors of a task over one kind of dependency, with their states.
pub fn predecessors(tx: &mut Tx, task_id: &str, kind: DependencyKind) -> Result<Vec<(i32, TaskState)>, StoreError> {
    let rows: Vec<(i32, String)> = on_backend!(tx.0, c => dependency::table
        .inner_join(task::table.on(task::id.eq(dependency::predecessor_id)))
        .filter(dependency::successor_id.eq(task_id))
        .filter(dependency::kind.eq(kind.code()))
        .select((task::no, task::state))
        .load(c))?;
    Ok(rows.into_iter().filter_map(|(no, state)| Some((no, TaskState::parse(&state)?))).collect())
}

pub fn insert_tasks(tx: &mut Tx, rows: Vec<Task>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(task::table).values(rows).execute(c))?;
    Ok(())
}

/// Saves everything about a task that can change, when its stored version is still `row.version`. Gives the new version.
pub fn save_task(tx: &mut Tx, row: &Task) -> Result<Option<i64>, StoreError> {
    let changed = on_backend!(tx.0, c => update(
        task::table,
        task::id.eq(&row.id).and(task::version.eq(row.version)),
        (
            (
                task::title.eq(&row.title),
                task::description.eq(&row.description),
                task::acceptance.eq(&row.acceptance),
                task::evidence.eq(&row.evidence),
                task::unit_id.eq(&row.unit_id),
                task::officer_id.eq(&row.officer_id),
                task::duration_optimistic.eq(row.duration_optimistic),
                task::duration.eq(row.duration),
                task::duration_pessimistic.eq(row.duration_pessimistic),
                task::duration_unit.eq(row.duration_unit.code()),
            ),
            (
                task::state.eq(row.state.code()),
                task::not_before.eq(row.not_before),
                task::fixed_on.eq(row.fixed_on),
                task::release_on.eq(row.release_on),
                task::due_on.eq(row.due_on),
                task::baseline_start.eq(row.baseline_start),
                task::baseline_finish.eq(row.baseline_finish),
                task::percent.eq(row.percent),
                task::submission_round.eq(row.submission_round),
            ),
            (
                task::released_at.eq(row.released_at),
                task::acknowledged_at.eq(row.acknowledged_at),
                task::started_at.eq(row.started_at),
                task::submitted_at.eq(row.submitted_at),
                task::ended_at.eq(row.ended_at),
                task::clock_stopped_on.eq(row.clock_stopped_on),
                task::version.eq(row.version + 1),
            ),
        ),
    )
    .execute(c))?;
    Ok((changed == 1).then_some(row.version + 1))
}

pub fn insert_dependencies(tx: &mut Tx, rows: Vec<Dependency>) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(dependency::table).values(rows).execute(c))?;
    Ok(())
}

pub fn dependency_by_id(tx: &mut Tx, id: &str) -> Result<Option<Dependency>, StoreError> {
    Ok(dependency::table.find(id).select(Dependency::as_select()).first(tx.0).optional()?)
}

pub fn delete_dependency(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    Ok(diesel::delete(dependency::table.find(id)).execute(tx.0)? == 1)
}

pub fn insert_assignment(tx: &mut Tx, row: &Assignment) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(assignment::table).values(row).execute(c))?;
    Ok(())
}

/// Ends a task's open assignment.
pub fn end_assignment(tx: &mut Tx, task_id: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(assignment::table.filter(assignment::task_id.eq(task_id)).filter(assignment::until.is_null()))
        .set(assignment::until.eq(now))
        .execute(tx.0)?;
    Ok(())
}

/// Ids of running cases with tasks whose lag has passed by `today`.
pub fn cases_to_release(tx: &mut Tx, today: NaiveDate) -> Result<Vec<String>, StoreError> {
    Ok(task::table
        .filter(task::state.eq(written(TaskState::Waiting.code())))
        .filter(task::release_on.le(today))
        .select(task::case_id)
        .distinct()
        .load(tx.0)?)
}

/// Done tasks of all cases that began from a playbook.
pub fn done_of_playbook(tx: &mut Tx, key: &str) -> Result<Vec<Task>, StoreError> {
    Ok(task::table
        .inner_join(cases::table)
        .filter(cases::playbook_key.eq(key))
        .filter(task::state.eq(TaskState::Done.code()))
        .filter(task::template_key.is_not_null())
        .select(Task::as_select())
        .load(tx.0)?)
}

/// Being with its unit, as the index of these tasks says it.
fn is_held() -> Fixed<Bool> {
    let codes = [TaskState::Ready, TaskState::Acknowledged, TaskState::InProgress].map(TaskState::code);
    fixed(format!("task.state IN ('{}')", codes.join("', '")))
}

/// Every task that its unit has and works on.
pub fn with_unit(tx: &mut Tx) -> Result<Vec<Task>, StoreError> {
    Ok(task::table.filter(is_held()).order(task::due_on).select(Task::as_select()).load(tx.0)?)
}

/// By unit: how many tasks it has and works on, and how many of them were due on `day` or before while their clock runs.
pub fn held_by_units(tx: &mut Tx, day: NaiveDate) -> Result<Vec<(String, usize, usize)>, StoreError> {
    let is_late = task::due_on.assume_not_null().le(day).and(task::clock_stopped_on.is_null());
    let held: Vec<(String, i64, i64)> = task::table
        .filter(is_held())
        .group_by(task::unit_id)
        .select((task::unit_id, count_star(), count(case_when(is_late, task::due_on))))
        .load(tx.0)?;
    Ok(held.into_iter().map(|(unit, held, late)| (unit, held as usize, late as usize)).collect())
}

/// Open tasks that one officer has.
pub fn of_officer(tx: &mut Tx, person_id: &str) -> Result<Vec<TaskInCase>, StoreError> {
    let rows: Vec<InCaseRow> = tasks_in_cases!()
        .filter(task::officer_id.eq(person_id))
        .filter(task::state.ne_all(["done", "cancelled"]))
        .order((task::due_on, task::no))
        .load(tx.0)?;
    rows.into_iter().map(in_case).collect()
}

/// Tasks in the states asked for of the units whose path begins with one of `paths`, the earliest due first. Cases that
/// were not issued are left out.
pub fn of_units(
    tx: &mut Tx,
    paths: &[String],
    is_asked: impl Fn(TaskState) -> bool,
) -> Result<Vec<TaskInCase>, StoreError> {
    let states: Vec<&str> = TaskState::ALL.iter().filter(|state| is_asked(**state)).map(|state| state.code()).collect();
    let is_below_another = |path: &String| paths.iter().any(|other| other != path && path.starts_with(other));
    let highest: BTreeSet<&String> = paths.iter().filter(|path| !is_below_another(path)).collect();
    let mut found: Vec<TaskInCase> = Vec::new();
    for path in highest {
        let rows: Vec<InCaseRow> = tasks_in_cases!()
            .filter(unit::path.like(format!("{path}%")))
            .filter(cases::issued_at.is_not_null())
            .filter(task::state.eq_any(&states))
            .order((task::due_on, task::no))
            .load(tx.0)?;
        found.extend(rows.into_iter().map(in_case).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found)
}
