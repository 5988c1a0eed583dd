//! The engine on 4,300 real messages with problems marked by hand.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::evaluate::{b_cubed, missed};
use super::{Document, Engine, Settings};

/// The records of a file of the data set; none, with a word about it, where the data is not at hand.
fn records(name: &str) -> Option<Vec<csv::StringRecord>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/teddy").join(name);
    let Ok(mut reader) = csv::Reader::from_path(&file) else {
        assert!(std::env::var_os("CI").is_none(), "{} is absent", file.display());
        eprintln!("skipped: {} is absent", file.display());
        return None;
    };
    Some(reader.records().map(Result::unwrap).collect())
}

#[test]
fn problems_marked_by_hand_are_found_again() {
    let (Some(messages), Some(reference)) = (records("messages.csv"), records("reference.csv")) else { return };
    let reference: Vec<(String, String)> =
        reference.iter().map(|record| (record[2].to_owned(), record[0].to_owned())).collect();
    let mut engine = Engine::new(Settings::default());
    let mut numbers = 0;
    let mut new_problem = || {
        numbers += 1;
        format!("P{numbers}")
    };
    for record in &messages {
        let received_at = chrono::NaiveDateTime::default();
        let document =
            Document { id: &record[0], title: &record[2], body: &record[4], received_at, ..Document::default() };
        engine.arrive(&document, &mut new_problem);
    }
    let quality = |engine: &Engine| {
        let found: FxHashMap<String, String> = messages
            .iter()
            .filter_map(|record| Some((record[0].to_owned(), engine.problem_of(&record[0])?.to_owned())))
            .collect();
        let pairs: Vec<(&String, &String)> =
            reference.iter().map(|(ticket, problem)| (found.get(ticket).unwrap_or(ticket), problem)).collect();
        (b_cubed(&pairs).f1, missed(&found, &reference).len())
    };
    let (online, _) = quality(&engine);
    let done = engine.consolidate(&mut new_problem);
    engine.apply(&done.changes);
    let (consolidated, missed) = quality(&engine);
    eprintln!("B-cubed F1 online {online:.3}, consolidated {consolidated:.3}, {missed} missed");
    assert!(online > 0.92 && consolidated > 0.96 && missed <= 1, "{online:.3} {consolidated:.3} {missed}");
}
