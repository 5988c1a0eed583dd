//! The mail log.

use super::{Pager, ROWS, address};
use crate::app::letters::tracking::{self, Tracked};
use crate::app::{
    Error,
    letters::{delivery, mail_links},
};
use crate::domain::access::Action;
use crate::domain::notice::MailState;
use crate::store::mails::{self, Attempt, Mail, MailFilter};
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
    rows: Vec<Tracked>,
    pager: Pager,
    asked: Asked,
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

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    case_id: String,
    #[serde(default)]
    recipient: String,
    /// `1`: only what nobody has signed for.
    #[serde(default)]
    silent: String,
    #[serde(default)]
    page: i64,
}

impl Asked {
    pub(super) fn filter(&self) -> MailFilter {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        MailFilter {
            case_id: given(&self.case_id),
            recipient_id: given(&self.recipient),
            state: MailState::parse(&self.state),
            silent: self.silent == "1",
        }
    }

    /// The list's address with one of its filters changed.
    fn with(&self, name: &str, value: &str) -> String {
        let mut pairs = self.pairs();
        for pair in pairs.iter_mut().filter(|(known, _)| *known == name) {
            pair.1 = value;
        }
        pairs.retain(|(_, value)| !value.is_empty());
        address("/mail", &pairs)
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        vec![
            ("state", &self.state),
            ("case_id", &self.case_id),
            ("recipient", &self.recipient),
            ("silent", &self.silent),
        ]
    }
}

async fn log(page: Page, asked: Query<Asked>) -> PageResult {
    let (filter, at, asked) = (asked.filter(), asked.page.max(0), asked.into_inner());
    let (rows, total) = page.read(move |ctx| tracking::mails(ctx, &filter, at * ROWS, ROWS)).await?;
    let pager = Pager::new("/mail", &asked.pairs(), at, total);
    let states = MailState::ALL.iter().map(|state| (state.code(), state.label())).collect();
    page.html(&LogPage { page: page.clone(), rows, pager, asked, states })
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let (mail, attempts) = page
        .read(move |ctx| {
            ctx.require_anywhere(Action::ReadMail)?;
            let mail = mails::by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)?;
            Ok((mail, mails::attempts_of(&mut ctx.tx, &id)?))
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
