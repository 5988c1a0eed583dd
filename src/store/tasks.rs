//! What happens beside a task's one state, in rows of its own.

use super::conn::on_backend;
use super::plans::{InCaseRowWith, Task, TaskInCase, in_case, tasks_in_cases};
use super::prepared::{scalar, update};
use super::schema::{
    block, cases, checklist_item, comment, dependency, extension, objection, post, report, submission, task, unit,
};
use super::{StoreError, Tx};
use crate::domain::access::Role;
use crate::domain::task::{DependencyKind, TaskState};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::query_builder::QueryId;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = report, treat_none_as_default_value = false)]
pub struct Report {
    pub id: String,
    pub task_id: String,
    pub percent: i32,
    pub text: String,
    pub person_id: String,
    /// How it came (phone, chat, paper) when a coordinator recorded it for the unit.
    pub proxy_source: Option<String>,
    pub at: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = comment, treat_none_as_default_value = false)]
pub struct Comment {
    pub id: String,
    pub task_id: String,
    pub text: String,
    pub person_id: String,
    pub at: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = block)]
pub struct Block {
    pub id: String,
    pub task_id: String,
    pub reason: String,
    pub helper_unit_id: Option<String>,
    pub due_on: NaiveDate,
    pub raised_by: String,
    pub raised_at: NaiveDateTime,
    pub answer: Option<String>,
    pub answered_by: Option<String>,
    pub answered_at: Option<NaiveDateTime>,
    pub resolution: Option<String>,
    pub cleared_by: Option<String>,
    pub cleared_at: Option<NaiveDateTime>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = extension)]
pub struct Extension {
    pub id: String,
    pub task_id: String,
    pub reason: String,
    pub old_due_on: NaiveDate,
    pub asked_due_on: NaiveDate,
    pub asked_by: String,
    pub asked_at: NaiveDateTime,
    pub granted: Option<bool>,
    /// The new due date, which need not be the one that was asked for.
    pub granted_due_on: Option<NaiveDate>,
    pub note: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<NaiveDateTime>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = submission, treat_none_as_default_value = false)]
pub struct Submission {
    pub id: String,
    pub task_id: String,
    pub round: i32,
    pub text: String,
    pub person_id: String,
    pub at: NaiveDateTime,
    pub signed_off_by: Option<String>,
    /// First acceptance, by the lead unit.
    pub lead_accepted_by: Option<String>,
    pub lead_accepted_at: Option<NaiveDateTime>,
    pub accepted: Option<bool>,
    pub verdict_note: Option<String>,
    pub verdict_by: Option<String>,
    pub verdict_at: Option<NaiveDateTime>,
    /// The unit's head has still to sign it off.
    pub awaits_sign_off: bool,
}

/// Insert one row, list a task's rows oldest first: the same for every kind.
macro_rules! beside_task {
    ($table:ident, $row:ident, $at:ident, $insert:ident, $of_task:ident) => {
        pub fn $insert(tx: &mut Tx, row: &$row) -> Result<(), StoreError> {
            on_backend!(tx.0, c => diesel::insert_into($table::table).values(row).execute(c))?;
            Ok(())
        }

        pub fn $of_task(tx: &mut Tx, task_id: &str) -> Result<Vec<$row>, StoreError> {
            Ok(on_backend!(tx.0, c => $table::table
                .filter($table::task_id.eq(task_id))
                .order($table::$at)
                .select($row::as_select())
                .load(c))?)
        }
    };
}
beside_task!(report, Report, at, insert_report, reports_of);
beside_task!(comment, Comment, at, insert_comment, comments_of);
beside_task!(block, Block, raised_at, insert_block, blocks_of);
beside_task!(extension, Extension, asked_at, insert_extension, extensions_of);
beside_task!(submission, Submission, at, insert_submission, submissions_of);

/// What handing a task in has to look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeforeSubmission {
    /// Items of its checklist that are not ticked off.
    pub unticked: i64,
    /// Finish-to-finish predecessors that have not ended.
    pub unfinished: i64,
    /// A unit of its branch wants its head to sign off.
    pub wants_sign_off: bool,
}

