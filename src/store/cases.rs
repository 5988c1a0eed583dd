//! Cases and what belongs to a case as a whole.

use super::conn::on_backend;
use super::schema::{
    approval, attachment, case_order, case_problem, case_role, case_unit, cases, directive, event, mail, problem, task,
    unit, webhook_delivery,
};
use super::{StoreError, Tx};
use crate::domain::case::{ApprovalSubject, CaseState, Grade, Part};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = cases)]
pub struct Case {
    pub id: String,
    /// What people call it: `ZX-2026-0007`.
    pub no: String,
    pub title: String,
    pub goal: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: CaseState,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub grade: Grade,
    pub sensitive: bool,
    pub lead_unit_id: String,
    pub original_deadline: NaiveDate,
    pub deadline: NaiveDate,
    pub round: i32,
    pub plan_revision: i64,
    /// The agreed wording for callers (答复口径).
    pub answer: String,
    pub answer_author: Option<String>,
    pub answer_until: Option<NaiveDate>,
    pub playbook_key: Option<String>,
    pub playbook_hash: Option<String>,
    pub playbook_text: Option<String>,
    pub playbook_parameters: Option<String>,
    /// JSON of [`crate::domain::case::ObservationRule`].
    pub observation_rule: String,
    pub issued_at: Option<NaiveDateTime>,
    pub verifying_at: Option<NaiveDateTime>,
    pub ended_at: Option<NaiveDateTime>,
    pub end_reason: Option<String>,
    /// The unit that keeps it cured (长效管护).
    pub keeper_unit_id: Option<String>,
    pub version: i64,
    pub created_by: String,
    pub created_at: NaiveDateTime,
    /// Who looks after it now.
    pub coordinator_id: Option<String>,
}

impl Case {
    /// Who looks after it: whoever opened it, until it was handed over.
    pub fn coordinator(&self) -> &str {
        self.coordinator_id.as_deref().unwrap_or(&self.created_by)
    }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = approval)]
pub struct Approval {
    pub id: String,
    pub case_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub subject: ApprovalSubject,
    /// 批示, 会议纪要, 文号.
    pub basis: String,
    pub approver: String,
    /// Empty while an urgent case was issued first and is approved after.
    pub decided_on: Option<NaiveDate>,
    pub reason: Option<String>,
    pub file_id: Option<String>,
    pub recorded_by: String,
    pub recorded_at: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = case_role)]
pub struct CaseRole {
    pub case_id: String,
    pub role_key: String,
    pub name: String,
    pub unit_id: Option<String>,
}

/// A unit of a task force, with what authorisation and pages need of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ForceUnit {
    pub unit_id: String,
    pub name: String,
    pub path: String,
    pub part: Part,
}

