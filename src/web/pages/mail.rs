//! The mail log.

use super::{Pager, ROWS};
use crate::app::{Error, delivery, mail_links};
use crate::domain::access::Action;
use crate::domain::notice::MailState;
use crate::store::notices::{self, Attempt, Mail, MailLine};
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Path, Query};
use askama::Template;
use mail_parser::MessageParser;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "mail.html", config = "src/web/askama.toml")]
struct LogPage {
    page: Page,
    rows: Vec<MailLine>,
    pager: Pager,
    state: String,
    states: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "mail_one.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    mail: Mail,
    text: String,
    attempts: Vec<Attempt>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/mail", Access::SignedIn(Action::ReadMail), log),
        Route::get("/mail/{id}", Access::SignedIn(Action::ReadMail), one),
        Route::post("/mail/{id}/resend", Access::SignedIn(Action::ResendMail), resend),
    ]
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: i64,
}

async fn log(page: Page, asked: Query<Asked>) -> PageResult {
    let (state, at) = (asked.state.clone(), asked.page.max(0));
    let wanted = MailState::parse(&state);
    let (rows, total) = page.read(move |ctx| delivery::log(ctx, None, wanted, at * ROWS, ROWS)).await?;
    let pager = Pager::new("/mail", &[("state", &state)], at, total);
    let states = MailState::ALL.iter().map(|state| (state.code(), state.label())).collect();
    page.html(&LogPage { page: page.clone(), rows, pager, state, states })
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let (mail, attempts) = page
        .read(move |ctx| {
            ctx.require_anywhere(Action::ReadMail)?;
            let mail = notices::mail_by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)?;
            Ok((mail, notices::attempts_of(&mut ctx.tx, &id)?))
        })
        .await?;
    let text = MessageParser::default()
        .parse(mail.message.as_bytes())
        .and_then(|parsed| parsed.body_text(0).map(|text| mail_links::masked(&text)))
        .unwrap_or_default();
    page.html(&OnePage { page: page.clone(), mail, text, attempts })
}

async fn resend(page: Page, id: Path<String>) -> PageResult {
    let mail_id = id.clone();
    page.app
        .write(&page.actor, move |ctx| delivery::resend(ctx, &mail_id))
        .await
        .map_err(|error| page.failed(error))?;
    Ok(page.done(&format!("/mail/{id}"), "已重新排队发送"))
}
