//! `shenban bench mail`: how fast mails leave beside the SMTP connections alone, how soon the first one is there, what a
//! long queue costs, and what a quarter of a city's mails looks like.

use super::mail_city::{self, Quarter};
use super::mail_first::{self, First};
use super::{Goal, memory, print_beside_goals, told};
use crate::app::letters::outbox::GATHERS_FOR;
use crate::app::{Actor, App, accounts};
use crate::cli::Outcome;
use crate::cli::bench::client::{Connection, quantile};
use crate::cli::config::{Config, ConfigArgs};
use crate::domain::notice::{MailState, RecipientKind, Stage};
use crate::jobs::Jobs;
use crate::mail::{Ask, Letter, Link, Mailer, compose};
use crate::store::mails::{Claimed, Mail};
use crate::store::{measure_mail, new_id};
use crate::web::live::Live;
use crate::web::{self, State};
use futures_util::future::try_join_all;
use hyper::Method;
use serde::Serialize;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

const PAGES: usize = 4_000;
/// Mails that had left before.
const LOGGED: usize = 200;
/// A server is looked at this long after its start.
const SETTLES_FOR: Duration = Duration::from_secs(15);

const GOALS: [(&str, Goal); 4] = [
    ("mails_of_smtp_alone", Goal::AtLeast(0.7)),
    ("first_mail_p99_seconds", Goal::AtMost(2.0)),
    ("pages_p99_queued_of_empty", Goal::AtMost(1.2)),
    ("resident_mib_of_queue", Goal::AtMost(20.0)),
];

#[derive(clap::Args)]
pub struct Args {
    /// Mails sent to a sink on loopback.
    #[arg(long, default_value_t = 3_000)]
    mails: usize,
    /// Units that the changed tasks belong to.
    #[arg(long, default_value_t = 2_000)]
    recipients: usize,
    /// Mails that wait for a server that is away, while pages are asked for.
    #[arg(long, default_value_t = 100_000)]
    queued: usize,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    mails: usize,
    connections: usize,
    mails_a_second: f64,
    /// The same mails over the same number of lettre's connections, without claims, records and a database.
    smtp_alone_a_second: f64,
    mails_of_smtp_alone: f64,
    gathering_window_seconds: i64,
    hourly_ceiling: u32,
    #[serde(flatten)]
    first: First,
    queued: usize,
    pages_p99_ms_empty: f64,
    pages_p99_ms_queued: f64,
    pages_p99_queued_of_empty: f64,
    resident_mib_empty: f64,
    resident_mib_of_queue: f64,
    #[serde(flatten)]
    quarter: Quarter,
}

