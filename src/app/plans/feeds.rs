//! Calendar feeds: a person's own dates, or a case's, behind a secret address that its owner can end.

use crate::app::access::require_reading;
use crate::app::accounts::{actor_of, new_token, token_hash};
use crate::app::cases::case_views;
use crate::app::plans::CasePlan;
use crate::app::plans::outlook::{self, Upcoming};
use crate::app::{App, Clock, Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::domain::event::{ActorKind, Channel};
use crate::exchange::feed::{Day, feed};
use crate::lang::Message;
use crate::store::cases::{self, Case};
use crate::store::plans::{self, TaskInCase};
use crate::store::sessions::{self, Feed};
use serde_json::json;

/// Enough for anybody's calendars.
const FEEDS_MAX: usize = 50;

/// Makes a feed of the actor's own dates, or of one case. Its secret is told this once.
pub fn add(ctx: &mut Ctx, case_id: Option<String>) -> Result<String, Error> {
    if let Some(case_id) = &case_id {
        let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
        require_reading(ctx, &case)?;
    }
    let person_id = ctx.actor.person_id.clone().ok_or(Error::Forbidden)?;
    if sessions::feeds_of(&mut ctx.tx, &person_id)?.len() >= FEEDS_MAX {
        return Err(Error::Refused(Message::new("最多 %{max} 个日历订阅，请先作废不用的。").with("max", FEEDS_MAX)));
    }
    let token = new_token();
    let row = Feed {
        token_hash: token_hash(&token),
        person_id: person_id.clone(),
        case_id: case_id.clone(),
        created_at: Clock::real(),
        revoked_at: None,
    };
    sessions::insert_feed(&mut ctx.tx, &row)?;
    ctx.record("person.feed_added", ("person", &person_id), case_id.as_deref(), json!({}));
    Ok(token)
}

/// The actor's own feeds that still hold, each with its case.
pub fn own(ctx: &mut Ctx) -> Result<Vec<(Feed, Option<Case>)>, Error> {
    let mut feeds = Vec::new();
    for row in sessions::feeds_of(&mut ctx.tx, ctx.actor.id())? {
        let case = match &row.case_id {
            Some(case_id) => cases::by_id(&mut ctx.tx, case_id)?,
            None => None,
        };
        feeds.push((row, case));
    }
    Ok(feeds)
}

/// Ends one of the actor's own feeds.
pub fn revoke(ctx: &mut Ctx, token_hash: &str) -> Result<(), Error> {
    let person_id = ctx.actor.id().to_owned();
    if !sessions::revoke_feed(&mut ctx.tx, &person_id, token_hash, Clock::real())? {
        return Err(Error::NotFound);
    }
    ctx.record("person.feed_revoked", ("person", &person_id), None, json!({}));
    Ok(())
}

/// The calendar behind a secret address: what its owner may see now, in the owner's language.
pub async fn calendar(app: &App, token: String) -> Result<String, Error> {
    let (actor, case_id) = app
        .store
        .read(move |tx| {
            let row = sessions::feed_of_token(tx, &token_hash(&token))?.ok_or(Error::NotFound)?;
            let actor = actor_of(tx, &row.person_id, ActorKind::Person, Channel::Api).map_err(|_| Error::NotFound)?;
            Ok::<_, Error>((actor, row.case_id))
        })
        .await?;
    app.read(&actor, move |ctx| {
        let (name, days) = match case_id {
            Some(case_id) => of_case(ctx, &case_id)?,
            None => of_person(ctx)?,
        };
        Ok(feed(&name, &days, ctx.now.and_utc()))
    })
    .await
}

fn of_case(ctx: &mut Ctx, case_id: &str) -> Result<(String, Vec<Day>), Error> {
    let view = case_views::show(ctx, case_id)?;
    let coming = case_views::upcoming(ctx, &view, usize::MAX)?;
    let day = |row: &Upcoming| {
        let unit = row.unit_id.as_ref().and_then(|id| view.units.get(id)).map(String::as_str).unwrap_or_default();
        day_of(ctx, &view.plan, row, unit)
    };
    let case = &view.line.case;
    // A reminder is a calendar's own business.
    let days = coming.iter().filter(|row| row.what != outlook::REMINDER).map(day).collect();
    Ok((format!("{} {}", case.no, case.title), days))
}

fn day_of(ctx: &Ctx, plan: &CasePlan, row: &Upcoming, unit: &str) -> Day {
    let lang = ctx.actor.lang;
    let (case, url) = (&plan.case, &ctx.app.settings.public_url);
    let what = lang.t(row.what);
    let summary = match row.title.as_str() {
        "" => format!("{what} · {}", case.title),
        title => format!("{what} · {title}"),
    };
    let link = format!("{url}/cases/{}", case.id);
    match row.task_no {
        Some(no) => Day {
            uid: format!("{}-{no}@shenban", case.id),
            day: row.day,
            summary,
            description: format!("{}/{no:02} {} · {unit}", case.no, case.title),
            link: format!("{link}?tab=plan&task={no}"),
        },
        None => Day {
            uid: format!("{}-{}@shenban", case.id, key_of(row.what)),
            day: row.day,
            summary,
            description: format!("{} {}", case.no, case.title),
            link,
        },
    }
}

/// What names a case's own date in its UID, whatever the reader's language.
fn key_of(what: &str) -> String {
    what.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// What the person's units have in hand, and the deadlines of the cases the person leads.
fn of_person(ctx: &mut Ctx) -> Result<(String, Vec<Day>), Error> {
    let lang = ctx.actor.lang;
    let url = ctx.app.settings.public_url.clone();
    let mut days = Vec::new();
    if ctx.actor.may_somewhere(Action::WorkTask) {
        let paths = ctx.actor.unit_paths();
        let own = plans::of_units(&mut ctx.tx, &paths, |state| !state.is_final())?;
        let due = |found: &TaskInCase| {
            Some(Day {
                uid: format!("{}-{}@shenban", found.task.case_id, found.task.no),
                day: found.task.due_on?,
                summary: format!("{} · {}", lang.t("到期"), found.task.title),
                description: format!("{} {} · {}", found.number(), found.case_title, found.unit_name),
                link: format!("{url}/tasks/{}", found.task.id),
            })
        };
        days.extend(own.iter().filter_map(due));
    }
    for case in cases::in_states(&mut ctx.tx, &[CaseState::Issued])? {
        let leads = ctx.actor.posts.iter().any(|post| post.case_id.as_deref() == Some(&case.id));
        if leads || ctx.actor.person_id.as_deref() == Some(case.coordinator()) {
            days.push(Day {
                uid: format!("{}-{}@shenban", case.id, key_of("专项期限")),
                day: case.deadline,
                summary: format!("{} · {}", lang.t("专项期限"), case.title),
                description: case.no.clone(),
                link: format!("{url}/cases/{}", case.id),
            });
        }
    }
    Ok((format!("{} · {}", lang.t("深办"), ctx.actor.name), days))
}
