//! What mails say about matters beside a task's state.

use crate::app::letters::drafts::Offered;
use crate::app::letters::{due_line, mail_links};
use crate::app::{Ctx, Error};
use crate::domain::calendar::due_moment;
use crate::domain::mail_link::LinkAct;
use crate::lang::Lang;
use crate::mail::{Ask, Link};
use crate::store::notices::Notice;
use crate::store::plans::{Task, TaskInCase};
use crate::store::{objections, people, tasks};

/// What a task asks for, when it counts as done, and what is to be attached then.
pub fn demands(task: &Task, lang: Lang) -> Vec<String> {
    let evidence: Vec<&str> = task.evidence.lines().collect();
    let evidence = (!evidence.is_empty())
        .then(|| lang.fill("办结须附：%{evidence}", &[("evidence", &evidence.join(&lang.t("、")))]));
    let acceptance = (!task.acceptance.is_empty())
        .then(|| lang.fill("办结标准：%{acceptance}", &[("acceptance", &task.acceptance)]));
    let description = Some(task.description.clone()).filter(|text| !text.is_empty());
    [description, acceptance, evidence].into_iter().flatten().collect()
}

/// A coordination request (协助请求), with its own date; `None` once it is answered or the block is gone.
pub fn request(
    ctx: &mut Ctx,
    notice: &Notice,
    offered: Option<&mut Offered>,
    found: &TaskInCase,
    lang: Lang,
) -> Result<Option<Ask>, Error> {
    let block = tasks::open_block(&mut ctx.tx, &found.task.id)?.filter(|block| block.answered_at.is_none());
    let Some(block) = block else { return Ok(None) };
    // The unit whose help is asked answers from the mail; others look at the request.
    let mut links = Vec::new();
    if let Some(offered) = offered.filter(|_| block.helper_unit_id.as_ref() == Some(&notice.recipient_id)) {
        links.push(mail_links::offer(ctx, offered, found, &notice.recipient_id, LinkAct::AnswerHelp));
    }
    let settings = &ctx.app.settings;
    links.push(Link { label: "查看任务", url: format!("{}/tasks/{}#help", settings.public_url, found.task.id) });
    let of = lang.fill("%{unit}承办", &[("unit", &found.unit_name)]);
    Ok(Some(Ask {
        uid: format!("help-{}", block.id),
        stage: notice.stage,
        heading: format!("{} {}", found.number(), found.task.title),
        lines: std::iter::once(of).chain(block.reason.lines().map(str::to_owned)).collect(),
        due_shown: Some(due_line(ctx, block.due_on, lang)),
        due_at: Some(due_moment(block.due_on, settings.timezone, settings.close_of_day)),
        invitation: None,
        links,
    }))
}

/// Until when an extension is asked for.
pub fn asked_extension(ctx: &mut Ctx, found: &TaskInCase, lang: Lang) -> Result<Option<String>, Error> {
    let asked = tasks::extensions_of(&mut ctx.tx, &found.task.id)?;
    let open = asked.into_iter().find(|row| row.decided_at.is_none());
    Ok(open.map(|row| lang.fill("申请延至%{day}", &[("day", &lang.date(row.asked_due_on, ctx.today))])))
}

/// What was decided about the extension that was asked for last.
pub fn decided_extension(ctx: &mut Ctx, found: &TaskInCase, lang: Lang) -> Result<Option<String>, Error> {
    let asked = tasks::extensions_of(&mut ctx.tx, &found.task.id)?;
    let decided = asked.into_iter().rfind(|row| row.decided_at.is_some());
    Ok(decided.map(|row| match row.granted_due_on {
        Some(day) => lang.fill("已同意延至%{day}", &[("day", &lang.date(day, ctx.today))]),
        None => lang.t("不同意延期，期限不变").into_owned(),
    }))
}

/// An objection that waits, with the date of its level; `None` once it is ruled on.
pub fn objection(ctx: &mut Ctx, notice: &Notice, found: &TaskInCase, lang: Lang) -> Result<Option<Ask>, Error> {
    let Some(row) = objections::open_of(&mut ctx.tx, &found.task.id)? else { return Ok(None) };
    let settings = &ctx.app.settings;
    let raised = lang.fill("%{unit}提出：%{clause}", &[("unit", &found.unit_name), ("clause", &row.clause)]);
    Ok(Some(Ask {
        uid: format!("objection-{}", row.id),
        stage: notice.stage,
        heading: format!("{} {}", found.number(), found.task.title),
        lines: std::iter::once(raised).chain(row.reason.lines().map(str::to_owned)).collect(),
        due_shown: Some(due_line(ctx, row.due_on, lang)),
        due_at: Some(due_moment(row.due_on, settings.timezone, settings.close_of_day)),
        invitation: None,
        links: vec![Link {
            label: "查看异议",
            url: format!("{}/tasks/{}#objection", settings.public_url, found.task.id),
        }],
    }))
}

/// What a person who moved to another post leaves to the recipient.
pub fn handed_over(ctx: &mut Ctx, notice: &Notice) -> Result<Option<Ask>, Error> {
    let Some(person) = people::person_by_id(&mut ctx.tx, &notice.subject_id)? else { return Ok(None) };
    Ok(Some(Ask {
        uid: format!("handover-{}", notice.id),
        stage: notice.stage,
        heading: person.name,
        lines: notice.detail.lines().map(str::to_owned).collect(),
        due_shown: None,
        due_at: None,
        invitation: None,
        links: vec![Link { label: "打开工作台", url: format!("{}/desk", ctx.app.settings.public_url) }],
    }))
}
