//! Reading a file row by row; a bad row is told and the others go on.

use super::mapping::{FIELDS, Mapping};
use crate::domain::ticket::{FieldError, NewTicket};
use crate::lang::Message;
use calamine::{Data, Reader};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use csv::StringRecord;
use encoding_rs::{Encoding, GB18030, UTF_8};
use rustc_hash::FxHashMap;
use std::path::Path;

/// Why a file cannot be read at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntakeError {
    #[error("{0}")]
    File(String),
    #[error("{0}")]
    Mapping(Message),
}

/// A row that cannot be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    pub faults: Vec<FieldError>,
    pub raw: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line it begins on, or its row in the sheet.
    pub line: u64,
    pub outcome: Result<NewTicket, Rejected>,
}

/// Each row's line and its cells, or why it cannot be read.
type Rows = Box<dyn Iterator<Item = (u64, Result<StringRecord, Message>)> + Send>;

/// An open file: its headers, how many rows at most (a cell may hold several lines), and the rows.
pub struct TicketFile {
    pub headers: Vec<String>,
    pub rows_at_most: u64,
    rows: Rows,
    columns: FxHashMap<&'static str, usize>,
    zone: Tz,
}

/// Opens a CSV or XLSX file. Times without an offset are of `zone`.
pub fn open(path: &Path, mapping: &Mapping, zone: Tz) -> Result<TicketFile, IntakeError> {
    let failed = |error: &dyn std::fmt::Display| IntakeError::File(error.to_string());
    let is_sheet = path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("xlsx"));
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let (headers, rows_at_most, rows) = if is_sheet { sheet(bytes)? } else { table(decode(bytes)) };
    let columns = mapping.columns(&headers).map_err(IntakeError::Mapping)?;
    Ok(TicketFile { headers, rows_at_most, rows, columns, zone })
}

/// UTF-8 or UTF-16 by its mark, else UTF-8 when it is that throughout, else GB18030.
fn decode(bytes: Vec<u8>) -> Vec<u8> {
    if let Some((encoding, _)) = Encoding::for_bom(&bytes) {
        return encoding.decode(&bytes).0.into_owned().into_bytes();
    }
    match UTF_8.decode_without_bom_handling_and_without_replacement(&bytes) {
        Some(_) => bytes,
        None => GB18030.decode(&bytes).0.into_owned().into_bytes(),
    }
}

fn table(text: Vec<u8>) -> (Vec<String>, u64, Rows) {
    let lines_below = text.windows(2).filter(|two| is_break(two[0]) && !is_break(two[1])).count() as u64;
    let first = text.split(|byte| is_break(*byte)).next().unwrap_or_default();
    let delimiter =
        [b',', b'\t', b';'].into_iter().max_by_key(|mark| first.iter().filter(|byte| *byte == mark).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .from_reader(std::io::Cursor::new(text));
    let headers: Vec<String> = reader.headers().map(|row| row.iter().map(str::to_owned).collect()).unwrap_or_default();
    let wanted = headers.len();
    let rows = reader.into_records().map(move |record| match record {
        Ok(record) => {
            let line = record.position().map_or(0, |position| position.line());
            let found = record.len();
            let uneven = || {
                Message::new("列数不对：应有 %{wanted} 列，实有 %{found} 列")
                    .with("wanted", wanted)
                    .with("found", found)
            };
            (line, if found == wanted { Ok(record) } else { Err(uneven()) })
        }
        Err(error) => (error.position().map_or(0, |position| position.line()), Err(Message::new("这一行不是 CSV"))),
    });
    (headers, lines_below, Box::new(rows))
}

fn is_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn sheet(bytes: Vec<u8>) -> Result<(Vec<String>, u64, Rows), IntakeError> {
    let failed = |error: &dyn std::fmt::Display| IntakeError::File(error.to_string());
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes))
        .map_err(|error: calamine::XlsxError| failed(&error))?;
    let range = book.worksheet_range_at(0).ok_or_else(|| failed(&"no sheet"))?.map_err(|error| failed(&error))?;
    let first_row = range.start().map_or(0, |(row, _)| u64::from(row));
    let mut rows: Vec<Vec<String>> = range.rows().map(|row| row.iter().map(cell).collect()).collect();
    if rows.is_empty() {
        return Ok((Vec::new(), 0, Box::new(std::iter::empty())));
    }
    let headers = rows.remove(0);
    let below = rows.len() as u64;
    Ok((
        headers,
        below,
        Box::new(rows.into_iter().enumerate().map(move |(at, row)| (first_row + at as u64 + 2, Ok(row.into())))),
    ))
}

