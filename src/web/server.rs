//! The HTTP server: parts shared by all its workers, started and stopped.

use super::give_back;
use super::limits::Limits;
use super::live::Live;
use super::rail::Rails;
use super::request_log::RequestLog;
use super::routes::{self, Access, Route};
use crate::app::App;
use crate::mail::catcher::Catcher;
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::web::{Data, FormConfig, JsonConfig, PayloadConfig};
use actix_web::{HttpResponse, HttpServer};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

/// The largest body taken; a batch of tickets or a unit's photographs fit.
pub const BODY_MAX_MB: usize = 32;
const BODY_MAX_BYTES: usize = BODY_MAX_MB * 1024 * 1024;
const WORKERS: usize = 2;
/// Of each worker; together as many as PostgreSQL has connections for them. What takes long wants a thread of its own.
const BLOCKING_THREADS: usize = 8;
const SHUTDOWN_SECONDS: u64 = 5;

/// What every handler shares; made once, outside the workers' factory.
pub struct State {
    pub app: App,
    pub live: Live,
    pub limits: Limits,
    /// The demo's mail catcher.
    pub catcher: Option<Catcher>,
}

pub type Server = actix_web::dev::Server;

/// Serves on an open listener until the handle is told to stop or a signal arrives.
pub fn serve(state: Arc<State>, listener: TcpListener) -> io::Result<Server> {
    let data = Data::from(state);
    let rails = Data::new(Rails::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(data.clone())
            .app_data(rails.clone())
            .app_data(PayloadConfig::new(BODY_MAX_BYTES))
            .app_data(FormConfig::default().limit(BODY_MAX_BYTES))
            .app_data(JsonConfig::default().limit(BODY_MAX_BYTES))
            .wrap(from_fn(give_back::pass))
            .wrap(Compress::default())
            .wrap(security_headers())
            .wrap(tracing_actix_web::TracingLogger::<RequestLog>::new())
            .configure(routes::register)
    })
    .workers(WORKERS)
    .worker_max_blocking_threads(BLOCKING_THREADS)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

/// Nothing from elsewhere, no frames, no guessing of types.
fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((
            "content-security-policy",
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ))
        .add(("x-content-type-options", "nosniff"))
        .add(("referrer-policy", "same-origin"))
        .add(("x-frame-options", "DENY"))
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/healthz", Access::Public, healthz)]
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}
