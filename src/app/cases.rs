//! A case's way: drafted from a problem, agreed on, issued, ended.

use super::access::require_on_case;
use super::plan_edits::blank_task;
use super::plans::CasePlan;
use super::tasks::required;
use super::{Ctx, Error, Owed, Recipient};
use crate::domain::access::{Action, Role};
use crate::domain::case::{self, ApprovalSubject, CaseMove, CaseState, Grade, ObservationRule, Part};
use crate::domain::notice::Stage;
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::playbook::{self, Playbook};
use crate::store::cases::{self, Approval, Case, CaseRole, Directive};
use crate::store::people::{self, PostRow};
use crate::store::plans::{self, Dependency, Task};
use crate::store::{house, new_id, problems};
use chrono::{Datelike, NaiveDate};
use serde_json::json;
use std::collections::HashMap;

/// A case as the coordinator drafts it.
#[derive(Debug, Clone, Default)]
pub struct NewCase {
    pub problem_ids: Vec<String>,
    pub title: String,
    pub goal: String,
    pub grade: Grade,
    pub lead_unit_id: String,
    /// Cooperating units beyond those the plan's tasks bring in.
    pub unit_ids: Vec<String>,
    pub deadline: NaiveDate,
    pub playbook_key: Option<String>,
    /// Which unit takes each of the playbook's roles.
    pub roles: HashMap<String, String>,
    /// The agreed wording for callers.
    pub answer: String,
    /// Overrides the playbook's rule.
    pub rule: Option<ObservationRule>,
}

/// By what right something is decided.
#[derive(Debug, Clone, Default)]
pub struct Basis {
    /// 批示, 会议纪要, 文号.
    pub basis: String,
    pub approver: String,
    pub decided_on: Option<NaiveDate>,
}

/// Drafts a case (拟立项). No unit learns of it. Gives its id.
pub fn open(ctx: &mut Ctx, new: NewCase) -> Result<String, Error> {
    ctx.require_anywhere(Action::OpenCase)?;
    let playbook = check(ctx, &new)?;
    let id = new_id();
    let year = ctx.today.year();
    let serial = house::next_number(&mut ctx.tx, &format!("case.{year}"))?;
    let no = format!("{}-{year}-{serial:04}", ctx.app.settings.case_prefix);
    let rule = new.rule.or_else(|| playbook.as_ref().map(|playbook| playbook.observation)).unwrap_or_default();
    let answer = if new.answer.trim().is_empty() {
        playbook.as_ref().map(|playbook| playbook.agreed_wording.clone()).unwrap_or_default()
    } else {
        new.answer.trim().to_owned()
    };
    let case = Case {
        id: id.clone(),
        no: no.clone(),
        title: new.title.trim().to_owned(),
        goal: new.goal.trim().to_owned(),
        state: CaseState::Draft,
        grade: new.grade,
        sensitive: false,
        lead_unit_id: new.lead_unit_id.clone(),
        original_deadline: new.deadline,
        deadline: new.deadline,
        round: 1,
        plan_revision: 0,
        answer_author: (!answer.is_empty()).then(|| ctx.actor.name.clone()),
        answer_until: (!answer.is_empty()).then_some(new.deadline),
        answer,
        playbook_key: playbook.as_ref().map(|playbook| playbook.key.clone()),
        playbook_hash: playbook.as_ref().map(Playbook::hash),
        playbook_text: playbook.as_ref().map(|playbook| playbook.text.clone()),
        playbook_parameters: playbook.as_ref().map(|_| json!(new.roles).to_string()),
        observation_rule: json!(rule).to_string(),
        issued_at: None,
        verifying_at: None,
        ended_at: None,
        end_reason: None,
        keeper_unit_id: None,
        version: 1,
        created_by: ctx.actor.id().to_owned(),
        created_at: ctx.now,
    };
    cases::insert(&mut ctx.tx, case)?;
    for problem_id in &new.problem_ids {
        cases::insert_problem(&mut ctx.tx, &id, problem_id, ctx.now)?;
    }
    let mut force = vec![(new.lead_unit_id.clone(), Part::Lead)];
    force.extend(new.unit_ids.iter().map(|unit| (unit.clone(), Part::Cooperating)));
    if let Some(playbook) = &playbook {
        force.extend(fill_plan(ctx, &id, playbook, &new.roles)?);
    }
    cases::insert_units(&mut ctx.tx, &id, &force, ctx.now)?;
    ctx.record(
        "case.opened",
        ("case", &id),
        Some(&id),
        json!({ "no": no, "title": new.title.trim(), "playbook": playbook.map(|p| p.key) }),
    );
    Ok(id)
}

fn check(ctx: &mut Ctx, new: &NewCase) -> Result<Option<Playbook>, Error> {
    let mut faults = Vec::new();
    let mut fault = |field, reason| faults.push(FieldError { field, reason });
    if new.title.trim().is_empty() {
        fault("title", Message::new("请填写专项名称"));
    } else if new.title.trim().chars().count() > 100 {
        fault("title", Message::new("不能超过 %{max} 字").with("max", 100));
    }
    if new.deadline <= ctx.today {
        fault("deadline", Message::new("期限应晚于今天"));
    }
    if people::unit_by_id(&mut ctx.tx, &new.lead_unit_id)?.is_none() {
        fault("lead_unit_id", Message::new("请选择牵头单位"));
    }
    for problem_id in &new.problem_ids {
        if problems::by_id(&mut ctx.tx, problem_id)?.is_none_or(|problem| problem.merged_into.is_some()) {
            fault("problem_ids", Message::new("没有这个共性问题"));
        } else if let Some(open) = cases::open_case_of(&mut ctx.tx, problem_id)? {
            fault("problem_ids", Message::new("该问题已有在办专项 %{no}").with("no", open.no));
        }
    }
    let playbook = match new.playbook_key.as_deref().filter(|key| !key.is_empty()) {
        None => None,
        Some(key) => {
            let found = playbook::by_key(key);
            match &found {
                None => fault("playbook_key", Message::new("没有这个办理模板")),
                Some(playbook) => {
                    if let Err(reason) = playbook::instantiate(playbook, &new.roles) {
                        fault("roles", reason);
                    }
                }
            }
            found
        }
    };
    if faults.is_empty() { Ok(playbook) } else { Err(Error::Invalid(faults)) }
}

