//! Leaders' directives (批示): given by the leader or transcribed by the office, read by few, and waiting until every unit that
//! must has reported.

pub mod reminding;
pub mod views;

use super::access::require_on_case;
use super::tasks::required;
use super::{Ctx, Error};
use crate::domain::access::{Action, Role};
use crate::domain::directive::DirectiveSource;
use crate::domain::event::ActorKind;
use crate::lang::{Lang, Message};
use crate::store::cases::{self, Case};
use crate::store::directives::{self, Directive};
use crate::store::{new_id, people, plans};
use chrono::NaiveDate;
use serde_json::json;

/// What a leader asks, of whom, and who else reads it.
#[derive(Debug, Clone)]
pub struct NewDirective {
    pub text: String,
    /// Until when the units report.
    pub due_on: NaiveDate,
    /// Of the whole case when absent.
    pub task_id: Option<String>,
    /// The units that must report; the task's or the lead unit when none is named.
    pub unit_ids: Vec<String>,
    pub reader_ids: Vec<String>,
}

/// Who gave a transcribed directive, when, and how it came.
#[derive(Debug, Clone)]
pub struct Origin {
    pub leader_id: Option<String>,
    /// By name, where the leader has no account.
    pub leader: String,
    pub given_on: Option<NaiveDate>,
    pub source: Option<DirectiveSource>,
}

/// A leader's own entry. Gives its id.
pub fn instruct(ctx: &mut Ctx, case_id: &str, new: NewDirective) -> Result<String, Error> {
    require_on_case(ctx, Action::Instruct, case_id)?;
    let row = Directive {
        leader: ctx.actor.name.clone(),
        leader_id: ctx.actor.person_id.clone(),
        ..drafted(ctx, case_id, &new)?
    };
    give(ctx, row, new)
}

/// An authorised office transcribes what came on paper or by word (代录). Gives its id.
pub fn transcribe(ctx: &mut Ctx, case_id: &str, new: NewDirective, origin: Origin) -> Result<String, Error> {
    require_on_case(ctx, Action::TranscribeDirective, case_id)?;
    let source = origin.source.filter(|source| *source != DirectiveSource::Entered);
    let source = source.ok_or_else(|| Error::field("source", Message::new("请填写内容")))?;
    let given_on = origin.given_on.unwrap_or(ctx.today);
    if given_on > ctx.today {
        return Err(Error::field("given_on", Message::new("日期不能晚于今天")));
    }
    let leader = match &origin.leader_id {
        Some(id) => leaders(ctx)?.into_iter().find(|leader| leader.id == *id).map(|leader| leader.name),
        None => Some(required("leader", origin.leader)?),
    };
    let leader = leader.ok_or_else(|| Error::field("leader_id", Message::new("没有这个人")))?;
    let row = Directive { leader, leader_id: origin.leader_id, given_on, source, ..drafted(ctx, case_id, &new)? };
    ctx.actor.kind = ActorKind::Proxy;
    ctx.actor.name = format!("{}（{}）", ctx.actor.name, source.label());
    give(ctx, row, new)
}

fn drafted(ctx: &Ctx, case_id: &str, new: &NewDirective) -> Result<Directive, Error> {
    if new.due_on < ctx.today {
        return Err(Error::field("due_on", Message::new("日期不能早于今天")));
    }
    Ok(Directive {
        id: new_id(),
        case_id: case_id.to_owned(),
        task_id: new.task_id.clone(),
        text: required("text", new.text.clone())?,
        leader: String::new(),
        leader_id: None,
        given_on: ctx.today,
        source: DirectiveSource::Entered,
        due_on: Some(new.due_on),
        recorded_by: ctx.actor.id().to_owned(),
        at: ctx.now,
        reported_at: None,
        version: 1,
        moved: 0,
    })
}

fn give(ctx: &mut Ctx, row: Directive, new: NewDirective) -> Result<String, Error> {
    let case = cases::by_id(&mut ctx.tx, &row.case_id)?.ok_or(Error::NotFound)?;
    let units = reporting_units(ctx, &case, &new)?;
    let readers = people::names_of(&mut ctx.tx, &new.reader_ids)?;
    if readers.len() != new.reader_ids.len() {
        return Err(Error::field("reader_id", Message::new("没有这个人")));
    }
    directives::insert(&mut ctx.tx, row.clone(), &units, &new.reader_ids)?;
    // Who may not read a directive does not learn of it from the case's timeline: its events are its own.
    let payload = json!({ "no": case.no, "to": row.due_on, "source": row.source, "units": units.len() });
    ctx.record("directive.given", ("directive", &row.id), None, payload);
    reminding::take_due(ctx, &row)?;
    Ok(row.id)
}

