//! `shenban demo`: a city in one command, with an embedded database and a mail catcher.

mod city;
mod leaders;
mod matters;
pub mod tickets;
mod words;

use super::config::{Config, ConfigArgs};
use super::serve::{listen, serve};
use super::{Outcome, log_to_stderr, take_small_pages};
use crate::app::accounts::actor_of;
use crate::app::cases::Basis;
use crate::app::cases::drafting::{self, NewCase};
use crate::app::tasks::Progress;
use crate::app::{
    Actor, App, Ctx, Error, cases, clock_control, plans,
    problems::{consolidating, counting, detection, upkeep},
    tasks::{self, help},
};
use crate::domain::case::Grade;
use crate::domain::event::{ActorKind, Channel};
use crate::domain::task::TaskState;
use crate::jobs::follow_calendar;
use crate::mail::Mailer;
use crate::mail::catcher::Catcher;
use crate::store::problems::{self, Filter};
use crate::store::{Tx, people};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::path::PathBuf;

/// So that everybody's demo city is the same.
const SEED: u64 = 12_345;
/// How long ago the demo's case was issued.
const ISSUED_DAYS_AGO: i64 = 24;

#[derive(clap::Args)]
pub struct Args {
    /// Address and port to serve on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// The folder that keeps the city; a temporary one when not given.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Moves the demo's clock this many days ahead.
    #[arg(long, default_value_t = 0)]
    days_later: i64,
}

pub fn run(args: Args) -> Outcome {
    log_to_stderr();
    take_small_pages();
    let temporary = std::env::temp_dir().join(format!("shenban-demo-{}", std::process::id()));
    let folder = args.data.clone().unwrap_or(temporary);
    let outcome = actix_web::rt::System::new().block_on(start(&args, folder.clone()));
    if args.data.is_none() {
        std::fs::remove_dir_all(&folder)?;
    }
    outcome
}

async fn start(args: &Args, folder: PathBuf) -> Outcome {
    let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await?;
    let config = Config {
        database: format!("sqlite:{}", folder.join("shenban.sqlite").display()),
        data_dir: folder,
        listen: args.listen.clone(),
        public_url: format!("http://{}", args.listen),
        city: "云泽市".to_owned(),
        smtp_port: catcher.address().port(),
        smtp_from: "云泽市深办 <shenban@yunze.example>".to_owned(),
        demo: true,
        ..Config::read(&ConfigArgs::default())?
    };
    let listener = listen(&config)?;
    let app = config.app()?;
    if app.store.read_blocking(people::units)?.is_empty() {
        eprintln!("正在生成演示城市……");
        found(&app).await?;
    }
    if args.days_later > 0 {
        clock_control::advance(&app, args.days_later).await?;
        upkeep::load(&app).await?;
        counting::recount(&app).await?;
        follow_calendar(&app).await?;
    }
    println!("深办演示：http://{}", listener.local_addr()?);
    println!(
        "密码都是 {}，账号：chenjing 协调员 · zhaogang 交警承办人 · liwei 副市长 · sunmei 话务员 · zhoulan 督查员 · admin 管理员",
        city::PASSWORD
    );
    serve(app, listener, Some(Mailer::new(config.smtp()?)), true, Some(catcher)).await
}

/// Founds the city, takes in its tickets, finds its problems, and brings one case into mid-flight.
async fn found(app: &App) -> Outcome {
    let real = app.clock.now();
    // The past is lived through in order: the clock goes back and returns at the end.
    app.clock.set_days_later(-ISSUED_DAYS_AGO);
    let machine = Actor::operator_of_machine();
    let units = app.write(&machine, city::found).await?;
    let (past, recent): (Vec<_>, Vec<_>) =
        tickets::generate(SEED, real).into_iter().partition(|ticket| ticket.received_at < app.clock.now());
    take_in(app, past).await?;
    let case_id = open_case(app, &units).await?;
    for step in 0..3 {
        app.clock.set_days_later(-ISSUED_DAYS_AGO + 3 + step * 6);
        work_on(app, &case_id, step).await?;
    }
    leaders::on_paper(app, &case_id).await?;
    app.clock.set_days_later(0);
    leaders::in_person(app, &case_id, &units).await?;
    leaders::roster(app).await?;
    take_in(app, recent).await?;
    consolidating::consolidate(app, "demo").await?;
    counting::recount(app).await?;
    follow_calendar(app).await?;
    Ok(())
}

