//! What waits for somebody: the desk, and what the rail counts.

mod matters;

use super::{Ctx, Error};
use crate::app::cases::case_views;
use crate::app::chase::duty::{self, Contact};
use crate::app::directives::views::{self as directive_views, DirectiveLine};
use crate::app::tasks::awaits_first;
use crate::app::tasks::task_views::{TaskLine, lines, of_my_units};
use crate::domain::access::{Action, Subject};
use crate::domain::case::{CaseState, Grade, ObservationResult};
use crate::domain::coded::coded;
use crate::domain::inbound::InboundState;
use crate::domain::notice::CallOutcome;
use crate::domain::problem::ProblemState;
use crate::domain::task::TaskState;
use crate::store::cases;
use crate::store::chase;
use crate::store::consultations;
use crate::store::inbound;
use crate::store::observations;
use crate::store::people;
use crate::store::plans;
use crate::store::problems;
use crate::store::tasks;
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::{HashMap, HashSet};

/// Rows listed of what may wait in any number.
const LISTED: i64 = 20;

/// One thing that waits: what, whose, since when, and the page that does it.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What it is waited for with: the desk's headings, what delays most first.
    pub group: Group,
    /// A translation key.
    pub what: &'static str,
    pub title: String,
    /// The number people call it by.
    pub no: String,
    pub whose: String,
    pub since: NaiveDateTime,
    /// Until when it is to be done, where it has a date of its own.
    pub due_on: Option<NaiveDate>,
    pub link: String,
    /// A translation key: what the button says.
    pub button: &'static str,
    pub late: bool,
    /// Working days past its due date.
    pub late_days: i64,
}

coded! {
    /// Why something waits.
    pub enum Group {
        Trouble = "trouble" "超期与受阻",
        Matter = "matter" "待批复",
        Acceptance = "acceptance" "待验收",
        Own = "own" "本单位待办",
        Case = "case" "专项待推进",
        Problem = "problem" "问题待研判",
    }
}

/// What waits for somebody, what delays most first.
#[derive(Debug, Default)]
pub struct Desk {
    pub rows: Vec<Waiting>,
    /// By group how many more wait than are listed.
    unlisted: HashMap<Group, usize>,
}

impl Desk {
    pub fn unlisted(&self, group: Group) -> usize {
        self.unlisted.get(&group).copied().unwrap_or(0)
    }

    pub fn total(&self) -> usize {
        self.rows.len() + self.unlisted.values().sum::<usize>()
    }

    fn leave_out(&mut self, group: Group, total: i64, listed: usize) {
        *self.unlisted.entry(group).or_default() += (total as usize).saturating_sub(listed);
    }
}

/// Everything that waits for the actor.
pub fn waiting(ctx: &mut Ctx) -> Result<Desk, Error> {
    let mut desk = Desk::default();
    let found = &mut desk.rows;
    let coordinates = ctx.actor.may(Action::DecideTask, &Subject::default());
    if coordinates {
        overdue(ctx, found)?;
        matters::to_decide(ctx, found)?;
        to_sign(ctx, found)?;
        to_call(ctx, found)?;
    }
    directives(ctx, coordinates, found)?;
    if ctx.actor.may_somewhere(Action::AcceptTask) {
        submissions(ctx, found)?;
    }
    if coordinates {
        to_close(ctx, found)?;
    }
    if ctx.actor.may_somewhere(Action::ReplyOpinion) {
        opinions(ctx, found)?;
        matters::consulted(ctx, found)?;
    }
    if ctx.actor.may_somewhere(Action::SignOff) {
        matters::to_sign_off(ctx, found)?;
    }
    if ctx.actor.may_somewhere(Action::ReceiveTask) {
        own_tasks(ctx, found)?;
        if !coordinates {
            matters::parts_to_accept(ctx, found)?;
        }
        matters::help_asked(ctx, found)?;
    }
    if ctx.actor.may(Action::Instruct, &Subject::default()) {
        matters::to_designate(ctx, found)?;
    }
    if coordinates {
        to_decide(ctx, &mut desk)?;
        mail_to_look_at(ctx, &mut desk)?;
    }
    // Problems stay as they are ranked.
    let since = |row: &Waiting| (row.group != Group::Problem).then_some(row.since);
    desk.rows.sort_by_key(|row| (row.group, std::cmp::Reverse(row.late_days), since(row)));
    Ok(desk)
}

/// What the frame of every page tells its reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The reader's unit, by the first post.
    pub unit: Option<String>,
    pub desk: usize,
    pub problems: i64,
    pub cases: i64,
}

