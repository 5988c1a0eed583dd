//! A plan in the XML of Microsoft Project. Summary tasks, inactive ones and what has no name are left out.

use super::mspdi::{MUST_START_ON, START_NO_EARLIER};
use super::xml::{self, Element};
use super::{At, Fault, LinkIn, MINUTES_A_DAY, PlanIn, STAND_IN, TaskIn};
use crate::domain::task::{DependencyKind, DurationUnit};
use crate::lang::Message;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use std::collections::HashMap;

/// From this hour on, a moment counts as the close of its day.
const CLOSE_HOUR: u32 = 17;

pub fn read(bytes: &[u8]) -> PlanIn {
    let root = match xml::parse(bytes) {
        Ok(root) if root.name == "Project" => root,
        Ok(root) => {
            let reason = Message::new("这不是 Project 的 XML 文件，也不是 XLSX");
            return PlanIn::unreadable(Fault::new(root.place(), reason));
        }
        Err(fault) => return PlanIn::unreadable(fault),
    };
    let mut reading = Reading::of(&root);
    let tasks = reading.tasks(&root);
    if tasks.is_empty() && reading.faults.is_empty() {
        reading.faults.push(Fault::new(root.place(), Message::new("文件里没有任务")));
    }
    PlanIn { tasks, faults: reading.faults }
}

struct Reading<'x> {
    case_no: Option<&'x str>,
    minutes_a_day: i64,
    /// Unit names by the UID of the task they are assigned to.
    units: HashMap<&'x str, At<String>>,
    faults: Vec<Fault>,
}

impl<'x> Reading<'x> {
    fn of(root: &'x Element) -> Reading<'x> {
        let listed = |list, item| root.one(list).into_iter().flat_map(move |all| all.all(item));
        let names: HashMap<&str, &str> = listed("Resources", "Resource")
            .filter_map(|resource| Some((resource.text_of("UID")?, resource.text_of("Name")?)))
            .collect();
        let mut units: HashMap<&str, At<String>> = HashMap::new();
        for row in listed("Assignments", "Assignment") {
            let Some((task, unit)) = row.text_of("TaskUID").zip(row.text_of("ResourceUID")) else { continue };
            if let Some(name) = names.get(unit) {
                units.entry(task).or_insert_with(|| At::new((*name).to_owned(), row.place()));
            }
        }
        let minutes = root.text_of("MinutesPerDay").and_then(|text| text.parse().ok()).filter(|minutes| *minutes > 0);
        Reading {
            case_no: root.text_of("Subject"),
            minutes_a_day: minutes.unwrap_or(MINUTES_A_DAY),
            units,
            faults: Vec::new(),
        }
    }

    fn tasks(&mut self, root: &'x Element) -> Vec<TaskIn> {
        let is = |task: &Element, name, value| task.text_of(name) == Some(value);
        let rows: Vec<&Element> = root
            .one("Tasks")
            .into_iter()
            .flat_map(|tasks| tasks.all("Task"))
            .filter(|task| !is(task, "UID", "0") && !is(task, "IsNull", "1"))
            .filter(|task| !is(task, "Summary", "1") && !is(task, "Active", "0"))
            .collect();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            match row.text_of("UID") {
                None => self.fault(row, Message::new("任务没有 UID")),
                Some(uid) => {
                    if places.insert(uid, at).is_some() {
                        self.fault(row, Message::new("UID %{uid} 重复").with("uid", uid));
                    }
                }
            }
        }
        rows.iter().map(|row| self.task(row, &places)).collect()
    }

    fn fault(&mut self, at: &Element, reason: Message) {
        self.faults.push(Fault::new(at.place(), reason));
    }

    fn task(&mut self, row: &Element, places: &HashMap<&str, usize>) -> TaskIn {
        let uid = row.text_of("UID").unwrap_or_default();
        let known = self.case_no.zip(uid.parse().ok()).map(|(case, no)| (case.to_owned(), no));
        let title = match row.one("Name") {
            Some(name) if !name.text.trim().is_empty() => At::new(name.text.trim().to_owned(), name.place()),
            _ => {
                self.fault(row, Message::new("任务没有名称"));
                At::new(STAND_IN.to_owned(), row.place())
            }
        };
        let unit = self.units.get(uid).cloned().unwrap_or_else(|| {
            self.faults.push(Fault::new(row.place(), Message::new("任务没有分配单位（资源）")));
            At::new(String::new(), row.place())
        });
        let duration = self.duration(row);
        let (not_before, fixed_on) = self.constraint(row);
        let links = row.all("PredecessorLink");
        let after = links.filter_map(|link| self.link(link, places)).collect();
        let (duration, duration_unit) =
            duration.unwrap_or_else(|| (At::new(1, row.place()), DurationUnit::WorkingDays));
        TaskIn {
            place: row.place(),
            known,
            title,
            unit,
            duration,
            duration_unit,
            acceptance: row.text_of("Notes").map(str::to_owned),
            not_before,
            fixed_on,
            after,
        }
    }

