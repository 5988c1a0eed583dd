//! Replies to our mails: the unit's act when the sender is the unit's and the first line is understood.

use crate::app::letters::mail_links::{Answer, acting_for, perform};
use crate::app::tasks::files::{self, Upload};
use crate::app::{Actor, App, Ctx, Error, tasks};
use crate::domain::access::Role;
use crate::domain::event::ActorKind;
use crate::domain::inbound::{InboundKind, InboundState};
use crate::domain::mail_link::LinkAct;
use crate::domain::notice::RecipientKind;
use crate::domain::task::TaskState;
use crate::lang::Message;
use crate::mail::reply::{self, Asked, Reply};
use crate::store::inbound::{self, Inbound};
use crate::store::mails::{self, Mail};
use crate::store::notices;
use crate::store::people::{self, Unit};
use crate::store::plans::{self, Task};
use chrono::TimeDelta;
use mail_parser::{MessagePart, MimeHeaders};

/// Messages a sender may send an hour; more wait for a person.
const HOURLY_MAX: i64 = 60;
/// Parts of one message that are looked at.
const PARTS_MAX: usize = 60;

/// A reply whose sender may act.
pub struct Trusted {
    pub actor: Actor,
    mail: Mail,
    unit: Unit,
    reply: Reply,
    uploads: Vec<Upload>,
}

/// What a message that is no bounce turns out to be: an act that may be tried, or a row that says why not.
pub enum Weighed {
    Trusted(Box<Trusted>),
    Settled,
}

/// Weighs a message; `row` learns what it is.
pub fn weigh(ctx: &mut Ctx, row: &mut Inbound, message: &mail_parser::Message) -> Result<Weighed, Error> {
    if reply::is_automatic(message) {
        (row.kind, row.state) = (InboundKind::AutoReply, InboundState::Done);
        row.verdict = "机器自动回复，不作处理".to_owned();
        return Ok(Weighed::Settled);
    }
    let mut mail = None;
    for id in reply::answered(message) {
        mail = mails::by_message_id(&mut ctx.tx, &id)?;
        if mail.is_some() {
            break;
        }
    }
    let Some(mail) = mail else {
        row.verdict = "不是对本系统邮件的回复".to_owned();
        return Ok(Weighed::Settled);
    };
    row.kind = InboundKind::Reply;
    (row.mail_id, row.case_id) = (Some(mail.id.clone()), mail.case_id.clone());
    let unit = match mail.recipient_kind {
        RecipientKind::Unit => people::unit_by_id(&mut ctx.tx, &mail.recipient_id)?,
        RecipientKind::Person => None,
    };
    let Some(unit) = unit else {
        row.verdict = "所回复的邮件不是发给承办单位的".to_owned();
        return Ok(Weighed::Settled);
    };
    let Some(actor) = sender(ctx, &row.sender, &mail, &unit)? else {
        row.verdict = "发件人不是该单位的邮箱".to_owned();
        return Ok(Weighed::Settled);
    };
    if reply::is_disproved(message) {
        row.verdict = "收信服务器判定发件人可能是冒用".to_owned();
        return Ok(Weighed::Settled);
    }
    if inbound::count_from(&mut ctx.tx, &row.sender, ctx.now - TimeDelta::hours(1))? >= HOURLY_MAX {
        row.verdict = "该发件人一小时内来信过多".to_owned();
        return Ok(Weighed::Settled);
    }
    if message.parts.len() > PARTS_MAX {
        row.verdict = "来信的附件或层次过多".to_owned();
        return Ok(Weighed::Settled);
    }
    let reply = reply::read(&reply::text_of(message));
    let is_packed = reply::is_packed(message);
    // Signing for a task and asking for time show no evidence; with anything else some may be in there.
    if is_packed && !matches!(reply.asked, Asked::Acknowledge | Asked::Extension { .. }) {
        row.verdict = "附件被邮件程序打包成 winmail.dat，请人工取出后代录".to_owned();
        return Ok(Weighed::Settled);
    }
    let attached = message.attachments().filter(|part| !is_packed && !is_of_the_text(part));
    let uploads = attached.map(|part| Upload {
        name: part.attachment_name().unwrap_or_default().to_owned(),
        bytes: part.contents().to_vec(),
    });
    let uploads = uploads.collect();
    Ok(Weighed::Trusted(Box::new(Trusted { actor, mail, unit, reply, uploads })))
}

