//! A plan as a spreadsheet: the columns an office would make, and what the plan makes of them.

use super::PlanOut;
use super::links::written;
use crate::domain::task::DurationUnit;
use crate::lang::Lang;
use chrono::Datelike;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

/// The columns that are read again, and those that only tell.
const COLUMNS: [(&str, f64); 14] = [
    ("任务编号", 18.0),
    ("序号", 6.0),
    ("任务", 34.0),
    ("单位", 22.0),
    ("天数", 10.0),
    ("前置任务", 14.0),
    ("办结标准", 40.0),
    ("不早于", 12.0),
    ("定于", 12.0),
    ("状态", 10.0),
    ("计划开始", 12.0),
    ("计划完成", 12.0),
    ("期限", 12.0),
    ("机动", 8.0),
];

/// Dates are dates and numbers numbers; texts are written as texts: what begins like a formula is none.
pub fn to_sheet(plan: &PlanOut, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    let dated = Format::new().set_num_format("yyyy-mm-dd");
    for (column, (header, width)) in (0..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, lang.t(header), &bold)?.set_column_width(column, width)?;
    }
    for (row, task) in (1..).zip(&plan.tasks) {
        sheet.write_string(row, 0, format!("{}/{:02}", plan.no, task.no))?;
        sheet.write_number(row, 1, task.no)?;
        sheet.write_string(row, 2, &task.title)?;
        sheet.write_string(row, 3, &task.unit)?;
        match task.duration_unit {
            DurationUnit::WorkingDays => sheet.write_number(row, 4, task.duration)?,
            unit => sheet.write_string(row, 4, format!("{}{}", task.duration, lang.t(unit.label())))?,
        };
        sheet.write_string(row, 5, written(&task.after))?;
        sheet.write_string(row, 6, &task.acceptance)?;
        sheet.write_string(row, 9, &task.state)?;
        let days = [
            (7, task.not_before),
            (8, task.fixed_on),
            (10, Some(task.days.0)),
            (11, Some(task.days.1)),
            (12, task.due_on),
        ];
        for (column, day) in days {
            if let Some(day) = day {
                let day = ExcelDateTime::from_ymd(day.year() as u16, day.month() as u8, day.day() as u8)?;
                sheet.write_datetime_with_format(row, column, &day, &dated)?;
            }
        }
        if !task.has_ended {
            sheet.write_number(row, 13, task.slack_days as f64)?;
        }
    }
    sheet.set_freeze_panes(1, 3)?;
    book.save_to_buffer()
}
