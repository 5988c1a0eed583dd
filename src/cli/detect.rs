//! `shenban detect FILE --out FILE`: which tickets of a file belong together, without a server or a database.

use super::Outcome;
use super::config::{self, Config};
use crate::detect::{Change, Document, Engine, Settings};
use crate::domain::ticket::NewTicket;
use crate::intake::{self, Mapping};
use chrono_tz::Tz;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// A CSV or XLSX file.
    file: PathBuf,
    /// Where `ticket,problem,theme` goes, one row a ticket; empty where it stands alone.
    #[arg(long)]
    out: PathBuf,
    /// A YAML file that says which header is which field.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// A text file with a place's name a line; others are learned from the tickets.
    #[arg(long)]
    gazetteer: Option<PathBuf>,
}

/// Tickets that there is room for from the start, at most.
const ROOM_MOST: u64 = 1 << 16;

pub fn run(args: Args) -> Outcome {
    super::take_small_pages();
    let mapping = match &args.mapping {
        Some(path) => Mapping::parse(&std::fs::read_to_string(path)?).map_err(|reason| format!("mapping: {reason}"))?,
        None => Mapping::usual(),
    };
    let (tickets, rejected) = read(&args.file, &mapping, Config::default().timezone.parse()?)?;
    let places = args.gazetteer.as_deref().map(config::read_gazetteer).transpose()?.unwrap_or_default();
    let found = Found::among(&tickets, &places);
    let mut out = csv::Writer::from_path(&args.out)?;
    out.write_record(["ticket", "problem", "theme"])?;
    for ticket in &tickets {
        let of = |kind: &FxHashMap<String, String>| kind.get(&ticket.source_no).cloned().unwrap_or_default();
        out.write_record([&ticket.source_no, &of(&found.problems), &of(&found.themes)])?;
    }
    out.flush()?;
    println!("工单 {}，拒收 {rejected}，归入问题 {}", tickets.len(), found.problems.len());
    Ok(())
}

/// The tickets of a file, each number once, and how many rows were rejected.
pub fn read(file: &Path, mapping: &Mapping, zone: Tz) -> Result<(Vec<NewTicket>, usize), Box<dyn std::error::Error>> {
    let rows = intake::open(file, mapping, zone)?;
    let mut tickets: Vec<NewTicket> = Vec::with_capacity(rows.rows_at_most.min(ROOM_MOST) as usize);
    let (mut seen, mut rejected) = (FxHashSet::default(), 0);
    for row in rows {
        match row.outcome {
            Ok(ticket) if seen.insert(ticket.source_no.clone()) => tickets.push(ticket),
            Ok(_) => {}
            Err(_) => rejected += 1,
        }
    }
    Ok((tickets, rejected))
}

/// Each ticket's problem and theme, named P1, P2 …, T1, T2 …; none for a ticket that stands alone.
pub struct Found {
    pub problems: FxHashMap<String, String>,
    pub themes: FxHashMap<String, String>,
}

impl Found {
    /// `known_places` are names from a gazetteer.
    pub fn among(tickets: &[NewTicket], known_places: &[String]) -> Found {
        let places: Vec<String> = tickets.iter().map(place).collect();
        let documents = tickets.iter().zip(&places).map(|(ticket, place)| document(ticket, place));
        let mut engine = Engine::new(Settings::default());
        engine.know_places(known_places.iter().map(String::as_str));
        engine.read_all(documents);
        let mut numbers = 1..;
        let done = engine.consolidate(|| format!("P{}", numbers.next().unwrap_or_default()));
        let moved = |change| match change {
            Change::Moved { ticket, problem } => Some((ticket, problem?)),
            Change::Founded { .. } => None,
        };
        let problems: FxHashMap<String, String> = done.changes.into_iter().filter_map(moved).collect();
        let (mut themes, mut theme_of) = (FxHashMap::default(), FxHashMap::default());
        for (number, theme) in (1..).zip(done.themes) {
            themes.extend(theme.tickets.into_iter().map(|ticket| (ticket, format!("T{number}"))));
            theme_of.extend(theme.problems.into_iter().map(|problem| (problem, format!("T{number}"))));
        }
        themes.extend(
            problems.iter().filter_map(|(ticket, problem)| Some((ticket.clone(), theme_of.get(problem)?.clone()))),
        );
        Found { problems, themes }
    }
}

pub fn place(ticket: &NewTicket) -> String {
    let parts = [&ticket.district, &ticket.address];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}

pub fn document<'a>(ticket: &'a NewTicket, place: &'a str) -> Document<'a> {
    Document {
        id: &ticket.source_no,
        title: &ticket.title,
        body: &ticket.body,
        place: (!place.is_empty()).then_some(place),
        coordinates: ticket.latitude.zip(ticket.longitude),
        caller: ticket.caller.as_deref(),
        received_at: ticket.received_at,
    }
}
