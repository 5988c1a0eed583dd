//! Notices that a decision settled instead of a mail: what was not sent, and why.

use super::prepared::written;
use super::schema::{cases, notice, task};
use super::sent::{SentFilter, Span, names_of};
use super::{StoreError, Tx};
use crate::domain::notice::{NoticeState, Stage};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// A notice that was not sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsent {
    pub stage: Stage,
    pub case_id: Option<String>,
    /// The task it is about, if it is about one.
    pub task_id: Option<String>,
    /// The directive it is about: what that says is for its own page, which not everybody may read.
    pub directive_id: Option<String>,
    /// A task's or a case's number and title, or empty.
    pub about: String,
    pub recipient_id: String,
    pub recipient_name: String,
    pub decision: String,
    pub owed_at: NaiveDateTime,
}

type Row = (String, String, Option<String>, String, String, Option<String>, NaiveDateTime);

/// The directives that something was not sent about.
pub fn directives(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let unsent = notice::table.filter(notice::state.eq(written(NoticeState::Skipped.code())));
    let about = unsent.filter(notice::subject_kind.eq("directive")).select(notice::subject_id).distinct();
    Ok(about.load(tx.0)?)
}

/// What was not sent, newest first, and how much there is, without what is about the subjects hidden.
pub fn list(tx: &mut Tx, filter: &SentFilter, hidden: &[String], span: Span) -> Result<(Vec<Unsent>, i64), StoreError> {
    let filtered = || {
        let mut query = notice::table.filter(notice::state.eq(written(NoticeState::Skipped.code()))).into_boxed();
        if !hidden.is_empty() {
            query = query.filter(notice::subject_id.ne_all(hidden));
        }
        if let Some(case_id) = &filter.case_id {
            query = query.filter(notice::case_id.eq(case_id));
        }
        if let Some(recipient_id) = &filter.recipient_id {
            query = query.filter(notice::recipient_id.eq(recipient_id));
        }
        query
    };
    let newest = filtered().order((notice::owed_at.desc(), notice::id.desc())).offset(span.offset).limit(span.limit);
    let rows: Vec<Row> = newest
        .select((
            notice::stage,
            notice::subject_kind,
            notice::case_id,
            notice::subject_id,
            notice::recipient_id,
            notice::decision,
            notice::owed_at,
        ))
        .load(tx.0)?;
    let total = filtered().count().get_result(tx.0)?;
    let names = names_of(tx, &rows.iter().map(|row| row.4.clone()).collect::<Vec<_>>())?;
    let about = about(tx, &rows)?;
    let unsent = |(stage, kind, case_id, subject_id, recipient_id, decision, owed_at): Row| {
        let named = about.get(&subject_id).or(case_id.as_ref().and_then(|id| about.get(id)));
        Some(Unsent {
            stage: Stage::parse(&stage)?,
            about: named.cloned().unwrap_or_default(),
            task_id: (kind == "task").then(|| subject_id.clone()),
            directive_id: (kind == "directive").then_some(subject_id),
            case_id,
            recipient_name: names.get(&recipient_id).cloned().unwrap_or_default(),
            recipient_id,
            decision: decision.unwrap_or_default(),
            owed_at,
        })
    };
    Ok((rows.into_iter().filter_map(unsent).collect(), total))
}

/// Numbers and titles of the tasks and cases that notices are about.
fn about(tx: &mut Tx, rows: &[Row]) -> Result<HashMap<String, String>, StoreError> {
    let tasks: Vec<(String, i32, String, String)> = task::table
        .inner_join(cases::table)
        .filter(task::id.eq_any(rows.iter().map(|row| &row.3)))
        .select((task::id, task::no, task::title, cases::no))
        .load(tx.0)?;
    let of_cases: Vec<(String, String, String)> = cases::table
        .filter(cases::id.eq_any(rows.iter().filter_map(|row| row.2.as_ref())))
        .select((cases::id, cases::no, cases::title))
        .load(tx.0)?;
    let tasks = tasks.into_iter().map(|(id, no, title, case_no)| (id, format!("{case_no}/{no:02} {title}")));
    Ok(tasks.chain(of_cases.into_iter().map(|(id, no, title)| (id, format!("{no} {title}")))).collect())
}
