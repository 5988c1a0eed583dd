//! `shenban bench load`: how much the server does, beside what the database itself does on this machine.
//! `shenban bench plan` is in [`plan`], `shenban bench detect` in [`detect`], `shenban bench mail` in [`mail`].

mod beside;
mod case_page;
mod city;
mod client;
mod detect;
mod detect_corpus;
mod detect_speed;
mod intake;
mod load;
mod mail;
mod mail_city;
mod mail_first;
mod memory;
mod plan;

use super::Outcome;
use super::config::{Config, ConfigArgs};
use super::demo::tickets;
use crate::app::App;
use crate::domain::notice::MailState;
use crate::jobs::Jobs;
use crate::mail::Mailer;
use crate::mail::catcher::Catcher;
use crate::store::{measure, measure_mail, notices};
use crate::web::live::Live;
use crate::web::{self, State};
use actix_web::dev::ServerHandle;
use clap::Subcommand;
use load::{CLIENTS, Rate, Target};
use serde::Serialize;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

const RAW_LASTS: Duration = Duration::from_secs(3);
/// Cases worked off without an import, and as many beside one.
const SPARE_CASES: usize = 240;
/// Cases worked off to count statements, besides the measured ones.
const COUNTED_CASES: usize = 32;
const BATCH: usize = 1_000;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put load on a server of its own: status updates, pages, tickets, search, delivery.
    Load(LoadArgs),
    /// Schedule a large plan and forecast a case, beside a topological pass over the same graph.
    Plan(plan::Args),
    /// Find the problems of a labelled file, and place made-up tickets by the million.
    Detect(detect::Args),
    /// Send mails to a sink, beside the SMTP connections alone; a long queue; a quarter of a city's mails.
    Mail(mail::Args),
}

#[derive(clap::Args)]
struct LoadArgs {
    /// Cases of sixteen tasks, each task with four updates.
    #[arg(long, default_value_t = 1_000)]
    cases: usize,
    /// Tickets to store.
    #[arg(long, default_value_t = 100_000)]
    tickets: usize,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// An empty database; a temporary SQLite file when not given.
    #[arg(long)]
    database: Option<String>,
}

#[derive(Serialize)]
struct Figures {
    /// The mean of before the updates and after them.
    raw_commits_a_second: f64,
    updates: usize,
    updates_a_second: f64,
    updates_p99_ms: f64,
    updates_of_raw: f64,
    statements_an_update: f64,
    graph_pages_a_second: f64,
    graph_pages_p99_ms: f64,
    gantt_pages_a_second: f64,
    gantt_pages_p99_ms: f64,
    mails_drained: i64,
    mails_a_second: f64,
    tickets_a_second: f64,
    imported_a_second: f64,
    /// With all tickets found and matched.
    quiet_updates_p99_ms: f64,
    /// As a multiple of the same updates without an import.
    updates_p99_beside_import: f64,
    texts_indexed_a_second: f64,
    tickets_matched_a_second: f64,
    search_p95_ms: f64,
    quiet_pages_p99_ms: f64,
    /// As a multiple of the same pages without an import.
    pages_p99_beside_import: f64,
    /// A minute after the start, with the tickets stored and detection off.
    resident_mib: f64,
    /// What the matching index and the word lists add.
    resident_mib_of_detection: f64,
}

pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Load(args) => load(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Detect(args) => detect::run(args),
        Command::Mail(args) => mail::run(&args),
    }
}

fn load(args: &LoadArgs) -> Outcome {
    let folder = std::env::temp_dir().join(format!("shenban-bench-{}", std::process::id()));
    let figures = actix_web::rt::System::new().block_on(measure_all(args, &folder));
    // Nothing is left behind, also after a failure; the folder is absent when the start failed.
    let _ = std::fs::remove_dir_all(&folder);
    print(&figures?, args.json)
}

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Goal::AtLeast(bound) => value >= bound,
            Goal::AtMost(bound) => value <= bound,
        }
    }

    fn told(self, value: f64) -> String {
        let (sign, bound) = match self {
            Goal::AtLeast(bound) => ('≥', bound),
            Goal::AtMost(bound) => ('≤', bound),
        };
        format!("{sign} {bound} {}", if self.is_met(value) { "met" } else { "missed" })
    }
}

