//! The one search box, and the text index behind it.

use super::{App, Ctx, Error};
use crate::app::cases::case_views::{self, CaseLine};
use crate::app::directives::views::{self as directive_views, DirectiveLine};
use crate::domain::access::Action;
use crate::domain::mask;
use crate::store::people::{self, Person};
use crate::store::problems::{self, Problem};
use crate::store::text_index::{self, Entry};
use crate::store::tickets::{self, Ticket};

const SHOWN: i64 = 20;
/// Tickets that are indexed at once while somebody is served, and while nobody is.
const CHUNK: i64 = 32;
const LARGE_CHUNK: i64 = 250;

/// Indexes up to one chunk of new tickets; gives back how many. A caller's number or name in a text is no way to it.
pub async fn index_new(app: &App) -> Result<usize, Error> {
    let most = if app.store.is_in_use() { CHUNK } else { LARGE_CHUNK };
    let (after, rows) = app
        .store
        .read_aside(move |tx| -> Result<_, Error> {
            let after = text_index::watermark(tx)?;
            Ok((after, text_index::unindexed_after(tx, after, most)?))
        })
        .await?;
    let count = rows.len();
    if count == 0 {
        return Ok(0);
    }
    let (store, now) = (app.store.clone(), app.clock.now());
    let fed = tokio::task::spawn_blocking(move || {
        let entries = rows.into_iter().map(|row| Entry {
            seq: row.seq,
            ticket_n: row.ticket_n,
            text: mask::text(&format!("{}\n{}\n{}", row.source_no, row.title, row.body), row.caller_name.as_deref()),
        });
        store.feed_text_index(after, entries.collect(), now)
    });
    fed.await.map_err(|error| Error::Internal(error.to_string()))??;
    Ok(count)
}

/// What one box finds, within what the role may see.
#[derive(Default)]
pub struct Found {
    pub tickets: Vec<Ticket>,
    pub tickets_total: i64,
    pub problems: Vec<Problem>,
    pub cases: Vec<CaseLine>,
    pub directives: Vec<DirectiveLine>,
    pub people: Vec<Person>,
    /// Tickets that came in and cannot be found yet.
    pub behind: i64,
}

pub fn search(ctx: &mut Ctx, text: &str) -> Result<Found, Error> {
    ctx.require_anywhere(Action::Search)?;
    let text = text.trim();
    let mut found = Found::default();
    if text.is_empty() {
        return Ok(found);
    }
    if ctx.actor.may_somewhere(Action::ReadTickets) {
        let filter = tickets::Filter { text: Some(text.to_owned()), ..Default::default() };
        (found.tickets, found.tickets_total) = super::tickets::list(ctx, &filter, 0, SHOWN)?;
        found.behind = text_index::behind(&mut ctx.tx)?;
    }
    if ctx.actor.may_somewhere(Action::ReadProblems) {
        let filter = problems::Filter { states: Vec::new(), text: Some(text.to_owned()) };
        found.problems = problems::hottest(&mut ctx.tx, &filter, 0, SHOWN)?;
    }
    found.cases = case_views::containing(ctx, text, SHOWN)?;
    found.directives = directive_views::containing(ctx, text, SHOWN as usize)?;
    found.people = people::people(&mut ctx.tx)?
        .into_iter()
        .filter(|person| person.active && (person.name.contains(text) || person.login.contains(text)))
        .collect();
    Ok(found)
}
