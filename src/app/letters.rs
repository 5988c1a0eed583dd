//! Letters: what is owed is grouped by recipient and case, worded, and frozen into mails.

pub mod channels;
pub mod delivery;
mod drafts;
pub mod inbox;
mod invitations;
pub mod mail_links;
pub mod mailbox;
mod matters;
mod messages;
mod moot;
pub mod opinion_links;
pub mod outbox;
mod outdated;
pub mod preferences;
pub mod replies;
pub mod tracking;
pub mod undelivered;
pub mod wordings;

use super::{App, Ctx, Error};
use crate::app::chase::{NO_LONGER_NEEDED, duty};
use crate::domain::access::Role;
use crate::domain::calendar::due_moment;
use crate::domain::case::Grade;
use crate::domain::notice::{MailState, RecipientKind, Stage};
use crate::lang::Lang;
use crate::mail::{Ask, Letter, Link, compose, wording};
use crate::store::mails::{self, Mail};
use crate::store::notices::{self, Notice};
use crate::store::people::Person;
use crate::store::plans::TaskInCase;
use crate::store::{cases, directives, inbound, new_id, people, plans};
use chrono::NaiveDate;
use drafts::{Drafts, Offered};
use std::collections::HashSet;

/// Asks in one mail; what is more waits for the next.
const ASKS_MAX: usize = 100;
const REPLY_HINT: &str = "也可以直接回复本邮件办理：首行写“签收”“进度 60%”“延期 3 个工作日 原因……”或“完成”，材料作为附件；几项任务时先写编号，如“03 签收”。其他内容作为留言。";

/// What a mail holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundle {
    OneCase,
    /// Several cases, because the recipient has been written to often enough this hour.
    Overflow,
    /// Several cases, because the recipient wants it so.
    Digest,
}

/// Words one mail for notices of one recipient.
fn draft(ctx: &mut Ctx, drafts: &mut Drafts, group: Vec<Notice>, bundle: Bundle, from: &str) -> Result<(), Error> {
    let Some(first) = group.first().cloned() else { return Ok(()) };
    let Some(to) = recipient(ctx, &first)? else {
        drafts.skip_all(group, notices::NO_ADDRESS);
        return Ok(());
    };
    let mut offered = Offered { mail_id: new_id(), ..Offered::default() };
    let Asked { asks, settles } = asked(ctx, drafts, &group, Some(&mut offered), to.lang, ASKS_MAX)?;
    if asks.is_empty() {
        return Ok(());
    }
    let case_id = first.case_id.clone().filter(|_| bundle == Bundle::OneCase);
    let frozen = Frozen { id: offered.mail_id.clone(), first, case_id, bundle, to, asks, from };
    let (mail, message) = frozen_mail(ctx, frozen)?;
    drafts.mail(mail, message, settles, offered);
    Ok(())
}

/// What is said of notices, and which of them that settles.
struct Asked {
    asks: Vec<Ask>,
    settles: Vec<String>,
}

/// Words up to `most` notices of one recipient; those that need no word are to be skipped.
fn asked(
    ctx: &mut Ctx,
    drafts: &mut Drafts,
    group: &[Notice],
    mut offered: Option<&mut Offered>,
    lang: Lang,
    most: usize,
) -> Result<Asked, Error> {
    let mut told = Asked { asks: Vec::new(), settles: Vec::new() };
    let Some(first) = group.first() else { return Ok(told) };
    let preference = crate::store::preferences::of(&mut ctx.tx, &first.recipient_id)?;
    let about_tasks: Vec<String> =
        group.iter().filter(|of| of.subject_kind == "task").map(|of| of.subject_id.clone()).collect();
    let tasks = plans::by_ids(&mut ctx.tx, &about_tasks)?;
    let mut said = HashSet::new();
    for notice in group {
        let found = tasks.get(&notice.subject_id);
        let says = (&notice.subject_id, notice.stage, &notice.detail);
        if preference.mutes(notice.stage.code()) {
            drafts.skip(notice, "muted");
        } else if told.asks.len() == most {
            break;
        } else if let Some(why) = moot::why(ctx, notice, found.map(|found| &found.task))? {
            drafts.skip(notice, why);
        } else if said.contains(&says) {
            // Once is enough: a mail tells what the rows are now.
            told.settles.push(notice.id.clone());
        } else if let Some(ask) = ask(ctx, notice, found, offered.as_deref_mut(), lang)? {
            said.insert(says);
            told.asks.push(ask);
            told.settles.push(notice.id.clone());
        } else {
            drafts.skip(notice, NO_LONGER_NEEDED);
        }
    }
    told.asks.sort_by_key(Ask::urgency);
    Ok(told)
}