fn print(figures: &impl Serialize, json: bool) -> Outcome {
    print_beside_goals(figures, &[], json)
}

/// Prints the figures, those with a goal beside it.
fn print_beside_goals(figures: &impl Serialize, goals: &[(&str, Goal)], json: bool) -> Outcome {
    let mut figures = serde_json::to_value(figures)?;
    let value_of = |value: &Value| value.as_f64().unwrap_or_default();
    if json {
        for (name, goal) in goals {
            figures["goals"][name] = goal.told(value_of(&figures[name])).into();
        }
        println!("{figures:#}");
        return Ok(());
    }
    for (name, value) in figures.as_object().into_iter().flatten() {
        let value = value_of(value);
        let goal = goals.iter().find(|(of, _)| of == name).map_or(String::new(), |(_, goal)| goal.told(value));
        println!("{}", format!("{name:24} {value:>12.2}   {goal}").trim_end());
    }
    Ok(())
}

async fn measure_all(args: &LoadArgs, folder: &std::path::Path) -> Result<Figures, Box<dyn std::error::Error>> {
    super::log_to_stderr();
    super::take_small_pages();
    measure::prepare_to_count()?;
    let database = args.database.clone().unwrap_or(format!("sqlite:{}", folder.join("bench.sqlite").display()));
    // Every mail is measured, however many one recipient gets.
    let config =
        Config { database, data_dir: folder.to_owned(), mails_hourly_max: 0, ..Config::read(&ConfigArgs::default())? };
    let app = config.app()?;
    let (address, handle) = serve(&app)?;

    told("cases");
    let city = city::found(&app).await?;
    let cases = city::cases(&app, &city, args.cases).await?;
    let counted = city::cases(&app, &city, COUNTED_CASES).await?;
    let [quiet, busy] = [city::cases(&app, &city, SPARE_CASES).await?, city::cases(&app, &city, SPARE_CASES).await?];
    measure::analyze(app.store.url())?;
    told("raw commits");
    let raw_commits = || measure::raw_commit_rate(app.store.url(), CLIENTS, RAW_LASTS);
    let raw_before = raw_commits()?;
    let target = Target { address, city: &city };
    // Sealing runs, delivery is paused.
    let jobs = Jobs::start(&app, None, false)?;
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| -> Box<dyn std::error::Error> { error };
    told("pages");
    let graph = load::pages(&target, &cases, "graph", &|| false).await.map_err(failed)?;
    let gantt = load::pages(&target, &cases, "gantt", &|| false).await.map_err(failed)?;
    told(&format!("{:.0} graph and {:.0} Gantt pages a second; updates", graph.a_second, gantt.a_second));
    let statements = load::statements(&target, &counted).await.map_err(failed)?;
    // What updates write first was empty when it was last looked at.
    measure::analyze(app.store.url())?;
    let updates = load::updates(&target, &cases, &|| false).await.map_err(failed)?;
    jobs.stop().await;
    let raw = (raw_before + raw_commits()?) / 2.0;
    told(&format!("{:.0} updates and {raw:.0} raw commits a second; mails", updates.a_second));
    let (mails_drained, mails_a_second) = drain(&app, &config).await?;
    told("tickets");
    let texts = texts(&app, args.tickets);
    let words = load::words(&texts);
    let bodies = texts.chunks(BATCH).map(|chunk| json!(chunk).to_string()).collect();
    let tickets_a_second = load::tickets(&target, bodies, BATCH).await.map_err(failed)?;
    measure::analyze(app.store.url())?;
    told("index");
    let texts_indexed_a_second = load::index(&app).await?;
    told("matching");
    let tickets_matched_a_second = load::matching(&app).await?;
    told(&format!("{tickets_matched_a_second:.0} tickets matched a second; search"));
    let search_p95_ms = load::searches(&target, &words).await.map_err(failed)?;
    told("memory");
    let resident_mib = memory::resident_mib(&config, false).await?;
    let with_detection_mib = memory::resident_mib(&config, true).await?;
    told("import");
    let import = intake::Import::written(&app, folder, args.tickets)?;
    let imported_a_second = import.run(&app).await?;
    told("updates during an import");
    let updates_beside = beside::measured(&app, folder, [&quiet, &busy], async |cases, is_over| {
        load::updates(&target, cases, is_over).await
    })
    .await?;
    told("pages during an import");
    let pages_beside = beside::measured(&app, folder, [&cases, &cases], async |cases, is_over| {
        load::pages(&target, cases, "graph", is_over).await
    })
    .await?;
    handle.stop(false).await;
    let Rate { requests, a_second, p99_ms } = updates;
    Ok(Figures {
        raw_commits_a_second: raw,
        updates: requests,
        updates_a_second: a_second,
        updates_p99_ms: p99_ms,
        updates_of_raw: a_second / raw,
        statements_an_update: statements,
        graph_pages_a_second: graph.a_second,
        graph_pages_p99_ms: graph.p99_ms,
        gantt_pages_a_second: gantt.a_second,
        gantt_pages_p99_ms: gantt.p99_ms,
        mails_drained,
        mails_a_second,
        tickets_a_second,
        imported_a_second,
        quiet_updates_p99_ms: updates_beside.quiet_p99_ms,
        updates_p99_beside_import: updates_beside.ratio(),
        texts_indexed_a_second,
        tickets_matched_a_second,
        search_p95_ms,
        quiet_pages_p99_ms: pages_beside.quiet_p99_ms,
        pages_p99_beside_import: pages_beside.ratio(),
        resident_mib,
        resident_mib_of_detection: with_detection_mib - resident_mib,
    })
}

