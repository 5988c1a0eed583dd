//! The command line, one file a subcommand.

mod audit;
mod bench;
mod config;
mod demo;
mod detect;
mod import;
mod migrate;
mod playbook;
mod serve;
mod user;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// 深办：把反复出现的诉求，一次办到根上。
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Args),
    /// Run a demo city with an embedded database and a mail catcher.
    Demo(demo::Args),
    /// Read tickets from a CSV or XLSX file.
    Import(import::Args),
    /// Find which tickets of a file belong together; needs no database.
    Detect(detect::Args),
    /// Bring the database's tables up to date.
    Migrate(migrate::Args),
    /// Add a person, or make an API token.
    User(user::Args),
    /// Check playbook files.
    Playbook(playbook::Args),
    /// Verify the event log's chain.
    Audit(audit::Args),
    /// Measure what the server does on this machine.
    Bench(bench::Args),
}

/// What a command failed with, told on one line.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Import(args) => import::run(args),
        Command::Detect(args) => detect::run(args),
        Command::Migrate(args) => migrate::run(args),
        Command::User(args) => user::run(args),
        Command::Playbook(args) => playbook::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Bench(args) => bench::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shenban: {error}");
            ExitCode::FAILURE
        }
    }
}