/// What a mail is made of.
struct Frozen<'a> {
    id: String,
    first: Notice,
    case_id: Option<String>,
    bundle: Bundle,
    to: To,
    asks: Vec<Ask>,
    from: &'a str,
}

struct To {
    name: String,
    address: String,
    lang: Lang,
}

/// The unit's mailbox, else its liaison's or an officer's or its head's; a person's own. What is urgent goes on a day off to
/// who is on duty. Flagged addresses are passed over.
fn recipient(ctx: &mut Ctx, notice: &Notice) -> Result<Option<To>, Error> {
    let mut reachable = Vec::new();
    match notice.recipient_kind {
        RecipientKind::Person => {
            let Some(person) = people::person_by_id(&mut ctx.tx, &notice.recipient_id)? else { return Ok(None) };
            let deputy = preferences::deputy_of(ctx, &person.id)?;
            reachable.extend(by_name(deputy.unwrap_or(person)));
        }
        RecipientKind::Unit => {
            let Some(unit) = people::unit_by_id(&mut ctx.tx, &notice.recipient_id)? else { return Ok(None) };
            if is_urgent(ctx, notice)? {
                reachable.extend(duty::reads_on_day_off(ctx, &unit.id)?.into_iter().filter_map(by_name));
            }
            let roles = [Role::Liaison, Role::Officer, Role::UnitHead];
            let people = people::reachable_in_unit(&mut ctx.tx, &unit.id, &roles, ctx.now)?;
            let addresses = unit.mailbox.into_iter().chain(people.into_iter().filter_map(|person| person.email));
            reachable.extend(addresses.map(|address| To { name: unit.name.clone(), address, lang: Lang::Zh }));
        }
    }
    for to in reachable {
        if inbound::is_flagged(&mut ctx.tx, &to.address)?.is_none() {
            return Ok(Some(to));
        }
    }
    Ok(None)
}

fn by_name(person: Person) -> Option<To> {
    let lang = Lang::parse(&person.lang).unwrap_or_default();
    Some(To { name: person.name, address: person.email?, lang })
}

fn is_urgent(ctx: &mut Ctx, notice: &Notice) -> Result<bool, Error> {
    let case = notice.case_id.as_deref().map(|id| cases::by_id(&mut ctx.tx, id)).transpose()?.flatten();
    Ok(case.is_some_and(|case| case.grade == Grade::Urgent))
}

