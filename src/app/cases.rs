//! A case's way after it is drafted: agreed on, issued.

pub mod before_assigning;
pub mod case_people;
pub mod case_views;
pub mod consulting;
pub mod deadline;
pub mod drafting;
pub mod learning;
pub mod meetings;
pub mod observation;
pub mod observing;
pub mod ordering;

use super::access::require_on_case;
use super::plans::CasePlan;
use super::tasks::required;
use super::{Ctx, Error, Owed, Recipient};
use crate::domain::access::{Action, Role};
use crate::domain::case::{self, ApprovalSubject, CaseMove, Grade};
use crate::domain::notice::Stage;
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::store::cases::{self, Approval, Case};
use crate::store::new_id;
use crate::store::people::{self, PostRow};
use chrono::NaiveDate;
use serde_json::json;

/// By what right something is decided.
#[derive(Debug, Clone, Default)]
pub struct Basis {
    /// 批示, 会议纪要, 文号.
    pub basis: String,
    pub approver: String,
    pub decided_on: Option<NaiveDate>,
}

/// What of a case can be edited at any time before it ends.
#[derive(Debug, Clone)]
pub struct CaseEdit {
    pub title: String,
    pub goal: String,
    pub answer: String,
    pub answer_until: Option<NaiveDate>,
}

pub fn edit(ctx: &mut Ctx, case_id: &str, version: i64, edit: CaseEdit) -> Result<(), Error> {
    let mut case = load(ctx, case_id, version, Action::OpenCase)?;
    let title = required("title", edit.title)?;
    if case.answer != edit.answer.trim() {
        case.answer_author = Some(ctx.actor.name.clone());
    }
    (case.title, case.goal) = (title, edit.goal.trim().to_owned());
    (case.answer, case.answer_until) = (edit.answer.trim().to_owned(), edit.answer_until);
    ctx.record("case.edited", ("case", case_id), Some(case_id), json!({ "title": case.title }));
    save(ctx, &mut case)
}

/// Moves a draft on towards its approval (征求意见, 报批).
pub fn prepare(ctx: &mut Ctx, case_id: &str, version: i64, step: CaseMove) -> Result<(), Error> {
    if !matches!(step, CaseMove::Consult | CaseMove::Approve) {
        return Err(Error::Refused(Message::new("这一步不能这样办理。")));
    }
    let mut case = load(ctx, case_id, version, Action::OpenCase)?;
    case.state = case::next_state(case.state, step).map_err(Error::Refused)?;
    ctx.record(&format!("case.{}", step.code()), ("case", case_id), Some(case_id), json!({ "no": case.no }));
    save(ctx, &mut case)
}

/// Issues the case (交办): names by what right, releases the first tasks, and owes every unit of the force its notice.
/// An urgent one may be issued first and approved after, with the reason.
pub fn issue(
    ctx: &mut Ctx,
    case_id: &str,
    version: i64,
    basis: Basis,
    urgent_reason: Option<String>,
) -> Result<(), Error> {
    let mut plan = CasePlan::take(ctx, case_id)?;
    require_on_case(ctx, Action::IssueCase, case_id)?;
    same_version(&plan.case, version)?;
    plan.case.state = case::next_state(plan.case.state, CaseMove::Issue).map_err(Error::Refused)?;
    if plan.tasks.is_empty() {
        return Err(Error::Refused(Message::new("计划中还没有任务，不能交办。")));
    }
    let reason = urgent_reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    let approval = approval(ctx, case_id, ApprovalSubject::Issue, basis, reason, plan.case.grade == Grade::Urgent)?;
    ctx.record(
        "case.issued",
        ("case", case_id),
        Some(case_id),
        json!({ "no": plan.case.no, "basis": approval.basis, "approver": approval.approver, "decided_on": approval.decided_on, "urgent": approval.reason }),
    );
    cases::insert_approval(&mut ctx.tx, approval)?;
    plan.case.issued_at = Some(ctx.now);
    save(ctx, &mut plan.case)?;
    set_baseline(ctx, &mut plan)?;
    tell_force(ctx, &plan.case, Stage::CaseIssued, plan.case.round, "")?;
    plan.settle(ctx)
}

