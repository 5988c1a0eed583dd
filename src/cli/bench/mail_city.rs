//! A quarter of a city's mails, day by day: fifty cases of twelve units, some of which are late.

use crate::app::admin::{NewPerson, add_person, add_unit};
use crate::app::cases::drafting::{self, NewCase};
use crate::app::cases::{self, Basis};
use crate::app::plans::plan_changes::blank_task;
use crate::app::{Actor, App, Ctx, Error, letters::outbox, tasks};
use crate::domain::access::Role;
use crate::domain::task::{DependencyKind, TaskState};
use crate::jobs::follow_calendar;
use crate::store::plans::{self, Dependency, Task};
use crate::store::{measure_mail, new_id};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

const CASES: usize = 50;
const UNITS: usize = 12;
const DAYS: i64 = 91;
/// Tasks of a case: three stages of four.
const STAGES: usize = 3;
const SIDE_BY_SIDE: usize = 4;
/// One task in five is late.
const LATE_OF: u32 = 5;
const SEED: u64 = 12_345;

/// What a quarter looked like.
#[derive(Serialize)]
pub struct Quarter {
    quarter_cases: usize,
    quarter_units: usize,
    quarter_mails: usize,
    /// Of a unit's mailbox, on days that are worked.
    mails_per_officer_a_day: f64,
    /// Of any recipient, within any hour.
    most_mails_in_an_hour: usize,
    notices_mailed: i64,
    notices_settled_without: i64,
    /// Notices still owed at the end, and released tasks that no mail told of: none, or the bench fails.
    owed_missing: i64,
}

pub async fn quarter(app: &App, hourly_max: u32) -> Result<Quarter, Error> {
    // A day of the simulation stands for all its hours.
    let mut settings = (*app.settings).clone();
    settings.chase.reminds_at = NaiveTime::MIN;
    let mut app = app.clone();
    app.settings = Arc::new(settings);
    let app = &app;
    let machine = Actor::operator_of_machine();
    let units = app.write(&machine, found).await?;
    let mut random = StdRng::seed_from_u64(SEED);
    let begins = app.clock.local_date(app.clock.now());
    let mut worked = 0;
    for day in 0..DAYS {
        app.clock.set_days_later(day);
        let today = begins + TimeDelta::days(day);
        follow_calendar(app).await?;
        if app.calendar().is_working_day(today) {
            worked += 1;
            // The cases come in the first month.
            let new = if day < 30 { CASES * (day as usize + 1) / 30 - CASES * day as usize / 30 } else { 0 };
            for _ in 0..new {
                let own = some_units(&units, &mut random);
                app.write(&machine, move |ctx| open_and_issue(ctx, &own)).await?;
            }
            let seed = random.random();
            app.write(&machine, move |ctx| work_a_day(ctx, today, seed)).await?;
        }
        while outbox::freeze_owed(app.clone(), "shenban@city.example".to_owned()).await? > 0 {}
    }
    // What waited for its window leaves the day after.
    app.clock.set_days_later(DAYS);
    while outbox::freeze_owed(app.clone(), "shenban@city.example".to_owned()).await? > 0 {}
    let mailed = app.store.read(measure_mail::mailed).await?;
    let (left, sent, without) = app.store.read(measure_mail::notices_by_state).await?;
    let most = most_in_an_hour(&mailed);
    if hourly_max > 0 && most > hourly_max as usize {
        return Err(Error::Internal(format!("the ceiling of {hourly_max} was broken: {most} within an hour")));
    }
    let owed_missing = left + app.store.read(measure_mail::released_untold).await?;
    if owed_missing > 0 {
        return Err(Error::Internal(format!("{owed_missing} owed notices are missing")));
    }
    let to_units = mailed.iter().filter(|(recipient, _)| units.contains(recipient)).count();
    Ok(Quarter {
        quarter_cases: CASES,
        quarter_units: UNITS,
        quarter_mails: mailed.len(),
        mails_per_officer_a_day: to_units as f64 / (UNITS * worked) as f64,
        most_mails_in_an_hour: most,
        notices_mailed: sent,
        notices_settled_without: without,
        owed_missing,
    })
}

