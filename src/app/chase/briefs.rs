//! Briefs (简报): what the ladder could not settle comes before the leaders as lines of a report that a coordinator issues.

use crate::app::cases::case_views::{self, CaseLine};
use crate::app::directives::views::{self as directive_views, DirectiveLine};
use crate::app::tasks::bounded;
use crate::app::{Ctx, Error, leadership};
use crate::domain::access::Action;
use crate::domain::brief::{BriefKind, Content, Holder, RaisedTask, RedCase};
use crate::domain::case::CaseState;
use crate::domain::notice::SupervisionState;
use crate::lang::Message;
use crate::plan::Lamp;
use crate::store::briefs::{self, Brief};
use crate::store::{cases, chase, directives, house, new_id, people};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

const LISTED: i64 = 100;

/// A brief as its reader sees it.
pub struct BriefView {
    /// None before it is issued.
    pub row: Option<Brief>,
    pub kind: BriefKind,
    pub from_day: NaiveDate,
    pub until_day: NaiveDate,
    pub content: Content,
    /// Of the directives that waited, those the reader may read, as they stand now.
    pub directives: Vec<DirectiveLine>,
    pub issued_by: Option<String>,
}

/// What a brief would say today.
pub fn draft(ctx: &mut Ctx, kind: BriefKind) -> Result<BriefView, Error> {
    ctx.require_anywhere(Action::IssueBrief)?;
    let (from_day, until_day) = (kind.first_day(ctx.today), ctx.today);
    let content = content(ctx, from_day)?;
    let directives = readable(ctx, &content)?;
    Ok(BriefView { row: None, kind, from_day, until_day, content, directives, issued_by: None })
}

/// Issues a brief: it gets its number and keeps what it says. Gives its id.
pub fn issue(ctx: &mut Ctx, kind: BriefKind, note: String) -> Result<String, Error> {
    ctx.require_anywhere(Action::IssueBrief)?;
    bounded("note", &note)?;
    let from_day = kind.first_day(ctx.today);
    let content = content(ctx, from_day)?;
    let year = ctx.today.year();
    let number = house::next_number(&mut ctx.tx, &format!("brief.{year}"))?;
    let row = Brief {
        id: new_id(),
        no: Message::new("简报〔%{year}〕第%{number}期").with("year", year).with("number", number).to_string(),
        kind,
        from_day,
        until_day: ctx.today,
        note: note.trim().to_owned(),
        content: serde_json::to_string(&content).map_err(|error| Error::Internal(error.to_string()))?,
        issued_by: ctx.actor.id().to_owned(),
        issued_at: ctx.now,
    };
    let (id, no) = (row.id.clone(), row.no.clone());
    if !briefs::insert(&mut ctx.tx, row)? {
        return Err(Error::Refused(Message::new("今天的这种简报已签发。")));
    }
    ctx.record("brief.issued", ("brief", &id), None, json!({ "title": no }));
    Ok(id)
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<BriefView, Error> {
    ctx.require_anywhere(Action::ReadLeadership)?;
    let row = briefs::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let content: Content =
        serde_json::from_str(&row.content).map_err(|error| Error::Internal(format!("brief {id}: {error}")))?;
    let directives = readable(ctx, &content)?;
    let by = people::names_of(&mut ctx.tx, std::slice::from_ref(&row.issued_by))?.pop();
    let issued_by = by.map(|(_, name)| name);
    let (kind, from_day, until_day) = (row.kind, row.from_day, row.until_day);
    Ok(BriefView { row: Some(row), kind, from_day, until_day, content, directives, issued_by })
}

pub fn list(ctx: &mut Ctx) -> Result<Vec<Brief>, Error> {
    ctx.require_anywhere(Action::ReadLeadership)?;
    Ok(briefs::latest(&mut ctx.tx, LISTED)?)
}

/// A brief has more readers than a directive: each sees the words of those he may read.
fn readable(ctx: &mut Ctx, content: &Content) -> Result<Vec<DirectiveLine>, Error> {
    let mut found = Vec::new();
    for id in &content.directives {
        if let Some(row) = directives::by_id(&mut ctx.tx, id)? {
            found.extend(directive_views::readable(ctx, vec![row])?);
        }
    }
    Ok(found)
}

fn content(ctx: &mut Ctx, from_day: NaiveDate) -> Result<Content, Error> {
    let lines = case_views::list(ctx, &[CaseState::Issued, CaseState::Verifying])?;
    let since = ctx.app.clock.start_of(from_day);
    let closed = cases::in_states(&mut ctx.tx, &[CaseState::Closed])?;
    let in_state = |state| lines.iter().filter(|line| line.case.state == state).count();
    let with_lamp = |lamp| lines.iter().filter(|line| line.lamp == Some(lamp)).count();
    Ok(Content {
        in_hand: in_state(CaseState::Issued),
        red: with_lamp(Lamp::Red),
        yellow: with_lamp(Lamp::Yellow),
        verifying: in_state(CaseState::Verifying),
        closed: closed.iter().filter(|case| case.ended_at.is_some_and(|at| at >= since)).count(),
        red_cases: red_cases(ctx, &lines)?,
        raised: raised(ctx, &lines)?,
        directives: directives::unreported(&mut ctx.tx)?.into_iter().map(|row| row.id).collect(),
    })
}

fn red_cases(ctx: &mut Ctx, lines: &[CaseLine]) -> Result<Vec<RedCase>, Error> {
    let blocked_days = leadership::blocked_days(ctx, lines)?;
    let red = lines.iter().filter(|line| line.lamp == Some(Lamp::Red));
    let told = |line: &CaseLine| RedCase {
        case_id: line.case.id.clone(),
        no: line.case.no.clone(),
        title: line.case.title.clone(),
        lead_unit: line.lead.clone(),
        deadline: line.case.deadline,
        holders: line
            .troubles
            .iter()
            .map(|trouble| Holder {
                unit: trouble.unit.clone(),
                task: trouble.task.title.clone(),
                days: trouble.held_days(&blocked_days),
                blocked: trouble.blocked,
            })
            .collect(),
    };
    Ok(red.map(told).collect())
}

/// Tasks past the last step that a 督办单 takes.
fn raised(ctx: &mut Ctx, lines: &[CaseLine]) -> Result<Vec<RaisedTask>, Error> {
    let mut found = Vec::new();
    for line in lines {
        for trouble in &line.troubles {
            if !is_beyond_the_ladder(ctx, trouble.late_days) {
                continue;
            }
            let signed = chase::supervisions_of(&mut ctx.tx, &trouble.task.id)?.into_iter();
            let signed = signed.filter(|row| row.state == SupervisionState::Signed).filter_map(|row| row.no);
            found.push(RaisedTask {
                task_id: trouble.task.id.clone(),
                number: format!("{}/{:02}", line.case.no, trouble.task.no),
                title: trouble.task.title.clone(),
                unit: trouble.unit.clone(),
                late_days: trouble.late_days,
                supervisions: signed.collect(),
            });
        }
    }
    found.sort_by_key(|task| std::cmp::Reverse(task.late_days));
    Ok(found)
}

/// Whether a task this late is raised to the leaders: as a line of the next brief.
pub fn is_beyond_the_ladder(ctx: &Ctx, late_days: i64) -> bool {
    late_days >= ctx.app.settings.chase.supervise_lead_after
}
