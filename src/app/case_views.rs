//! Cases as people read them: the list, and one case with its plan, lamp, figures and people.

use super::access::require_reading;
use super::follow_up::is_late;
use super::observing::pending_termination;
use super::plans::CasePlan;
use super::problems::weekly;
use super::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::{self, CaseMove, CaseState};
use crate::domain::task::TaskState;
use crate::plan::{Lamp, Plan, Schedule};
use crate::store::cases::{self, Approval, Case, CaseRole, Directive, ForceUnit};
use crate::store::events::{self, Event};
use crate::store::observations::{self, LookBack, Observation};
use crate::store::people;
use crate::store::plans::Task;
use std::collections::{HashMap, HashSet};

const TIMELINE: i64 = 200;

/// A case in a list.
#[derive(Debug, Clone)]
pub struct CaseLine {
    pub case: Case,
    pub lead: String,
    /// Only while it is in hand.
    pub lamp: Option<Lamp>,
    pub done: usize,
    pub total: usize,
    pub forecast: Option<chrono::NaiveDate>,
    /// Late or blocked tasks, the earliest due first.
    pub troubles: Vec<Trouble>,
    /// Tickets a week over a quarter, the oldest first.
    pub weekly: Vec<u32>,
    /// Of those weeks, how many the case has been open in, a begun one counted.
    pub weeks_open: usize,
}

impl CaseLine {
    /// Tickets a week on average before the case was opened, and in the last seven days. None when the quarter shown
    /// does not reach back that far.
    pub fn before_and_now(&self) -> Option<(u32, u32)> {
        let now = *self.weekly.last()?;
        let before =
            self.weekly.get(..self.weekly.len().checked_sub(self.weeks_open)?).filter(|weeks| !weeks.is_empty())?;
        let mean = f64::from(before.iter().sum::<u32>()) / before.len() as f64;
        Some((mean.round() as u32, now))
    }
}

/// What holds a case up, and who holds it.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub task: Task,
    pub unit: String,
    pub blocked: bool,
    /// Working days past its due date.
    pub late_days: i64,
}

/// One case, whole.
pub struct CaseView {
    pub line: CaseLine,
    pub plan: CasePlan,
    pub graph: Plan,
    pub schedule: Schedule,
    pub late: HashSet<String>,
    pub force: Vec<ForceUnit>,
    pub roles: Vec<CaseRole>,
    pub units: HashMap<String, String>,
    pub events: Vec<Event>,
    pub approvals: Vec<Approval>,
    pub observations: Vec<Observation>,
    pub look_backs: Vec<LookBack>,
    pub directives: Vec<Directive>,
    pub people: HashMap<String, String>,
    pub problem_ids: Vec<String>,
    /// The approval of an urgent case that has still to follow.
    pub awaits_approval: bool,
    /// Who asked for a termination that a second person has to confirm.
    pub termination_asked_by: Option<String>,
    pub may_shape: bool,
    pub may_issue: bool,
    pub may_end: bool,
    pub may_instruct: bool,
}

impl CaseView {
    /// The steps a draft can take before it is issued: the act's name and its label.
    pub fn preparations(&self) -> Vec<(&'static str, &'static str)> {
        let steps = [CaseMove::Consult, CaseMove::Approve];
        let possible = steps.into_iter().filter(|step| case::next_state(self.line.case.state, *step).is_ok());
        possible.map(|step| (step.code(), step.label())).collect()
    }
}

/// Names of all units by id.
pub fn unit_names(ctx: &mut Ctx) -> Result<HashMap<String, String>, Error> {
    Ok(people::units(&mut ctx.tx)?.into_iter().map(|unit| (unit.id, unit.name)).collect())
}

/// The cases the actor may read, open ones first, the worst lamp first.
pub fn list(ctx: &mut Ctx, states: &[CaseState]) -> Result<Vec<CaseLine>, Error> {
    let rows = if states.is_empty() { cases::all(&mut ctx.tx)? } else { cases::in_states(&mut ctx.tx, states)? };
    lines(ctx, rows)
}

/// Cases whose number, title or goal contains `text`, of those the actor may read.
pub fn containing(ctx: &mut Ctx, text: &str, limit: i64) -> Result<Vec<CaseLine>, Error> {
    let rows = cases::containing(&mut ctx.tx, text, limit)?;
    lines(ctx, rows)
}

fn lines(ctx: &mut Ctx, rows: Vec<Case>) -> Result<Vec<CaseLine>, Error> {
    let units = unit_names(ctx)?;
    let mut lines = Vec::new();
    for case in readable(ctx, rows)? {
        let plan = CasePlan::of(ctx, case)?.with_blocks(ctx)?;
        let graph = plan.graph(&ctx.app.clock)?;
        let schedule = plan.schedule(ctx, &graph);
        lines.push(line(ctx, &plan, &graph, &schedule, &units)?);
    }
    lines.sort_by_key(|line| (!line.case.state.is_open(), line.lamp, std::cmp::Reverse(line.case.no.clone())));
    Ok(lines)
}