fn approval(
    ctx: &Ctx,
    case_id: &str,
    subject: ApprovalSubject,
    basis: Basis,
    reason: Option<String>,
    may_follow: bool,
) -> Result<Approval, Error> {
    let follows = may_follow && reason.is_some() && basis.decided_on.is_none();
    let mut faults = Vec::new();
    let mut fault =
        |field| faults.push(FieldError { field, reason: Message::new("请填写依据、批准人和日期") });
    if !follows {
        if basis.basis.trim().is_empty() {
            fault("basis");
        }
        if basis.approver.trim().is_empty() {
            fault("approver");
        }
        if basis.decided_on.is_none_or(|day| day > ctx.today) {
            fault("decided_on");
        }
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    Ok(Approval {
        id: new_id(),
        case_id: case_id.to_owned(),
        subject,
        basis: basis.basis.trim().to_owned(),
        approver: basis.approver.trim().to_owned(),
        decided_on: basis.decided_on,
        reason,
        file_id: None,
        recorded_by: ctx.actor.id().to_owned(),
        recorded_at: ctx.now,
    })
}

/// Fills in the approval of a case that was issued first.
pub fn complete_approval(ctx: &mut Ctx, case_id: &str, basis: Basis) -> Result<(), Error> {
    require_on_case(ctx, Action::IssueCase, case_id)?;
    let pending = cases::approvals_of(&mut ctx.tx, case_id)?
        .into_iter()
        .find(|row| row.subject == ApprovalSubject::Issue && row.decided_on.is_none())
        .ok_or_else(|| Error::Refused(Message::new("没有待补的审批。")))?;
    let checked = approval(ctx, case_id, ApprovalSubject::Issue, basis, None, false)?;
    let Some(decided_on) = checked.decided_on else { return Err(Error::NotFound) };
    cases::complete_approval(&mut ctx.tx, &pending.id, &checked.basis, &checked.approver, decided_on)?;
    ctx.record(
        "case.approved_after",
        ("case", case_id),
        Some(case_id),
        json!({ "basis": checked.basis, "approver": checked.approver }),
    );
    Ok(())
}

/// What was planned when the case was issued stays as its baseline.
fn set_baseline(ctx: &mut Ctx, plan: &mut CasePlan) -> Result<(), Error> {
    let graph = plan.graph(&ctx.app.clock)?;
    let schedule = plan.schedule(ctx, &graph);
    for mut task in plan.tasks.clone() {
        if let Some(dates) = schedule.dates(&task.id) {
            task.baseline_start = Some(dates.start);
            task.baseline_finish = Some(dates.finish);
            plan.save(ctx, task)?;
        }
    }
    Ok(())
}

/// Makes a person of the lead unit this case's manager.
pub fn set_manager(ctx: &mut Ctx, case_id: &str, person_id: &str) -> Result<(), Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_on_case(ctx, Action::IssueCase, case_id)?;
    people::person_by_id(&mut ctx.tx, person_id)?
        .ok_or_else(|| Error::field("person_id", Message::new("没有这个人")))?;
    let row = PostRow {
        id: new_id(),
        person_id: person_id.to_owned(),
        role: Role::LeadManager,
        unit_id: Some(case.lead_unit_id),
        case_id: Some(case_id.to_owned()),
        since: ctx.now,
        until: None,
    };
    people::insert_posts(&mut ctx.tx, vec![row])?;
    ctx.record("case.manager_set", ("case", case_id), Some(case_id), json!({ "person": person_id }));
    Ok(())
}

/// Owes a notice about the case to every unit of its force.
pub fn tell_force(ctx: &mut Ctx, case: &Case, stage: Stage, cycle: i32, detail: &str) -> Result<(), Error> {
    for member in cases::force(&mut ctx.tx, &case.id)? {
        ctx.owe(Owed {
            subject_kind: "case",
            subject_id: &case.id,
            stage,
            recipient: Recipient::Unit(&member.unit_id),
            cycle,
            case_id: Some(&case.id),
            detail,
        });
    }
    Ok(())
}

/// Loads a case for a change: the actor may make it, and it is still the version that was read.
pub fn load(ctx: &mut Ctx, case_id: &str, version: i64, action: Action) -> Result<Case, Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    open_at(ctx, &case, version, action)?;
    Ok(case)
}

/// Refuses a change of a case that the actor may not make, that is another version by now, or that has ended.
pub fn open_at(ctx: &mut Ctx, case: &Case, version: i64, action: Action) -> Result<(), Error> {
    require_on_case(ctx, action, &case.id)?;
    same_version(case, version)?;
    if !case.state.is_open() {
        return Err(Error::Refused(Message::new("专项现在是“%{state}”，不能修改。").with("state", case.state.label())));
    }
    Ok(())
}

pub fn same_version(case: &Case, version: i64) -> Result<(), Error> {
    if case.version == version { Ok(()) } else { Err(Error::Stale { yours: version, current: case.version }) }
}

/// Saves a case at the version it was read in.
pub fn save(ctx: &mut Ctx, case: &mut Case) -> Result<(), Error> {
    if !cases::save(&mut ctx.tx, case)? {
        let current = cases::by_id(&mut ctx.tx, &case.id)?.ok_or(Error::NotFound)?.version;
        return Err(Error::Stale { yours: case.version, current });
    }
    case.version += 1;
    Ok(())
}

/// The approval row of a decision that needs its basis at once, with a remark where there is one.
pub fn approve(
    ctx: &mut Ctx,
    case_id: &str,
    subject: ApprovalSubject,
    basis: Basis,
    remark: Option<String>,
) -> Result<Approval, Error> {
    let row = approval(ctx, case_id, subject, basis, remark, false)?;
    cases::insert_approval(&mut ctx.tx, row.clone())?;
    Ok(row)
}
