//! The command line, run as its users run it.

use crate::import::real_messages;
use crate::support::On;
use rstest::rstest;
use rust_xlsxwriter::Workbook;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub struct Place {
    pub folder: TempDir,
    pub database: String,
}

impl Place {
    pub fn new(on: On) -> Option<Place> {
        let folder = TempDir::new().unwrap();
        let database = on.fresh(&folder)?;
        Some(Place { folder, database })
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shenban"));
        command.args(args).env("SHENBAN_DATABASE", &self.database).env("SHENBAN_DATA_DIR", self.folder.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn import(&self, file: &Path) -> String {
        let output = self.run(&["import", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

const HEADERS: [&str; 5] = ["工单编号", "标题", "诉求内容", "受理时间", "联系电话"];

fn row(n: usize) -> [String; 5] {
    [
        format!("GD{n:05}"),
        "路灯不亮".to_owned(),
        format!("第{n}盏路灯不亮，夜间出行不便"),
        format!("2026-10-{:02} 08:30:00", n % 28 + 1),
        format!("1380000{n:04}"),
    ]
}

fn csv_of(rows: impl Iterator<Item = [String; 5]>) -> String {
    let mut text = HEADERS.join(",") + "\n";
    for row in rows {
        text += &(row.join(",") + "\n");
    }
    text
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
fn a_file_is_imported_once_in_every_encoding_and_format(#[case] on: On) {
    let Some(place) = Place::new(on) else { return };
    let utf8 = csv_of((0..30).map(row));
    assert!(place.import(&place.file("a.csv", utf8.as_bytes())).contains("新增 30，已有 0，拒收 0"));
    assert!(place.import(&place.file("a.csv", utf8.as_bytes())).contains("新增 0，已有 30，拒收 0"));

    let text = csv_of((20..50).map(row));
    let gb18030 = encoding_rs::GB18030.encode(&text).0;
    assert!(place.import(&place.file("b.csv", &gb18030)).contains("新增 20，已有 10，拒收 0"));

    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let header = HEADERS.map(str::to_owned);
    for (at, cells) in std::iter::once(header).chain((45..60).map(row)).enumerate() {
        for (column, text) in cells.iter().enumerate() {
            sheet.write_string(at as u32, column as u16, text).unwrap();
        }
    }
    let xlsx = book.save_to_buffer().unwrap();
    assert!(place.import(&place.file("c.xlsx", &xlsx)).contains("新增 10，已有 5，拒收 0"));
}

#[test]
fn a_bad_row_is_told_by_line_field_and_reason_and_the_good_ones_are_kept() {
    let Some(place) = Place::new(On::Sqlite) else { return };
    let mut rows: Vec<_> = (0..5).map(row).collect();
    rows[2][3] = "昨天下午".to_owned();
    rows[4][0] = String::new();
    let file = place.file("bad.csv", csv_of(rows.into_iter()).as_bytes());
    let told = place.import(&file);
    assert!(told.contains("新增 3，已有 0，拒收 2"), "{told}");
    let rejects = std::fs::read_to_string(file.with_extension("rejected.csv")).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines.len(), 3, "{rejects}");
    assert!(lines[1].contains('4') && lines[1].contains("昨天下午"), "{rejects}");
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
fn the_real_messages_are_imported_once(#[case] on: On) {
    let Some(messages) = real_messages() else { return };
    let Some(place) = Place::new(on) else { return };
    let copy = place.file("messages.csv", &messages);
    assert!(place.import(&copy).contains("新增 4326，已有 0，拒收 0"));
    assert!(place.import(&copy).contains("新增 0，已有 4326，拒收 0"));
}

#[rstest]
#[case("SHENBAN_TIMEZONE", "Mars/Olympus", "timezone")]
#[case("SHENBAN_DATABASE", "mysql://x", "database")]
#[case("SHENBAN_SMTP_PORT", "many", "smtp_port")]
#[case("SHENBAN_LISTEN", "nowhere", "listen")]
#[case("SHENBAN_CLOSE_OF_DAY", "late", "close_of_day")]
#[case("SHENBAN_INBOUND_LISTEN", "anywhere", "inbound_listen")]
#[case("SHENBAN_COLOUR", "red", "colour")]
#[case("SHENBAN_PROBLEM_CALLERS", "0", "problem_callers")]
#[case("SHENBAN_EVIDENCE", "/var/evidence", "evidence")]
#[case("SHENBAN_EVIDENCE", "s3://shenban", "s3_endpoint")]
fn a_wrong_setting_is_named(#[case] variable: &str, #[case] value: &str, #[case] named: &str) {
    let Some(place) = Place::new(On::Sqlite) else { return };
    let output = place.command(&["serve"]).env(variable, value).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.to_lowercase().contains(named), "{told}");
}

#[test]
fn a_measurement_of_mails_that_could_not_end_is_not_begun() {
    let Some(place) = Place::new(On::Sqlite) else { return };
    let output = place.run(&["bench", "mail", "--recipients", "12"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("--recipients 12"), "{told}");
}

#[test]
fn the_shipped_playbooks_pass_their_own_check() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let is_playbook = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "yaml");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = entries.filter(is_playbook).collect();
    assert!(files.len() >= 12);
    for file in files {
        let Some(place) = Place::new(On::Sqlite) else { return };
        let output = place.run(&["playbook", "check", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_password_of_digits_is_a_password() {
    let place = Place::new(On::Sqlite).unwrap();
    let file = place.file("a.csv", csv_of((0..3).map(row)).as_bytes());
    let mut command = place.command(&["import", file.to_str().unwrap()]);
    let output = command.env("SHENBAN_SMTP_PASSWORD", "00123456").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn which_tickets_of_a_file_belong_together_is_written_one_row_a_ticket() {
    let place = Place::new(On::Sqlite).unwrap();
    let noise = |n: usize, estate: &str| {
        let mut row = row(n);
        row[1] = format!("{estate}附近搅拌站噪音扰民");
        row[2] = format!("{estate}旁边的搅拌站夜里一直施工，噪音很大，第{n}次反映");
        row
    };
    let estates = (0..6).map(|n| noise(n, "丽发新城")).chain((6..12).map(|n| noise(n, "翠竹苑")));
    let tickets = place.file("tickets.csv", csv_of(estates.chain((12..30).map(row))).as_bytes());
    let gazetteer = place.file("places.txt", "丽发新城\n翠竹苑\n".as_bytes());
    let out = place.folder.path().join("found.csv");
    let args = |gazetteer: &Path| {
        let of = |path: &Path| path.to_str().unwrap().to_owned();
        ["detect".to_owned(), of(&tickets), "--out".to_owned(), of(&out), "--gazetteer".to_owned(), of(gazetteer)]
    };
    let run = |gazetteer: &Path| place.run(&args(gazetteer).each_ref().map(String::as_str));
    let output = run(&gazetteer);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = std::fs::read_to_string(&out).unwrap();
    let rows: Vec<Vec<&str>> = written.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), &rows[0][..]), (31, &["ticket", "problem", "theme"][..]));
    let problem = |n: usize| rows[n + 1][1];
    assert!((0..6).all(|n| !problem(n).is_empty() && problem(n) == problem(0)), "{written}");
    assert!((6..12).all(|n| problem(n) == problem(6) && problem(n) != problem(0)), "{written}");

    let output = run(&place.folder.path().join("absent.txt"));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("gazetteer"));
}
