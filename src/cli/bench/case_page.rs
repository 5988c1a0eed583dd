//! What the page of a large case costs: whole, over HTTP, and its reading alone.

use super::city::{self, City};
use super::client::{Connection, quantile};
use super::serve;
use crate::app::cases::case_views;
use crate::app::{App, Error};
use crate::cli::config::{Config, ConfigArgs};
use hyper::Method;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

/// The middle of this many requests counts.
const ROUNDS: usize = 30;

pub struct CasePages {
    pub graph_ms: f64,
    pub gantt_ms: f64,
    pub table_ms: f64,
    pub read_ms: f64,
}

/// Measures on a server of its own.
pub fn measure(tasks: usize) -> Result<CasePages, String> {
    let folder = std::env::temp_dir().join(format!("shenban-bench-{}", std::process::id()));
    let pages = actix_web::rt::System::new().block_on(measure_in(&folder, tasks));
    // Nothing is left behind, also after a failure; the folder is absent when the start failed.
    let _ = std::fs::remove_dir_all(&folder);
    pages.map_err(|error| error.to_string())
}

async fn measure_in(folder: &Path, tasks: usize) -> Result<CasePages, Box<dyn std::error::Error + Send + Sync>> {
    let failed = |error: Box<dyn std::error::Error>| error.to_string();
    let database = format!("sqlite:{}", folder.join("bench.sqlite").display());
    let read = Config::read(&ConfigArgs::default()).map_err(failed)?;
    let app = Config { database, data_dir: folder.to_owned(), ..read }.app().map_err(failed)?;
    let city = city::found(&app).await?;
    let case = city::case_of(&app, &city, 0, tasks / city::UNITS).await?;
    let (address, handle) = serve(&app)?;
    let page = |view: &'static str| page_ms(address, &city, format!("/cases/{}?view={view}", case.id));
    let pages = CasePages {
        graph_ms: page("graph").await?,
        gantt_ms: page("gantt").await?,
        table_ms: page("table").await?,
        read_ms: read_ms(&app, &city, &case.id).await?,
    };
    handle.stop(false).await;
    Ok(pages)
}

async fn page_ms(
    address: SocketAddr,
    city: &City,
    path: String,
) -> Result<f64, Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = Connection::open(address).await?;
    for _ in 0..ROUNDS {
        connection.send(&city.coordinator_token, Method::GET, &path, String::new()).await?;
    }
    Ok(quantile(&mut connection.took, 0.5))
}

async fn read_ms(app: &App, city: &City, case_id: &str) -> Result<f64, Error> {
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let (begun, id) = (Instant::now(), case_id.to_owned());
        app.read(&city.coordinator, move |ctx| case_views::show(ctx, &id)).await?;
        took.push(begun.elapsed());
    }
    Ok(quantile(&mut took, 0.5))
}
