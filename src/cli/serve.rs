//! `shenban serve`: the real thing.

use super::Outcome;
use super::config::{Config, ConfigArgs};
use crate::app::App;
use crate::jobs::Jobs;
use crate::mail::Mailer;
use crate::mail::catcher::Catcher;
use crate::mail::listener::Listener;
use crate::web::live::Live;
use crate::web::{self, State};
use std::net::TcpListener;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args) -> Outcome {
    let config = Config::read(&args.config)?;
    log_to_stderr();
    take_small_pages();
    let app = config.app()?;
    let listener = listen(&config)?;
    let mailer = config.delivery.then(|| config.smtp()).transpose()?.map(Mailer::new);
    eprintln!("shenban: http://{}", listener.local_addr()?);
    let inbound = config.inbound()?.and_then(|inbound| Some((inbound.listen?, inbound.maildir)));
    actix_web::rt::System::new().block_on(async {
        let _open = match inbound {
            Some((address, maildir)) => Some(
                Listener::start(address, maildir)
                    .await
                    .map_err(|error| format!("setting `inbound_listen`: {address}: {error}"))?,
            ),
            None => None,
        };
        serve(app, listener, mailer, config.detection, None).await
    })
}

/// Level by RUST_LOG; warnings when it is not set. What the mailbox's client reads and where pushes go is nobody's to read
/// in a log, however much of it is wanted.
pub fn log_to_stderr() {
    let level = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    let level = ["ureq=warn", "ureq_proto=warn", "async_imap=warn"]
        .into_iter()
        .filter_map(|quiet| quiet.parse().ok())
        .fold(level, tracing_subscriber::EnvFilter::add_directive);
    // A second call in one process keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).try_init();
}

/// The allocator asks for pages of 2 MiB; where a thread uses a few KiB of each they double what the server takes, and
/// clearing them is a third of a short command's time.
pub fn take_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory comes in huge pages");
    }
}

pub fn listen(config: &Config) -> Result<TcpListener, Box<dyn std::error::Error>> {
    TcpListener::bind(&config.listen).map_err(|error| format!("setting `listen`: {:?}: {error}", config.listen).into())
}

/// Serves until SIGTERM or SIGINT, then ends cleanly: the live streams first, the requests, the jobs.
pub async fn serve(
    app: App,
    listener: TcpListener,
    mailer: Option<Mailer>,
    detect: bool,
    catcher: Option<Catcher>,
) -> Outcome {
    let jobs = Jobs::start(&app, mailer, detect)?;
    let state = Arc::new(State { app: app.clone(), live: Live::default(), limits: Default::default(), catcher });
    let server = web::serve(state.clone(), listener)?;
    let handle = server.handle();
    let followed = {
        let (state, app) = (state.clone(), app.clone());
        tokio::spawn(async move { state.live.follow(&app).await })
    };
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stopping = state.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stopping.live.close();
        handle.stop(true).await;
    });
    server.await?;
    followed.abort();
    jobs.stop().await;
    Ok(())
}