pub fn run(args: &Args) -> Outcome {
    let ceiling = Config::default().mails_hourly_max;
    let fewest = mail_first::fewest_recipients(ceiling);
    if args.recipients < fewest {
        let given = args.recipients;
        return Err(
            format!("--recipients {given}: at least {fewest}, to whom {ceiling} mails an hour are enough").into()
        );
    }
    let folder = std::env::temp_dir().join(format!("shenban-bench-mail-{}", std::process::id()));
    let figures = actix_web::rt::System::new().block_on(measure_all(args, &folder));
    // Nothing is left behind, also after a failure; the folder is absent when the start failed.
    let _ = std::fs::remove_dir_all(&folder);
    print_beside_goals(&figures.map_err(|error| error.to_string())?, &GOALS, args.json)
}

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn measure_all(args: &Args, folder: &Path) -> Result<Figures, Failure> {
    let sink = sink().await?;
    let config = |name: &str| -> Result<Config, Failure> {
        let data_dir = folder.join(name);
        let database = format!("sqlite:{}", data_dir.join("bench.sqlite").display());
        let read = Config::read(&ConfigArgs::default()).map_err(|error| error.to_string())?;
        Ok(Config { database, data_dir, smtp_port: sink.port(), mails_hourly_max: 0, ..read })
    };
    let app_of = |config: &Config| config.app().map_err(|error| error.to_string());
    let mailer = |config: &Config| config.smtp().map(Mailer::new).map_err(|error| error.to_string());

    told("delivery");
    let throughput = config("throughput")?;
    let app = app_of(&throughput)?;
    let rows: Vec<Claimed> = (0..args.mails).map(|n| queued_mail(&app, n)).collect::<Result<_, _>>()?;
    let alone = smtp_alone(&mailer(&throughput)?, &rows).await?;
    let ours = drained(&app, mailer(&throughput)?, rows).await?;

    told("first mails");
    let changes = Config { mails_hourly_max: Config::default().mails_hourly_max, ..config("changes")? };
    let first = mail_first::measure(&app_of(&changes)?, mailer(&changes)?, args.recipients).await?;

    told("queue");
    // Nobody listens there: everything waits.
    let away = Config { smtp_port: 1, ..config("queue")? };
    let app = app_of(&away)?;
    let admin = admin_token(&app).await?;
    // Of an ordinary week: the log's page is full either way, what differs is the queue.
    let log: Vec<Claimed> = (0..LOGGED).map(|n| sent_mail(&app, n)).collect::<Result<_, _>>()?;
    app.store.write_behind(move |tx| measure_mail::queue(tx, log)).await?;
    let resident_mib_empty = resident(&away).await?;
    let pages_p99_ms_empty = pages(&app, mailer(&away)?, &admin).await?;
    for chunk in (0..args.queued).collect::<Vec<_>>().chunks(1_000) {
        let rows: Vec<Claimed> = chunk.iter().map(|n| queued_mail(&app, *n)).collect::<Result<_, _>>()?;
        app.store.write_behind(move |tx| measure_mail::queue(tx, rows)).await?;
    }
    let pages_p99_ms_queued = pages(&app, mailer(&away)?, &admin).await?;
    let resident_mib_queued = resident(&away).await?;

    told("a quarter of a city");
    let read = Config::default();
    let city = Config { mails_hourly_max: read.mails_hourly_max, ..config("city")? };
    let quarter = mail_city::quarter(&app_of(&city)?, city.mails_hourly_max).await?;
    Ok(Figures {
        mails: args.mails,
        connections: throughput.smtp_connections,
        mails_a_second: ours,
        smtp_alone_a_second: alone,
        mails_of_smtp_alone: ours / alone,
        gathering_window_seconds: GATHERS_FOR.num_seconds(),
        hourly_ceiling: city.mails_hourly_max,
        first,
        queued: args.queued,
        pages_p99_ms_empty,
        pages_p99_ms_queued,
        pages_p99_queued_of_empty: pages_p99_ms_queued / pages_p99_ms_empty,
        resident_mib_empty,
        resident_mib_of_queue: resident_mib_queued - resident_mib_empty,
        quarter,
    })
}

/// An SMTP server that takes everything and keeps nothing.
async fn sink() -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(swallow(stream));
        }
    });
    Ok(address)
}

async fn swallow(stream: tokio::net::TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink\r\n").await?;
    let mut in_data = false;
    while let Some(line) = lines.next_line().await? {
        if in_data && line != "." {
            continue;
        }
        let begins = !in_data && line.eq_ignore_ascii_case("DATA");
        in_data = begins;
        write.write_all(if begins { b"354 go on\r\n" } else { b"250 ok\r\n" }).await?;
    }
    Ok(())
}

/// A mail of the usual size.
fn queued_mail(app: &App, n: usize) -> Result<Claimed, Failure> {
    let (id, now) = (new_id(), app.clock.now());
    let message_id = format!("{}@city.example", uuid::Uuid::new_v4().simple());
    let letter = Letter {
        from: "shenban@city.example".to_owned(),
        to: format!("unit{n}@city.example"),
        message_id: message_id.clone(),
        subject: format!("【任务交办】ZX-2026-{n:05}/03 现场踏勘"),
        greeting: "承办单位".to_owned(),
        opening: "下列任务已具备办理条件，请签收并按期完成。".to_owned(),
        asks: vec![Ask {
            uid: id.clone(),
            stage: Stage::TaskReleased,
            heading: "现场踏勘".to_owned(),
            lines: vec!["请在早晚高峰安排人员，记录车流和乱停情况。".to_owned()],
            due_shown: Some("3月12日 周四 18:00前".to_owned()),
            due_at: Some(now),
            invitation: None,
            links: vec![Link { label: "签收", url: format!("https://city.example/m/{id}") }],
        }],
        footer: "深办".to_owned(),
        date: now.and_utc(),
        ..Letter::default()
    };
    let message = compose(&letter)?;
    let mail = Mail {
        id,
        message_id,
        case_id: None,
        recipient_kind: RecipientKind::Unit,
        recipient_id: format!("unit{n}"),
        recipient_name: "承办单位".to_owned(),
        address: letter.to,
        subject: letter.subject,
        state: MailState::Queued,
        attempts: 0,
        next_attempt_at: now,
        claimed_by: None,
        claimed_until: None,
        created_at: now,
        settled_at: None,
    };
    Ok(Claimed { mail, message: String::from_utf8_lossy(&message).into_owned() })
}

