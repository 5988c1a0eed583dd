//! `shenban user`: the first administrator, and API tokens.

use super::Outcome;
use super::config::{Config, ConfigArgs};
use crate::app::admin::{NewPerson, add_person};
use crate::app::{Actor, App, accounts};
use crate::domain::access::Role;
use crate::store::people;
use clap::Subcommand;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Add a person; the password is read from standard input.
    Add {
        login: String,
        #[arg(long)]
        name: String,
        /// coordinator, unit_head, officer, liaison, leader, inspector, operator, admin
        #[arg(long)]
        role: String,
        /// The unit's name.
        #[arg(long)]
        unit: Option<String>,
        #[arg(long)]
        email: Option<String>,
    },
    /// Make an API token for a person; it is shown once.
    Token {
        login: String,
        #[arg(long, default_value = "cli")]
        name: String,
    },
}

pub fn run(args: Args) -> Outcome {
    let config = Config::read(&args.config)?;
    let app = config.app()?;
    match args.command {
        Command::Add { login, name, role, unit, email } => add(&app, login, name, &role, unit, email),
        Command::Token { login, name } => token(&app, login, name),
    }
}

fn add(app: &App, login: String, name: String, role: &str, unit: Option<String>, email: Option<String>) -> Outcome {
    let role = Role::parse(role).ok_or_else(|| format!("--role: {role:?} is not a role"))?;
    eprint!("password: ");
    let mut password = String::new();
    std::io::stdin().read_line(&mut password)?;
    let password = password.trim_end().to_owned();
    let unit_id = match unit {
        Some(name) => {
            let found = app.store.read_blocking(|tx| people::unit_by_name(tx, &name))?;
            Some(found.ok_or_else(|| format!("--unit: there is no unit {name:?}"))?.id)
        }
        None => None,
    };
    let new =
        NewPerson { login, name, email, phone: None, password, lang: "zh".to_owned(), posts: vec![(role, unit_id)] };
    app.write_blocking(&Actor::operator_of_machine(), move |ctx| add_person(ctx, new))?;
    println!("added");
    Ok(())
}

fn token(app: &App, login: String, name: String) -> Outcome {
    let person = app.store.read_blocking(|tx| people::person_by_login(tx, &login))?;
    let person = person.ok_or_else(|| format!("there is no account {login:?}"))?;
    let machine = Actor::operator_of_machine();
    let token = app.write_blocking(&machine, move |ctx| accounts::issue_token(ctx, &person.id, name))?;
    println!("{token}");
    Ok(())
}
