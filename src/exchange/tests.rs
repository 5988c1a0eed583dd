use super::*;
use crate::lang::Lang;
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn task(no: i32) -> TaskOut {
    TaskOut {
        no,
        title: format!("任务 {no} <与> & “引号”"),
        unit: format!("单位{}", no % 3),
        acceptance: String::new(),
        duration: no % 9 + 1,
        duration_unit: DurationUnit::WorkingDays,
        not_before: None,
        fixed_on: None,
        due_on: None,
        state: "待前序".to_owned(),
        percent: 0,
        days: (day("2026-03-03"), day("2026-03-06")),
        has_started: false,
        has_ended: false,
        critical: false,
        slack_days: 0,
        after: Vec::new(),
    }
}

fn plan(tasks: Vec<TaskOut>) -> PlanOut {
    PlanOut { no: "ZX-2026-0007".to_owned(), title: "校门口".to_owned(), tasks, exceptions: vec![] }
}

/// What a file that was written from a plan says again.
fn same(plan: &PlanOut, read: &PlanIn) -> Result<(), TestCaseError> {
    prop_assert_eq!(plan.tasks.len(), read.tasks.len());
    for (out, back) in plan.tasks.iter().zip(&read.tasks) {
        prop_assert_eq!(back.known.clone(), Some((plan.no.clone(), out.no)));
        prop_assert_eq!((&back.title.value, &back.unit.value), (&out.title, &out.unit));
        prop_assert_eq!((back.duration.value, back.duration_unit), (out.duration, out.duration_unit));
        prop_assert_eq!(back.acceptance.as_deref().unwrap_or_default(), &out.acceptance);
        prop_assert_eq!(back.fixed_on.as_ref().map(|at| at.value), out.fixed_on);
        prop_assert_eq!(back.not_before.as_ref().map(|at| at.value), out.not_before);
        let links = back.after.iter().map(|at| (plan.tasks[at.value.task].no, at.value.kind, at.value.lag_days));
        prop_assert_eq!(links.collect::<Vec<_>>(), out.after.clone());
    }
    Ok(())
}