/// Stores the playbook's tasks and dependencies; gives the units they bring into the force.
fn fill_plan(
    ctx: &mut Ctx,
    case_id: &str,
    playbook: &Playbook,
    roles: &HashMap<String, String>,
) -> Result<Vec<(String, Part)>, Error> {
    let draft = playbook::instantiate(playbook, roles).map_err(|reason| Error::field("roles", reason))?;
    let tasks: Vec<Task> = draft
        .tasks
        .into_iter()
        .map(|task| Task {
            title: task.title,
            description: task.description,
            acceptance: task.acceptance,
            evidence: task.evidence,
            outcome: task.outcome,
            unit_id: task.unit_id,
            template_key: Some(task.template_key),
            duration_optimistic: task.duration_optimistic,
            duration: task.duration,
            duration_pessimistic: task.duration_pessimistic,
            duration_unit: task.duration_unit,
            ..blank_task(ctx, case_id, task.no, 1)
        })
        .collect();
    let id_of: HashMap<i32, String> = tasks.iter().map(|task| (task.no, task.id.clone())).collect();
    let dependencies: Vec<Dependency> = draft
        .dependencies
        .into_iter()
        .map(|edge| Dependency {
            id: new_id(),
            case_id: case_id.to_owned(),
            predecessor_id: id_of[&edge.predecessor_no].clone(),
            successor_id: id_of[&edge.successor_no].clone(),
            kind: edge.kind,
            lag_days: edge.lag_days,
        })
        .collect();
    let units = tasks.iter().map(|task| (task.unit_id.clone(), Part::Cooperating)).collect();
    plans::insert_tasks(&mut ctx.tx, tasks)?;
    plans::insert_dependencies(&mut ctx.tx, dependencies)?;
    let roles: Vec<CaseRole> = playbook
        .roles
        .iter()
        .map(|role| CaseRole {
            case_id: case_id.to_owned(),
            role_key: role.key.clone(),
            name: role.title.clone(),
            unit_id: roles.get(&role.key).cloned(),
        })
        .collect();
    cases::insert_roles(&mut ctx.tx, &roles)?;
    Ok(units)
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
        if let Some(dates) = schedule.dates.get(&task.id) {
            task.baseline_start = Some(dates.start);
            task.baseline_finish = Some(dates.finish);
            plan.save(ctx, task)?;
        }
    }
    Ok(())
}

/// Moves the deadline, by what right; the original one stays on record.
pub fn move_deadline(
    ctx: &mut Ctx,
    case_id: &str,
    version: i64,
    deadline: NaiveDate,
    basis: Basis,
) -> Result<(), Error> {
    let mut case = load(ctx, case_id, version, Action::IssueCase)?;
    if deadline <= ctx.today {
        return Err(Error::field("deadline", Message::new("期限应晚于今天")));
    }
    let approval = approval(ctx, case_id, ApprovalSubject::Deadline, basis, None, false)?;
    ctx.record(
        "case.deadline_moved",
        ("case", case_id),
        Some(case_id),
        json!({ "from": case.deadline, "to": deadline, "basis": approval.basis }),
    );
    cases::insert_approval(&mut ctx.tx, approval)?;
    case.deadline = deadline;
    save(ctx, &mut case)
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

/// A leader's written instruction (批示).
pub fn instruct(ctx: &mut Ctx, case_id: &str, text: String, due_on: Option<NaiveDate>) -> Result<(), Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_on_case(ctx, Action::Instruct, case_id)?;
    let row = Directive {
        id: new_id(),
        case_id: case_id.to_owned(),
        text: required("text", text)?,
        leader: ctx.actor.name.clone(),
        due_on,
        recorded_by: ctx.actor.id().to_owned(),
        at: ctx.now,
        report: None,
        reported_at: None,
    };
    cases::insert_directive(&mut ctx.tx, &row)?;
    ctx.record("case.instructed", ("case", case_id), Some(case_id), json!({ "no": case.no, "due_on": due_on }));
    Ok(())
}

pub fn report_directive(ctx: &mut Ctx, case_id: &str, directive_id: &str, report: String) -> Result<(), Error> {
    require_on_case(ctx, Action::IssueCase, case_id)?;
    let report = required("report", report)?;
    if !cases::report_directive(&mut ctx.tx, directive_id, &report, ctx.now)? {
        return Err(Error::NotFound);
    }
    ctx.record("case.directive_reported", ("case", case_id), Some(case_id), json!({}));
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
    require_on_case(ctx, action, case_id)?;
    same_version(&case, version)?;
    if !case.state.is_open() {
        return Err(Error::Refused(Message::new("专项现在是“%{state}”，不能修改。").with("state", case.state.label())));
    }
    Ok(case)
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

/// The approval row of a decision that needs its basis at once.
pub fn approve(ctx: &mut Ctx, case_id: &str, subject: ApprovalSubject, basis: Basis) -> Result<Approval, Error> {
    let row = approval(ctx, case_id, subject, basis, None, false)?;
    cases::insert_approval(&mut ctx.tx, row.clone())?;
    Ok(row)
}