fn frozen_mail(ctx: &mut Ctx, of: Frozen) -> Result<(Mail, String), Error> {
    let Frozen { id, first, case_id, bundle, to, asks, from } = of;
    let domain = from.rsplit_once('@').map_or("shenban.invalid", |(_, domain)| domain.trim_end_matches('>'));
    let case = case_id.as_deref().map(|id| cases::by_id(&mut ctx.tx, id)).transpose()?.flatten();
    let case_line = case.as_ref().map(|case| format!("{} {}", case.no, case.title)).unwrap_or_default();
    // A case is a thread to each recipient, and what crosses cases is one of its own.
    let references = mails::thread_root(&mut ctx.tx, case_id.as_deref(), &first.recipient_id)?.into_iter().collect();
    let (subject, opening) = worded(ctx, &asks, &to, &case_line, bundle)?;
    let unsubscribe = (bundle == Bundle::Digest).then(|| {
        let path = preferences::unsubscribe_path(ctx, &first.recipient_id);
        format!("{}{path}", ctx.app.settings.mail_link_url())
    });
    // What is about the whole case names it itself.
    let case_line = if asks.iter().any(|ask| ask.heading == case_line) { String::new() } else { case_line };
    let list_id = case.map(|case| format!("{}.{domain}", case.no.to_lowercase()));
    // A unit can answer by mail; where nobody reads answers, the mail does not say so.
    let answerable = ctx.app.settings.mail.inbound_maildir.is_some() && first.recipient_kind == RecipientKind::Unit;
    let letter = Letter {
        lang: to.lang,
        from: from.to_owned(),
        to: to.address.clone(),
        reply_to: ctx.app.settings.mail.reply_to.clone(),
        list_id,
        unsubscribe,
        message_id: format!("{}@{domain}", uuid::Uuid::new_v4().simple()),
        references,
        subject: subject.clone(),
        greeting: to.name.clone(),
        opening,
        case_line,
        asks,
        reply_hint: answerable.then(|| to.lang.t(REPLY_HINT).into_owned()),
        footer: format!("{} · {}", ctx.app.settings.city, ctx.app.settings.public_url),
        date: ctx.now.and_utc(),
    };
    let (message, state) = match compose(&letter) {
        Ok(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), MailState::Queued),
        // An address that is none: the log shows it as failed instead of losing it.
        Err(error) => (error.to_string(), MailState::Failed),
    };
    let mail = Mail {
        id,
        message_id: letter.message_id,
        case_id,
        recipient_kind: first.recipient_kind,
        recipient_id: first.recipient_id.clone(),
        recipient_name: to.name,
        address: to.address,
        subject,
        state,
        attempts: 0,
        next_attempt_at: ctx.now,
        claimed_by: None,
        claimed_until: None,
        created_at: ctx.now,
        settled_at: (state == MailState::Failed).then_some(ctx.now),
    };
    Ok((mail, message))
}

/// The subject and first paragraph: by the city's wording for one thing, by the most urgent for several.
fn worded(ctx: &mut Ctx, asks: &[Ask], to: &To, case_line: &str, bundle: Bundle) -> Result<(String, String), Error> {
    let [one] = asks else { return Ok(wording::of_several(asks, bundle != Bundle::OneCase, to.lang)) };
    let wording = wordings::of(ctx, one.stage, to.lang)?;
    let stage = to.lang.t(one.stage.label());
    Ok(wording.filled(&[
        ("stage", &stage),
        ("item", &one.heading),
        ("unit", &to.name),
        ("case", case_line),
        ("due", one.due_shown.as_deref().unwrap_or_default()),
        ("city", &ctx.app.settings.city),
    ]))
}

