//! What came in by mail, and what of it waits for a person.

use super::{Pager, ROWS};
use crate::app::{Error, letters::inbox};
use crate::domain::access::Action;
use crate::domain::inbound::InboundState;
use crate::mail::reply;
use crate::store::inbound::Inbound;
use crate::store::notices;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use askama::Template;
use mail_parser::{MessageParser, MimeHeaders};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "inbox.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    rows: Vec<Inbound>,
    pager: Pager,
    state: String,
}

#[derive(Template)]
#[template(path = "inbox_one.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    row: Inbound,
    text: String,
    attachments: Vec<String>,
    /// The tasks that the answered mail was about.
    tasks: Vec<String>,
}

pub fn routes() -> Vec<Route> {
    let reads = Access::SignedIn(Action::ReadMail);
    vec![
        Route::get("/inbox", reads, list),
        Route::get("/inbox/{id}", reads, one),
        Route::get("/inbox/{id}/raw", reads, raw),
    ]
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: u32,
}

async fn list(page: Page, asked: Query<Asked>) -> PageResult {
    let (state, at) = (asked.state.clone(), i64::from(asked.page));
    let wanted = InboundState::parse(&state);
    let (rows, total) = page.read(move |ctx| inbox::list(ctx, wanted, at * ROWS, ROWS)).await?;
    let pager = Pager::new("/inbox", &[("state", &state)], at, total);
    page.html(&ListPage { page: page.clone(), rows, pager, state })
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let read = inbox::one(&page.app, &page.actor, id.into_inner()).await;
    let (row, bytes) = read.map_err(|error| page.failed(error))?;
    let parsed = MessageParser::default().parse(&bytes);
    let text = parsed.as_ref().and_then(|message| message.body_text(0)).unwrap_or_default();
    let own = reply::own_words(&text).to_owned();
    let attached = parsed.iter().flat_map(|message| message.attachments());
    let attachments = attached.filter_map(|part| part.attachment_name().map(str::to_owned)).collect();
    let mail_id = row.mail_id.clone();
    let tasks = page
        .read(move |ctx| match mail_id {
            Some(id) => Ok::<_, Error>(notices::tasks_of_mail(&mut ctx.tx, &id)?),
            None => Ok(Vec::new()),
        })
        .await?;
    page.html(&OnePage { page: page.clone(), row, text: own, attachments, tasks })
}

/// The message as it came, always saved, never shown inside our pages.
async fn raw(page: Page, id: Path<String>) -> PageResult {
    let read = inbox::one(&page.app, &page.actor, id.into_inner()).await;
    let (row, bytes) = read.map_err(|error| page.failed(error))?;
    Ok(HttpResponse::Ok()
        .content_type("message/rfc822")
        .insert_header(("content-disposition", format!("attachment; filename=\"{}.eml\"", row.id)))
        .body(bytes))
}