/// A task, and what handing it in has to look at.
pub fn before_submission(tx: &mut Tx, task_id: &str) -> Result<Option<(TaskInCase, BeforeSubmission)>, StoreError> {
    let unticked = checklist_item::table
        .filter(checklist_item::task_id.eq(task_id))
        .filter(checklist_item::done_at.is_null())
        .count();
    let unfinished = dependency::table
        .inner_join(task::table.on(task::id.eq(dependency::predecessor_id)))
        .filter(dependency::successor_id.eq(task_id))
        .filter(dependency::kind.eq(DependencyKind::FinishToFinish.code()))
        .filter(task::state.ne(TaskState::Done.code()).and(task::state.ne(TaskState::Cancelled.code())))
        .count();
    let branch = diesel::alias!(unit as branch);
    let signing = task::table
        .inner_join(unit::table)
        .inner_join(branch.on(unit::path.like(branch.field(unit::path).concat("%"))))
        .filter(task::id.eq(task_id))
        .filter(branch.field(unit::head_signs_off).eq(true));
    let looked_at = (scalar(unticked), scalar(unfinished), scalar(diesel::select(exists(signing))));
    let row: Option<InCaseRowWith<(i64, i64, bool)>> =
        on_backend!(tx.0, c => tasks_in_cases!(looked_at).filter(task::id.eq(task_id)).first(c).optional())?;
    row.map(|(task, unit, case, (unticked, unfinished, wants_sign_off))| {
        Ok((in_case((task, unit, case))?, BeforeSubmission { unticked, unfinished, wants_sign_off }))
    })
    .transpose()
}

pub fn open_block(tx: &mut Tx, task_id: &str) -> Result<Option<Block>, StoreError> {
    Ok(block::table
        .filter(block::task_id.eq(task_id))
        .filter(block::cleared_at.is_null())
        .select(Block::as_select())
        .first(tx.0)
        .optional()?)
}

/// Open blocks of the given tasks.
pub fn open_blocks(tx: &mut Tx, task_ids: &[String]) -> Result<Vec<Block>, StoreError> {
    let mut found = Vec::new();
    for some in task_ids.chunks(1000) {
        let open = block::table.filter(block::task_id.eq_any(some)).filter(block::cleared_at.is_null());
        found.extend(open.select(Block::as_select()).load::<Block>(tx.0)?);
    }
    Ok(found)
}

/// Ids of a case's tasks with an open block.
pub fn blocked_of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on_backend!(tx.0, c => block::table
        .inner_join(task::table.on(task::id.eq(block::task_id)))
        .filter(task::case_id.eq(case_id))
        .filter(block::cleared_at.is_null())
        .select(block::task_id)
        .load(c))?)
}

/// Ids of the units whose help open blocks of a case ask.
pub fn helpers_of_case(tx: &mut Tx, case_id: &str) -> Result<Vec<String>, StoreError> {
    let ids: Vec<Option<String>> = block::table
        .inner_join(task::table.on(task::id.eq(block::task_id)))
        .filter(task::case_id.eq(case_id))
        .filter(block::cleared_at.is_null())
        .select(block::helper_unit_id)
        .distinct()
        .load(tx.0)?;
    Ok(ids.into_iter().flatten().collect())
}

/// Open blocks that ask one of the units for help and wait for its answer, the nearest date first.
pub fn help_asked_of(tx: &mut Tx, unit_ids: &[String]) -> Result<Vec<Block>, StoreError> {
    Ok(block::table
        .filter(block::helper_unit_id.eq_any(unit_ids))
        .filter(block::cleared_at.is_null())
        .filter(block::answered_at.is_null())
        .order(block::due_on)
        .select(Block::as_select())
        .load(tx.0)?)
}

/// Open blocks that nobody answered, whose date has come.
pub fn unanswered_help(tx: &mut Tx, today: NaiveDate) -> Result<Vec<Block>, StoreError> {
    Ok(block::table
        .filter(block::cleared_at.is_null())
        .filter(block::answered_at.is_null())
        .filter(block::due_on.le(today))
        .select(Block::as_select())
        .load(tx.0)?)
}

pub fn answer_block(
    tx: &mut Tx,
    id: &str,
    answer: &str,
    person_id: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let answered = diesel::update(block::table.find(id).filter(block::cleared_at.is_null()))
        .set((block::answer.eq(answer), block::answered_by.eq(person_id), block::answered_at.eq(now)))
        .execute(tx.0)?;
    Ok(answered == 1)
}

pub fn clear_block(
    tx: &mut Tx,
    id: &str,
    resolution: &str,
    person_id: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let cleared = diesel::update(block::table.find(id).filter(block::cleared_at.is_null()))
        .set((block::resolution.eq(resolution), block::cleared_by.eq(person_id), block::cleared_at.eq(now)))
        .execute(tx.0)?;
    Ok(cleared == 1)
}

pub fn decide_extension(
    tx: &mut Tx,
    id: &str,
    granted_due_on: Option<NaiveDate>,
    note: &str,
    person_id: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let decided = diesel::update(extension::table.find(id).filter(extension::decided_at.is_null()))
        .set((
            extension::granted.eq(granted_due_on.is_some()),
            extension::granted_due_on.eq(granted_due_on),
            extension::note.eq(note),
            extension::decided_by.eq(person_id),
            extension::decided_at.eq(now),
        ))
        .execute(tx.0)?;
    Ok(decided == 1)
}

