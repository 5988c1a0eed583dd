//! `shenban audit verify`: recomputes the event log's chain and names the first broken link.

use super::Outcome;
use super::config::{Config, ConfigArgs};
use crate::store::events;
use clap::Subcommand;

const READ_AT_ONCE: i64 = 5_000;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Recompute the chain.
    Verify,
}

pub fn run(args: Args) -> Outcome {
    let Command::Verify = args.command;
    let store = Config::read(&args.config)?.store()?;
    let (mut seq, mut hash) = (0, String::new());
    loop {
        let rows = store.read_blocking(|tx| events::sealed_after(tx, seq, READ_AT_ONCE))?;
        if rows.is_empty() {
            println!("{seq} events, the chain holds");
            return Ok(());
        }
        for row in rows {
            let wanted = events::hash_of(&hash, seq + 1, &row.event);
            if row.seq != seq + 1 || row.hash != wanted {
                return Err(format!("the chain breaks at {} (event {})", seq + 1, row.event.id).into());
            }
            (seq, hash) = (row.seq, row.hash);
        }
    }
}
