//! `shenban playbook check FILE…`: every fault with its place. `shenban playbook schema`: the format, for editors.

use super::Outcome;
use crate::lang::Lang;
use crate::playbook::Playbook;
use clap::Subcommand;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check playbook files: FILE:LINE:COLUMN and the fault, in Chinese and English.
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of the format; an editor offers and checks fields by it.
    Schema,
}

pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Check { files } => check(&files),
        Command::Schema => {
            println!("{:#}", Playbook::json_schema());
            Ok(())
        }
    }
}

fn check(files: &[PathBuf]) -> Outcome {
    let faulty = files.iter().filter(|file| !holds(file)).count();
    if faulty > 0 { Err(format!("{faulty} of {} files have faults", files.len()).into()) } else { Ok(()) }
}

/// Tells what a file is, or all its faults.
fn holds(file: &Path) -> bool {
    let shown = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            println!("{shown}: {error}");
            return false;
        }
    };
    match Playbook::parse(&text) {
        Ok(playbook) => {
            println!("{shown}: {} ({} tasks)", playbook.title, playbook.tasks.len());
            true
        }
        Err(faults) => {
            for fault in faults {
                let (zh, en) = (fault.reason.text(Lang::Zh), fault.reason.text(Lang::En));
                println!("{shown}:{}:{}: {} {zh} / {en}", fault.line, fault.column, fault.field);
            }
            false
        }
    }
}
