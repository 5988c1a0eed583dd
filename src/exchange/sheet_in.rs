//! A plan in a spreadsheet: its columns are known by what offices call them, in any order.

use super::links::{self, Written};
use super::{At, Fault, LinkIn, Place, PlanIn, STAND_IN, TaskIn, known};
use crate::domain::task::DurationUnit;
use crate::lang::{Lang, Message};
use calamine::{Data, DataType, Reader, Xlsx};
use chrono::NaiveDate;
use std::collections::HashMap;
use std::io::Cursor;

/// What each column may be called, in Chinese or in this program's English; compared without spaces and what stands in brackets.
const NAMES: [(Column, &[&str]); 9] = [
    (Column::Known, &["任务编号"]),
    (Column::No, &["序号", "编号", "标识号", "id", "no", "no."]),
    (Column::Title, &["任务", "任务名称", "工作任务", "工作内容", "事项", "task", "task name", "name"]),
    (Column::Unit, &["单位", "责任单位", "承办单位", "主办单位", "资源名称", "unit", "resource names"]),
    (Column::Duration, &["天数", "工期", "工作日", "办理天数", "时限", "days", "duration"]),
    (Column::After, &["前置任务", "前置", "前序任务", "紧前任务", "predecessors"]),
    (Column::Acceptance, &["办结标准", "验收标准", "完成标准"]),
    (Column::NotBefore, &["不早于", "最早开始"]),
    (Column::Fixed, &["定于"]),
];
/// The header is looked for in this many rows.
const HEADER_ROWS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Column {
    Known,
    No,
    Title,
    Unit,
    Duration,
    After,
    Acceptance,
    NotBefore,
    Fixed,
}

pub fn read(bytes: &[u8]) -> PlanIn {
    let opened = calamine::open_workbook_from_rs(Cursor::new(bytes));
    let range = opened.ok().and_then(|mut book: Xlsx<_>| book.worksheet_range_at(0)?.ok());
    let Some(range) = range else {
        return PlanIn::unreadable(Fault::new(Place::Cell(0, 0), Message::new("文件打不开，应为 XLSX")));
    };
    let first = range.start().unwrap_or_default();
    let rows: Vec<&[Data]> = range.rows().collect();
    let headers = rows.iter().take(HEADER_ROWS).map(|row| columns_of(row)).enumerate();
    let Some((header, columns)) = headers.into_iter().find(|(_, columns)| columns.contains_key(&Column::Title)) else {
        return PlanIn::unreadable(Fault::new(Place::Cell(first.0, first.1), Message::new("没有找到表头“任务”")));
    };
    let below = Place::Cell(first.0 + header as u32, first.1);
    let mut reading = Reading { first, columns, faults: Vec::new() };
    for (column, name) in [(Column::Unit, "单位"), (Column::Duration, "天数")] {
        if !reading.columns.contains_key(&column) {
            reading.faults.push(Fault::new(below, Message::new("没有找到表头“%{name}”").with("name", name)));
        }
    }
    if !reading.faults.is_empty() {
        return PlanIn { tasks: Vec::new(), faults: reading.faults };
    }
    let tasks = reading.tasks(&rows, header + 1);
    if tasks.is_empty() {
        reading.faults.push(Fault::new(below, Message::new("文件里没有任务")));
    }
    PlanIn { tasks, faults: reading.faults }
}

fn columns_of(row: &[Data]) -> HashMap<Column, usize> {
    let mut columns = HashMap::new();
    for (at, cell) in row.iter().enumerate() {
        let text = cell.as_string().unwrap_or_default().to_lowercase();
        let text = text.split(['（', '(']).next().unwrap_or_default().trim();
        let called = |name: &&str| *name == text || Lang::En.t(name).to_lowercase() == text;
        let named = NAMES.iter().find(|(_, names)| names.iter().any(called));
        if let Some((column, _)) = named {
            columns.entry(*column).or_insert(at);
        }
    }
    columns
}

struct Reading {
    /// The sheet's first used row and column.
    first: (u32, u32),
    columns: HashMap<Column, usize>,
    faults: Vec<Fault>,
}

/// A row that holds a task, and how others of the file may call it.
struct Line<'r> {
    at: usize,
    cells: &'r [Data],
    no: String,
}

impl Reading {
    fn place(&self, row: usize, column: Column) -> Place {
        let at = self.columns.get(&column).or_else(|| self.columns.get(&Column::Title)).copied().unwrap_or(0);
        Place::Cell(self.first.0 + row as u32, self.first.1 + at as u32)
    }