fn cell(data: &Data) -> String {
    match data {
        Data::DateTime(at) => {
            at.as_datetime().map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
        }
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::Empty => String::new(),
        other => other.to_string(),
    }
}

impl TicketFile {
    /// Each field that was found, in their usual order, and the header it is under.
    pub fn columns(&self) -> Vec<(&'static str, String)> {
        let found = FIELDS.into_iter().filter_map(|field| Some((field, *self.columns.get(field)?)));
        found.map(|(field, column)| (field, self.headers[column].clone())).collect()
    }
}

impl Iterator for TicketFile {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let (line, cells) = self.rows.next()?;
        let outcome = match cells {
            Ok(cells) => self.ticket(&cells).map_err(|faults| {
                let raw = cells.iter().map(str::to_owned).collect();
                Rejected { faults, raw }
            }),
            Err(reason) => Err(Rejected { faults: vec![FieldError { field: "row", reason }], raw: Vec::new() }),
        };
        Some(Row { line, outcome })
    }
}

impl TicketFile {
    fn ticket(&self, cells: &StringRecord) -> Result<NewTicket, Vec<FieldError>> {
        let text = |field: &str| {
            self.columns
                .get(field)
                .and_then(|column| cells.get(*column))
                .map(|text| text.trim())
                .filter(|text| !text.is_empty())
        };
        let own = |field: &str| text(field).map(str::to_owned);
        let mut faults = Vec::new();
        let mut time = |field: &'static str, needed: bool| match text(field).map(|text| moment(text, self.zone)) {
            Some(Some(at)) => Some(at),
            Some(None) => {
                faults.push(FieldError {
                    field,
                    reason: Message::new("“%{text}”不是时间").with("text", text(field).unwrap_or_default()),
                });
                None
            }
            None if needed => {
                faults.push(FieldError { field, reason: Message::new("不能为空") });
                None
            }
            None => None,
        };
        let (received_at, due_at) = (time("received_at", true), time("due_at", false));
        let mut number = |field: &'static str| {
            text(field).and_then(|text| {
                text.parse()
                    .map_err(|_| {
                        faults.push(FieldError {
                            field, reason: Message::new("“%{text}”不是数字").with("text", text)
                        })
                    })
                    .ok()
            })
        };
        let (latitude, longitude) = (number("latitude"), number("longitude"));
        if text("caller").is_some_and(|caller| caller.contains("E+") && caller.parse::<f64>().is_ok()) {
            faults.push(FieldError {
                field: "caller",
                reason: Message::new("号码被表格软件改成了科学计数法，请把该列设为文本"),
            });
        }
        let ticket = NewTicket {
            source_no: own("source_no").unwrap_or_default(),
            title: own("title").unwrap_or_default(),
            body: own("body").unwrap_or_default(),
            received_at: received_at.unwrap_or_default(),
            due_at,
            channel: own("channel"),
            category: own("category"),
            district: own("district"),
            address: own("address"),
            latitude,
            longitude,
            caller: own("caller"),
            caller_name: own("caller_name"),
        };
        faults.extend(ticket.faults());
        if faults.is_empty() { Ok(ticket) } else { Err(faults) }
    }
}

