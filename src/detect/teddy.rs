//! The engine on 4,300 real messages with problems marked by hand.

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;

use super::evaluate::b_cubed;
use super::{Document, Engine, Settings};

struct Row {
    id: String,
    title: String,
    body: String,
    received_at: NaiveDateTime,
}

impl Row {
    fn document(&self) -> Document<'_> {
        let Row { id, title, body, received_at } = self;
        Document { id, title, body, place: None, received_at: *received_at }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/teddy")
}

/// The messages by time of arrival; none, with a word about it, where the data is not at hand.
fn messages() -> Option<Vec<Row>> {
    let file = folder().join("messages.csv");
    let Ok(mut reader) = csv::Reader::from_path(&file) else {
        assert!(std::env::var_os("CI").is_none(), "{} is absent", file.display());
        eprintln!("skipped: {} is absent", file.display());
        return None;
    };
    let mut rows: Vec<Row> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let received_at = NaiveDateTime::parse_from_str(&record[3].replace('/', "-"), "%Y-%m-%d %H:%M:%S").unwrap();
            Row { id: record[0].into(), title: record[2].into(), body: record[4].into(), received_at }
        })
        .collect();
    rows.sort_by(|a, b| (a.received_at, &a.id).cmp(&(b.received_at, &b.id)));
    Some(rows)
}

fn reference() -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_path(folder().join("reference.csv")).unwrap();
    reader.records().map(Result::unwrap).map(|record| (record[2].into(), record[0].into())).collect()
}

/// What the detection job does, ticket by ticket.
fn detect(rows: &[Row], settings: Settings) -> Engine {
    let mut engine = Engine::new(settings);
    for row in rows {
        let document = row.document();
        let (joined, paired) = (engine.suggest(&document), engine.neighbour(&document));
        engine.add(&document);
        if let Some(joined) = joined {
            engine.place(&row.id, &joined.problem_id);
        } else if let Some((other, _)) = paired {
            let problem = format!("P{}", row.id);
            engine.found(&problem);
            engine.place(&other, &problem);
            engine.place(&row.id, &problem);
        }
    }
    engine
}

fn quality(engine: &Engine, reference: &[(String, String)]) -> (f64, f64, f64) {
    let pairs: Vec<(String, &str)> = reference
        .iter()
        .map(|(ticket, problem)| (engine.problem_of(ticket).unwrap_or_else(|| ticket.clone()), problem.as_str()))
        .collect();
    b_cubed(&pairs)
}

#[test]
fn problems_marked_by_hand_are_found_again() {
    let Some(rows) = messages() else { return };
    let (precision, recall, f1) = quality(&detect(&rows, Settings::default()), &reference());
    eprintln!("B-cubed precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}");
    assert!(precision > 0.95 && recall > 0.6, "precision {precision:.3}, recall {recall:.3}");
}
