//! The house keeps its shape: a floor imports only from floors below it, files stay short, the map names every floor.

use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: [&str; 14] = [
    "lang", "domain", "plan", "detect", "playbook", "intake", "exchange", "mail", "webhook", "store", "app", "jobs",
    "web", "cli",
];
const LINES_MAX: usize = 420;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn floor_of(path: &Path) -> Option<usize> {
    let first = path.strip_prefix(src()).unwrap().components().next().unwrap();
    let name = first.as_os_str().to_str().unwrap();
    FLOORS.iter().position(|floor| *floor == name)
}

#[test]
fn a_floor_imports_only_from_floors_below() {
    let mut wrong = Vec::new();
    for path in sources(&src()) {
        let Some(own) = floor_of(&path) else { continue };
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if FLOORS.iter().position(|floor| *floor == name).is_some_and(|floor| floor > own) {
                    wrong.push(format!("{}:{} uses {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_short_and_the_map_names_every_floor() {
    let map = fs::read_to_string(src().join("lib.rs")).unwrap();
    for floor in FLOORS {
        assert!(map.contains(&format!("[`{floor}`]")), "{floor} is not on the map");
    }
    for path in sources(&src()) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

/// Of two migrations with one number the second is taken for applied.
#[test]
fn every_migration_has_a_number_of_its_own() {
    for database in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut numbers: Vec<String> = names.map(|name| name.split('_').next().unwrap().to_owned()).collect();
        numbers.sort_unstable();
        let all = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), all, "{database}");
    }
}
