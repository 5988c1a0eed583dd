//! The duty roster (值班表), as a sheet's rows are pasted: date, unit, person, phone.

use super::calendar::LineError;
use crate::lang::Message;
use chrono::NaiveDate;

const FIELDS: usize = 4;
const NAME_MAX_CHARS: usize = 60;

/// One row that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyRow {
    pub line: usize,
    pub day: NaiveDate,
    pub unit: String,
    pub person: String,
    pub phone: String,
}

/// Reads rows with tabs or commas between their fields; empty lines and a heading are passed over. Every bad line is named.
pub fn parse(text: &str) -> Result<Vec<DutyRow>, Vec<LineError>> {
    let lines = text.lines().enumerate().filter(|(at, line)| !(line.trim().is_empty() || *at == 0 && is_heading(line)));
    let mut rows: Vec<DutyRow> = Vec::new();
    let mut faults = Vec::new();
    for (at, line) in lines {
        match row(at + 1, line) {
            Ok(row) if rows.iter().any(|other| is_same(other, &row)) => {
                faults.push(LineError { line: at + 1, reason: Message::new("同一天同一单位同一人重复") });
            }
            Ok(row) => rows.push(row),
            Err(reason) => faults.push(LineError { line: at + 1, reason }),
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

fn is_heading(line: &str) -> bool {
    line.trim_start().starts_with("日期") || line.trim_start().to_lowercase().starts_with("date")
}

fn is_same(a: &DutyRow, b: &DutyRow) -> bool {
    (a.day, &a.unit, &a.person) == (b.day, &b.unit, &b.person)
}

fn row(line: usize, text: &str) -> Result<DutyRow, Message> {
    let fields: Vec<&str> = text.split(['\t', ',', '，']).map(str::trim).collect();
    let [date, unit, person, phone] = fields[..] else {
        return Err(Message::new("应为 %{n} 列：日期、单位、姓名、电话").with("n", FIELDS));
    };
    let plain = date.replace(['年', '月', '/', '.'], "-").replace('日', "");
    let day = plain.parse::<NaiveDate>().map_err(|_| Message::new("“%{text}”不是日期").with("text", date))?;
    if unit.is_empty() || person.is_empty() || person.chars().count() > NAME_MAX_CHARS {
        return Err(Message::new("单位和姓名不能为空，姓名不能超过 %{max} 字").with("max", NAME_MAX_CHARS));
    }
    if !is_phone(phone) {
        return Err(Message::new("“%{text}”不是电话号码").with("text", phone));
    }
    Ok(DutyRow { line, day, unit: unit.to_owned(), person: person.to_owned(), phone: phone.to_owned() })
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (3..=20).contains(&digits)
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | ' ' | '转'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_from_a_sheet_or_with_commas() {
        let rows = parse("日期\t单位\t姓名\t电话\n2026-10-01\t市公安局\t王强\t13900000001\n\n2026年10月2日，市公安局，李明，0533-1234567").unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.line, row.day.to_string(), row.person.as_str())).collect();
        assert_eq!(told, [(2, "2026-10-01".to_owned(), "王强"), (4, "2026-10-02".to_owned(), "李明")]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "2026-13-01,市公安局,王强,110\n2026-10-01,市公安局,,110\n2026-10-01,市公安局,王强\n2026-10-01,市公安局,王强,没有\n2026-10-01,市公安局,王强,110\n2026/10/1,市公安局,王强,119";
        let lines: Vec<usize> = parse(text).unwrap_err().into_iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 6]);
    }
}
