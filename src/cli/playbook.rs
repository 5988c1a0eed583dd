//! `shenban playbook check FILE…`: every fault with its line.

use super::Outcome;
use crate::playbook::Playbook;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check playbook files.
    Check { files: Vec<PathBuf> },
}

pub fn run(args: Args) -> Outcome {
    let Command::Check { files } = args.command;
    let mut faulty = 0;
    for file in &files {
        match Playbook::parse(&std::fs::read_to_string(file)?) {
            Ok(playbook) => println!("{}: {} ({} tasks)", file.display(), playbook.title, playbook.tasks.len()),
            Err(faults) => {
                faulty += 1;
                for fault in faults {
                    println!("{}:{}: {} {}", file.display(), fault.line, fault.field, fault.reason);
                }
            }
        }
    }
    if faulty > 0 { Err(format!("{faulty} of {} files have faults", files.len()).into()) } else { Ok(()) }
}