pub fn insert(tx: &mut Tx, row: Case) -> Result<(), StoreError> {
    diesel::insert_into(cases::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Case>, StoreError> {
    Ok(on_backend!(tx.0, c => cases::table.find(id).select(Case::as_select()).first(c).optional())?)
}

pub fn by_no(tx: &mut Tx, no: &str) -> Result<Option<Case>, StoreError> {
    Ok(cases::table.filter(cases::no.eq(no)).select(Case::as_select()).first(tx.0).optional()?)
}

pub fn all(tx: &mut Tx) -> Result<Vec<Case>, StoreError> {
    Ok(cases::table.order(cases::no.desc()).select(Case::as_select()).load(tx.0)?)
}

/// Cases that began from a playbook, the newest first.
pub fn of_playbook(tx: &mut Tx, key: &str) -> Result<Vec<Case>, StoreError> {
    let own = cases::table.filter(cases::playbook_key.eq(key));
    Ok(own.order(cases::no.desc()).select(Case::as_select()).load(tx.0)?)
}

/// The newest cases whose number, title or goal contains `text`.
pub fn containing(tx: &mut Tx, text: &str, limit: i64) -> Result<Vec<Case>, StoreError> {
    let like = super::tickets::containing(text);
    let matches = cases::no
        .like(like.clone())
        .escape('\\')
        .or(cases::title.like(like.clone()).escape('\\'))
        .or(cases::goal.like(like).escape('\\'));
    Ok(cases::table.filter(matches).order(cases::no.desc()).limit(limit).select(Case::as_select()).load(tx.0)?)
}

pub fn in_states(tx: &mut Tx, states: &[CaseState]) -> Result<Vec<Case>, StoreError> {
    let codes: Vec<&str> = states.iter().map(|state| state.code()).collect();
    Ok(cases::table.filter(cases::state.eq_any(codes)).order(cases::no.desc()).select(Case::as_select()).load(tx.0)?)
}

pub fn count_in_states(tx: &mut Tx, states: &[CaseState]) -> Result<i64, StoreError> {
    let codes: Vec<&str> = states.iter().map(|state| state.code()).collect();
    Ok(cases::table.filter(cases::state.eq_any(codes)).count().get_result(tx.0)?)
}

/// Saves everything about a case that can change, when its stored version is still `row.version`.
pub fn save(tx: &mut Tx, row: &Case) -> Result<bool, StoreError> {
    let changed = diesel::update(cases::table.filter(cases::id.eq(&row.id)).filter(cases::version.eq(row.version)))
        .set((
            (
                cases::title.eq(&row.title),
                cases::goal.eq(&row.goal),
                cases::state.eq(row.state.code()),
                cases::grade.eq(row.grade.code()),
                cases::sensitive.eq(row.sensitive),
                cases::lead_unit_id.eq(&row.lead_unit_id),
                cases::deadline.eq(row.deadline),
                cases::original_deadline.eq(row.original_deadline),
                cases::round.eq(row.round),
            ),
            (
                cases::answer.eq(&row.answer),
                cases::answer_author.eq(&row.answer_author),
                cases::answer_until.eq(row.answer_until),
                cases::observation_rule.eq(&row.observation_rule),
                cases::issued_at.eq(row.issued_at),
                cases::verifying_at.eq(row.verifying_at),
                cases::ended_at.eq(row.ended_at),
                cases::end_reason.eq(&row.end_reason),
                cases::keeper_unit_id.eq(&row.keeper_unit_id),
                cases::version.eq(row.version + 1),
            ),
        ))
        .execute(tx.0)?;
    Ok(changed == 1)
}

pub fn insert_units(
    tx: &mut Tx,
    case_id: &str,
    units: &[(String, Part)],
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    for (unit_id, part) in units {
        let row = (
            case_unit::case_id.eq(case_id),
            case_unit::unit_id.eq(unit_id),
            case_unit::part.eq(part.code()),
            case_unit::since.eq(now),
        );
        on_backend!(tx.0, c => diesel::insert_into(case_unit::table).values(row).on_conflict_do_nothing().execute(c))?;
    }
    Ok(())
}

/// The task force, lead unit first.
pub fn force(tx: &mut Tx, case_id: &str) -> Result<Vec<ForceUnit>, StoreError> {
    let rows: Vec<(String, String, String, String)> = on_backend!(tx.0, c => case_unit::table
        .inner_join(unit::table.on(unit::id.eq(case_unit::unit_id)))
        .filter(case_unit::case_id.eq(case_id))
        .order((case_unit::part.desc(), case_unit::since, unit::path))
        .select((case_unit::unit_id, unit::name, unit::path, case_unit::part))
        .load(c))?;
    Ok(rows
        .into_iter()
        .filter_map(|(unit_id, name, path, part)| Some(ForceUnit { unit_id, name, path, part: Part::parse(&part)? }))
        .collect())
}

/// Paths of the units that take part in a case: those of its force, and sections that hold a task of it.
pub fn participants(tx: &mut Tx, case_id: &str) -> Result<Vec<String>, StoreError> {
    let of_force = case_unit::table.filter(case_unit::case_id.eq(case_id)).select(case_unit::unit_id);
    let of_tasks = task::table.filter(task::case_id.eq(case_id)).select(task::unit_id);
    Ok(unit::table.filter(unit::id.eq_any(of_force).or(unit::id.eq_any(of_tasks))).select(unit::path).load(tx.0)?)
}

/// Ids of cases that a unit below one of `paths` takes part in.
pub fn with_participant_below(tx: &mut Tx, paths: &[String]) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    for path in paths {
        let below = unit::table.filter(unit::path.like(format!("{path}%"))).select(unit::id);
        let of_force = case_unit::table.filter(case_unit::unit_id.eq_any(below.clone())).select(case_unit::case_id);
        let of_tasks = task::table.filter(task::unit_id.eq_any(below)).select(task::case_id);
        ids.extend(of_force.distinct().load::<String>(tx.0)?);
        ids.extend(of_tasks.distinct().load::<String>(tx.0)?);
    }
    Ok(ids)
}

pub fn insert_roles(tx: &mut Tx, rows: &[CaseRole]) -> Result<(), StoreError> {
    on_backend!(tx.0, c => diesel::insert_into(case_role::table).values(rows).execute(c))?;
    Ok(())
}

pub fn roles_of(tx: &mut Tx, case_id: &str) -> Result<Vec<CaseRole>, StoreError> {
    Ok(case_role::table.filter(case_role::case_id.eq(case_id)).select(CaseRole::as_select()).load(tx.0)?)
}

/// Ties a problem to a case. A problem has at most one open case: the second hits the unique rule.
pub fn insert_problem(tx: &mut Tx, case_id: &str, problem_id: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    let row = (case_problem::case_id.eq(case_id), case_problem::problem_id.eq(problem_id), case_problem::since.eq(now));
    diesel::insert_into(case_problem::table).values(row).execute(tx.0)?;
    Ok(())
}

/// Ids of the problems of a case, also of one that has ended.
pub fn problems_of(tx: &mut Tx, case_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on_backend!(tx.0, c => case_problem::table
        .filter(case_problem::case_id.eq(case_id))
        .order(case_problem::since)
        .select(case_problem::problem_id)
        .load(c))?)
}

