//! A mailbox on another server: what comes there is fetched into our own maildir, from which the one intake takes it.

use crate::app::{App, Clock, Error};
use crate::mail::imap::{self, Mark};
use crate::store::{StoreError, house};
use chrono::TimeDelta;

/// Of several processes one fetches; the lease outlives a visit.
const LEASE: &str = "mailbox";
const LEASE_LASTS: TimeDelta = TimeDelta::seconds(120);
/// How far the mailbox was read.
const MARK: &str = "mailbox.mark";
const FETCHED_AT_ONCE: usize = 20;

/// Fetches what is new. Gives how many messages.
pub async fn collect(app: &App, holder: &str) -> Result<usize, Error> {
    let mail = &app.settings.mail;
    let (Some(settings), Some(maildir)) = (&mail.imap, &mail.inbound_maildir) else { return Ok(0) };
    let (holder, real) = (holder.to_owned(), Clock::real());
    let turn = app.store.write(move |tx| {
        let ours = house::take_lease(tx, LEASE, &holder, real, real + LEASE_LASTS)?;
        let mark = house::setting(tx, MARK)?;
        Ok::<_, StoreError>(ours.then(|| mark.and_then(|mark| mark.parse::<Mark>().ok())))
    });
    let Some(mark) = turn.await? else { return Ok(0) };
    let collected = imap::collect(settings, mark, FETCHED_AT_ONCE, maildir).await;
    let (count, read_to) = collected.map_err(|error| Error::Internal(format!("mailbox: {error}")))?;
    if mark != Some(read_to) {
        let noted = app.store.write(move |tx| house::put_setting(tx, MARK, &read_to.to_string(), real));
        noted.await?;
    }
    Ok(count)
}
