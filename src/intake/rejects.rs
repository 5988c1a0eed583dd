//! The file of rejected rows: line, field, reason, and the row as it came.

use super::read::Rejected;
use crate::lang::Lang;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Made when the first row is rejected.
pub struct RejectsFile {
    path: PathBuf,
    headers: Vec<String>,
    lang: Lang,
    writer: Option<csv::Writer<File>>,
    pub count: u64,
}

impl RejectsFile {
    pub fn new(path: &Path, headers: Vec<String>, lang: Lang) -> RejectsFile {
        RejectsFile { path: path.to_owned(), headers, lang, writer: None, count: 0 }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn add(&mut self, line: u64, rejected: &Rejected) -> io::Result<()> {
        self.count += 1;
        let fields: Vec<&str> = rejected.faults.iter().map(|fault| fault.field).collect();
        let reasons: Vec<String> = rejected.faults.iter().map(|fault| fault.reason.text(self.lang)).collect();
        let mut record = vec![line.to_string(), fields.join(" "), reasons.join("；")];
        record.extend(rejected.raw.iter().map(|cell| harmless(cell)));
        Ok(self.writer()?.write_record(record)?)
    }

    pub fn finish(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), csv::Writer::flush)
    }

    fn writer(&mut self) -> io::Result<&mut csv::Writer<File>> {
        if self.writer.is_none() {
            let mut file = File::create(&self.path)?;
            // Spreadsheet programs take a file for UTF-8 by this mark.
            file.write_all("\u{feff}".as_bytes())?;
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
            let own = ["行号", "字段", "原因"].map(|name| self.lang.t(name).into_owned());
            writer.write_record(own.iter().chain(&self.headers))?;
            self.writer = Some(writer);
        }
        self.writer.as_mut().ok_or_else(|| io::ErrorKind::Other.into())
    }
}

/// A spreadsheet program would run what begins like a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() }
}
