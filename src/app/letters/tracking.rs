//! Who was told by which channel, and who has reacted.

use crate::app::directives::views;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::store::sent::{self, Sent, SentFilter, SilentUnit, Span};
use crate::store::unsent::{self, Unsent};
use crate::store::{directives, inbound, mail_links};
use chrono::NaiveDateTime;
use std::collections::HashSet;

/// A mail or a message with what came of it.
#[derive(Debug, Clone)]
pub struct Tracked {
    pub line: Sent,
    /// When one of its action pages was first looked at.
    pub opened_at: Option<NaiveDateTime>,
    /// Who first acted from it, by link or by reply, and when.
    pub acted: Option<(String, NaiveDateTime)>,
    /// When all the tasks that it asked to sign for had been, by whichever door.
    pub signed_at: Option<NaiveDateTime>,
}

/// What was sent, newest first.
pub fn sent(ctx: &mut Ctx, filter: &SentFilter, span: Span) -> Result<(Vec<Tracked>, i64), Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    let (lines, total) = sent::list(&mut ctx.tx, filter, span)?;
    let ids: Vec<String> = lines.iter().map(|line| line.id.clone()).collect();
    let links = mail_links::of_mails(&mut ctx.tx, &ids)?;
    let answers = inbound::answers(&mut ctx.tx, &ids)?;
    let signed = sent::signed_for(&mut ctx.tx, &ids)?;
    let tracked = |line: Sent| {
        let own = || links.iter().filter(|link| link.mail_id == line.id);
        let by_link = own().filter_map(|link| Some((link.used_by.clone()?, link.used_at?)));
        let replies = answers.iter().filter(|(mail, ..)| mail.as_ref() == Some(&line.id));
        let by_reply = replies.map(|(_, sender, at)| (sender.clone(), *at));
        Tracked {
            opened_at: own().filter_map(|link| link.opened_at).min(),
            acted: by_link.chain(by_reply).min_by_key(|(_, at)| *at),
            signed_at: signed.get(&line.id).copied(),
            line,
        }
    };
    Ok((lines.into_iter().map(tracked).collect(), total))
}

/// What was not sent because a decision settled it, newest first: nobody needed it any more, or nobody could be reached.
/// Of directives only those that the reader may read, though all count.
pub fn unsent(ctx: &mut Ctx, filter: &SentFilter, span: Span) -> Result<(Vec<Unsent>, i64), Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    let (mut rows, total) = unsent::list(&mut ctx.tx, filter, span)?;
    let about: HashSet<String> = rows.iter().filter_map(|row| row.directive_id.clone()).collect();
    let mut readable = HashSet::new();
    for id in about {
        let Some(row) = directives::by_id(&mut ctx.tx, &id)? else { continue };
        readable.extend(views::readable(ctx, vec![row])?.into_iter().map(|line| line.row.id));
    }
    rows.retain(|row| row.directive_id.as_ref().is_none_or(|id| readable.contains(id)));
    Ok((rows, total))
}

/// The units that were told and have not signed.
pub fn silent_units(ctx: &mut Ctx, case_id: Option<&str>) -> Result<Vec<SilentUnit>, Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    Ok(sent::silent_units(&mut ctx.tx, case_id)?)
}
