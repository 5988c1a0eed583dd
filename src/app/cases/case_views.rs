//! Cases as people read them: the list, and one case with its plan, lamp, figures and people.

use crate::app::access::{require_on_case, require_reading};
use crate::app::cases::ordering;
use crate::app::directives;
use crate::app::plans::follow_up::is_late;
use crate::app::plans::outlook::{self, Upcoming, is_critical};
use crate::app::plans::{CasePlan, Likely};
use crate::app::problems::weekly;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::{self, ApprovalSubject, CaseMove, CaseState, Part};
use crate::domain::task::TaskState;
use crate::lang::Message;
use crate::plan::{Lamp, Plan, Schedule};
use crate::store::case_order::Ordered;
use crate::store::cases::{self, Approval, Case, Counts, ForceUnit};
use crate::store::observations::{self, LookBack, Observation};
use crate::store::people;
use crate::store::plans::Task;
use crate::store::tasks::{self, Report};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A case in a list.
#[derive(Debug, Clone)]
pub struct CaseLine {
    pub case: Case,
    pub lead: String,
    /// Its place in a leader's order; 1 comes first.
    pub position: Option<i32>,
    /// Only while it is in hand.
    pub lamp: Option<Lamp>,
    /// Why the lamp burns.
    pub reason: Option<Message>,
    /// Working days until the deadline; negative when it has passed.
    pub days_left: i64,
    /// Working days the forecast is past the deadline; negative when it is before.
    pub drift: i64,
    /// The same against the deadline the case began with.
    pub drift_from_original: i64,
    pub done: usize,
    pub total: usize,
    pub forecast: Option<chrono::NaiveDate>,
    /// Only while it is in hand, and where how long its tasks take is not certain.
    pub likely: Option<Likely>,
    /// Late or blocked tasks, those of the critical path first, then the earliest due.
    pub troubles: Vec<Trouble>,
    /// Tickets a week over a quarter, the oldest first.
    pub weekly: Vec<u32>,
    /// Of those weeks, how many the case has been open in, a begun one counted.
    pub weeks_open: usize,
}

impl CaseLine {
    /// How many of the weeks shown lie before the case was opened.
    pub fn weeks_before(&self) -> usize {
        self.weekly.len().saturating_sub(self.weeks_open)
    }

    /// Tasks that have ended, in percent of those not cancelled.
    pub fn progress(&self) -> usize {
        self.done * 100 / self.total.max(1)
    }

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
    /// Each day more moves the end of the case.
    pub critical: bool,
    /// Working days past its due date.
    pub late_days: i64,
}

impl Trouble {
    /// Working days its holder has kept the case waiting.
    pub fn held_days(&self, blocked_days: &HashMap<String, i64>) -> i64 {
        blocked_days.get(&self.task.id).copied().unwrap_or(0).max(self.late_days)
    }
}

/// One case with its plan, as every page of it shows it.
pub struct CaseView {
    pub line: CaseLine,
    pub plan: CasePlan,
    pub graph: Plan,
    pub schedule: Schedule,
    pub late: HashSet<String>,
    pub force: Vec<ForceUnit>,
    pub units: HashMap<String, String>,
    pub approvals: Vec<Approval>,
    pub observations: Vec<Observation>,
    pub look_backs: Vec<LookBack>,
    pub counts: Counts,
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
    /// Units of the task force beside the lead unit.
    pub fn cooperating(&self) -> usize {
        self.force.iter().filter(|unit| unit.part != Part::Lead).count()
    }

    /// The steps a draft can take before it is issued: the act's name and its label.
    pub fn preparations(&self) -> Vec<(&'static str, &'static str)> {
        let steps = [CaseMove::Approve];
        let possible = steps.into_iter().filter(|step| case::next_state(self.line.case.state, *step).is_ok());
        possible.map(|step| (step.code(), step.label())).collect()
    }
}

/// Names of all units by id.
pub fn unit_names(ctx: &mut Ctx) -> Result<HashMap<String, String>, Error> {
    Ok(people::unit_names(&mut ctx.tx)?.into_iter().collect())
}

/// The cases the actor may read: open ones first, in a leader's order, then those in hand, the worst lamp first, then the
/// others, the newest first; at last those that have ended.
pub fn list(ctx: &mut Ctx, states: &[CaseState]) -> Result<Vec<CaseLine>, Error> {
    let rows = cases::in_states(&mut ctx.tx, states)?;
    let rows = readable(ctx, rows)?;
    lines(ctx, rows)
}