/// The units that must report, each known to the system.
fn reporting_units(ctx: &mut Ctx, case: &Case, new: &NewDirective) -> Result<Vec<String>, Error> {
    let task = match &new.task_id {
        Some(id) => {
            let task = plans::task_by_id(&mut ctx.tx, id)?.filter(|task| task.case_id == case.id);
            Some(task.ok_or_else(|| Error::field("task_id", Message::new("没有这项任务")))?)
        }
        None => None,
    };
    if new.unit_ids.is_empty() {
        return Ok(vec![task.map_or_else(|| case.lead_unit_id.clone(), |task| task.unit_id)]);
    }
    let mut units = new.unit_ids.clone();
    units.sort();
    units.dedup();
    if people::paths_of(&mut ctx.tx, &units)?.len() != units.len() {
        return Err(Error::field("unit_id", Message::new("没有这个单位")));
    }
    Ok(units)
}

/// A unit's report, or a coordinator's in its name. The last one closes the directive.
pub fn report(ctx: &mut Ctx, id: &str, unit_id: Option<String>, text: String) -> Result<(), Error> {
    let row = directives::take(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let line = views::readable_line(ctx, row)?;
    let mine = views::reports_for(ctx, &line);
    let has_reported = |id: &String| line.units.iter().any(|unit| unit.unit_id == *id && unit.reported_at.is_some());
    let already = Error::Refused(Message::new("这件批示已反馈。"));
    let unit_id = match (unit_id, mine.as_slice()) {
        (Some(unit_id), _) if mine.contains(&unit_id) => unit_id,
        (Some(unit_id), _) if has_reported(&unit_id) => return Err(already),
        (None, [only]) => only.clone(),
        (None, [_, ..]) => return Err(Error::field("unit_id", Message::new("请选择单位"))),
        (None, []) if !line.is_open() => return Err(already),
        _ => return Err(Error::Forbidden),
    };
    let text = required("report", text)?;
    let person = ctx.actor.id().to_owned();
    directives::report(&mut ctx.tx, id, &unit_id, &text, &person, ctx.now)?;
    if !ctx.actor.unit_ids().contains(&unit_id) && ctx.actor.may(Action::DecideTask, &Default::default()) {
        ctx.actor.kind = ActorKind::Proxy;
    }
    let unit = line.units.iter().find(|unit| unit.unit_id == unit_id);
    let payload = json!({ "title": unit.map(|unit| &unit.unit_name), "unit": unit_id });
    ctx.record("directive.reported", ("directive", id), None, payload);
    if line.units.iter().all(|unit| unit.reported_at.is_some() || unit.unit_id == unit_id) {
        directives::close(&mut ctx.tx, id, ctx.now)?;
    }
    Ok(())
}

/// Gives a directive that waits another date, with a reason: its leader does, or the office that transcribes. The units that
/// are still to report learn of it, and its ladder begins anew.
pub fn change_date(ctx: &mut Ctx, id: &str, due_on: NaiveDate, reason: String) -> Result<(), Error> {
    let row = directives::take(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let line = views::readable_line(ctx, row)?;
    if !views::may_move(ctx, &line) {
        return Err(Error::Forbidden);
    }
    if !line.is_open() {
        return Err(Error::Refused(Message::new("这件批示已反馈。")));
    }
    if due_on < ctx.today {
        return Err(Error::field("due_on", Message::new("日期不能早于今天")));
    }
    if line.row.due_on == Some(due_on) {
        return Err(Error::field("due_on", Message::new("期限没有变动")));
    }
    let reason = required("reason", reason)?;
    directives::move_to(&mut ctx.tx, id, due_on)?;
    let payload = json!({ "from": line.row.due_on, "to": due_on, "reason": reason });
    ctx.record("directive.moved", ("directive", id), None, payload);
    let moved = Directive { due_on: Some(due_on), moved: line.row.moved + 1, ..line.row.clone() };
    reminding::tell_moved(ctx, &moved, &line);
    reminding::take_due(ctx, &moved)
}

/// Active people with a leader's post.
pub fn leaders(ctx: &mut Ctx) -> Result<Vec<people::Person>, Error> {
    let posts = people::open_posts(&mut ctx.tx, super::Clock::real())?;
    let leads = |id: &str| posts.iter().any(|post| post.role == Role::Leader && post.person_id == id);
    Ok(people::people(&mut ctx.tx)?.into_iter().filter(|person| person.active && leads(&person.id)).collect())
}

/// What a mail says of a directive: never its words, for a unit's mailbox and the mail log have more readers than it.
pub fn mail_line(lang: Lang) -> String {
    lang.t("有一件批示需要贵单位反馈。批示内容只对限定人员开放，请登录查看并反馈。").into_owned()
}