pub fn counts(ctx: &mut Ctx) -> Result<Counts, Error> {
    let proposed = problems::Filter { states: vec![ProblemState::Proposed], text: None };
    let reads_problems = ctx.actor.may_somewhere(Action::ReadProblems);
    let reads_cases = ctx.actor.may_somewhere(Action::ReadCase);
    let unit_id = ctx.actor.posts.iter().find_map(|post| post.unit_id.clone());
    let unit = unit_id.map(|id| people::unit_by_id(&mut ctx.tx, &id)).transpose()?.flatten();
    Ok(Counts {
        unit: unit.map(|unit| unit.name),
        desk: waiting(ctx)?.total(),
        problems: if reads_problems { problems::list(&mut ctx.tx, &proposed, 0, 0)?.1 } else { 0 },
        cases: if reads_cases { case_views::count_open(ctx)? } else { 0 },
    })
}

fn wait_for_task(
    ctx: &Ctx,
    group: Group,
    what: &'static str,
    button: &'static str,
    line: &TaskLine,
    since: NaiveDateTime,
) -> Waiting {
    let due = line.found.task.due_on.filter(|_| line.late);
    Waiting {
        group,
        late_days: due.map_or(0, |day| ctx.calendar.working_days_between(day, ctx.today)),
        what,
        title: line.found.task.title.clone(),
        no: line.found.number(),
        whose: line.found.unit_name.clone(),
        since,
        due_on: None,
        link: format!("/tasks/{}", line.found.task.id),
        button,
        late: line.late,
    }
}

fn overdue(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let held = plans::in_states(&mut ctx.tx, &[TaskState::Ready, TaskState::Acknowledged, TaskState::InProgress])?;
    for line in lines(ctx, held)?.into_iter().filter(|line| line.late || line.blocked) {
        let since = line.found.task.due_on.map_or(ctx.now, |day| ctx.app.clock.start_of(day));
        let (what, button) = if line.late { ("超期未办", "催办") } else { ("受阻待协调", "协调") };
        found.push(wait_for_task(ctx, Group::Trouble, what, button, &line, since));
    }
    Ok(())
}

/// Drafted 督办单.
fn to_sign(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for row in chase::drafted(&mut ctx.tx)? {
        let task = plans::task_in_case(&mut ctx.tx, &row.task_id)?.into_iter().collect();
        for line in lines(ctx, task)? {
            let waiting = wait_for_task(ctx, Group::Trouble, "督办单待签发", "签发", &line, row.drafted_at);
            // Ranked by how late the task is; told as what waits: a signature.
            found.push(Waiting { link: format!("/supervisions/{}", row.id), late: false, ..waiting });
        }
    }
    Ok(())
}

/// Directives: a unit's until it has reported; a coordinator's when that is late, or no unit knows of them yet.
fn directives(ctx: &mut Ctx, coordinates: bool, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for line in directive_views::waiting(ctx)? {
        if coordinates && (line.is_late() || !line.is_issued) {
            found.push(wait_for_directive(&line, Group::Trouble, "催反馈"));
        } else if !coordinates && !directive_views::reports_for(ctx, &line).is_empty() {
            found.push(wait_for_directive(&line, Group::Own, "反馈"));
        }
    }
    Ok(())
}

fn wait_for_directive(line: &DirectiveLine, group: Group, button: &'static str) -> Waiting {
    Waiting {
        group,
        late_days: line.days_left.map_or(0, |days| (-days).max(0)),
        what: "批示待反馈",
        title: line.row.text.clone(),
        no: line.case_no.clone(),
        whose: line.silent_names(),
        since: line.row.at,
        due_on: line.row.due_on,
        link: format!("/directives/{}", line.row.id),
        button,
        late: line.is_late(),
    }
}

/// Urgent tasks nobody has signed for: a call comes before any mail, until somebody was reached.
fn to_call(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let ready = plans::in_states(&mut ctx.tx, &[TaskState::Ready])?;
    let issued = cases::in_states(&mut ctx.tx, &[CaseState::Issued])?;
    let urgent: HashSet<&str> =
        issued.iter().filter(|case| case.grade == Grade::Urgent).map(|case| case.id.as_str()).collect();
    let ready = ready.into_iter().filter(|row| urgent.contains(row.task.case_id.as_str())).collect();
    for line in lines(ctx, ready)? {
        let task = &line.found.task;
        if chase::calls_of(&mut ctx.tx, &task.id)?.iter().any(|call| call.outcome == CallOutcome::Reached) {
            continue;
        }
        let contact = duty::contact(ctx, &task.unit_id, task.officer_id.as_deref())?;
        let since = task.released_at.unwrap_or(ctx.now);
        let waiting = wait_for_task(ctx, Group::Trouble, "紧急，请先电话通知", "记录通话", &line, since);
        let whose = whom_to_call(ctx, &line.found.unit_name, contact);
        found.push(Waiting { whose, link: format!("{}#call", waiting.link), ..waiting });
    }
    Ok(())
}

/// The unit, and of it who is to be called and where.
fn whom_to_call(ctx: &Ctx, unit: &str, contact: Option<Contact>) -> String {
    let Some(Contact { name, phone, role }) = contact else { return unit.to_owned() };
    let role = ctx.actor.lang.t(role);
    format!("{unit} · {role} {name} {}", phone.unwrap_or_default()).trim_end().to_owned()
}