    fn cell<'r>(&self, cells: &'r [Data], column: Column) -> Option<&'r Data> {
        cells.get(*self.columns.get(&column)?).filter(|cell| !cell.is_empty())
    }

    fn text(&self, cells: &[Data], column: Column) -> String {
        self.cell(cells, column).map(plain).unwrap_or_default()
    }

    fn fault(&mut self, row: usize, column: Column, reason: Message) {
        self.faults.push(Fault::new(self.place(row, column), reason));
    }

    fn tasks(&mut self, rows: &[&[Data]], below_header: usize) -> Vec<TaskIn> {
        let mut lines: Vec<Line> = Vec::new();
        for (at, cells) in rows.iter().enumerate().skip(below_header) {
            let wanted = [Column::Title, Column::Unit, Column::Duration, Column::After];
            if wanted.iter().all(|column| self.text(cells, *column).is_empty()) {
                continue;
            }
            let no = self.text(cells, Column::No);
            let no = if no.is_empty() { (lines.len() + 1).to_string() } else { no };
            lines.push(Line { at, cells, no });
        }
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut titles: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, line) in lines.iter().enumerate() {
            if numbers.insert(line.no.clone(), index).is_some() {
                self.fault(line.at, Column::No, Message::new("序号“%{no}”重复").with("no", &line.no));
            }
            let known = self.text(line.cells, Column::Known);
            if !known.is_empty() && numbers.insert(known.clone(), index).is_some() {
                self.fault(line.at, Column::Known, Message::new("任务编号“%{no}”重复").with("no", known));
            }
            titles.entry(self.text(line.cells, Column::Title)).or_default().push(index);
        }
        lines.iter().map(|line| self.task(line, &numbers, &titles)).collect()
    }

    fn task(&mut self, line: &Line, numbers: &HashMap<String, usize>, titles: &HashMap<String, Vec<usize>>) -> TaskIn {
        let title = self.needed(line, Column::Title, Message::new("任务名称是空的"));
        let unit = self.needed(line, Column::Unit, Message::new("单位是空的"));
        let place = self.place(line.at, Column::Title);
        let duration = self.duration(line);
        let not_before = self.date(line, Column::NotBefore);
        let fixed_on = self.date(line, Column::Fixed);
        let after = self.after(line, numbers, titles);
        let (duration, duration_unit) = duration.unwrap_or((At::new(1, place), DurationUnit::WorkingDays));
        let has_acceptance = self.columns.contains_key(&Column::Acceptance);
        TaskIn {
            place,
            known: known(&self.text(line.cells, Column::Known)),
            title: title.unwrap_or_else(|| At::new(STAND_IN.to_owned(), place)),
            unit: unit.unwrap_or_else(|| At::new(String::new(), place)),
            duration,
            duration_unit,
            acceptance: has_acceptance.then(|| self.text(line.cells, Column::Acceptance)),
            not_before,
            fixed_on,
            after,
        }
    }

    fn needed(&mut self, line: &Line, column: Column, missing: Message) -> Option<At<String>> {
        if let Some(Data::Error(error)) = self.cell(line.cells, column) {
            let reason = Message::new("单元格是错误值 %{error}").with("error", error);
            self.fault(line.at, column, reason);
            return None;
        }
        let text = self.text(line.cells, column);
        if text.is_empty() {
            self.fault(line.at, column, missing);
            return None;
        }
        Some(At::new(text, self.place(line.at, column)))
    }

    /// `5`, `5天`, `10个自然日`, `6小时`.
    fn duration(&mut self, line: &Line) -> Option<(At<i32>, DurationUnit)> {
        let text = self.needed(line, Column::Duration, Message::new("天数是空的"))?;
        let digits: String = text.value.chars().take_while(char::is_ascii_digit).collect();
        let unit = text.value[digits.len()..].trim();
        let counted = match unit.trim_start_matches('个').to_lowercase().as_str() {
            "" | "天" | "工作日" | "日" | "d" | "day" | "days" | "working days" => Some(DurationUnit::WorkingDays),
            "自然日" | "日历日" | "calendar day" | "calendar days" => Some(DurationUnit::NaturalDays),
            "小时" | "h" | "hours" => Some(DurationUnit::Hours),
            _ => None,
        };
        let found = digits.parse().ok().zip(counted);
        if found.is_none() {
            let reason = Message::new("天数“%{text}”看不懂，应是整数，如 5 或 10个自然日").with("text", text.value);
            self.fault(line.at, Column::Duration, reason);
        }
        found.map(|(amount, unit)| (At::new(amount, text.place), unit))
    }

    fn date(&mut self, line: &Line, column: Column) -> Option<At<NaiveDate>> {
        let cell = self.cell(line.cells, column)?;
        let day = cell.as_date().or_else(|| written_date(&plain(cell)));
        if day.is_none() {
            let reason = Message::new("日期“%{text}”看不懂").with("text", plain(cell));
            self.fault(line.at, column, reason);
        }
        day.map(|day| At::new(day, self.place(line.at, column)))
    }

    fn after(
        &mut self,
        line: &Line,
        numbers: &HashMap<String, usize>,
        titles: &HashMap<String, Vec<usize>>,
    ) -> Vec<At<LinkIn>> {
        let text = self.text(line.cells, Column::After);
        let place = self.place(line.at, Column::After);
        let mut found = Vec::new();
        for link in links::read(&text, &|text| titles.contains_key(text)) {
            match link.and_then(|link| Ok((resolved(&link, numbers, titles)?, link))) {
                Ok((task, Written { kind, lag_days, .. })) => {
                    found.push(At::new(LinkIn { task, kind, lag_days }, place));
                }
                Err(reason) => self.fault(line.at, Column::After, reason),
            }
        }
        found
    }
}

/// Which task a predecessor names, by its number or its title.
fn resolved(
    link: &Written,
    numbers: &HashMap<String, usize>,
    titles: &HashMap<String, Vec<usize>>,
) -> Result<usize, Message> {
    let name = &link.task;
    match (numbers.get(name), titles.get(name).map(Vec::as_slice)) {
        (Some(at), _) | (None, Some([at])) => Ok(*at),
        (None, Some(_)) => Err(Message::new("有几项任务都叫“%{text}”，请写序号").with("text", name)),
        (None, None) => Err(Message::new("文件里没有前置任务“%{text}”").with("text", name)),
    }
}

/// A cell as it reads; a whole number without its decimals.
fn plain(cell: &Data) -> String {
    match cell {
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::DateTime(at) => at.as_datetime().map_or_else(String::new, |at| at.date().to_string()),
        other => other.to_string().trim().to_owned(),
    }
}

/// `2026-03-12`, `2026/3/12`, `2026.3.12`, `2026年3月12日`.
fn written_date(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(['-', '/', '.', '年', '月', '日']).filter(|part| !part.is_empty()).collect();
    let [year, month, day] = parts.as_slice() else { return None };
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}
