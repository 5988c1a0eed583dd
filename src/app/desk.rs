//! What waits for somebody: the coordinator's desk, the leadership's view, and the one search box.

use super::case_views::{self, CaseLine, unit_names};
use super::task_views::{TaskLine, lines, of_my_units};
use super::{Ctx, Error};
use crate::domain::access::{Action, Subject};
use crate::domain::case::{CaseState, ObservationResult};
use crate::domain::problem::ProblemState;
use crate::domain::task::TaskState;
use crate::store::cases::{self, Case, Directive};
use crate::store::plans;
use crate::store::problems;
use crate::store::tasks;
use crate::store::{events, observations};
use chrono::{NaiveDateTime, TimeDelta};
use std::collections::BTreeMap;

const SHOWN: i64 = 20;

/// One thing that waits: what, whose, since when, and the page that does it.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// A translation key.
    pub what: &'static str,
    pub title: String,
    pub whose: String,
    pub since: NaiveDateTime,
    pub link: String,
    /// A translation key: what the button says.
    pub button: &'static str,
    pub late: bool,
}

/// Everything that waits for the actor, what delays most first.
pub fn waiting(ctx: &mut Ctx) -> Result<Vec<Waiting>, Error> {
    let mut found = Vec::new();
    let coordinates = ctx.actor.may(Action::DecideTask, &Subject::default());
    if coordinates {
        overdue(ctx, &mut found)?;
        task_matters(ctx, &mut found)?;
    }
    if ctx.actor.may_somewhere(Action::AcceptTask) {
        submissions(ctx, &mut found)?;
    }
    if coordinates {
        to_close(ctx, &mut found)?;
        to_decide(ctx, &mut found)?;
    }
    if ctx.actor.may_somewhere(Action::WorkTask) {
        own_tasks(ctx, &mut found)?;
    }
    Ok(found)
}

fn wait_for_task(what: &'static str, button: &'static str, line: &TaskLine, since: NaiveDateTime) -> Waiting {
    Waiting {
        what,
        title: format!("{} {}", line.found.number(), line.found.task.title),
        whose: line.found.unit_name.clone(),
        since,
        link: format!("/tasks/{}", line.found.task.id),
        button,
        late: line.late,
    }
}

fn overdue(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let held = plans::in_states(&mut ctx.tx, &[TaskState::Ready, TaskState::Acknowledged, TaskState::InProgress])?;
    for line in lines(ctx, held)?.into_iter().filter(|line| line.late || line.blocked) {
        let since = line.found.task.due_on.map_or(ctx.now, |day| ctx.app.clock.start_of(day));
        let (what, button) = if line.late { ("超期未办", "催办") } else { ("受阻待协调", "协调") };
        found.push(wait_for_task(what, button, &line, since));
    }
    Ok(())
}

fn task_matters(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let extensions =
        tasks::open_extensions(&mut ctx.tx)?.into_iter().map(|row| ("延期待批", "批复", row.task_id, row.asked_at));
    let objections =
        tasks::open_objections(&mut ctx.tx)?.into_iter().map(|row| ("异议待裁", "裁定", row.task_id, row.raised_at));
    for (what, button, task_id, at) in extensions.chain(objections).collect::<Vec<_>>() {
        let task = plans::task_in_case(&mut ctx.tx, &task_id)?.into_iter().collect();
        for line in lines(ctx, task)? {
            found.push(wait_for_task(what, button, &line, at));
        }
    }
    Ok(())
}

fn submissions(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let submitted = plans::in_states(&mut ctx.tx, &[TaskState::Submitted])?;
    for line in lines(ctx, submitted)? {
        let subject = Subject { case_id: Some(&line.found.task.case_id), ..Subject::default() };
        if ctx.actor.may(Action::AcceptTask, &subject) {
            let since = line.found.task.submitted_at.unwrap_or(ctx.now);
            found.push(wait_for_task("待验收", "验收", &line, since));
        }
    }
    Ok(())
}

fn to_close(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for case in cases::in_states(
        &mut ctx.tx,
        &[CaseState::Verifying, CaseState::Draft, CaseState::Consulted, CaseState::Approved],
    )? {
        let rows = observations::of_case(&mut ctx.tx, &case.id)?;
        let judged =
            rows.iter().filter(|row| row.round == case.round && row.result != ObservationResult::Pending).count();
        let (what, button) = match case.state {
            CaseState::Verifying if judged == 0 => continue,
            CaseState::Verifying => ("观察期已满", "判定"),
            _ => ("待交办", "交办"),
        };
        found.push(Waiting {
            what,
            title: format!("{} {}", case.no, case.title),
            whose: String::new(),
            since: case.verifying_at.unwrap_or(case.created_at),
            link: format!("/cases/{}", case.id),
            button,
            late: false,
        });
    }
    Ok(())
}

