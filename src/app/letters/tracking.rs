//! Who was written to, and who has reacted.

use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::store::mails::{self, MailFilter, MailLine};
use crate::store::{inbound, mail_links};
use chrono::NaiveDateTime;

/// A mail with what came of it.
#[derive(Debug, Clone)]
pub struct Tracked {
    pub line: MailLine,
    /// When one of its action pages was first looked at.
    pub opened_at: Option<NaiveDateTime>,
    /// Who first acted from it, by link or by reply, and when.
    pub acted: Option<(String, NaiveDateTime)>,
}

/// The mail log, newest first.
pub fn mails(ctx: &mut Ctx, filter: &MailFilter, offset: i64, limit: i64) -> Result<(Vec<Tracked>, i64), Error> {
    ctx.require_anywhere(Action::ReadMail)?;
    let (lines, total) = mails::list(&mut ctx.tx, filter, offset, limit)?;
    let ids: Vec<String> = lines.iter().map(|line| line.id.clone()).collect();
    let links = mail_links::of_mails(&mut ctx.tx, &ids)?;
    let answers = inbound::answers(&mut ctx.tx, &ids)?;
    let tracked = |line: MailLine| {
        let own = || links.iter().filter(|link| link.mail_id == line.id);
        let by_link = own().filter_map(|link| Some((link.used_by.clone()?, link.used_at?)));
        let replies = answers.iter().filter(|(mail, ..)| mail.as_ref() == Some(&line.id));
        let by_reply = replies.map(|(_, sender, at)| (sender.clone(), *at));
        let opened_at = own().filter_map(|link| link.opened_at).min();
        Tracked { opened_at, acted: by_link.chain(by_reply).min_by_key(|(_, at)| *at), line }
    };
    Ok((lines.into_iter().map(tracked).collect(), total))
}