fn any_plan() -> impl Strategy<Value = PlanOut> {
    let unit = proptest::sample::select(DurationUnit::ALL.to_vec());
    let kind = proptest::sample::select(DependencyKind::ALL.to_vec());
    let own = (unit, 1..400i32, proptest::option::of(0..300i64), any::<bool>(), "[a-z验收，&<]{0,12}");
    let link = (0..40usize, kind, -20..40i32);
    proptest::collection::vec((own, proptest::collection::vec(link, 0..3)), 1..24).prop_map(|rows| {
        let tasks = (1..).zip(rows).map(|(no, ((duration_unit, duration, date, fixed, acceptance), links))| {
            let date = date.map(|days| day("2026-01-01") + chrono::TimeDelta::days(days));
            let earlier = links.into_iter().filter(|(from, _, _)| (*from as i32) + 1 < no);
            TaskOut {
                duration,
                duration_unit,
                acceptance: acceptance.trim().to_owned(),
                not_before: date.filter(|_| !fixed),
                fixed_on: date.filter(|_| fixed),
                after: earlier.map(|(from, kind, lag)| (from as i32 + 1, kind, lag)).collect(),
                ..task(no)
            }
        });
        plan(tasks.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_plan_comes_back_from_project_as_it_went(plan in any_plan()) {
        let file = to_mspdi(&plan).unwrap();
        let back = read(&file);
        prop_assert!(back.faults.is_empty());
        same(&plan, &back)?;
    }

    #[test]
    fn a_plan_comes_back_from_a_sheet_as_it_went(plan in any_plan(), english in any::<bool>()) {
        let file = to_sheet(&plan, if english { Lang::En } else { Lang::Zh }).unwrap();
        let back = read(&file);
        prop_assert!(back.faults.is_empty());
        same(&plan, &back)?;
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), zip in any::<bool>()) {
        let mut file = if zip { b"PK\x03\x04".to_vec() } else { b"<Project>".to_vec() };
        file.extend(bytes);
        prop_assert!(!read(&file).faults.is_empty());
    }
}

/// Cells of a sheet, row by row.
fn sheet_of(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

fn told(faults: Vec<Fault>) -> Vec<String> {
    faults.iter().map(|fault| fault.said().text(Lang::Zh)).collect()
}

#[test]
fn an_offices_own_table_is_understood() {
    let file = sheet_of(&[
        &["××专项任务分解表"],
        &["序号", "工作内容", "责任单位", "工期（工作日）", "前置任务"],
        &["1", "现场踏勘", "交警", "5", ""],
        &["2", "错峰放学", "教育", "10个自然日", "1"],
        &["", "", "", "", ""],
        &["3", "落实经费", "财政", "3天", "1FS+2；错峰放学SS"],
        &["4", "施划标线", "交警", "6小时", "2、3FF-1天"],
    ]);
    let plan = read(&file);
    assert_eq!(plan.faults, []);
    let link = |task, kind, lag_days| LinkIn { task, kind, lag_days };
    let links: Vec<Vec<LinkIn>> =
        plan.tasks.iter().map(|task| task.after.iter().map(|at| at.value).collect()).collect();
    assert_eq!(links[2], [link(0, DependencyKind::FinishToStart, 2), link(1, DependencyKind::StartToStart, 0)]);
    assert_eq!(links[3], [link(1, DependencyKind::FinishToStart, 0), link(2, DependencyKind::FinishToFinish, -1)]);
    let durations: Vec<_> = plan.tasks.iter().map(|task| (task.duration.value, task.duration_unit)).collect();
    assert_eq!(durations[1], (10, DurationUnit::NaturalDays));
    assert_eq!(durations[3], (6, DurationUnit::Hours));
}

#[test]
fn every_mistake_of_a_sheet_is_told_with_its_cell() {
    let file = sheet_of(&[
        &["序号", "任务", "单位", "天数", "前置任务", "不早于"],
        &["1", "", "交警", "五天", "", "昨天"],
        &["1", "错峰放学", "", "2.5", "9;1SF", ""],
        &["3", "错峰放学", "教育", "", "错峰放学", "2026年2月30日"],
    ]);
    assert_eq!(
        told(read(&file).faults),
        [
            "A3：序号“1”重复",
            "B2：任务名称是空的",
            "D2：天数“五天”看不懂，应是整数，如 5 或 10个自然日",
            "F2：日期“昨天”看不懂",
            "C3：单位是空的",
            "D3：天数“2.5”看不懂，应是整数，如 5 或 10个自然日",
            "E3：文件里没有前置任务“9”",
            "E3：前置“1SF”是“开始后完成”，这种关系不支持",
            "D4：天数是空的",
            "F4：日期“2026年2月30日”看不懂",
            "E4：有几项任务都叫“错峰放学”，请写序号",
        ]
    );
    assert_eq!(told(read(&sheet_of(&[&["任务", "备注"]])).faults).len(), 2, "unit and days are missing");
    assert_eq!(told(read(&sheet_of(&[&["姓名"]])).faults), ["A1：没有找到表头“任务”"]);
}

#[test]
fn every_mistake_of_a_project_file_is_told_with_its_line() {
    let file = r#"<?xml version="1.0"?>
<Project xmlns="http://schemas.microsoft.com/project">
<Tasks>
<Task><UID>1</UID>
<Duration>PT4H0M0S</Duration></Task>
<Task><UID>1</UID><Name>乙</Name><Duration>一天</Duration>
<ConstraintType>4</ConstraintType>
<ConstraintDate>明天</ConstraintDate>
<PredecessorLink><PredecessorUID>7</PredecessorUID></PredecessorLink>
<PredecessorLink><PredecessorUID>1</PredecessorUID><Type>2</Type></PredecessorLink>
<PredecessorLink><PredecessorUID>1</PredecessorUID><LinkLag>100</LinkLag></PredecessorLink>
</Task>
</Tasks>
</Project>"#;
    assert_eq!(
        told(read(file.as_bytes()).faults),
        [
            "第 6 行：UID 1 重复",
            "第 4 行：任务没有名称",
            "第 4 行：任务没有分配单位（资源）",
            "第 5 行：工期“PT4H0M0S”不是整数，请改成整天（或整小时）",
            "第 6 行：任务没有分配单位（资源）",
            "第 6 行：工期“一天”看不懂",
            "第 8 行：日期“明天”看不懂",
            "第 9 行：文件里没有前置任务“7”",
            "第 10 行：前置“1”是“开始后完成”，这种关系不支持",
            "第 11 行：间隔“100”不是整天",
        ]
    );
    assert_eq!(told(read(b"<html/>").faults), ["第 1 行：这不是 Project 的 XML 文件，也不是 XLSX"]);
    let deep = "<Project>".to_owned() + &"<a>".repeat(100_000);
    assert_eq!(told(read(deep.as_bytes()).faults), ["第 1 行：“a”嵌套过深"]);
    assert_eq!(told(read(b"<Project>\n<Tasks>").faults), ["第 2 行：这不是完整的 XML 文件"]);
}

#[test]
fn a_feed_is_a_calendar_that_reads_back() {
    let days = [feed::Day {
        uid: "task-1".into(),
        day: day("2026-03-12"),
        summary: "到期：现场踏勘".into(),
        description: "ZX-2026-0007/01, 交警".into(),
        link: "https://shenban.example/tasks/1".into(),
    }];
    let text = feed::feed("深办", &days, chrono::DateTime::UNIX_EPOCH);
    assert!(text.contains("DTSTART;VALUE=DATE:20260312"), "{text}");
    let back: icalendar::Calendar = text.parse().unwrap();
    assert_eq!(back.components.len(), 1);
}