fn to_decide(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let filter = problems::Filter { states: vec![ProblemState::Proposed], text: None };
    for problem in problems::list(&mut ctx.tx, &filter, 0, SHOWN)?.0 {
        if cases::open_case_of(&mut ctx.tx, &problem.id)?.is_some() {
            continue;
        }
        found.push(Waiting {
            what: "问题待研判",
            title: format!("{}（{}）", problem.title, problem.window_callers),
            whose: String::new(),
            since: problem.proposed_at.unwrap_or(problem.created_at),
            link: format!("/problems/{}", problem.id),
            button: "研判",
            late: false,
        });
    }
    Ok(())
}

fn own_tasks(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let (own, asked) = of_my_units(ctx, true)?;
    for line in own.iter().filter(|line| line.found.task.state.is_with_unit()) {
        let button = if line.found.task.state == TaskState::Ready { "签收" } else { "办理" };
        let what = if line.late { "超期未办" } else { line.found.task.state.label() };
        let since = line.found.task.released_at.unwrap_or(ctx.now);
        found.push(wait_for_task(what, button, line, since));
    }
    for line in &asked {
        found.push(wait_for_task("请求我单位协助", "答复", line, ctx.now));
    }
    Ok(())
}

/// The leaders' minute.
pub struct Leadership {
    pub in_hand: usize,
    pub red: usize,
    pub verifying: usize,
    pub closed_this_week: usize,
    pub reopened_this_week: i64,
    pub terminated: usize,
    /// Cases in hand or being observed, the worst lamp first.
    pub lines: Vec<CaseLine>,
    /// Unit, open tasks, late ones, ended on time, ended.
    pub units: Vec<UnitFigures>,
    pub directives: Vec<(Directive, Case)>,
}

pub fn leadership(ctx: &mut Ctx) -> Result<Leadership, Error> {
    ctx.require_anywhere(Action::ReadLeadership)?;
    let all = cases::all(&mut ctx.tx)?;
    let week_ago = ctx.now - TimeDelta::days(7);
    let ended_since =
        |state| all.iter().filter(|c| c.state == state && c.ended_at.is_some_and(|at| at > week_ago)).count();
    let in_a_later_round: Vec<&str> = all.iter().filter(|case| case.round > 1).map(|case| case.id.as_str()).collect();
    let lines = case_views::list(ctx, &[CaseState::Issued, CaseState::Verifying])?;
    let mut directives = Vec::new();
    for directive in cases::unreported_directives(&mut ctx.tx)? {
        if let Some(case) = all.iter().find(|case| case.id == directive.case_id) {
            directives.push((directive, case.clone()));
        }
    }
    Ok(Leadership {
        in_hand: lines.iter().filter(|line| line.case.state == CaseState::Issued).count(),
        red: lines.iter().filter(|line| line.lamp == Some(crate::plan::Lamp::Red)).count(),
        verifying: lines.iter().filter(|line| line.case.state == CaseState::Verifying).count(),
        closed_this_week: ended_since(CaseState::Closed),
        reopened_this_week: events::count_since(&mut ctx.tx, &in_a_later_round, "case.reopen", week_ago)?,
        terminated: all.iter().filter(|case| case.state == CaseState::Terminated).count(),
        units: units(ctx, &lines)?,
        lines,
        directives,
    })
}

/// How one unit stands with the tasks of the open cases.
#[derive(Debug, Clone, Default)]
pub struct UnitFigures {
    pub name: String,
    pub in_hand: usize,
    pub late: usize,
    /// Of the `done`, those submitted by their due date.
    pub on_time: usize,
    pub done: usize,
}

fn units(ctx: &mut Ctx, cases: &[CaseLine]) -> Result<Vec<UnitFigures>, Error> {
    let names = unit_names(ctx)?;
    let mut by_unit: BTreeMap<String, UnitFigures> = BTreeMap::new();
    for line in cases {
        for task in plans::tasks_of(&mut ctx.tx, &line.case.id)? {
            let Some(name) = names.get(&task.unit_id) else { continue };
            let figures = by_unit
                .entry(name.clone())
                .or_insert_with(|| UnitFigures { name: name.clone(), ..UnitFigures::default() });
            figures.in_hand += usize::from(task.state.is_with_unit());
            figures.late += usize::from(super::follow_up::is_late(ctx, &task));
            if let (TaskState::Done, Some(due), Some(at)) = (task.state, task.due_on, task.submitted_at) {
                figures.on_time += usize::from(ctx.app.clock.local_date(at) <= due);
                figures.done += 1;
            }
        }
    }
    let mut rows: Vec<_> = by_unit.into_values().filter(|unit| unit.in_hand + unit.done > 0).collect();
    rows.sort_by_key(|unit| std::cmp::Reverse((unit.late, unit.in_hand)));
    Ok(rows)
}
