//! How well the problems that are found match those marked by hand, and how steadily.

use super::detect_speed;
use crate::cli::Outcome;
use crate::cli::detect::Found;
use crate::cli::detect::{document, place, read};
use crate::detect::evaluate::{Quality, adjusted_rand, b_cubed, missed, pairwise};
use crate::detect::{Document, Engine, Settings};
use crate::domain::ticket::NewTicket;
use crate::intake::Mapping;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Orders that the same tickets are fed in, to see whether the same problems come out.
const SHUFFLES: u64 = 10;

#[derive(clap::Args)]
pub struct Args {
    /// A folder with `messages.csv`, a ticket file, and `reference.csv`: problem, title, message_id.
    #[arg(long, required_unless_present = "place")]
    data: Option<PathBuf>,
    /// Made-up tickets to place, the sizes of the archive that speed is told for.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    sizes: Vec<usize>,
    /// Place this many made-up tickets in this process, and tell what it took.
    #[arg(long, hide = true)]
    place: Option<usize>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// A grouping: by ticket its problem; a ticket that stands alone is left out.
type Groups = FxHashMap<String, String>;

pub fn run(args: Args) -> Outcome {
    if let Some(tickets) = args.place {
        println!("{}", detect_speed::place(tickets)?);
        return Ok(());
    }
    let mut figures = quality(&args.data.unwrap_or_default())?;
    figures["speed"] = args.sizes.iter().map(|&tickets| detect_speed::measured(tickets)).collect::<Result<_, _>>()?;
    if args.json {
        println!("{figures:#}");
    } else {
        tell(&figures, "");
    }
    Ok(())
}

fn quality(data: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let zone = chrono_tz::Asia::Shanghai;
    let (mut tickets, _) = read(&data.join("messages.csv"), &Mapping::usual(), zone)?;
    tickets.sort_by(|a, b| (a.received_at, &a.source_no).cmp(&(b.received_at, &b.source_no)));
    let reference = reference(&data.join("reference.csv"))?;
    let begun = Instant::now();
    let afresh: Groups = Found::among(&tickets, &[]).problems.into_iter().collect();
    let seconds = begun.elapsed().as_secs_f64();
    let (online, consolidated) = fed(&tickets);
    let mut rands = Vec::new();
    for seed in 1..=SHUFFLES {
        let mut shuffled = tickets.clone();
        shuffled.shuffle(&mut StdRng::seed_from_u64(seed));
        let (_, again) = fed(&shuffled);
        rands.push(adjusted_rand(&labels(&tickets, &consolidated, &again)));
    }
    Ok(json!({
        "tickets": tickets.len(),
        "labelled": reference.len(),
        "consolidated": told(&consolidated, &reference),
        "online": told(&online, &reference),
        "afresh": told(&afresh, &reference),
        "afresh_tickets_a_second": tickets.len() as f64 / seconds,
        "rand_over_shuffles": {
            "mean": rands.iter().sum::<f64>() / rands.len() as f64,
            "least": rands.iter().copied().fold(1.0, f64::min),
        },
    }))
}

/// The problems after each ticket was placed as it came, and after a consolidation on top.
fn fed(tickets: &[NewTicket]) -> (Groups, Groups) {
    let mut engine = Engine::new(Settings::default());
    let mut numbers = 1..;
    let mut new_problem = || format!("P{}", numbers.next().unwrap_or_default());
    for ticket in tickets {
        let place = place(ticket);
        let document: Document = document(ticket, &place);
        engine.arrive(&document, &mut new_problem);
    }
    let online = groups(&engine, tickets);
    let done = engine.consolidate(new_problem);
    engine.apply(&done.changes);
    (online, groups(&engine, tickets))
}

fn groups(engine: &Engine, tickets: &[NewTicket]) -> Groups {
    let problem =
        |ticket: &NewTicket| Some((ticket.source_no.clone(), engine.problem_of(&ticket.source_no)?.to_owned()));
    tickets.iter().filter_map(problem).collect()
}

fn labels<'a>(tickets: &'a [NewTicket], one: &'a Groups, other: &'a Groups) -> Vec<(&'a String, &'a String)> {
    let of = |groups: &'a Groups, ticket: &'a NewTicket| groups.get(&ticket.source_no).unwrap_or(&ticket.source_no);
    tickets.iter().map(|ticket| (of(one, ticket), of(other, ticket))).collect()
}

fn told(groups: &Groups, reference: &[(String, String)]) -> Value {
    let pairs: Vec<(&String, &String)> =
        reference.iter().map(|(ticket, problem)| (groups.get(ticket).unwrap_or(ticket), problem)).collect();
    let of = |quality: Quality| json!({ "precision": quality.precision, "recall": quality.recall, "f1": quality.f1 });
    let missed = missed(groups, reference);
    let problems = reference.iter().map(|(_, problem)| problem).collect::<rustc_hash::FxHashSet<_>>().len();
    json!({
        "b_cubed": of(b_cubed(&pairs)),
        "pairwise": of(pairwise(&pairs)),
        "found": problems - missed.len(),
        "of": problems,
        "missed": missed,
    })
}

/// (ticket, problem) of a file with the columns problem, title, message_id.
fn reference(file: &Path) -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    let mut reader = csv::Reader::from_path(file)?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        let found = headers.iter().position(|header| header.trim_start_matches('\u{feff}') == name);
        found.ok_or_else(|| format!("{} has no column {name}", file.display()))
    };
    let (problem, ticket) = (column("problem")?, column("message_id")?);
    let rows = reader.records().map(|row| row.map(|row| (row[ticket].to_owned(), row[problem].to_owned())));
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tell(figures: &Value, under: &str) {
    let named = |name: &str| if under.is_empty() { name.to_owned() } else { format!("{under}.{name}") };
    match figures {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| tell(value, &named(name))),
        Value::Array(items) if items.iter().all(Value::is_object) => {
            items.iter().enumerate().for_each(|(at, item)| tell(item, &named(&at.to_string())));
        }
        Value::Number(number) if number.is_f64() => {
            println!("{under:48} {:>12.3}", number.as_f64().unwrap_or_default())
        }
        other => println!("{under:48} {other:>12}"),
    }
}