/// The open case of a problem, or of the theme that it is under; its own first.
pub fn open_case_of(tx: &mut Tx, problem_id: &str) -> Result<Option<Case>, StoreError> {
    Ok(cases::table
        .inner_join(case_problem::table.on(case_problem::case_id.eq(cases::id)))
        .filter(
            case_problem::problem_id.eq(problem_id).or(case_problem::problem_id
                .nullable()
                .eq_any(problem::table.find(problem_id).select(problem::parent_id))),
        )
        .filter(case_problem::until.is_null())
        .order(case_problem::problem_id.ne(problem_id))
        .select(Case::as_select())
        .first(tx.0)
        .optional()?)
}

/// The open cases of these problems or of the themes that they are under, each with its problem.
pub fn open_cases_of<'p>(
    tx: &mut Tx,
    problems: impl IntoIterator<Item = &'p String>,
) -> Result<Vec<(String, Case)>, StoreError> {
    let problems: Vec<&String> = problems.into_iter().collect();
    let themes: Vec<(String, Option<String>)> =
        problem::table.filter(problem::id.eq_any(problems)).select((problem::id, problem::parent_id)).load(tx.0)?;
    let with_themes: Vec<&String> =
        themes.iter().flat_map(|(id, theme)| [Some(id), theme.as_ref()]).flatten().collect();
    let under_way: Vec<(String, Case)> = case_problem::table
        .inner_join(cases::table.on(cases::id.eq(case_problem::case_id)))
        .filter(case_problem::problem_id.eq_any(with_themes))
        .filter(case_problem::until.is_null())
        .select((case_problem::problem_id, Case::as_select()))
        .load(tx.0)?;
    let mut found = Vec::new();
    for (id, theme) in &themes {
        let of_it = under_way.iter().filter(|(problem, _)| problem == id || Some(problem) == theme.as_ref());
        found.extend(of_it.map(|(_, case)| (id.clone(), case.clone())));
    }
    Ok(found)
}