    /// A duration and what it counts in. Formats from 33 on are the same as those 32 less, but estimated.
    fn duration(&mut self, row: &Element) -> Option<(At<i32>, DurationUnit)> {
        let Some(given) = row.one("Duration") else {
            self.fault(row, Message::new("任务没有工期"));
            return None;
        };
        let Some(minutes) = minutes_of(given.text.trim()) else {
            let reason = Message::new("工期“%{text}”看不懂").with("text", given.text.trim());
            self.fault(given, reason);
            return None;
        };
        let format: i64 = row.text_of("DurationFormat").and_then(|text| text.parse().ok()).unwrap_or(7);
        let (unit, of_one) = match if format > 32 { format - 32 } else { format } {
            4 | 6 | 8 | 10 | 12 => (DurationUnit::NaturalDays, 24 * 60),
            3 | 5 => (DurationUnit::Hours, 60),
            _ => (DurationUnit::WorkingDays, self.minutes_a_day),
        };
        if minutes % of_one != 0 {
            let reason = Message::new("工期“%{text}”不是整数，请改成整天（或整小时）").with("text", given.text.trim());
            self.fault(given, reason);
            return None;
        }
        let amount = i32::try_from(minutes / of_one).unwrap_or(i32::MAX);
        Some((At::new(amount, given.place()), unit))
    }

    /// Before when a task does not begin, and when it is fixed: the close of the day before its first day of work.
    fn constraint(&mut self, row: &Element) -> (Option<At<NaiveDate>>, Option<At<NaiveDate>>) {
        let kind = row.text_of("ConstraintType").unwrap_or_default();
        if !matches!(kind, MUST_START_ON | START_NO_EARLIER) {
            return (None, None);
        }
        let Some(given) = row.one("ConstraintDate") else { return (None, None) };
        match given.text.trim().parse::<NaiveDateTime>() {
            Ok(at) => {
                let day = if at.hour() >= CLOSE_HOUR { at.date() } else { at.date() - TimeDelta::days(1) };
                let day = Some(At::new(day, given.place()));
                if kind == MUST_START_ON { (None, day) } else { (day, None) }
            }
            Err(_) => {
                let reason = Message::new("日期“%{text}”看不懂").with("text", given.text.trim());
                self.fault(given, reason);
                (None, None)
            }
        }
    }

    fn link(&mut self, link: &Element, places: &HashMap<&str, usize>) -> Option<At<LinkIn>> {
        let uid = link.text_of("PredecessorUID").unwrap_or_default();
        let kind = match link.text_of("Type").unwrap_or("1") {
            "0" => Some(DependencyKind::FinishToFinish),
            "1" => Some(DependencyKind::FinishToStart),
            "3" => Some(DependencyKind::StartToStart),
            "2" => {
                let reason = Message::new("前置“%{text}”是“开始后完成”，这种关系不支持").with("text", uid);
                self.fault(link, reason);
                None
            }
            other => {
                self.fault(link, Message::new("前置关系类型“%{text}”看不懂").with("text", other));
                None
            }
        };
        let lag_days = self.lag(link);
        let Some(task) = places.get(uid) else {
            self.fault(link, Message::new("文件里没有前置任务“%{text}”").with("text", uid));
            return None;
        };
        Some(At::new(LinkIn { task: *task, kind: kind?, lag_days: lag_days? }, link.place()))
    }

    /// A lag in whole working days; the file counts tenths of minutes.
    fn lag(&mut self, link: &Element) -> Option<i32> {
        let Some(text) = link.text_of("LinkLag") else { return Some(0) };
        let tenths: Option<i64> = text.parse().ok();
        let whole = tenths.filter(|tenths| tenths % (self.minutes_a_day * 10) == 0);
        let days = whole.and_then(|tenths| i32::try_from(tenths / (self.minutes_a_day * 10)).ok());
        if days.is_none() {
            self.fault(link, Message::new("间隔“%{text}”不是整天").with("text", text));
        }
        days
    }
}

/// `PT40H30M0S`, or with days before the `T`, in minutes.
fn minutes_of(text: &str) -> Option<i64> {
    let (days, time) = text.strip_prefix('P')?.split_once('T')?;
    let days: i64 = if days.is_empty() { 0 } else { days.strip_suffix('D')?.parse().ok()? };
    let (mut total, mut number) = (days.checked_mul(24 * 60)?, String::new());
    for c in time.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let value: i64 = std::mem::take(&mut number).parse().ok()?;
        let minutes = match c {
            'H' => value.checked_mul(60)?,
            'M' => value,
            'S' => value / 60,
            _ => return None,
        };
        total = total.checked_add(minutes)?;
    }
    number.is_empty().then_some(total)
}
