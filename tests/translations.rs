//! Every Chinese text of the interface has its English.

use regex::Regex;
use shenban::domain::event;
use shenban::domain::webhook::EVENT_GROUPS;
use shenban::lang::Lang;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Chinese is data, not interface: the command line, the matcher's vocabulary, the headers cities and offices use, the
/// languages' own names, what replies and their quotes begin with.
const DATA: [&str; 8] = [
    "cli/",
    "detect/",
    "intake/mapping.rs",
    "exchange/sheet_in.rs",
    "exchange/links.rs",
    "exchange/tests.rs",
    "lang/",
    "mail/reply.rs",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "html") {
            found.push(path);
        }
    }
    found
}

/// The texts a file shows: in code every Chinese literal, in templates what is handed to the translator.
fn texts(path: &Path, shown_as: &str) -> Vec<String> {
    let source = fs::read_to_string(path).unwrap();
    let is_template = path.extension().is_some_and(|kind| kind == "html");
    let is_data = DATA.iter().any(|data| shown_as.starts_with(data));
    let pattern = match (is_template, is_data) {
        (true, _) => r#"\b(?:t|fill)\("((?:[^"\\]|\\.)*)""#,
        (_, true) => r#"Message::new\("((?:[^"\\]|\\.)*)""#,
        _ => r#""((?:[^"\\]|\\.)*)""#,
    };
    let code = source.split("#[cfg(test)]").next().unwrap();
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect();
    Regex::new(pattern).unwrap().captures_iter(&code).map(|found| found[1].to_owned()).collect()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[test]
fn every_chinese_text_has_its_english() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut missing = Vec::new();
    let mut seen = 0;
    for path in sources(&src) {
        let shown_as = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        for text in texts(&path, &shown_as).into_iter().filter(|text| is_chinese(text)) {
            seen += 1;
            let english = Lang::En.t(&text);
            if is_chinese(&english) {
                missing.push(format!("{shown_as}: {text}"));
            }
        }
    }
    assert!(seen > 500, "the scan still finds the texts: {seen}");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_event_that_is_written_has_its_words() {
    let kind = Regex::new(r#""((?:[a-z]+)\.(?:[a-z_]+))""#).unwrap();
    let mut written = 0;
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app")) {
        let source = fs::read_to_string(&path).unwrap();
        let kinds = kind.captures_iter(&source).map(|found| found[1].to_owned());
        let is_event = |kind: &String| EVENT_GROUPS.iter().any(|(group, _)| kind.split('.').next() == Some(*group));
        for kind in kinds.filter(is_event) {
            assert!(event::is_kind(&kind), "{}: {kind}", path.display());
            written += 1;
        }
    }
    assert!(written > 100, "the scan still finds the events: {written}");
}

#[test]
fn a_template_shows_no_chinese_of_its_own() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/templates");
    let expressions = Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}").unwrap();
    for path in sources(&templates) {
        let source = fs::read_to_string(&path).unwrap();
        let bare = expressions.replace_all(&source, "");
        let shows = |line: &&str| is_chinese(line) || line.contains(['：', '（', '）', '、', '；', '，', '。']);
        let left: Vec<&str> = bare.lines().filter(shows).collect();
        assert!(left.is_empty(), "{}: {left:#?}", path.display());
    }
}