/// A part of [`list`], of cases whose number or title contains `word`; and how many there are in all.
pub fn page(
    ctx: &mut Ctx,
    states: &[CaseState],
    word: &str,
    shown: Range<usize>,
) -> Result<(Vec<CaseLine>, i64), Error> {
    let rows = cases::in_states(&mut ctx.tx, states)?;
    let mut rows = readable(ctx, rows)?;
    let word = word.trim().to_lowercase();
    rows.retain(|case| [&case.no, &case.title].iter().any(|text| text.to_lowercase().contains(&word)));
    let order = ordering::open_ones(ctx)?;
    let is_ranked = |case: &Case| case.state == CaseState::Issued || place_in(&order, case).is_some();
    let (ranked, mut others): (Vec<Case>, Vec<Case>) = rows.into_iter().partition(is_ranked);
    others.sort_by_key(|case| !case.state.is_open());
    let (first, total) = (ranked.len(), ranked.len() + others.len());
    let cut =
        |from: usize, len: usize| shown.start.saturating_sub(from).min(len)..shown.end.saturating_sub(from).min(len);
    // A ranked one's place shows with its plan; the others stand by their numbers, so only those shown are read.
    let mut found = match cut(0, first) {
        none if none.is_empty() => Vec::new(),
        some => lines(ctx, ranked)?.drain(some).collect(),
    };
    found.extend(lines(ctx, others[cut(first, others.len())].to_vec())?);
    Ok((found, total as i64))
}

/// Cases whose number, title or goal contains `text`, of those the actor may read.
pub fn containing(ctx: &mut Ctx, text: &str, limit: i64) -> Result<Vec<CaseLine>, Error> {
    let rows = cases::containing(&mut ctx.tx, text, limit)?;
    let rows = readable(ctx, rows)?;
    lines(ctx, rows)
}

fn lines(ctx: &mut Ctx, rows: Vec<Case>) -> Result<Vec<CaseLine>, Error> {
    let units = unit_names(ctx)?;
    let order = ordering::open_ones(ctx)?;
    let mut lines = Vec::new();
    for case in rows {
        let plan = CasePlan::of(ctx, case)?.with_blocks(ctx)?;
        let graph = plan.graph(&ctx.app.clock)?;
        let schedule = plan.schedule(ctx, &graph);
        let problem_ids = cases::problems_of(&mut ctx.tx, &plan.case.id)?;
        let line = line(ctx, &plan, &graph, &schedule, &units, &problem_ids)?;
        lines.push(CaseLine { position: place_in(&order, &plan.case), ..line });
    }
    let place = |line: &CaseLine| line.position.unwrap_or(i32::MAX);
    lines.sort_by_key(|line| {
        (!line.case.state.is_open(), place(line), line.lamp.is_none(), line.lamp, Reverse(line.case.no.clone()))
    });
    Ok(lines)
}

fn place_in(order: &[Ordered], case: &Case) -> Option<i32> {
    order.iter().position(|row| row.case_id == case.id).and_then(|at| i32::try_from(at + 1).ok())
}

