//! `shenban serve`: the real thing.

use super::config::{Config, ConfigArgs};
use super::{Outcome, log_to_stderr, take_small_pages};
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