async fn take_in(app: &App, tickets: Vec<crate::domain::ticket::NewTicket>) -> Outcome {
    for chunk in tickets.chunks(crate::app::tickets::BATCH_MAX) {
        let chunk = chunk.to_vec();
        app.write(&Actor::operator_of_machine(), move |ctx| crate::app::tickets::add(ctx, chunk)).await?;
    }
    if !app.index.is_loaded() {
        upkeep::load(app).await?;
    }
    while detection::order(app, "demo").await? + detection::catch_up(app, "demo").await? > 0 {}
    Ok(())
}

fn person(tx: &mut Tx, login: &str) -> Result<Actor, Error> {
    let found = people::person_by_login(tx, login)?.ok_or(Error::NotFound)?;
    actor_of(tx, &found.id, ActorKind::Person, Channel::Web)
}

async fn actor(app: &App, login: &'static str) -> Result<Actor, Error> {
    app.store.read(move |tx| person(tx, login)).await
}

/// Promotes the school-gate problem and issues the case.
async fn open_case(app: &App, units: &HashMap<&'static str, String>) -> Result<String, Error> {
    let coordinator = actor(app, "chenjing").await?;
    let (roles, lead) = (city::school_roles(units), units["traffic"].clone());
    app.write(&coordinator, move |ctx| {
        let filter = Filter { states: Vec::new(), text: Some("实验小学".to_owned()) };
        let problem = problems::list(&mut ctx.tx, &filter, 0, 1)?.0.pop().ok_or(Error::NotFound)?;
        let new = NewCase {
            problem_ids: vec![problem.id],
            title: "实验小学校门口上下学拥堵".to_owned(),
            goal: "校门口拥堵诉求人数降至基线的三成以下，早晚高峰公交和救护车可通行。".to_owned(),
            grade: Grade::Important,
            lead_unit_id: lead,
            deadline: ctx.today + TimeDelta::days(170),
            playbook_key: Some("school-gate-congestion".to_owned()),
            roles,
            ..NewCase::default()
        };
        let id = drafting::open(ctx, new)?;
        let basis = Basis {
            basis: "市政府专题会议纪要〔2026〕18号".to_owned(),
            approver: "李伟".to_owned(),
            decided_on: Some(ctx.today),
        };
        cases::issue(ctx, &id, 1, basis, None)?;
        Ok(id)
    })
    .await
}

/// What the units did on one day: each open task goes a few steps, one is left to become late, one is blocked.
async fn work_on(app: &App, case_id: &str, step: i64) -> Outcome {
    let coordinator = actor(app, "chenjing").await?;
    let case_id = case_id.to_owned();
    app.write(&coordinator, move |ctx| {
        let plan = plans::CasePlan::read(ctx, &case_id)?;
        let open: Vec<_> = plan.tasks.into_iter().filter(|task| task.state.is_with_unit()).collect();
        for task in open {
            let left_alone = step == 2 && task.no % 3 == 0;
            if left_alone {
                continue;
            }
            finish(ctx, &task.id, if step < 2 || task.no % 3 == 1 { TaskState::Done } else { TaskState::InProgress })?;
        }
        if step == 2 {
            let plan = plans::CasePlan::read(ctx, &case_id)?;
            if let Some(task) = plan.tasks.iter().find(|task| task.state == TaskState::InProgress) {
                let until = ctx.today + TimeDelta::days(10);
                help::raise_block(ctx, &task.id, "需财政确认资金来源后方可继续。".to_owned(), None, until)?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(())
}

/// Takes a task on to a state by the same use cases as everybody.
fn finish(ctx: &mut Ctx, task_id: &str, until: TaskState) -> Result<(), Error> {
    let version = |ctx: &mut Ctx| -> Result<(TaskState, i64), Error> {
        let task = crate::store::plans::task_by_id(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
        Ok((task.state, task.version))
    };
    loop {
        let (state, version) = version(ctx)?;
        if state == until {
            return Ok(());
        }
        match state {
            TaskState::Ready => tasks::acknowledge(ctx, task_id, version)?,
            TaskState::Acknowledged => {
                let first =
                    Progress { percent: 30, text: "已安排专人，正在推进。".to_owned(), proxy_source: None };
                tasks::start(ctx, task_id, version, Some(first))?;
            }
            TaskState::InProgress => tasks::submit(ctx, task_id, version, "已完成，材料见附件清单。".to_owned())?,
            TaskState::Submitted => tasks::accept(ctx, task_id, version, "符合办结标准。".to_owned())?,
            _ => return Ok(()),
        }
    }
}