fn found(ctx: &mut Ctx) -> Result<Vec<String>, Error> {
    let mut units = Vec::new();
    for n in 0..UNITS {
        units.push(add_unit(ctx, format!("第{n}局"), None, Some(format!("unit{n}@city.example")))?);
    }
    let head = NewPerson {
        login: "head".to_owned(),
        name: "head".to_owned(),
        email: Some("head@city.example".to_owned()),
        phone: None,
        password: new_id(),
        lang: "zh".to_owned(),
        posts: vec![(Role::UnitHead, units.first().cloned())],
    };
    add_person(ctx, head)?;
    Ok(units)
}

fn some_units(units: &[String], random: &mut StdRng) -> Vec<String> {
    let first = random.random_range(0..units.len());
    (0..SIDE_BY_SIDE).map(|n| units[(first + n * 3) % units.len()].clone()).collect()
}

fn open_and_issue(ctx: &mut Ctx, units: &[String]) -> Result<(), Error> {
    let deadline = ctx.today + TimeDelta::days(120);
    let new = NewCase { title: "专项".to_owned(), lead_unit_id: units[0].clone(), deadline, ..NewCase::default() };
    let id = drafting::open(ctx, new)?;
    let tasks: Vec<Task> = (0..STAGES * SIDE_BY_SIDE)
        .map(|n| Task {
            title: format!("任务{n}"),
            unit_id: units[n % SIDE_BY_SIDE].clone(),
            acceptance: "有记录".to_owned(),
            duration: 8,
            ..blank_task(ctx, &id, n as i32 + 1, 1)
        })
        .collect();
    let edges = (SIDE_BY_SIDE..tasks.len()).map(|to| Dependency {
        id: new_id(),
        case_id: id.clone(),
        predecessor_id: tasks[to - SIDE_BY_SIDE].id.clone(),
        successor_id: tasks[to].id.clone(),
        kind: DependencyKind::FinishToStart,
        lag_days: 0,
    });
    let edges: Vec<Dependency> = edges.collect();
    plans::insert_tasks(&mut ctx.tx, tasks)?;
    plans::insert_dependencies(&mut ctx.tx, edges)?;
    let basis = Basis { basis: "会议纪要".to_owned(), approver: "市长".to_owned(), decided_on: Some(ctx.today) };
    cases::issue(ctx, &id, 1, basis, None)
}

/// A day's work: most tasks are signed for at once and done in time, some late.
fn work_a_day(ctx: &mut Ctx, today: NaiveDate, seed: u64) -> Result<(), Error> {
    let mut random = StdRng::seed_from_u64(seed);
    let open = [TaskState::Ready, TaskState::Acknowledged, TaskState::InProgress, TaskState::Submitted];
    for found in plans::in_states(&mut ctx.tx, &open)? {
        if !found.case_state.is_running() || found.case_state == crate::domain::case::CaseState::Verifying {
            continue;
        }
        let task = &found.task;
        // The same tasks are late all along: by their number.
        let is_late = task.id.bytes().map(u32::from).sum::<u32>() % LATE_OF == 0;
        let due = task.due_on.unwrap_or(today);
        let ends = if is_late { due + TimeDelta::days(9) } else { due - TimeDelta::days(1) };
        match task.state {
            TaskState::Ready if !is_late || random.random_range(0..4) == 0 => {
                tasks::acknowledge(ctx, &task.id, task.version)?;
            }
            TaskState::Acknowledged => tasks::start(ctx, &task.id, task.version, None)?,
            TaskState::InProgress if today >= ends => {
                tasks::submit(ctx, &task.id, task.version, "已完成".to_owned())?;
            }
            TaskState::Submitted => tasks::accept(ctx, &task.id, task.version, String::new())?,
            _ => {}
        }
    }
    Ok(())
}

/// The most mails that one recipient got within some sixty minutes.
fn most_in_an_hour(mailed: &[(String, chrono::NaiveDateTime)]) -> usize {
    let mut by_recipient: HashMap<&str, Vec<chrono::NaiveDateTime>> = HashMap::new();
    for (recipient, at) in mailed {
        by_recipient.entry(recipient).or_default().push(*at);
    }
    let most = |mut times: Vec<chrono::NaiveDateTime>| {
        times.sort();
        let within =
            |from: usize| times[from..].iter().take_while(|at| **at - times[from] < TimeDelta::hours(1)).count();
        (0..times.len()).map(within).max().unwrap_or(0)
    };
    by_recipient.into_values().map(most).max().unwrap_or(0)
}
