//! One task as its officer reads it, and the tasks of a unit.

use crate::app::access::require_on_task;
use crate::app::cases::case_views::unit_names;
use crate::app::cases::consulting;
use crate::app::chase::briefs;
use crate::app::chase::duty::{self, Contact};
use crate::app::directives::views::{self as directive_views, DirectiveLine};
use crate::app::plans::follow_up::is_late;
use crate::app::tasks::inside_views::{self, Inside};
use crate::app::tasks::objections::{self, Precedent};
use crate::app::{Ctx, Error, chase};
use crate::domain::access::Action;
use crate::domain::case::Grade;
use crate::domain::notice::Stage;
use crate::domain::task::TaskState;
use crate::store::chase::{self as chase_rows, PhoneCall, Supervision};
use crate::store::events::{self, Event};
use crate::store::files::{self, File};
use crate::store::notices::{self, Notice};
use crate::store::objections::{self as objection_rows, Objection, ObjectionOpinion, ObjectionStep};
use crate::store::plans::{self, TaskInCase};
use crate::store::proxy_entries::{self, ProxyEntry};
use crate::store::tasks::{self, Block, Comment, Extension, Report, Submission};
use crate::store::{cases, people, problems};
use chrono::NaiveDateTime;
use std::collections::{HashMap, HashSet};

const HISTORY: i64 = 100;

/// A neighbour in the plan.
#[derive(Debug, Clone)]
pub struct Neighbour {
    pub task: plans::Task,
    pub unit: String,
}

/// Whose duty it is: the latest objection, the way it went, and earlier rulings like it.
pub struct Dispute {
    pub objection: Option<Objection>,
    pub steps: Vec<ObjectionStep>,
    pub opinions: Vec<ObjectionOpinion>,
    /// Of the consulted units, those the reader may speak for.
    pub may_speak_for: Vec<String>,
    pub precedents: Vec<Precedent>,
    /// The reader designates.
    pub may_designate: bool,
}

impl Dispute {
    /// The one that waits for its ruling.
    pub fn open(&self) -> Option<&Objection> {
        self.objection.as_ref().filter(|row| row.ruled_at.is_none())
    }
}

fn dispute(ctx: &mut Ctx, found: &TaskInCase) -> Result<Dispute, Error> {
    let objection = objection_rows::of_task(&mut ctx.tx, &found.task.id)?.pop();
    let (steps, opinions) = match &objection {
        Some(row) => {
            (objection_rows::steps_of(&mut ctx.tx, &row.id)?, objection_rows::opinions_of(&mut ctx.tx, &row.id)?)
        }
        None => (Vec::new(), Vec::new()),
    };
    let open = objection.as_ref().filter(|row| row.ruled_at.is_none());
    let precedents = match open.is_some() || found.task.state.is_with_unit() {
        true => objections::precedents(ctx, &found.task, open)?,
        false => Vec::new(),
    };
    let asked: Vec<String> = opinions.iter().map(|row| row.unit_id.clone()).collect();
    Ok(Dispute {
        may_speak_for: consulting::may_reply_for(ctx, &asked)?,
        may_designate: ctx.actor.may(Action::Instruct, &Default::default()),
        objection,
        steps,
        opinions,
        precedents,
    })
}

pub struct TaskView {
    pub found: TaskInCase,
    pub late: bool,
    /// Working days past the due date.
    pub late_days: i64,
    /// Working days until the due date.
    pub days_left: Option<i64>,
    pub before: Vec<Neighbour>,
    pub after: Vec<Neighbour>,
    pub reports: Vec<Report>,
    pub comments: Vec<Comment>,
    pub block: Option<Block>,
    pub extension: Option<Extension>,
    pub dispute: Dispute,
    pub submissions: Vec<Submission>,
    pub inside: Inside,
    pub files: Vec<File>,
    pub events: Vec<Event>,
    pub people: HashMap<String, String>,
    pub units: HashMap<String, String>,
    /// Why: title, tickets and callers of the problems behind the case.
    pub why: Vec<(String, i64, i64)>,
    /// The ladder: what was sent or settled, newest first, and what comes next and when.
    pub notices: Vec<Notice>,
    pub next_step: Option<(Stage, NaiveDateTime)>,
    pub calls: Vec<PhoneCall>,
    /// Whom to call about it now.
    pub contact: Option<Contact>,
    pub is_urgent: bool,
    /// Late beyond the ladder: it comes before the leaders in the next brief.
    pub is_raised: bool,
    pub supervisions: Vec<Supervision>,
    /// Those the reader may read.
    pub directives: Vec<DirectiveLine>,
    /// What was entered for the unit.
    pub proxied: Vec<ProxyEntry>,
    /// What the reader may do to this task.
    pub allowed: Vec<Action>,
}

impl TaskView {
    pub fn may(&self, action: Action) -> bool {
        self.allowed.contains(&action)
    }

    /// The reader has an extension to decide now.
    pub fn decides_extension(&self) -> bool {
        let is_open = self.extension.as_ref().is_some_and(|asked| asked.decided_at.is_none());
        is_open && self.may(Action::DecideTask) && self.found.task.state.is_with_unit()
    }
}

