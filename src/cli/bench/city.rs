//! What the load is put on: units, people with tokens, and issued cases of sixteen tasks.

use crate::app::accounts::{self, actor_of};
use crate::app::admin::{NewPerson, add_person, add_unit};
use crate::app::cases::drafting::{self, NewCase};
use crate::app::cases::{self, Basis};
use crate::app::plans::plan_changes::blank_task;
use crate::app::{Actor, App, Ctx, Error};
use crate::domain::access::Role;
use crate::domain::case::Part;
use crate::domain::event::{ActorKind, Channel};
use crate::domain::task::DependencyKind;
use crate::store::plans::{self, Dependency, Task};
use crate::store::{cases as case_rows, new_id};
use chrono::TimeDelta;

pub const UNITS: usize = 4;
/// Stages have a task a unit, each waiting for two of the stage before. A usual case has this many.
const STAGES: usize = 4;

pub struct City {
    pub coordinator: Actor,
    pub coordinator_token: String,
    pub officer_token: String,
    units: Vec<String>,
}

pub struct BenchCase {
    pub id: String,
    /// In an order they can be worked off in.
    pub task_ids: Vec<String>,
}

pub async fn found(app: &App) -> Result<City, Error> {
    let (units, people) = app.write(&Actor::operator_of_machine(), found_rows).await?;
    let id = people[0].clone();
    let coordinator = app.store.read(move |tx| actor_of(tx, &id, ActorKind::Person, Channel::Api)).await?;
    let coordinator_token = token(app, people[0].clone()).await?;
    let officer_token = token(app, people[1].clone()).await?;
    Ok(City { coordinator, coordinator_token, officer_token, units })
}

fn found_rows(ctx: &mut Ctx) -> Result<(Vec<String>, Vec<String>), Error> {
    let city = add_unit(ctx, "市政府".to_owned(), None, None)?;
    let mut units = Vec::new();
    for n in 0..UNITS {
        units.push(add_unit(ctx, format!("第{n}局"), Some(city.clone()), Some(format!("unit{n}@city.example")))?);
    }
    let roles = [("coordinator", vec![Role::Coordinator, Role::Operator]), ("officer", vec![Role::Officer])];
    let mut people = Vec::new();
    for (login, roles) in roles {
        people.push(add_person(
            ctx,
            NewPerson {
                login: login.to_owned(),
                name: login.to_owned(),
                email: None,
                phone: None,
                password: new_id(),
                lang: "zh".to_owned(),
                posts: roles.into_iter().map(|role| (role, Some(city.clone()))).collect(),
            },
        )?);
    }
    Ok((units, people))
}

/// Opens and issues `count` cases.
pub async fn cases(app: &App, city: &City, count: usize) -> Result<Vec<BenchCase>, Error> {
    let mut made = Vec::with_capacity(count);
    for n in 0..count {
        made.push(case_of(app, city, n, STAGES).await?);
    }
    Ok(made)
}

/// Opens and issues the `n`th case, of as many stages.
pub async fn case_of(app: &App, city: &City, n: usize, stages: usize) -> Result<BenchCase, Error> {
    let units = city.units.clone();
    app.write(&city.coordinator, move |ctx| open_and_issue(ctx, n, &units, stages * UNITS)).await
}

fn open_and_issue(ctx: &mut Ctx, n: usize, units: &[String], count: usize) -> Result<BenchCase, Error> {
    let new = NewCase {
        title: format!("第{n}号专项"),
        lead_unit_id: units[0].clone(),
        deadline: ctx.today + TimeDelta::days(120),
        ..NewCase::default()
    };
    let id = drafting::open(ctx, new)?;
    let tasks: Vec<Task> = (0..count)
        .map(|at| Task {
            title: format!("任务{at}"),
            unit_id: units[at % UNITS].clone(),
            acceptance: "验收记录齐全".to_owned(),
            duration: 5,
            ..blank_task(ctx, &id, at as i32 + 1, 1)
        })
        .collect();
    let edge = |from: usize, to: usize| Dependency {
        id: new_id(),
        case_id: id.clone(),
        predecessor_id: tasks[from].id.clone(),
        successor_id: tasks[to].id.clone(),
        kind: DependencyKind::FinishToStart,
        lag_days: 0,
    };
    let edges = (UNITS..count).flat_map(|to| {
        let stage = to / UNITS - 1;
        [edge(stage * UNITS + to % UNITS, to), edge(stage * UNITS + (to + 1) % UNITS, to)]
    });
    let edges: Vec<Dependency> = edges.collect();
    let task_ids = tasks.iter().map(|task| task.id.clone()).collect();
    plans::insert_tasks(&mut ctx.tx, tasks)?;
    plans::insert_dependencies(&mut ctx.tx, edges)?;
    let force: Vec<_> = units.iter().map(|unit| (unit.clone(), Part::Cooperating)).collect();
    case_rows::insert_units(&mut ctx.tx, &id, &force, ctx.now)?;
    let basis = Basis { basis: "会议纪要".to_owned(), approver: "市长".to_owned(), decided_on: Some(ctx.today) };
    cases::issue(ctx, &id, 1, basis, None)?;
    Ok(BenchCase { id, task_ids })
}

async fn token(app: &App, person_id: String) -> Result<String, Error> {
    let issue = move |ctx: &mut Ctx| accounts::issue_token(ctx, &person_id, "bench".to_owned());
    app.write(&Actor::operator_of_machine(), issue).await
}
