//! How soon a released task's first mail is there while clients change tasks of thousands of units, under the window and
//! the ceiling that a city has.

use super::client::quantile;
use super::mail::Failure;
use crate::app::admin::add_unit;
use crate::app::cases::drafting::{self, NewCase};
use crate::app::cases::{self, Basis};
use crate::app::plans::plan_changes::blank_task;
use crate::app::{Actor, App, Ctx, Error, tasks};
use crate::domain::event::Channel;
use crate::domain::notice::{MailState, Stage};
use crate::domain::task::DependencyKind;
use crate::jobs::Jobs;
use crate::mail::Mailer;
use crate::store::{measure_mail, new_id, plans};
use chrono::TimeDelta;
use futures_util::future::try_join_all;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;
const CHANGES_LAST: Duration = Duration::from_secs(15);
/// Cases of each client. Their tasks follow one another, each of another unit: every one that ends releases the next. So
/// many that a task's turn comes a second after its release: one that is done before its mail leaves needs none.
const CASES: usize = 64;
const TASKS: usize = 12;

/// Fewer units than this get their first mails late: the hourly ceiling holds them back.
pub fn fewest_recipients(hourly_max: u32) -> usize {
    (CLIENTS * CASES * TASKS).div_ceil(hourly_max.max(1) as usize)
}

#[derive(Serialize)]
pub struct First {
    changes_a_second: f64,
    changes_p99_ms: f64,
    /// Tasks that these changes released, each of a unit that had no mail about its case.
    first_mails: usize,
    /// Those done before their mail had left.
    first_mails_moot: i64,
    first_mail_p50_seconds: f64,
    first_mail_p99_seconds: f64,
}

/// Signs for tasks, begins, submits and accepts them, without a pause.
pub async fn measure(app: &App, mailer: Mailer, recipients: usize) -> Result<First, Failure> {
    let jobs = Jobs::start(app, Some(mailer), false)?;
    let units = Arc::new(app.write(&Actor::operator_of_machine(), move |ctx| found(ctx, recipients)).await?);
    let mut chains = Vec::new();
    for n in 0..CLIENTS * CASES {
        let units = units.clone();
        chains.push(app.write(&client(), move |ctx| issued(ctx, &units, n)).await?);
    }
    all_released_told(app).await?;
    let (begun, since) = (Instant::now(), app.clock.now());
    let clients = chains.chunks(CASES).map(|chains| worked_off(app, chains, begun));
    let mut took = try_join_all(clients).await?.concat();
    let seconds = begun.elapsed().as_secs_f64();
    all_released_told(app).await?;
    jobs.stop().await;
    let mut waited = app.store.read(move |tx| measure_mail::waited(tx, Stage::TaskReleased, since)).await?;
    let moot = app.store.read(move |tx| measure_mail::moot(tx, Stage::TaskReleased, since)).await?;
    waited.sort_by(f64::total_cmp);
    let share = |share: f64| waited.get((waited.len() as f64 * share) as usize).copied().unwrap_or_default();
    Ok(First {
        changes_a_second: took.len() as f64 / seconds,
        changes_p99_ms: quantile(&mut took, 0.99),
        first_mails: waited.len(),
        first_mails_moot: moot,
        first_mail_p50_seconds: share(0.5),
        first_mail_p99_seconds: share(0.99),
    })
}

fn client() -> Actor {
    Actor { channel: Channel::Api, ..Actor::operator_of_machine() }
}

fn found(ctx: &mut Ctx, recipients: usize) -> Result<Vec<String>, Error> {
    let unit = |n| add_unit(ctx, format!("第{n}单位"), None, Some(format!("unit{n}@city.example")));
    (0..recipients.max(TASKS)).map(unit).collect()
}

/// Opens and issues a case whose tasks follow one another. Gives their ids in that order.
fn issued(ctx: &mut Ctx, units: &[String], n: usize) -> Result<Vec<String>, Error> {
    let unit = |at: usize| units[(n * TASKS + at) % units.len()].clone();
    let deadline = ctx.today + TimeDelta::days(400);
    let new = NewCase { title: "专项".to_owned(), lead_unit_id: unit(0), deadline, ..NewCase::default() };
    let id = drafting::open(ctx, new)?;
    let task = |at: usize| plans::Task {
        title: format!("任务{at}"),
        unit_id: unit(at),
        acceptance: "有记录".to_owned(),
        duration: 5,
        ..blank_task(ctx, &id, at as i32 + 1, 1)
    };
    let tasks: Vec<plans::Task> = (0..TASKS).map(task).collect();
    let ids: Vec<String> = tasks.iter().map(|task| task.id.clone()).collect();
    let edge = |pair: &[String]| plans::Dependency {
        id: new_id(),
        case_id: id.clone(),
        predecessor_id: pair[0].clone(),
        successor_id: pair[1].clone(),
        kind: DependencyKind::FinishToStart,
        lag_days: 0,
    };
    let edges = ids.windows(2).map(edge).collect();
    plans::insert_tasks(&mut ctx.tx, tasks)?;
    plans::insert_dependencies(&mut ctx.tx, edges)?;
    let basis = Basis { basis: "会议纪要".to_owned(), approver: "市长".to_owned(), decided_on: Some(ctx.today) };
    cases::issue(ctx, &id, 1, basis, None)?;
    Ok(ids)
}

/// One client's changes, by turns in each of its cases. Gives how long each took.
async fn worked_off(app: &App, chains: &[Vec<String>], begun: Instant) -> Result<Vec<Duration>, Error> {
    let mut took = Vec::new();
    for at in 0..TASKS {
        for chain in chains {
            for step in 0..4 {
                if begun.elapsed() > CHANGES_LAST {
                    return Ok(took);
                }
                let (id, asked) = (chain[at].clone(), Instant::now());
                app.write(&client(), move |ctx| changed(ctx, &id, step)).await?;
                took.push(asked.elapsed());
            }
        }
    }
    Ok(took)
}

fn changed(ctx: &mut Ctx, id: &str, step: usize) -> Result<(), Error> {
    let version = plans::task_by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?.version;
    match step {
        0 => tasks::acknowledge(ctx, id, version),
        1 => tasks::start(ctx, id, version, None),
        2 => tasks::submit(ctx, id, version, "已完成".to_owned()),
        _ => tasks::accept(ctx, id, version, String::new()),
    }
}

/// Waits until every released task's unit was told, by a mail that has left.
async fn all_released_told(app: &App) -> Result<(), Error> {
    loop {
        let left = app.store.read(|tx| {
            Ok::<_, Error>(measure_mail::released_untold(tx)? + measure_mail::count_in(tx, MailState::Queued)?)
        });
        if left.await? == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