fn readable(ctx: &mut Ctx, rows: Vec<Case>) -> Result<Vec<Case>, Error> {
    if ctx.actor.may(Action::ReadCase, &Default::default()) {
        return Ok(rows);
    }
    let paths = ctx.actor.unit_paths();
    let own: HashSet<String> = cases::with_participant_below(&mut ctx.tx, &paths)?.into_iter().collect();
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
    problem_ids: &[String],
) -> Result<CaseLine, Error> {
    let late: HashSet<String> =
        plan.tasks.iter().filter(|task| is_late(ctx, task)).map(|task| task.id.clone()).collect();
    let is_running = plan.case.state == CaseState::Issued;
    let likely = if is_running { plan.likely(ctx, graph)? } else { None };
    let lamp = is_running.then(|| {
        let p80 = likely.map(|likely| likely.p80);
        graph.lamp(schedule, p80, &|task| late.contains(&task.id), plan.case.deadline, ctx.today)
    });
    let drift_from = |deadline| schedule.forecast.map_or(0, |day| ctx.calendar.working_days_between(deadline, day));
    let drift = drift_from(plan.case.deadline);
    let drift_from_original = drift_from(plan.case.original_deadline);
    let counted = || plan.tasks.iter().filter(|task| task.state != TaskState::Cancelled);
    let mut troubles: Vec<Trouble> = plan
        .tasks
        .iter()
        .filter(|task| late.contains(&task.id) || plan.blocked.contains(&task.id))
        .map(|task| Trouble {
            unit: units.get(&task.unit_id).cloned().unwrap_or_default(),
            blocked: plan.blocked.contains(&task.id),
            critical: is_critical(schedule, &task.id),
            late_days: task.due_on.map_or(0, |due| ctx.calendar.working_days_between(due, ctx.today).max(0)),
            task: task.clone(),
        })
        .collect();
    troubles.sort_by_key(|trouble| (!trouble.critical, trouble.task.due_on));
    let weekly = match problem_ids.first() {
        Some(problem) => weekly(ctx, problem)?,
        None => Vec::new(),
    };
    Ok(CaseLine {
        lead: units.get(&plan.case.lead_unit_id).cloned().unwrap_or_default(),
        position: None,
        lamp,
        reason: lamp.map(|lamp| outlook::lamp_reason(ctx, plan, schedule, &late, lamp, drift)),
        days_left: ctx.calendar.working_days_between(ctx.today, plan.case.deadline),
        drift,
        drift_from_original,
        done: counted().filter(|task| task.state == TaskState::Done).count(),
        total: counted().count(),
        forecast: schedule.forecast,
        likely,
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
    let problem_ids = cases::problems_of(&mut ctx.tx, &case_id)?;
    let line = line(ctx, &plan, &graph, &schedule, &units, &problem_ids)?;
    let counts = cases::counts(&mut ctx.tx, &case_id)?;
    let order = if counts.is_ordered { ordering::open_ones(ctx)? } else { Vec::new() };
    let line = CaseLine { position: place_in(&order, &plan.case), ..line };
    let late = plan.tasks.iter().filter(|task| is_late(ctx, task)).map(|task| task.id.clone()).collect();
    let approvals = cases::approvals_of(&mut ctx.tx, &case_id)?;
    let pending = |subject| approvals.iter().find(|row| row.subject == subject && row.decided_on.is_none());
    let awaits_approval = pending(ApprovalSubject::Issue).is_some();
    let termination_asked_by = pending(ApprovalSubject::Termination).map(|row| row.recorded_by.clone());
    let was_observed = plan.case.verifying_at.is_some() || plan.case.round > 1;
    let mut may = |action| require_on_case(ctx, action, &case_id).is_ok();
    let (may_shape, may_issue) = (may(Action::ShapePlan), may(Action::IssueCase));
    let (may_end, may_instruct) = (may(Action::EndCase), may(Action::Instruct));
    Ok(CaseView {
        late,
        force: cases::force(&mut ctx.tx, &case_id)?,
        observations: if was_observed { observations::of_case(&mut ctx.tx, &case_id)? } else { Vec::new() },
        look_backs: if was_observed { observations::look_backs_of(&mut ctx.tx, &case_id)? } else { Vec::new() },
        counts,
        awaits_approval,
        termination_asked_by,
        approvals,
        problem_ids,
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

/// What comes next in a case, the nearest first, at most `most` dates.
pub fn upcoming(ctx: &mut Ctx, view: &CaseView, most: usize) -> Result<Vec<Upcoming>, Error> {
    let has_directives = view.counts.directives > 0;
    let directives = if has_directives { directives::views::of_case(ctx, &view.line.case.id)? } else { Vec::new() };
    Ok(outlook::upcoming(ctx, &view.plan, &view.schedule, &view.observations, &view.look_backs, &directives, most))
}

/// The latest report on a task, with who made it.
pub fn last_report(ctx: &mut Ctx, task_id: &str) -> Result<Option<(Report, String)>, Error> {
    let Some(report) = tasks::reports_of(&mut ctx.tx, task_id)?.into_iter().max_by_key(|row| row.at) else {
        return Ok(None);
    };
    let name = people::names_of(&mut ctx.tx, std::slice::from_ref(&report.person_id))?.pop();
    Ok(Some((report, name.map(|(_, name)| name).unwrap_or_default())))
}

/// How many open cases the actor may read.
pub fn count_open(ctx: &mut Ctx) -> Result<i64, Error> {
    let open: Vec<CaseState> = CaseState::ALL.iter().copied().filter(|state| state.is_open()).collect();
    if ctx.actor.may(Action::ReadCase, &Default::default()) {
        return Ok(cases::count_in_states(&mut ctx.tx, &open)?);
    }
    let rows = cases::in_states(&mut ctx.tx, &open)?;
    Ok(readable(ctx, rows)?.len() as i64)
}