pub fn show(ctx: &mut Ctx, task_id: &str) -> Result<TaskView, Error> {
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::ReadTask, &found)?;
    let units = unit_names(ctx)?;
    let all = plans::tasks_of(&mut ctx.tx, &found.task.case_id)?;
    let edges = plans::dependencies_of(&mut ctx.tx, &found.task.case_id)?;
    let neighbour = |id: &String| {
        let task = all.iter().find(|task| task.id == *id)?.clone();
        Some(Neighbour { unit: units.get(&task.unit_id).cloned().unwrap_or_default(), task })
    };
    let before =
        edges.iter().filter(|edge| edge.successor_id == task_id).filter_map(|e| neighbour(&e.predecessor_id)).collect();
    let after =
        edges.iter().filter(|edge| edge.predecessor_id == task_id).filter_map(|e| neighbour(&e.successor_id)).collect();
    let reports = tasks::reports_of(&mut ctx.tx, task_id)?;
    let comments = tasks::comments_of(&mut ctx.tx, task_id)?;
    let submissions = tasks::submissions_of(&mut ctx.tx, task_id)?;
    let files = files::of_task(&mut ctx.tx, task_id)?;
    let mut ids: Vec<String> = reports.iter().map(|row| row.person_id.clone()).collect();
    ids.extend(files.iter().map(|row| row.person_id.clone()));
    ids.extend(comments.iter().map(|row| row.person_id.clone()));
    ids.extend(submissions.iter().flat_map(|row| [Some(row.person_id.clone()), row.verdict_by.clone()]).flatten());
    ids.extend(found.task.officer_id.clone());
    let case = cases::by_id(&mut ctx.tx, &found.task.case_id)?;
    let calls = chase_rows::calls_of(&mut ctx.tx, task_id)?;
    let proxied = proxy_entries::of_task(&mut ctx.tx, task_id)?;
    ids.extend(proxied.iter().flat_map(|row| [Some(row.entered_by.clone()), row.corrected_by.clone()]).flatten());
    ids.extend(calls.iter().map(|call| call.person_id.clone()));
    let mut why = Vec::new();
    for problem_id in cases::problems_of(&mut ctx.tx, &found.task.case_id)? {
        if let Some(problem) = problems::by_id(&mut ctx.tx, &problem_id)? {
            why.push((problem.title, problem.tickets, problem.callers));
        }
    }
    let on_tasks = [
        Action::ReceiveTask,
        Action::WorkTask,
        Action::SignOff,
        Action::AcceptTask,
        Action::DecideTask,
        Action::ClearBlock,
        Action::AnswerBlock,
        Action::AssignTask,
        Action::CommentTask,
        Action::CorrectProxy,
        Action::ShapePlan,
    ];
    let allowed = on_tasks.into_iter().filter(|action| require_on_task(ctx, *action, &found).is_ok()).collect();
    let days_left = found.task.due_on.map(|due| ctx.calendar.working_days_between(ctx.today, due));
    let late_days = days_left.map_or(0, |days| (-days).max(0));
    let late = is_late(ctx, &found.task);
    Ok(TaskView {
        notices: notices::of_task(&mut ctx.tx, task_id)?,
        next_step: chase::next(ctx, &found.task)?,
        contact: duty::contact(ctx, &found.task.unit_id, found.task.officer_id.as_deref())?,
        is_urgent: case.is_some_and(|case| case.grade == Grade::Urgent),
        calls,
        directives: directive_views::of_task(ctx, task_id)?,
        supervisions: chase_rows::supervisions_of(&mut ctx.tx, task_id)?,
        days_left,
        is_raised: late && briefs::is_beyond_the_ladder(ctx, late_days),
        late_days,
        late,
        block: tasks::open_block(&mut ctx.tx, task_id)?,
        extension: tasks::extensions_of(&mut ctx.tx, task_id)?.into_iter().next_back(),
        dispute: dispute(ctx, &found)?,
        inside: inside_views::show(ctx, &found, submissions.last())?,
        events: events::of_subject(&mut ctx.tx, task_id, HISTORY)?,
        people: people::names_of(&mut ctx.tx, &ids)?.into_iter().collect(),
        proxied,
        before,
        after,
        reports,
        comments,
        submissions,
        files,
        units,
        why,
        allowed,
        found,
    })
}

/// A task in a list.
#[derive(Debug, Clone)]
pub struct TaskLine {
    pub found: TaskInCase,
    pub late: bool,
    pub blocked: bool,
    /// Working days until the due date; negative when it has passed.
    pub days_left: i64,
}

/// Tasks of the actor's units and what lies below them, in the states asked for: late first, then by due date, then those
/// that wait.
pub fn of_my_units(ctx: &mut Ctx, is_asked: impl Fn(TaskState) -> bool) -> Result<Vec<TaskLine>, Error> {
    let paths = ctx.actor.unit_paths();
    let found = plans::of_units(&mut ctx.tx, &paths, is_asked)?;
    let mut own = lines(ctx, found)?;
    own.sort_by_key(|line| {
        let task = &line.found.task;
        (!line.late, task.state.is_final(), task.due_on.is_none(), task.due_on)
    });
    Ok(own)
}

pub fn lines(ctx: &mut Ctx, found: Vec<TaskInCase>) -> Result<Vec<TaskLine>, Error> {
    let ids: Vec<String> = found.iter().map(|row| row.task.id.clone()).collect();
    let blocks = tasks::open_blocks(&mut ctx.tx, &ids)?;
    let blocked: HashSet<String> = blocks.into_iter().map(|block| block.task_id).collect();
    let line = |found: TaskInCase| TaskLine {
        late: is_late(ctx, &found.task),
        blocked: blocked.contains(&found.task.id),
        days_left: found.task.due_on.map_or(0, |due| ctx.calendar.working_days_between(ctx.today, due)),
        found,
    };
    Ok(found.into_iter().map(line).collect())
}