fn sent_mail(app: &App, n: usize) -> Result<Claimed, Failure> {
    let Claimed { mail, message } = queued_mail(app, n)?;
    let settled_at = Some(mail.created_at);
    Ok(Claimed { mail: Mail { state: MailState::Sent, attempts: 1, settled_at, ..mail }, message })
}

/// The same mails over as many connections, with nothing around it.
async fn smtp_alone(mailer: &Mailer, rows: &[Claimed]) -> Result<f64, Failure> {
    let begun = Instant::now();
    let each = rows.len().div_ceil(mailer.connections()).max(1);
    let sends = rows.chunks(each).map(|chunk| async move {
        for row in chunk {
            mailer.send(&row.mail.address, row.message.as_bytes()).await?;
        }
        Ok::<(), crate::mail::SendError>(())
    });
    try_join_all(sends).await?;
    Ok(rows.len() as f64 / begun.elapsed().as_secs_f64())
}

async fn drained(app: &App, mailer: Mailer, rows: Vec<Claimed>) -> Result<f64, Failure> {
    let count = rows.len();
    app.store.write(move |tx| measure_mail::queue(tx, rows)).await?;
    let begun = Instant::now();
    let jobs = Jobs::start(app, Some(mailer), false)?;
    while app.store.read(|tx| measure_mail::count_in(tx, MailState::Queued)).await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    jobs.stop().await;
    Ok(count as f64 / seconds)
}

async fn admin_token(app: &App) -> Result<String, Failure> {
    let machine = Actor::operator_of_machine();
    let made = app.write(&machine, |ctx| {
        let person = crate::app::admin::add_person(
            ctx,
            crate::app::admin::NewPerson {
                login: "bench".to_owned(),
                name: "bench".to_owned(),
                email: None,
                phone: None,
                password: new_id(),
                lang: "zh".to_owned(),
                posts: vec![(crate::domain::access::Role::Coordinator, None)],
            },
        )?;
        accounts::issue_token(ctx, &person, "bench".to_owned())
    });
    Ok(made.await?)
}

/// The 99th percentile of the pages that show mails and cases, in milliseconds, while delivery has its queue.
async fn pages(app: &App, mailer: Mailer, token: &str) -> Result<f64, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let state = State { app: app.clone(), live: Live::default(), limits: web::limits::Limits::none(), catcher: None };
    let server = web::serve(Arc::new(state), listener)?;
    let handle = server.handle();
    tokio::spawn(server);
    let jobs = Jobs::start(app, Some(mailer), false)?;
    let mut connection = Connection::open(address).await?;
    for page in ["/desk", "/cases", "/tickets", "/mail"].into_iter().cycle().take(PAGES) {
        connection.send(token, Method::GET, page, String::new()).await?;
    }
    jobs.stop().await;
    handle.stop(false).await;
    Ok(quantile(&mut connection.took, 0.99))
}

/// MiB that a server of its own keeps, with delivery on.
async fn resident(config: &Config) -> Result<f64, Failure> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .env("SHENBAN_DATABASE", &config.database)
        .env("SHENBAN_DATA_DIR", &config.data_dir)
        .env("SHENBAN_LISTEN", "127.0.0.1:0")
        .env("SHENBAN_SMTP_PORT", config.smtp_port.to_string())
        .env("SHENBAN_DETECTION", "false")
        .stderr(Stdio::null())
        .spawn()?;
    tokio::time::sleep(SETTLES_FOR).await;
    let resident = memory::resident_now(&server).map_err(|error| error.to_string());
    memory::end(&mut server).map_err(|error| error.to_string())?;
    Ok(resident?)
}
