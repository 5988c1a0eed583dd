//! `shenban import FILE`: tickets from a file, resumable by their source numbers.

use super::Outcome;
use super::config::{Config, ConfigArgs};
use crate::app::{Actor, tickets::importing};
use crate::domain::ticket::ImportState;
use crate::intake::{self, Mapping};
use crate::store::new_id;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// A CSV or XLSX file.
    file: PathBuf,
    /// A YAML file that says which header is which field.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// Where rejected rows go; beside the file when not given.
    #[arg(long)]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args) -> Outcome {
    let app = Config::read(&args.config)?.app()?;
    let mapping = match &args.mapping {
        Some(path) => Mapping::parse(&std::fs::read_to_string(path)?).map_err(|reason| format!("mapping: {reason}"))?,
        None => Mapping::usual(),
    };
    let file = intake::open(&args.file, &mapping, app.settings.timezone)?;
    let rejects = args.rejects.unwrap_or(args.file.with_extension("rejected.csv"));
    let style = ProgressStyle::with_template("{bar:40} {percent}% {pos}/{len} 行 {per_sec} 余 {eta}")?;
    let bar = ProgressBar::new(file.rows_at_most).with_style(style);
    let (machine, id) = (Actor::operator_of_machine(), new_id());
    let (run_id, name) = (id.clone(), args.file.display().to_string());
    app.write_blocking(&machine, move |ctx| importing::begin(ctx, run_id, name, ImportState::Running))?;
    let run = importing::take_in(&app, &machine, &id, file, &rejects, |_| bar.inc(1))?;
    bar.finish_and_clear();
    println!("新增 {}，已有 {}，拒收 {}", run.stored, run.repeated, run.rejected);
    if let Some(rejects) = run.rejects_file {
        println!("拒收的行：{rejects}");
    }
    Ok(())
}
