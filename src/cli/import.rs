//! `shenban import FILE`: tickets from a file, resumable by their source numbers.

use super::Outcome;
use super::config::{Config, ConfigArgs};
use crate::app::{Actor, App, tickets};
use crate::domain::ticket::NewTicket;
use crate::intake::{self, Mapping, RejectsFile};
use crate::lang::Lang;
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
    let config = Config::read(&args.config)?;
    let app = config.app()?;
    let mapping = match &args.mapping {
        Some(path) => Mapping::parse(&std::fs::read_to_string(path)?).map_err(|reason| format!("mapping: {reason}"))?,
        None => Mapping::usual(),
    };
    let file = intake::open(&args.file, &mapping, app.settings.timezone)?;
    let beside = args.file.with_extension("rejected.csv");
    let mut rejects = RejectsFile::new(args.rejects.as_deref().unwrap_or(&beside), file.headers.clone(), Lang::Zh);
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {pos} 行 {per_sec} {elapsed}")?);
    let (mut new, mut repeated) = (0, 0);
    let mut batch: Vec<NewTicket> = Vec::with_capacity(tickets::BATCH_MAX);
    for row in file {
        bar.inc(1);
        match row.outcome {
            Ok(ticket) => batch.push(ticket),
            Err(rejected) => rejects.add(row.line, &rejected)?,
        }
        if batch.len() == tickets::BATCH_MAX {
            store(&app, &mut batch, &mut new, &mut repeated)?;
        }
    }
    store(&app, &mut batch, &mut new, &mut repeated)?;
    rejects.finish()?;
    bar.finish_and_clear();
    println!("新增 {new}，已有 {repeated}，拒收 {}", rejects.count);
    if rejects.count > 0 {
        println!("拒收的行：{}", rejects.path().display());
    }
    Ok(())
}

fn store(app: &App, batch: &mut Vec<NewTicket>, new: &mut usize, repeated: &mut usize) -> Outcome {
    let rows = std::mem::take(batch);
    let added = app.write_blocking(&Actor::operator_of_machine(), move |ctx| tickets::add(ctx, rows))?;
    *new += added.new.len();
    *repeated += added.repeated;
    Ok(())
}