/// Serves on a port of its own, without limits.
fn serve(app: &App) -> std::io::Result<(SocketAddr, ServerHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let state = State { app: app.clone(), live: Live::default(), limits: web::limits::Limits::none(), catcher: None };
    let server = web::serve(Arc::new(state), listener)?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok((address, handle))
}

fn told(phase: &str) {
    eprintln!("bench: {phase}");
}

/// Delivers everything that is owed to a mail server on loopback. Gives the mails, and how many a second.
async fn drain(app: &App, config: &Config) -> Result<(i64, f64), Box<dyn std::error::Error>> {
    let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await?;
    let mut smtp = config.smtp()?;
    smtp.port = catcher.address().port();
    let begun = Instant::now();
    let jobs = Jobs::start(app, Some(Mailer::new(smtp)), false)?;
    loop {
        let (owed, queued, sent) = app
            .store
            .read(|tx| -> Result<_, crate::store::StoreError> {
                let (owed, queued) = notices::backlog(tx)?;
                Ok((owed, queued, measure_mail::count_in(tx, MailState::Sent)?))
            })
            .await?;
        if owed == 0 && queued == 0 {
            let seconds = begun.elapsed().as_secs_f64();
            jobs.stop().await;
            return Ok((sent, sent as f64 / seconds));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Tickets as the API takes them, from the demo's generator.
fn texts(app: &App, count: usize) -> Vec<Value> {
    let now = app.clock.now();
    let generated = (0..).flat_map(|seed| tickets::generate(seed, now));
    let numbered = generated.take(count).enumerate().map(|(n, ticket)| {
        json!({ "source_no": format!("B{n:07}"), "title": ticket.title, "body": ticket.body,
            "received_at": ticket.received_at.and_utc().to_rfc3339(), "district": ticket.district,
            "address": ticket.address, "caller": ticket.caller })
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::Goal;

    #[test]
    fn a_goal_tells_whether_it_is_met() {
        assert_eq!(Goal::AtLeast(0.7).told(0.7), "≥ 0.7 met");
        assert_eq!(Goal::AtMost(1.2).told(1.3), "≤ 1.2 missed");
    }
}
