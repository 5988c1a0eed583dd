//! Who was told by which channel, and who has reacted.

use crate::app::directives::views;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::notice::MailState;
use crate::store::sent::{self, Sent, SentFilter, SilentUnit, Span};
use crate::store::unsent::{self, Unsent};
use crate::store::{inbound, mail_links};
use chrono::NaiveDateTime;

/// A mail or a message with what came of it.
#[derive(Debug, Clone)]
pub struct Tracked {
    pub line: Sent,
    /// Whether it asks something of its reader.
    pub asks: bool,
    /// When one of its action pages was first looked at.
    pub opened_at: Option<NaiveDateTime>,
    /// Who first acted from it, by link or by reply, and when.
    pub acted: Option<(String, NaiveDateTime)>,
    /// When all the tasks that it asked to sign for had been, by whichever door.
    pub signed_at: Option<NaiveDateTime>,
}

impl Tracked {
    /// What came of it, in a word; none while it has not arrived.
    pub fn reaction(&self) -> Option<&'static str> {
        if self.acted.is_some() {
            return Some("已办理");
        }
        if self.signed_at.is_some() {
            return Some("已签收");
        }
        if self.opened_at.is_some() {
            return Some("已打开");
        }
        let arrived = self.line.state == MailState::Sent;
        arrived.then_some(if self.asks { "尚无反应" } else { "无需回应" })
    }
}

/// What was sent, newest first.
pub fn sent(ctx: &mut Ctx, filter: &SentFilter, span: Span) -> Result<(Vec<Tracked>, i64), Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    let (lines, total) = sent::list(&mut ctx.tx, filter, span)?;
    let ids: Vec<String> = lines.iter().map(|line| line.id.clone()).collect();
    let links = mail_links::of_mails(&mut ctx.tx, &ids)?;
    let answers = inbound::answers(&mut ctx.tx, &ids)?;
    let signed = sent::signed_for(&mut ctx.tx, &ids)?;
    let asking = sent::asking(&mut ctx.tx, &ids)?;
    let tracked = |line: Sent| {
        let own = || links.iter().filter(|link| link.mail_id == line.id);
        let by_link = own().filter_map(|link| Some((link.used_by.clone()?, link.used_at?)));
        let replies = answers.iter().filter(|(mail, ..)| mail.as_ref() == Some(&line.id));
        let by_reply = replies.map(|(_, sender, at)| (sender.clone(), *at));
        Tracked {
            asks: asking.contains(&line.id),
            opened_at: own().filter_map(|link| link.opened_at).min(),
            acted: by_link.chain(by_reply).min_by_key(|(_, at)| *at),
            signed_at: signed.get(&line.id).copied(),
            line,
        }
    };
    Ok((lines.into_iter().map(tracked).collect(), total))
}

/// What was not sent because a decision settled it, newest first, and how much there is: nobody needed it any more, or
/// nobody could be reached. Of directives only those that the reader may read.
pub fn unsent(ctx: &mut Ctx, filter: &SentFilter, span: Span) -> Result<(Vec<Unsent>, i64), Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    let about = unsent::directives(&mut ctx.tx)?;
    let hidden = views::hidden(ctx, about)?;
    Ok(unsent::list(&mut ctx.tx, filter, &hidden, span)?)
}

/// The units that were told and have not signed.
pub fn silent_units(ctx: &mut Ctx, case_id: Option<&str>) -> Result<Vec<SilentUnit>, Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    Ok(sent::silent_units(&mut ctx.tx, case_id)?)
}
