//! Tickets: the list, one ticket, and the operator's form while a caller talks.

use super::{Pager, ROWS};
use crate::app::tickets::known_problem::{self, Known, KnownProblem};
use crate::app::tickets::{self, TicketView};
use crate::app::{Error, tickets::attaching};
use crate::domain::access::Action;
use crate::domain::ticket::{AttachMode, Disposition, NewTicket};
use crate::store::cases;
use crate::store::tickets::{Contact, Filter, Ticket};
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Bytes, Path, Query};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "tickets.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    rows: Vec<Ticket>,
    pager: Pager,
    q: String,
    district: String,
    disposition: String,
    dispositions: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "ticket.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    view: TicketView,
    /// The caller in clear, right after somebody said why.
    contact: Option<Contact>,
}

#[derive(Template)]
#[template(path = "ticket_new.html", config = "src/web/askama.toml")]
struct NewPage {
    page: Page,
}

#[derive(Template)]
#[template(path = "known.html", config = "src/web/askama.toml")]
struct KnownPart {
    page: Page,
    loading: bool,
    list: Vec<KnownProblem>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/tickets", Access::SignedIn(Action::ReadTickets), list),
        Route::get("/tickets/new", Access::SignedIn(Action::AddTickets), new),
        Route::get("/tickets/known", Access::SignedIn(Action::AttachTickets), known),
        Route::post("/tickets", Access::SignedIn(Action::AddTickets), add),
        Route::get("/tickets/{id}", Access::SignedIn(Action::ReadTickets), one),
        Route::post("/tickets/{id}/unmask", Access::SignedIn(Action::Unmask), unmask),
    ]
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    district: String,
    #[serde(default)]
    disposition: String,
    #[serde(default)]
    page: u32,
}

impl Asked {
    pub(super) fn filter(&self) -> Filter {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Filter {
            text: some(&self.q),
            district: some(&self.district),
            disposition: Disposition::parse(&self.disposition),
            ..Filter::default()
        }
    }
}

async fn list(page: Page, asked: Query<Asked>) -> PageResult {
    let asked = asked.into_inner();
    let filter = asked.filter();
    let at = i64::from(asked.page);
    let (rows, total) = page.read(move |ctx| tickets::list(ctx, &filter, at * ROWS, ROWS)).await?;
    let filters = [("q", asked.q.as_str()), ("district", &asked.district), ("disposition", &asked.disposition)];
    let pager = Pager::new("/tickets", &filters, at, total);
    page.html(&ListPage {
        page: page.clone(),
        rows,
        pager,
        q: asked.q,
        district: asked.district,
        disposition: asked.disposition,
        dispositions: Disposition::ALL.iter().map(|value| (value.code(), value.label())).collect(),
    })
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| tickets::show(ctx, &id)).await?;
    page.html(&OnePage { page: page.clone(), view, contact: None })
}

/// The ticket with its caller in clear, this once.
async fn unmask(page: Page, id: Path<String>, body: Bytes) -> PageResult {
    let reason = Fields::from_form(&body).text("reason");
    let looked = page
        .app
        .write(&page.actor, move |ctx| Ok((tickets::unmask(ctx, &id, reason)?, tickets::show(ctx, &id)?)))
        .await;
    let (contact, view) = looked.map_err(|error| page.failed(error))?;
    page.html(&OnePage { page: page.clone(), view, contact: Some(contact) })
}

async fn new(page: Page) -> PageResult {
    page.html(&NewPage { page: page.clone() })
}

#[derive(Deserialize)]
struct Talk {
    #[serde(default)]
    text: String,
    place: Option<String>,
}

async fn known(page: Page, talk: Query<Talk>) -> PageResult {
    let found = known_problem::find(&page.app, &page.actor, &talk.text, talk.place.as_deref()).await;
    let (loading, list) = match found.map_err(|error| page.failed(error))? {
        Known::Loading => (true, Vec::new()),
        Known::Problems(list) => (false, list),
    };
    page.html(&KnownPart { page: page.clone(), loading, list })
}

/// Stores the ticket and, as the operator chose, attaches it: `answered:CASE` or `dispatched:CASE`.
async fn add(page: Page, body: Bytes) -> PageResult {
    let fields = Fields::from_form(&body);
    let id = page
        .app
        .write(&page.actor, move |ctx| {
            let ticket = NewTicket {
                source_no: tickets::next_source_no(ctx)?,
                title: fields.text("title"),
                body: fields.text("body"),
                received_at: ctx.now,
                district: fields.optional("district"),
                address: fields.optional("address"),
                caller: fields.optional("caller"),
                caller_name: fields.optional("caller_name"),
                channel: Some("电话".to_owned()),
                ..NewTicket::default()
            };
            let id = tickets::add(ctx, vec![ticket])?.new.pop().ok_or(Error::NotFound)?;
            if let Some((mode, case_id)) = fields.one("mode").and_then(|mode| mode.split_once(':')) {
                let mode = AttachMode::parse(mode).unwrap_or(AttachMode::Dispatched);
                let told = cases::by_id(&mut ctx.tx, case_id)?.map(|case| case.answer).unwrap_or_default();
                attaching::attach(ctx, &id, case_id, mode, told)?;
            }
            Ok(id)
        })
        .await
        .map_err(|error| page.failed(error))?;
    Ok(page.done(&format!("/tickets/{id}"), "工单已登记"))
}
