//! What people's requests take while a ticket file is imported, beside what they take without.

use super::city::BenchCase;
use super::intake::Import;
use super::load::{self, Rate};
use crate::app::App;
use crate::jobs::Jobs;
use crate::store::measure;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Enough to last longer than what is measured beside it, or most of it.
const TICKETS: usize = 100_000;

/// The 99th percentile without and with an import, in milliseconds.
pub struct Beside {
    pub quiet_p99_ms: f64,
    pub busy_p99_ms: f64,
}

impl Beside {
    /// As a multiple of the quiet one.
    pub fn ratio(&self) -> f64 {
        self.busy_p99_ms / self.quiet_p99_ms
    }
}

/// Does the work on the first cases when nothing else is to be done, and on the second while a file is imported, indexed
/// and matched. The work is told when the import is over.
pub async fn measured(
    app: &App,
    folder: &Path,
    [quiet, busy]: [&[BenchCase]; 2],
    work: impl AsyncFn(&[BenchCase], &dyn Fn() -> bool) -> Result<Rate, load::Failure>,
) -> Result<Beside, Box<dyn Error>> {
    let failed = |error: load::Failure| -> Box<dyn Error> { error };
    load::index(app).await?;
    load::matching(app).await?;
    measure::vacuum(app.store.url())?;
    let jobs = Jobs::start(app, None, true)?;
    let quiet = work(quiet, &|| false).await.map_err(failed)?;
    let import = Import::written(app, folder, TICKETS)?;
    let is_over = AtomicBool::new(false);
    let imported = async {
        let ran = import.run(app).await;
        is_over.store(true, Ordering::Relaxed);
        ran
    };
    let over = || is_over.load(Ordering::Relaxed);
    let (busy, ran) = tokio::join!(work(busy, &over), imported);
    ran?;
    jobs.stop().await;
    Ok(Beside { quiet_p99_ms: quiet.p99_ms, busy_p99_ms: busy.map_err(failed)?.p99_ms })
}
