//! Answering a consultation from its mail, without signing in: one unit, one draft, until the case is issued.

use crate::app::cases::consulting;
use crate::app::letters::drafts::Offered;
use crate::app::letters::mail_links::{LASTS, acting_for, hash, named, new_token};
use crate::app::{Actor, App, Clock, Ctx, Error};
use crate::domain::case::{CaseState, Opinion};
use crate::domain::event::ActorKind;
use crate::lang::Message;
use crate::mail::Link;
use crate::store::cases::{self, Case};
use crate::store::consultations::{self, Consultation};
use crate::store::opinion_links::{self, OpinionLink};
use crate::store::people::{self, Unit};
use crate::store::plans::{self, Task};

/// Makes the link that the mail to a unit offers.
pub fn offer(ctx: &Ctx, offered: &mut Offered, case_id: &str, unit_id: &str) -> Link {
    let token = new_token();
    offered.opinions.push(OpinionLink {
        token_hash: hash(&token),
        case_id: case_id.to_owned(),
        unit_id: unit_id.to_owned(),
        expires_at: Clock::real() + LASTS,
    });
    Link { label: "答复征求意见", url: format!("{}/m/{token}/opinion", ctx.app.settings.mail_link_url()) }
}

/// What the link's page shows.
pub struct OpinionAsked {
    pub case: Case,
    pub unit: Unit,
    pub asked: Consultation,
    /// What the draft would give the unit to do.
    pub tasks: Vec<Task>,
}

impl OpinionAsked {
    /// It can be answered now.
    pub fn applies(&self) -> bool {
        self.case.state == CaseState::Consulted
    }
}

/// Looks at a link: nothing changes.
pub async fn open(app: &App, token: &str) -> Result<OpinionAsked, Error> {
    let token = token.to_owned();
    app.read(&Actor::holder_of_link(), move |ctx| opened(ctx, &token)).await
}

fn opened(ctx: &mut Ctx, token: &str) -> Result<OpinionAsked, Error> {
    let gone = || Error::Refused(Message::new("链接已失效或已过期，请登录系统办理，或直接回复邮件。"));
    let link = opinion_links::by_hash(&mut ctx.tx, &hash(token))?.filter(|link| link.expires_at > Clock::real());
    let link = link.ok_or_else(gone)?;
    let case = cases::by_id(&mut ctx.tx, &link.case_id)?.ok_or_else(gone)?;
    let unit = people::unit_by_id(&mut ctx.tx, &link.unit_id)?.ok_or_else(gone)?;
    let asked = consultations::of_case(&mut ctx.tx, &case.id)?.into_iter().find(|row| row.unit_id == unit.id);
    let mut tasks = plans::tasks_of(&mut ctx.tx, &case.id)?;
    tasks.retain(|task| task.unit_id == unit.id);
    Ok(OpinionAsked { asked: asked.ok_or_else(gone)?, case, unit, tasks })
}

/// Answers, as the unit's word under the name given.
pub async fn reply(app: &App, token: &str, name: &str, opinion: Opinion, comment: String) -> Result<(), Error> {
    let name = named(name)?;
    let asked = open(app, token).await?;
    let actor = acting_for(&asked.unit, &name, ActorKind::Link);
    let token = token.to_owned();
    app.write(&actor, move |ctx| {
        // Again, in the transaction that acts.
        let asked = opened(ctx, &token)?;
        consulting::reply(ctx, &asked.case.id, &asked.unit.id, opinion, comment)
    })
    .await
}
