//! Drafting a case (拟立项) from problems and a playbook.

use crate::app::plans::plan_changes::blank_task;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::{CaseState, Grade, ObservationRule, Part};
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::playbook::{self, Playbook};
use crate::store::cases::{self, Case, CaseRole};
use crate::store::plans::{self, Dependency, Task};
use crate::store::{house, new_id, people, problems};
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
    /// What was answered to the playbook's parameters; the default where nothing was.
    pub parameters: HashMap<String, String>,
    /// The agreed wording for callers.
    pub answer: String,
    /// Overrides the playbook's rule.
    pub rule: Option<ObservationRule>,
}

/// Drafts a case (拟立项). No unit learns of it. Gives its id.
pub fn open(ctx: &mut Ctx, new: NewCase) -> Result<String, Error> {
    ctx.require_anywhere(Action::OpenCase)?;
    let playbook = check(ctx, &new)?;
    let id = new_id();
    let year = ctx.today.year();
    let serial = house::next_number(&mut ctx.tx, &format!("case.{year}"))?;
    let no = format!("{}-{year}-{serial:04}", ctx.app.settings.case_prefix);
    let rule = new.rule.or_else(|| playbook.as_ref().map(|playbook| playbook.observation.rule())).unwrap_or_default();
    let answer = if new.answer.trim().is_empty() {
        let wording = |book: &Playbook| playbook::filled(book, &book.agreed_wording, &new.parameters);
        playbook.as_ref().map(wording).unwrap_or_default()
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
        playbook_parameters: playbook
            .as_ref()
            .map(|_| json!({ "roles": new.roles, "parameters": new.parameters }).to_string()),
        observation_rule: json!(rule).to_string(),
        issued_at: None,
        verifying_at: None,
        ended_at: None,
        end_reason: None,
        keeper_unit_id: None,
        version: 1,
        created_by: ctx.actor.id().to_owned(),
        created_at: ctx.now,
        coordinator_id: Some(ctx.actor.id().to_owned()),
    };
    cases::insert(&mut ctx.tx, case)?;
    for problem_id in &new.problem_ids {
        cases::insert_problem(&mut ctx.tx, &id, problem_id, ctx.now)?;
    }
    let mut force = vec![(new.lead_unit_id.clone(), Part::Lead)];
    force.extend(new.unit_ids.iter().map(|unit| (unit.clone(), Part::Cooperating)));
    if let Some(playbook) = &playbook {
        force.extend(fill_plan(ctx, &id, playbook, &new)?);
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
                    if let Err(reason) = playbook::instantiate(playbook, &new.roles, &new.parameters) {
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
fn fill_plan(ctx: &mut Ctx, case_id: &str, playbook: &Playbook, new: &NewCase) -> Result<Vec<(String, Part)>, Error> {
    let draft =
        playbook::instantiate(playbook, &new.roles, &new.parameters).map_err(|reason| Error::field("roles", reason))?;
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
            unit_id: new.roles.get(&role.key).cloned(),
        })
        .collect();
    cases::insert_roles(&mut ctx.tx, &roles)?;
    Ok(units)
}