/// What one notice says; `None` when nobody needs it any more. Only a mail has links that act without signing in.
fn ask(
    ctx: &mut Ctx,
    notice: &Notice,
    found: Option<&TaskInCase>,
    offered: Option<&mut Offered>,
    lang: Lang,
) -> Result<Option<Ask>, Error> {
    let url = ctx.app.settings.public_url.clone();
    if notice.subject_kind == "task" {
        let Some(found) = found else { return Ok(None) };
        if matches!(notice.stage, Stage::HelpAsked | Stage::HelpDue) {
            return matters::request(ctx, notice, offered, found, lang);
        }
        if matches!(notice.stage, Stage::ObjectionRaised | Stage::ObjectionConsulted | Stage::ObjectionDue) {
            return matters::objection(ctx, notice, found, lang);
        }
        let task = &found.task;
        let mut lines = match notice.stage {
            Stage::TaskReleased | Stage::TaskChanged | Stage::TaskPassedOn => matters::demands(task, lang),
            Stage::ExtensionAsked => matters::asked_extension(ctx, found, lang)?.into_iter().collect(),
            Stage::ExtensionDecided => matters::decided_extension(ctx, found, lang)?.into_iter().collect(),
            _ => Vec::new(),
        };
        lines.extend(notice.detail.lines().map(str::to_owned));
        let asked = task.state.is_with_unit();
        let due = task.due_on.filter(|_| asked);
        // The task's own unit acts from the mail; others look at it.
        let may_act = notice.recipient_id == task.unit_id && found.case_state.is_running();
        let mut links = match offered {
            Some(offered) if may_act => mail_links::offer_all(ctx, offered, found),
            _ => Vec::new(),
        };
        links.push(Link { label: "查看任务", url: format!("{url}/tasks/{}", task.id) });
        let settings = &ctx.app.settings;
        return Ok(Some(Ask {
            uid: format!("task-{}", task.id),
            stage: notice.stage,
            heading: format!("{} {}", found.number(), task.title),
            lines,
            due_shown: due.map(|day| due_line(ctx, day, lang)),
            due_at: due.map(|day| due_moment(day, settings.timezone, settings.close_of_day)),
            invitation: None,
            links,
        }));
    }
    if notice.subject_kind == "person" {
        return matters::handed_over(ctx, notice);
    }
    if notice.subject_kind == "meeting" {
        return invitations::ask(ctx, notice, lang);
    }
    if notice.subject_kind == "mail" {
        let Some(mail) = mails::by_id(&mut ctx.tx, &notice.subject_id)? else { return Ok(None) };
        return Ok(Some(Ask {
            uid: format!("mail-{}", mail.id),
            stage: notice.stage,
            heading: mail.subject,
            lines: vec![notice.detail.clone()],
            due_shown: None,
            due_at: None,
            invitation: None,
            links: vec![Link { label: "查看邮件", url: format!("{url}/mail/{}", mail.id) }],
        }));
    }
    if notice.subject_kind == "directive" {
        return ask_for_report(ctx, notice, lang);
    }
    let Some(case) = cases::by_id(&mut ctx.tx, &notice.subject_id)? else { return Ok(None) };
    let mut links = vec![Link { label: "查看专项", url: format!("{url}/cases/{}", case.id) }];
    if matches!(notice.stage, Stage::OpinionAsked | Stage::OpinionEntered)
        && notice.recipient_kind == RecipientKind::Unit
        && let Some(offered) = offered
    {
        links.insert(0, opinion_links::offer(ctx, offered, &case.id, &notice.recipient_id));
    }
    // Of a question the detail is its date alone.
    let due = matches!(notice.stage, Stage::OpinionAsked).then(|| notice.detail.parse().ok()).flatten();
    let detail = notice.detail.lines().filter(|_| due.is_none()).map(str::to_owned);
    let lines = std::iter::once(case.goal.clone()).filter(|line| !line.is_empty()).chain(detail).collect();
    let settings = &ctx.app.settings;
    Ok(Some(Ask {
        uid: format!("case-{}", case.id),
        stage: notice.stage,
        heading: format!("{} {}", case.no, case.title),
        lines,
        due_shown: due.map(|day| due_line(ctx, day, lang)),
        due_at: due.map(|day| due_moment(day, settings.timezone, settings.close_of_day)),
        invitation: None,
        links,
    }))
}

/// A report that a directive waits for.
fn ask_for_report(ctx: &mut Ctx, notice: &Notice, lang: Lang) -> Result<Option<Ask>, Error> {
    let Some(row) = directives::by_id(&mut ctx.tx, &notice.subject_id)? else { return Ok(None) };
    let Some(case) = cases::by_id(&mut ctx.tx, &row.case_id)? else { return Ok(None) };
    let settings = &ctx.app.settings;
    Ok(Some(Ask {
        uid: format!("directive-{}", row.id),
        stage: notice.stage,
        heading: format!("{} {}", case.no, case.title),
        lines: vec![crate::app::directives::mail_line(lang)],
        due_shown: row.due_on.map(|day| due_line(ctx, day, lang)),
        due_at: row.due_on.map(|day| due_moment(day, settings.timezone, settings.close_of_day)),
        invitation: None,
        links: vec![Link { label: "查看并反馈", url: format!("{}/directives/{}", settings.public_url, row.id) }],
    }))
}

/// A date as a mail tells it, with how long it has passed.
fn due_line(ctx: &Ctx, day: NaiveDate, lang: Lang) -> String {
    let due = due_words(day, &ctx.app, lang);
    match ctx.calendar.working_days_between(day, ctx.today) {
        days if days > 0 => lang.fill("%{due}，已超期 %{days} 个工作日", &[("due", &due), ("days", &days)]),
        _ => due,
    }
}

/// `3月12日 周四 18:00前`.
pub fn due_words(day: NaiveDate, app: &App, lang: Lang) -> String {
    let today = app.clock.local_date(app.clock.now());
    let close = app.settings.close_of_day.format("%H:%M");
    lang.fill("%{day} %{time}前", &[("day", &lang.weekday(day, today)), ("time", &close)])
}
