//! Acting from a mail without signing in: each link does one thing to one task for one unit, for a while.

use crate::app::letters::drafts::Offered;
use crate::app::tasks::extensions::ask_extension;
use crate::app::tasks::files::{self, Kept, Upload};
use crate::app::tasks::{self, Progress, help};
use crate::app::{Actor, App, Clock, Ctx, Error};
use crate::domain::access::{Post, Role};
use crate::domain::event::{ActorKind, Channel};
use crate::domain::mail_link::LinkAct;
use crate::domain::task::TaskState;
use crate::lang::{Lang, Message};
use crate::mail::Link;
use crate::store::mail_links::{self, MailLink};
use crate::store::people::{self, Unit};
use crate::store::plans::{self, TaskInCase};
use crate::store::tasks::{self as task_rows, Block};
use crate::store::{files as file_rows, new_id};
use chrono::{NaiveDate, TimeDelta};
use rand::RngExt;
use sha2::{Digest, Sha256};

/// How long a link works, on real time.
pub const LASTS: TimeDelta = TimeDelta::days(30);
const NAME_MAX_CHARS: usize = 40;

/// Whoever acts for a unit by mail: what its officers may, under the name that was given or found.
pub fn acting_for(unit: &Unit, name: &str, kind: ActorKind) -> Actor {
    let post =
        Post { role: Role::Officer, unit_id: Some(unit.id.clone()), unit_path: Some(unit.path.clone()), case_id: None };
    Actor {
        kind,
        person_id: None,
        name: format!("{} {name}", unit.name),
        posts: vec![post],
        lang: Lang::Zh,
        channel: Channel::Mail,
        correlation: new_id(),
    }
}

/// Makes the links that a mail to a task's own unit offers.
pub fn offer_all(ctx: &Ctx, offered: &mut Offered, found: &TaskInCase) -> Vec<Link> {
    let acts = LinkAct::offered(found.task.state).iter();
    acts.map(|act| offer(ctx, offered, found, &found.task.unit_id, *act)).collect()
}

/// Makes a link with which a unit does one thing to a task.
pub fn offer(ctx: &Ctx, offered: &mut Offered, found: &TaskInCase, unit_id: &str, act: LinkAct) -> Link {
    let token = new_token();
    offered.acts.push(MailLink {
        token_hash: hash(&token),
        mail_id: offered.mail_id.clone(),
        task_id: found.task.id.clone(),
        unit_id: unit_id.to_owned(),
        act,
        expires_at: Clock::real() + LASTS,
        opened_at: None,
        used_at: None,
        used_by: None,
    });
    Link { label: act.label(), url: format!("{}/m/{token}", ctx.app.settings.mail_link_url()) }
}

/// What nobody guesses.
pub fn new_token() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// A text with its links' tokens hidden: whoever reads the mail log is not the unit.
pub fn masked(text: &str) -> String {
    let mut parts = text.split("/m/");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("/m/");
        let token = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        if token == 64 {
            shown.push('…');
            shown.push_str(&part[token..]);
        } else {
            shown.push_str(part);
        }
    }
    shown
}

/// What a link's page shows.
pub struct Opened {
    pub act: LinkAct,
    pub found: TaskInCase,
    /// What the unit is asked to help with.
    pub request: Option<Block>,
    /// It can be done now.
    pub applies: bool,
    /// The unit wants its people signed in for it.
    pub wants_sign_in: bool,
}

/// Looks at a link: nothing changes, however often a scanner looks.
pub async fn open(app: &App, token: &str) -> Result<Opened, Error> {
    let token = token.to_owned();
    app.read(&Actor::holder_of_link(), move |ctx| Ok(opened(ctx, &token)?.0)).await
}

fn opened(ctx: &mut Ctx, token: &str) -> Result<(Opened, MailLink, Unit), Error> {
    let gone = || Error::Refused(Message::new("链接已失效或已过期，请登录系统办理，或直接回复邮件。"));
    let link = mail_links::by_hash(&mut ctx.tx, &hash(token))?.filter(|link| link.expires_at > Clock::real());
    let link = link.ok_or_else(gone)?;
    let found = plans::task_in_case(&mut ctx.tx, &link.task_id)?.ok_or_else(gone)?;
    let unit = people::unit_by_id(&mut ctx.tx, &link.unit_id)?.ok_or_else(gone)?;
    let request = task_rows::open_block(&mut ctx.tx, &link.task_id)?;
    let request =
        request.filter(|block| block.helper_unit_id.as_ref() == Some(&unit.id) && block.answered_at.is_none());
    // A task that went to another unit meanwhile is no longer this one's, a request may be.
    if link.act != LinkAct::AnswerHelp && found.task.unit_id != unit.id {
        return Err(gone());
    }
    let opened = Opened {
        act: link.act,
        applies: link.act.applies(found.task.state) || (link.act == LinkAct::AnswerHelp && request.is_some()),
        wants_sign_in: link.act == LinkAct::Submit && unit.submits_signed_in,
        request,
        found,
    };
    Ok((opened, link, unit))
}

