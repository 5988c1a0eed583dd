//! Before a case is issued its units are asked (征求意见): each agrees, comments or objects by a date; silence is shown as
//! silence and never counts as agreement.

use crate::app::access::require_on_case;
use crate::app::cases::{prepare, same_version};
use crate::app::tasks::{bounded, required};
use crate::app::{Ctx, Error, Owed, Recipient};
use crate::domain::access::{Action, Subject};
use crate::domain::case::{CaseMove, CaseState, Opinion};
use crate::domain::event::ActorKind;
use crate::domain::notice::Stage;
use crate::lang::Message;
use crate::store::cases::{self, Case};
use crate::store::consultations::{self, Consultation};
use crate::store::new_id;
use crate::store::people::{self, Unit};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

/// Asks every unit of the force until a day. Asked again, units that have not answered get until the new day, and units
/// that came to the force since are asked too.
pub fn ask(ctx: &mut Ctx, case_id: &str, version: i64, due_on: NaiveDate) -> Result<(), Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_on_case(ctx, Action::OpenCase, case_id)?;
    same_version(&case, version)?;
    if due_on <= ctx.today {
        return Err(Error::field("due_on", Message::new("期限应晚于今天")));
    }
    if case.state != CaseState::Consulted {
        prepare(ctx, case_id, version, CaseMove::Consult)?;
    }
    let known = consultations::of_case(&mut ctx.tx, case_id)?;
    consultations::prolong(&mut ctx.tx, case_id, due_on)?;
    let mut rows = Vec::new();
    for member in cases::force(&mut ctx.tx, case_id)? {
        let answered = known.iter().find(|row| row.unit_id == member.unit_id).map(|row| row.replied_at.is_some());
        if answered.is_none() {
            rows.push(Consultation {
                id: new_id(),
                case_id: case_id.to_owned(),
                unit_id: member.unit_id.clone(),
                asked_at: ctx.now,
                due_on,
                reply: None,
                comment: None,
                replied_at: None,
                proxy_source: None,
            });
        }
        if answered != Some(true) {
            owe(ctx, &case, &member.unit_id, due_on);
        }
    }
    consultations::insert(&mut ctx.tx, rows)?;
    ctx.record("case.opinions_asked", ("case", case_id), Some(case_id), json!({ "to": due_on }));
    Ok(())
}

fn owe(ctx: &mut Ctx, case: &Case, unit_id: &str, due_on: NaiveDate) {
    ctx.owe(Owed {
        subject_kind: "case",
        subject_id: &case.id,
        stage: Stage::OpinionAsked,
        recipient: Recipient::Unit(unit_id),
        // A new date is a new question.
        cycle: due_on.num_days_from_ce(),
        case_id: Some(&case.id),
        detail: &due_on.to_string(),
    });
}

/// A unit's answer; until the case is issued it may be changed. An objection needs its reason.
pub fn reply(ctx: &mut Ctx, case_id: &str, unit_id: &str, opinion: Opinion, comment: String) -> Result<(), Error> {
    let unit = people::unit_by_id(&mut ctx.tx, unit_id)?.ok_or(Error::NotFound)?;
    ctx.require(Action::ReplyOpinion, &Subject { unit_path: Some(&unit.path), ..Subject::default() })?;
    keep(ctx, case_id, &unit, opinion, comment, None)?;
    Ok(())
}

/// A unit's answer as it came by phone, chat or paper (代录): the unit is told what was entered, and may correct it.
pub fn enter_for_unit(
    ctx: &mut Ctx,
    case_id: &str,
    unit_id: &str,
    opinion: Opinion,
    comment: String,
    source: String,
) -> Result<(), Error> {
    require_on_case(ctx, Action::OpenCase, case_id)?;
    let unit = people::unit_by_id(&mut ctx.tx, unit_id)?.ok_or(Error::NotFound)?;
    let source = required("proxy_source", source)?;
    ctx.actor.kind = ActorKind::Proxy;
    ctx.actor.name = format!("{}（{source}）", ctx.actor.name);
    let comment = keep(ctx, case_id, &unit, opinion, comment, Some(&source))?;
    let entered = [Some(opinion.label().to_owned()), comment, Some(source)];
    ctx.owe(Owed {
        subject_kind: "case",
        subject_id: case_id,
        stage: Stage::OpinionEntered,
        recipient: Recipient::Unit(unit_id),
        cycle: ctx.now.and_utc().timestamp() as i32,
        case_id: Some(case_id),
        detail: &entered.into_iter().flatten().collect::<Vec<_>>().join("\n"),
    });
    Ok(())
}

/// Keeps what a unit says; gives its comment as it is kept.
fn keep(
    ctx: &mut Ctx,
    case_id: &str,
    unit: &Unit,
    opinion: Opinion,
    comment: String,
    source: Option<&str>,
) -> Result<Option<String>, Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    if case.state != CaseState::Consulted {
        return Err(Error::Refused(
            Message::new("专项现在是“%{state}”，不再征求意见。").with("state", case.state.label()),
        ));
    }
    bounded("comment", &comment)?;
    let comment = match opinion {
        Opinion::Agree => Some(comment.trim().to_owned()).filter(|text| !text.is_empty()),
        Opinion::Comment | Opinion::Object => Some(required("comment", comment)?),
    };
    if !consultations::reply(&mut ctx.tx, case_id, &unit.id, opinion, comment.as_deref(), source, ctx.now)? {
        return Err(Error::Refused(Message::new("没有征求过这个单位的意见。")));
    }
    let payload = json!({ "title": unit.name, "reason": comment, "opinion": opinion, "proxy": source });
    ctx.record("case.opinion_given", ("case", case_id), Some(case_id), payload);
    Ok(comment)
}

/// Whether one of the actor's units was asked: then it may read the draft.
pub fn was_asked(ctx: &mut Ctx, case_id: &str) -> Result<bool, Error> {
    let asked: Vec<String> = consultations::of_case(&mut ctx.tx, case_id)?.into_iter().map(|row| row.unit_id).collect();
    if asked.is_empty() {
        return Ok(false);
    }
    let own = ctx.actor.unit_paths();
    let paths = people::paths_of(&mut ctx.tx, &asked)?;
    Ok(paths.iter().any(|path| own.iter().any(|own| path.starts_with(own))))
}

/// Of the units that were asked, those the actor may answer for.
pub fn may_reply_for(ctx: &mut Ctx, asked: &[String]) -> Result<Vec<String>, Error> {
    let mut units = Vec::new();
    for unit_id in asked {
        let path = people::paths_of(&mut ctx.tx, std::slice::from_ref(unit_id))?.pop();
        let subject = Subject { unit_path: path.as_deref(), ..Subject::default() };
        if ctx.actor.may(Action::ReplyOpinion, &subject) {
            units.push(unit_id.clone());
        }
    }
    Ok(units)
}