/// The head's word on what was handed in.
pub fn sign_off(tx: &mut Tx, task_id: &str, round: i32, person_id: &str) -> Result<(), StoreError> {
    diesel::update(submission::table.filter(submission::task_id.eq(task_id)).filter(submission::round.eq(round)))
        .set((submission::signed_off_by.eq(person_id), submission::awaits_sign_off.eq(false)))
        .execute(tx.0)?;
    Ok(())
}

/// Ids of tasks whose submission waits for the unit's head.
pub fn awaiting_sign_off(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let open = submission::table.filter(submission::awaits_sign_off.eq(true)).filter(submission::verdict_at.is_null());
    Ok(open.select(submission::task_id).load(tx.0)?)
}

/// The lead unit's first acceptance.
pub fn accept_first(
    tx: &mut Tx,
    task_id: &str,
    round: i32,
    person_id: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let accepted = diesel::update(
        submission::table
            .filter(submission::task_id.eq(task_id))
            .filter(submission::round.eq(round))
            .filter(submission::verdict_at.is_null()),
    )
    .set((submission::lead_accepted_by.eq(person_id), submission::lead_accepted_at.eq(now)))
    .execute(tx.0)?;
    Ok(accepted == 1)
}

/// What became of a submission.
#[derive(AsChangeset)]
#[diesel(table_name = submission)]
pub struct Verdict<'a> {
    pub accepted: bool,
    #[diesel(column_name = verdict_note)]
    pub note: &'a str,
    #[diesel(column_name = verdict_by)]
    pub person_id: &'a str,
    #[diesel(column_name = verdict_at)]
    pub at: NaiveDateTime,
}

/// It always changes all its columns.
impl QueryId for Verdict<'_> {
    type QueryId = Verdict<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

pub fn return_submission(tx: &mut Tx, task_id: &str, round: i32, verdict: Verdict) -> Result<(), StoreError> {
    diesel::update(
        submission::table
            .filter(submission::task_id.eq(task_id))
            .filter(submission::round.eq(round))
            .filter(submission::verdict_at.is_null()),
    )
    .set(verdict)
    .execute(tx.0)?;
    Ok(())
}

/// Whether there was a submission to accept: its unit's head has signed it off where that is wanted, and where
/// `managed_case` has a manager at `real_now`, that manager has accepted it first.
pub fn accept_submission(
    tx: &mut Tx,
    task_id: &str,
    round: i32,
    managed_case: Option<&str>,
    real_now: NaiveDateTime,
    verdict: Verdict,
) -> Result<bool, StoreError> {
    let manager = post::table
        .filter(post::case_id.eq(managed_case))
        .filter(post::role.eq(Role::LeadManager.code()))
        .filter(post::until.is_null().or(post::until.gt(real_now)));
    let ready = (submission::task_id.eq(task_id))
        .and(submission::round.eq(round))
        .and(submission::verdict_at.is_null())
        .and(submission::awaits_sign_off.eq(false))
        .and(submission::lead_accepted_at.is_not_null().or(not(exists(manager))));
    let judged = on_backend!(tx.0, c => update(submission::table, ready, verdict).execute(c))?;
    Ok(judged == 1)
}

/// Undecided extensions across all cases: what waits on the coordinator's desk.
pub fn open_extensions(tx: &mut Tx) -> Result<Vec<Extension>, StoreError> {
    Ok(extension::table
        .filter(extension::decided_at.is_null())
        .order(extension::asked_at)
        .select(Extension::as_select())
        .load(tx.0)?)
}

/// What somebody asked for and nobody has settled: what it is (a translation key) and its task's id.
pub fn raised_by(tx: &mut Tx, person_id: &str) -> Result<Vec<(&'static str, String)>, StoreError> {
    let blocks: Vec<String> = block::table
        .filter(block::raised_by.eq(person_id))
        .filter(block::cleared_at.is_null())
        .select(block::task_id)
        .load(tx.0)?;
    let extensions: Vec<String> = extension::table
        .filter(extension::asked_by.eq(person_id))
        .filter(extension::decided_at.is_null())
        .select(extension::task_id)
        .load(tx.0)?;
    let objections: Vec<String> = objection::table
        .filter(objection::raised_by.eq(person_id))
        .filter(objection::ruled_at.is_null())
        .select(objection::task_id)
        .load(tx.0)?;
    let named = |what: &'static str, ids: Vec<String>| ids.into_iter().map(move |id| (what, id));
    Ok(named("受阻", blocks).chain(named("延期申请", extensions)).chain(named("职责异议", objections)).collect())
}