/// A picture that the text shows, as a signature's logo.
fn is_of_the_text(part: &MessagePart) -> bool {
    part.content_disposition().map_or(part.content_id().is_some(), |how| how.is_inline())
}

/// The unit's mailbox, the address that was written to, or an address of one of its people.
fn sender(ctx: &mut Ctx, address: &str, mail: &Mail, unit: &Unit) -> Result<Option<Actor>, Error> {
    let same = |known: &str| known.trim().eq_ignore_ascii_case(address);
    let staff =
        people::reachable_in_unit(&mut ctx.tx, &unit.id, &[Role::Liaison, Role::Officer, Role::UnitHead], ctx.now)?;
    if let Some(person) = staff.iter().find(|person| person.email.as_deref().is_some_and(same)) {
        let named = acting_for(unit, &person.name, ActorKind::Reply);
        return Ok(Some(Actor { person_id: Some(person.id.clone()), name: person.name.clone(), ..named }));
    }
    let is_mailbox = unit.mailbox.as_deref().is_some_and(same) || same(&mail.address);
    Ok(is_mailbox.then(|| acting_for(unit, address, ActorKind::Reply)))
}

/// Does what a trusted reply asks, and keeps its row, in one transaction.
pub async fn act(app: &App, trusted: Trusted, mut row: Inbound) -> Result<(), Error> {
    let Trusted { actor, mail, unit, reply, uploads } = trusted;
    let kept = files::keep_checked(app, uploads).await?;
    app.write(&actor, move |ctx| {
        let tasks = meant(ctx, &mail, &unit, &reply)?;
        let mut evidence = Some(kept);
        for task in tasks {
            one(ctx, &task, &reply, evidence.take().unwrap_or_default())?;
        }
        (row.kind, row.state, row.verdict) = (InboundKind::Reply, InboundState::Done, done(reply.asked).to_owned());
        Ok(inbound::insert(&mut ctx.tx, row)?)
    })
    .await
}

fn done(asked: Asked) -> &'static str {
    match asked {
        Asked::Acknowledge => "已按回复签收",
        Asked::Done => "已按回复提交办结",
        Asked::Progress(_) => "已按回复填报进展",
        Asked::Extension { .. } => "已按回复申请延期",
        Asked::Comment => "已作为留言记录",
    }
}

/// The tasks of the answered mail that a reply is about: the one it names, the only one, or all that wait to be signed for.
fn meant(ctx: &mut Ctx, mail: &Mail, unit: &Unit, reply: &Reply) -> Result<Vec<Task>, Error> {
    let mut tasks = Vec::new();
    for id in notices::tasks_of_mail(&mut ctx.tx, &mail.id)? {
        tasks.extend(plans::task_by_id(&mut ctx.tx, &id)?.filter(|task| task.unit_id == unit.id));
    }
    if let Some(no) = reply.task_no {
        tasks.retain(|task| task.no == no);
    }
    if reply.asked == Asked::Acknowledge && tasks.len() > 1 {
        tasks.retain(|task| task.state == TaskState::Ready);
    } else if tasks.len() > 1 {
        return Err(Error::Refused(Message::new("所回复的邮件有几项任务，首行没有写明编号")));
    }
    if tasks.is_empty() {
        return Err(Error::Refused(Message::new("回复所指的任务不在该单位手中")));
    }
    Ok(tasks)
}

fn one(ctx: &mut Ctx, task: &Task, reply: &Reply, evidence: Vec<files::Kept>) -> Result<(), Error> {
    let (act, percent, asked_due_on) = match reply.asked {
        Asked::Comment => {
            files::attach(ctx, &task.id, evidence)?;
            return tasks::comment(ctx, &task.id, reply.text.clone());
        }
        Asked::Acknowledge => (LinkAct::Acknowledge, None, None),
        Asked::Progress(percent) => (LinkAct::Report, Some(percent), None),
        Asked::Done => (LinkAct::Submit, None, None),
        Asked::Extension { days, working } => {
            let due = task.due_on.ok_or_else(|| Error::Refused(Message::new("任务还没有期限。")))?;
            let asked = if working { ctx.calendar.add_working_days(due, days) } else { due + TimeDelta::days(days) };
            (LinkAct::AskExtension, None, Some(asked))
        }
    };
    let mut text = reply.text.clone();
    if text.is_empty() && act == LinkAct::Submit {
        text = "见邮件回复".to_owned();
    }
    perform(ctx, &task.id, Answer { act, text, percent, asked_due_on, evidence })
}