fn submissions(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let awaiting = tasks::awaiting_sign_off(&mut ctx.tx)?;
    let mut submitted = plans::in_states(&mut ctx.tx, &[TaskState::Submitted])?;
    submitted.retain(|row| row.task.parent_task_id.is_none() && !awaiting.contains(&row.task.id));
    for line in lines(ctx, submitted)? {
        let subject = Subject { case_id: Some(&line.found.task.case_id), ..Subject::default() };
        if ctx.actor.may(Action::AcceptTask, &subject) {
            let since = line.found.task.submitted_at.unwrap_or(ctx.now);
            let what = if awaits_first(ctx, &line.found)? { "待牵头单位初验" } else { "待验收" };
            found.push(wait_for_task(ctx, Group::Acceptance, what, "验收", &line, since));
        }
    }
    Ok(())
}

fn to_close(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for case in cases::in_states(
        &mut ctx.tx,
        &[CaseState::Verifying, CaseState::Draft, CaseState::Consulted, CaseState::Approved],
    )? {
        let rows = observations::of_case(&mut ctx.tx, &case.id)?;
        let judged =
            rows.iter().filter(|row| row.round == case.round && row.result != ObservationResult::Pending).count();
        let (what, button) = match case.state {
            CaseState::Verifying if judged == 0 => continue,
            CaseState::Verifying => ("观察期已满", "判定"),
            _ => ("待交办", "交办"),
        };
        found.push(Waiting {
            group: Group::Case,
            late_days: 0,
            what,
            title: case.title,
            no: case.no,
            whose: String::new(),
            since: case.verifying_at.unwrap_or(case.created_at),
            due_on: None,
            link: format!("/cases/{}", case.id),
            button,
            late: false,
        });
    }
    Ok(())
}

fn to_decide(ctx: &mut Ctx, desk: &mut Desk) -> Result<(), Error> {
    let filter = problems::Filter { states: vec![ProblemState::Proposed], text: None };
    let (proposed, total) = problems::list(&mut ctx.tx, &filter, 0, LISTED)?;
    desk.leave_out(Group::Problem, total, proposed.len());
    for problem in proposed {
        if cases::open_case_of(&mut ctx.tx, &problem.id)?.is_some() {
            continue;
        }
        desk.rows.push(Waiting {
            group: Group::Problem,
            late_days: 0,
            what: "问题待研判",
            no: format!("#{}", problem.no),
            title: problem.title,
            whose: ctx.actor.lang.fill(
                "近 %{days} 天 %{n} 位市民",
                &[("days", &ctx.app.settings.thresholds.window_days), ("n", &problem.window_callers)],
            ),
            since: problem.proposed_at.unwrap_or(problem.created_at),
            due_on: None,
            link: format!("/problems/{}", problem.id),
            button: "研判",
            late: false,
        });
    }
    Ok(())
}

/// Replies that could not be understood or trusted.
fn mail_to_look_at(ctx: &mut Ctx, desk: &mut Desk) -> Result<(), Error> {
    let (mails, total) = inbound::list(&mut ctx.tx, Some(InboundState::Review), 0, LISTED)?;
    desk.leave_out(Group::Matter, total, mails.len());
    for row in mails {
        desk.rows.push(Waiting {
            group: Group::Matter,
            late_days: 0,
            what: "来信待处理",
            title: row.subject,
            no: String::new(),
            whose: row.sender,
            since: row.received_at,
            due_on: None,
            link: format!("/inbox/{}", row.id),
            button: "处理",
            late: false,
        });
    }
    Ok(())
}

/// Drafts that one of the actor's units has still to say something about.
fn opinions(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    let units = ctx.actor.unit_ids();
    for row in consultations::unanswered_of(&mut ctx.tx, &units)? {
        let case = cases::by_id(&mut ctx.tx, &row.case_id)?;
        let Some(case) = case.filter(|case| case.state == CaseState::Consulted) else { continue };
        let late = row.due_on < ctx.today;
        found.push(Waiting {
            group: Group::Own,
            what: "征求意见",
            title: case.title,
            no: case.no,
            whose: people::unit_by_id(&mut ctx.tx, &row.unit_id)?.map(|unit| unit.name).unwrap_or_default(),
            since: row.asked_at,
            due_on: Some(row.due_on),
            link: format!("/cases/{}?tab=people#opinions", case.id),
            button: "答复",
            late,
            late_days: if late { ctx.calendar.working_days_between(row.due_on, ctx.today) } else { 0 },
        });
    }
    Ok(())
}

fn own_tasks(ctx: &mut Ctx, found: &mut Vec<Waiting>) -> Result<(), Error> {
    for line in &of_my_units(ctx, TaskState::is_with_unit)? {
        let button = if line.found.task.state == TaskState::Ready { "签收" } else { "办理" };
        let what = if line.late { "超期未办" } else { line.found.task.state.label() };
        let since = line.found.task.released_at.unwrap_or(ctx.now);
        found.push(wait_for_task(ctx, Group::Own, what, button, line, since));
    }
    Ok(())
}