/// A time as cities write it, as UTC.
fn moment(text: &str, zone: Tz) -> Option<NaiveDateTime> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.naive_utc());
    }
    let plain = |c| match c {
        '/' | '年' | '月' => '-',
        '日' | 'T' => ' ',
        other => other,
    };
    let plain = text.chars().map(plain).collect::<String>().replace("  ", " ");
    let plain = plain.trim();
    let local = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(plain, format).ok())
        .or_else(|| Some(NaiveDate::parse_from_str(plain, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))?;
    match zone.from_local_datetime(&local).earliest() {
        Some(at) => Some(at.naive_utc()),
        // An hour that a change of clocks skipped is read as the one after.
        None => zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest().map(|at| at.naive_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHANGHAI: Tz = chrono_tz::Asia::Shanghai;
    const CSV: &str = "工单编号,主题,内容,受理时间,联系电话\nT1,学校门口拥堵,\"放学时\n走不动\",2026/3/2 17:05:00,13800000000\nT2,无时间,内容,昨天,\n,无编号,内容,2026-03-02 08:00,\nT4,好的,内容,2026年3月2日 08:30,1.39E+10\nT5,好的,内容,2026-03-02,\n";

    fn read(name: &str, bytes: &[u8]) -> Vec<Row> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        open(&path, &Mapping::usual(), SHANGHAI).unwrap().collect()
    }

    #[test]
    fn good_rows_are_kept_and_bad_ones_told_with_line_and_field_in_every_encoding() {
        let gb = GB18030.encode(CSV).0.into_owned();
        for bytes in [CSV.as_bytes(), &gb] {
            let rows = read("tickets.csv", bytes);
            let told: Vec<(u64, Option<&str>)> = rows
                .iter()
                .map(|row| (row.line, row.outcome.as_ref().err().map(|rejected| rejected.faults[0].field)))
                .collect();
            let wanted = [(2, None), (4, Some("received_at")), (5, Some("source_no")), (6, Some("caller")), (7, None)];
            assert_eq!(told, wanted);
            let first = rows[0].outcome.as_ref().unwrap();
            assert_eq!(first.received_at.to_string(), "2026-03-02 09:05:00", "local time becomes UTC");
            assert_eq!(first.title, "学校门口拥堵");
        }
    }

    #[test]
    fn a_sheet_reads_like_a_table() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (row, line) in
            csv::ReaderBuilder::new().has_headers(false).from_reader(CSV.as_bytes()).records().enumerate()
        {
            for (column, text) in line.unwrap().iter().enumerate() {
                sheet.write_string(row as u32, column as u16, text).unwrap();
            }
        }
        let rows = read("tickets.xlsx", &book.save_to_buffer().unwrap());
        assert_eq!(rows.iter().filter(|row| row.outcome.is_ok()).count(), 2);
        assert_eq!(rows[1].line, 3);
    }

    #[test]
    fn headers_that_say_nothing_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "甲,乙\n1,2\n").unwrap();
        let error = open(&path, &Mapping::usual(), SHANGHAI).err().unwrap();
        assert!(error.to_string().contains("甲、乙"));
    }

    #[test]
    fn the_real_file_is_read_whole() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/teddy/messages.csv");
        if !path.exists() {
            eprintln!("skipped: {} is not here", path.display());
            assert!(std::env::var_os("CI").is_none(), "CI always has the data");
            return;
        }
        let rows: Vec<Row> = open(&path, &Mapping::usual(), SHANGHAI).unwrap().collect();
        assert_eq!(rows.len(), 4_326);
        assert!(rows.iter().all(|row| row.outcome.is_ok()));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = decode([b"id,title,time\n".as_slice(), &bytes].concat());
            let (headers, at_most, rows) = table(text);
            prop_assert!(!headers.is_empty());
            prop_assert!(rows.count() as u64 <= at_most);
        }
    }
}