/// Frees the problems of a case that ended, or (with `None`) takes them again when it is reopened.
pub fn set_problems_until(tx: &mut Tx, case_id: &str, until: Option<NaiveDateTime>) -> Result<(), StoreError> {
    diesel::update(case_problem::table.filter(case_problem::case_id.eq(case_id)))
        .set(case_problem::until.eq(until))
        .execute(tx.0)?;
    Ok(())
}

pub fn insert_approval(tx: &mut Tx, row: Approval) -> Result<(), StoreError> {
    diesel::insert_into(approval::table).values(row).execute(tx.0)?;
    Ok(())
}

pub fn approvals_of(tx: &mut Tx, case_id: &str) -> Result<Vec<Approval>, StoreError> {
    Ok(on_backend!(tx.0, c => approval::table
        .filter(approval::case_id.eq(case_id))
        .order(approval::recorded_at)
        .select(Approval::as_select())
        .load(c))?)
}

/// Fills in the approval an urgent case was issued before.
pub fn complete_approval(
    tx: &mut Tx,
    id: &str,
    basis: &str,
    approver: &str,
    decided_on: NaiveDate,
) -> Result<bool, StoreError> {
    let completed = diesel::update(approval::table.find(id).filter(approval::decided_on.is_null()))
        .set((approval::basis.eq(basis), approval::approver.eq(approver), approval::decided_on.eq(decided_on)))
        .execute(tx.0)?;
    Ok(completed == 1)
}

/// Open cases that somebody looks after.
pub fn coordinated_by(tx: &mut Tx, person_id: &str) -> Result<Vec<Case>, StoreError> {
    Ok(cases::table
        .filter(cases::coordinator_id.eq(person_id))
        .filter(cases::ended_at.is_null())
        .order(cases::no)
        .select(Case::as_select())
        .load(tx.0)?)
}

pub fn set_coordinator(tx: &mut Tx, case_id: &str, person_id: &str) -> Result<(), StoreError> {
    diesel::update(cases::table.find(case_id))
        .set((cases::coordinator_id.eq(person_id), cases::version.eq(cases::version + 1)))
        .execute(tx.0)?;
    Ok(())
}

/// How much of a case there is to read.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub events: i64,
    /// Attached now.
    pub tickets: i64,
    /// Mails, and messages of the other channels.
    pub sent: i64,
    pub directives: i64,
    /// Whether a leader gave it a place among the open cases.
    pub is_ordered: bool,
}

pub fn counts(tx: &mut Tx, case_id: &str) -> Result<Counts, StoreError> {
    let events = event::table.filter(event::case_id.eq(case_id)).count();
    let attached = attachment::table.filter(attachment::case_id.eq(case_id)).filter(attachment::until.is_null());
    let mails = mail::table.filter(mail::case_id.eq(case_id)).count();
    let messages = webhook_delivery::table.filter(webhook_delivery::case_id.eq(case_id));
    let messages = messages.filter(webhook_delivery::recipient_id.is_not_null()).count();
    let directives = directive::table.filter(directive::case_id.eq(case_id)).count();
    let all = diesel::select((
        events.single_value(),
        attached.count().single_value(),
        mails.single_value(),
        messages.single_value(),
        directives.single_value(),
        diesel::dsl::exists(case_order::table.find(case_id)),
    ));
    type Counted = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, bool);
    let counted: Counted = on_backend!(tx.0, c => all.get_result(c))?;
    let (events, tickets, mails, messages, directives, is_ordered) = counted;
    let [events, tickets, mails, messages, directives] =
        [events, tickets, mails, messages, directives].map(Option::unwrap_or_default);
    Ok(Counts { events, tickets, sent: mails + messages, directives, is_ordered })
}
