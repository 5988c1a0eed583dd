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

/// Level by RUST_LOG; warnings when it is not set. What the mailbox's client reads and where pushes go is nobody's to read
/// in a log, however much of it is wanted.
fn log_to_stderr() {
    let level = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    let level = ["ureq=warn", "ureq_proto=warn", "async_imap=warn"]
        .into_iter()
        .filter_map(|quiet| quiet.parse().ok())
        .fold(level, tracing_subscriber::EnvFilter::add_directive);
    // A second call in one process keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).try_init();
}

/// The allocator asks for pages of 2 MiB; where a thread uses a few KiB of each they double what the server takes, and
/// clearing them is a third of a short command's time.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory comes in huge pages");
    }
}