fn readable(ctx: &mut Ctx, rows: Vec<Case>) -> Result<Vec<Case>, Error> {
    if ctx.actor.may(Action::ReadCase, &Default::default()) {
        return Ok(rows);
    }
    let paths = ctx.actor.unit_paths();
    let own: HashSet<String> = cases::with_force_below(&mut ctx.tx, &paths)?.into_iter().collect();
    let leads = |case: &Case| ctx.actor.posts.iter().any(|post| post.case_id.as_deref() == Some(&case.id));
    let sees = |case: &Case| (case.issued_at.is_some() && own.contains(&case.id)) || leads(case);
    Ok(rows.into_iter().filter(sees).collect())
}

fn line(
    ctx: &mut Ctx,
    plan: &CasePlan,
    graph: &Plan,
    schedule: &Schedule,
    units: &HashMap<String, String>,
) -> Result<CaseLine, Error> {
    let late: HashSet<String> =
        plan.tasks.iter().filter(|task| is_late(ctx, task)).map(|task| task.id.clone()).collect();
    let lamp = (plan.case.state == CaseState::Issued).then(|| {
        let p80 = plan.forecast(ctx, graph).map(|forecast| forecast.percentile(80));
        graph.lamp(schedule, p80, &|task| late.contains(&task.id), plan.case.deadline, ctx.today)
    });
    let counted = || plan.tasks.iter().filter(|task| task.state != TaskState::Cancelled);
    let mut troubles: Vec<Trouble> = plan
        .tasks
        .iter()
        .filter(|task| late.contains(&task.id) || plan.blocked.contains(&task.id))
        .map(|task| Trouble {
            unit: units.get(&task.unit_id).cloned().unwrap_or_default(),
            blocked: plan.blocked.contains(&task.id),
            late_days: task.due_on.map_or(0, |due| ctx.calendar.working_days_between(due, ctx.today).max(0)),
            task: task.clone(),
        })
        .collect();
    troubles.sort_by_key(|trouble| trouble.task.due_on);
    let weekly = match cases::problems_of(&mut ctx.tx, &plan.case.id)?.first() {
        Some(problem) => weekly(ctx, problem)?,
        None => Vec::new(),
    };
    Ok(CaseLine {
        lead: units.get(&plan.case.lead_unit_id).cloned().unwrap_or_default(),
        lamp,
        done: counted().filter(|task| task.state == TaskState::Done).count(),
        total: counted().count(),
        forecast: schedule.forecast,
        troubles,
        weekly,
        weeks_open: (ctx.now - plan.case.created_at).num_days().max(0) as usize / 7 + 1,
        case: plan.case.clone(),
    })
}

pub fn show(ctx: &mut Ctx, case_id: &str) -> Result<CaseView, Error> {
    let case = match cases::by_id(&mut ctx.tx, case_id)? {
        Some(case) => case,
        None => cases::by_no(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?,
    };
    require_reading(ctx, &case)?;
    let case_id = case.id.clone();
    let plan = CasePlan::of(ctx, case)?.with_blocks(ctx)?;
    let graph = plan.graph(&ctx.app.clock)?;
    let schedule = plan.schedule(ctx, &graph);
    let units = unit_names(ctx)?;
    let line = line(ctx, &plan, &graph, &schedule, &units)?;
    let late = plan.tasks.iter().filter(|task| is_late(ctx, task)).map(|task| task.id.clone()).collect();
    let approvals = cases::approvals_of(&mut ctx.tx, &case_id)?;
    let mut ids: Vec<String> = plan.tasks.iter().filter_map(|task| task.officer_id.clone()).collect();
    ids.extend(approvals.iter().map(|row| row.recorded_by.clone()));
    ids.push(plan.case.created_by.clone());
    let termination = pending_termination(ctx, &case_id)?;
    let mut may = |action| super::access::require_on_case(ctx, action, &case_id).is_ok();
    let (may_shape, may_issue) = (may(Action::ShapePlan), may(Action::IssueCase));
    let (may_end, may_instruct) = (may(Action::EndCase), may(Action::Instruct));
    Ok(CaseView {
        late,
        force: cases::force(&mut ctx.tx, &case_id)?,
        roles: cases::roles_of(&mut ctx.tx, &case_id)?,
        events: events::of_case(&mut ctx.tx, &case_id, TIMELINE)?,
        awaits_approval: approvals
            .iter()
            .any(|row| row.subject == case::ApprovalSubject::Issue && row.decided_on.is_none()),
        approvals,
        observations: observations::of_case(&mut ctx.tx, &case_id)?,
        look_backs: observations::look_backs_of(&mut ctx.tx, &case_id)?,
        directives: cases::directives_of(&mut ctx.tx, &case_id)?,
        people: people::names_of(&mut ctx.tx, &ids)?.into_iter().collect(),
        problem_ids: cases::problems_of(&mut ctx.tx, &case_id)?,
        termination_asked_by: termination.map(|row| row.recorded_by),
        line,
        plan,
        graph,
        schedule,
        units,
        may_shape,
        may_issue,
        may_end,
        may_instruct,
    })
}
