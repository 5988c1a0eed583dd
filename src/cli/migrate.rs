//! `shenban migrate`: opening the database brings its tables up to date.

use super::Outcome;
use super::config::{Config, ConfigArgs};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args) -> Outcome {
    let config = Config::read(&args.config)?;
    config.store()?;
    println!("the tables are up to date");
    Ok(())
}
