//! How fast tickets are placed, and what the index takes.

use super::detect_corpus::Corpus;
use crate::detect::{Document, Engine, Settings};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::process::Command;
use std::time::{Duration, Instant};

const SEED: u64 = 1;

/// Places made-up tickets in a process of its own, whose memory is nothing but the index.
pub fn measured(tickets: usize) -> Result<Value, Box<dyn std::error::Error>> {
    let told =
        Command::new(std::env::current_exe()?).args(["bench", "detect", "--place", &tickets.to_string()]).output()?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into());
    }
    Ok(serde_json::from_slice(&told.stdout)?)
}

pub fn place(tickets: usize) -> Result<Value, Box<dyn std::error::Error>> {
    let mut corpus = Corpus::new(SEED, tickets);
    let before = resident()?;
    let mut engine = Engine::new(Settings::default());
    let (mut numbers, mut spent, mut placed) = (1.., Duration::ZERO, 0);
    for number in 0..tickets {
        let Some(ticket) = corpus.next() else { break };
        let id = format!("{number:08}");
        let document = Document { id: &id, title: &ticket.title, body: &ticket.body, ..Document::default() };
        let begun = Instant::now();
        let found = engine.arrive(&document, || format!("P{}", numbers.next().unwrap_or_default()));
        spent += begun.elapsed();
        placed += usize::from(found.is_some());
    }
    let bytes = resident()?.saturating_sub(before);
    let path = std::env::temp_dir().join(format!("shenban-bench-{}.index", std::process::id()));
    engine.store(&tickets, &mut BufWriter::new(File::create(&path)?))?;
    drop(engine);
    let stored_bytes = fs::metadata(&path)?.len();
    let begun = Instant::now();
    let again: Result<(usize, Engine), _> =
        Engine::restore(&mut BufReader::new(File::open(&path)?), Settings::default());
    let start = begun.elapsed();
    fs::remove_file(&path)?;
    let (_, again) = again?;
    Ok(json!({
        "tickets": tickets,
        "placed": placed,
        "tickets_a_second": tickets as f64 / spent.as_secs_f64(),
        "mib": bytes as f64 / f64::from(1 << 20),
        "stored_mib": stored_bytes as f64 / f64::from(1 << 20),
        "start_seconds": start.as_secs_f64(),
        "started_with": again.len(),
        "mib_per_100_000": bytes as f64 / f64::from(1 << 20) / tickets as f64 * 1e5,
    }))
}

/// Bytes of this process in memory; Linux tells.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
