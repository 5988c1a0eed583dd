//! A ticket file as `shenban import` reads it.

use crate::app::{Actor, App, tickets::importing};
use crate::cli::demo::tickets;
use crate::domain::ticket::ImportState;
use crate::intake::Mapping;
use crate::store::new_id;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub struct Import {
    file: PathBuf,
    rows: usize,
}

impl Import {
    /// Writes a file of tickets that no other import has.
    pub fn written(app: &App, folder: &Path, rows: usize) -> Result<Import, Box<dyn Error>> {
        let name = new_id();
        let file = folder.join(format!("{name}.csv"));
        let mut writer = csv::Writer::from_path(&file)?;
        writer.write_record(["工单编号", "主题", "内容", "受理时间", "区县", "地址", "来电号码"])?;
        let generated = (0..).flat_map(|seed| tickets::generate(seed, app.clock.now()));
        for (n, ticket) in generated.take(rows).enumerate() {
            let at = app.clock.local(ticket.received_at).format("%Y-%m-%d %H:%M:%S").to_string();
            writer.write_record([
                &format!("{name}-{n}"),
                &ticket.title,
                &ticket.body,
                &at,
                ticket.district.as_deref().unwrap_or_default(),
                ticket.address.as_deref().unwrap_or_default(),
                ticket.caller.as_deref().unwrap_or_default(),
            ])?;
        }
        writer.flush()?;
        Ok(Import { file, rows })
    }

    /// Imports the file; gives tickets a second, from opening it to the last commit.
    pub async fn run(self, app: &App) -> Result<f64, Box<dyn Error>> {
        let app = app.clone();
        let run = tokio::task::spawn_blocking(move || {
            let (machine, id, begun) = (Actor::operator_of_machine(), new_id(), Instant::now());
            let run_id = id.clone();
            app.write_blocking(&machine, move |ctx| {
                importing::begin(ctx, run_id, "bench.csv".to_owned(), ImportState::Running)
            })?;
            let file = importing::open(&app, &self.file, &Mapping::usual())?;
            let rejects = self.file.with_extension("rejected.csv");
            let run = importing::take_in(&app, &machine, &id, file, &rejects, |_| ())?;
            Ok::<_, crate::app::Error>((run.stored, begun.elapsed().as_secs_f64()))
        });
        let (stored, seconds) = run.await??;
        if stored as usize != self.rows {
            return Err(format!("{stored} of {} rows were stored", self.rows).into());
        }
        Ok(stored as f64 / seconds)
    }
}