/// Notes that a person's browser showed the page.
pub async fn seen(app: &App, token: &str) -> Result<(), Error> {
    let (hash, now) = (hash(token), app.clock.now());
    Ok(app.store.write(move |tx| mail_links::opened(tx, &hash, now)).await?)
}

/// What the page's form says.
pub struct Said {
    pub name: String,
    pub text: String,
    pub percent: Option<i32>,
    pub asked_due_on: Option<NaiveDate>,
    pub uploads: Vec<Upload>,
}

/// The name somebody acts under.
pub fn named(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARS {
        return Err(Error::field("name", Message::new("请填写姓名，不超过 %{max} 字").with("max", NAME_MAX_CHARS)));
    }
    Ok(name.to_owned())
}

/// Does the link's one thing, as the unit's act under the name given.
pub async fn act(app: &App, token: &str, said: Said) -> Result<(), Error> {
    let name = named(&said.name)?;
    let wanted = token.to_owned();
    let (link, unit) = app.read(&Actor::holder_of_link(), move |ctx| opened(ctx, &wanted).map(|o| (o.1, o.2))).await?;
    let actor = acting_for(&unit, &name, ActorKind::Link);
    let kept = files::keep(app, &actor, &link.task_id, said.uploads).await?;
    let token = token.to_owned();
    app.write(&actor, move |ctx| {
        // Again, in the transaction that acts.
        let (opened, link, _) = opened(ctx, &token)?;
        if !opened.applies {
            return Err(done_already(&opened));
        }
        if opened.wants_sign_in {
            return Err(Error::Refused(Message::new("贵单位要求登录后提交办结。")));
        }
        let answer = Answer {
            act: link.act,
            text: said.text,
            percent: said.percent,
            asked_due_on: said.asked_due_on,
            evidence: kept,
        };
        perform(ctx, &link.task_id, answer)?;
        Ok(mail_links::used(&mut ctx.tx, &link.token_hash, &name, ctx.now)?)
    })
    .await
}

fn done_already(opened: &Opened) -> Error {
    if opened.act == LinkAct::AnswerHelp {
        return Error::Refused(Message::new("这一步已不需要。"));
    }
    let found = &opened.found;
    Error::Refused(Message::new("任务现在是“%{state}”，这一步已不需要。").with("state", found.task.state.label()))
}

/// What somebody asks from a mail.
pub struct Answer {
    pub act: LinkAct,
    pub text: String,
    pub percent: Option<i32>,
    pub asked_due_on: Option<NaiveDate>,
    pub evidence: Vec<Kept>,
}

/// Does what a link or a reply asks. Who reports has received the task, and who finishes has begun.
pub fn perform(ctx: &mut Ctx, task_id: &str, answer: Answer) -> Result<(), Error> {
    files::attach(ctx, task_id, answer.evidence)?;
    if matches!(answer.act, LinkAct::Report | LinkAct::Submit | LinkAct::AskExtension)
        && current(ctx, task_id)?.state == TaskState::Ready
    {
        let version = current(ctx, task_id)?.version;
        tasks::acknowledge(ctx, task_id, version)?;
    }
    let task = current(ctx, task_id)?;
    match answer.act {
        LinkAct::Acknowledge => tasks::acknowledge(ctx, task_id, task.version),
        LinkAct::Report => {
            let percent = answer.percent.ok_or_else(|| Error::field("percent", Message::new("请填写内容")))?;
            let progress = Progress { percent, text: answer.text, proxy_source: None };
            match task.state {
                TaskState::Acknowledged => tasks::start(ctx, task_id, task.version, Some(progress)),
                _ => tasks::report(ctx, task_id, task.version, progress),
            }
        }
        LinkAct::AskExtension => {
            let date = answer.asked_due_on;
            let date = date.ok_or_else(|| Error::field("asked_due_on", Message::new("请填写内容")))?;
            ask_extension(ctx, task_id, date, answer.text)
        }
        LinkAct::AnswerHelp => help::answer_block(ctx, task_id, answer.text),
        LinkAct::Submit => {
            if !task.evidence.trim().is_empty() && file_rows::of_task(&mut ctx.tx, task_id)?.is_empty() {
                return Err(Error::field(
                    "file",
                    Message::new("办结须附：%{evidence}").with("evidence", &task.evidence),
                ));
            }
            if task.state == TaskState::Acknowledged {
                tasks::start(ctx, task_id, task.version, None)?;
            }
            let version = current(ctx, task_id)?.version;
            tasks::submit(ctx, task_id, version, answer.text)
        }
    }
}

fn current(ctx: &mut Ctx, task_id: &str) -> Result<plans::Task, Error> {
    plans::task_by_id(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use crate::app::letters::mail_links::*;

    #[test]
    fn tokens_are_hidden_and_the_rest_stays() {
        let token = "a1".repeat(32);
        let text = format!("签收：https://x.example/m/{token}\n查看：https://x.example/m/short");
        assert_eq!(masked(&text), "签收：https://x.example/m/…\n查看：https://x.example/m/short");
    }
}
