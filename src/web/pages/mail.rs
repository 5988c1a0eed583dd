//! The mail log.

use super::{Pager, ROWS, address};
use crate::app::letters::channels;
use crate::app::letters::tracking::{self, Tracked};
use crate::app::{
    Error,
    letters::{delivery, mail_links},
};
use crate::domain::access::Action;
use crate::domain::notice::MailState;
use crate::domain::webhook::Means;
use crate::store::mails::{self, Attempt, Mail};
use crate::store::sent::{SentFilter, SilentUnit, Span};
use crate::store::unsent::Unsent;
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
    /// The means to choose from; one is no choice.
    means: Vec<Means>,
    silent: Vec<SilentUnit>,
}

/// What was not sent, and why.
#[derive(Template)]
#[template(path = "mail_unsent.html", config = "src/web/askama.toml")]
struct UnsentPage {
    page: Page,
    rows: Vec<Unsent>,
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

/// Where the log's count ends.
const COUNTED: i64 = 1_000;
/// Silent units named above the list; the filter shows what all of them were sent.
const SILENT_SHOWN: usize = 12;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/mail", Access::SignedIn(Action::ReadMail), log),
        Route::get("/mail/unsent", Access::SignedIn(Action::ReadMail), unsent),
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
    #[serde(default)]
    means: String,
    /// `1`: only what nobody has signed for.
    #[serde(default)]
    silent: String,
    #[serde(default)]
    page: u32,
}

impl Asked {
    pub(super) fn filter(&self) -> SentFilter {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        SentFilter {
            case_id: given(&self.case_id),
            recipient_id: given(&self.recipient),
            state: MailState::parse(&self.state),
            means: Means::parse(&self.means),
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

    /// What was not sent of what the filters name.
    fn unsent(&self) -> String {
        self.unsent_of(&self.recipient, &self.case_id)
    }

    fn unsent_of(&self, recipient: &str, case_id: &str) -> String {
        address("/mail/unsent", &[("case_id", case_id), ("recipient", recipient)])
    }

    /// Only what one unit was sent and has not signed for.
    fn with_silent(&self, recipient: &str) -> String {
        Asked { silent: "1".to_owned(), ..self.clone() }.with("recipient", recipient)
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        vec![
            ("state", &self.state),
            ("case_id", &self.case_id),
            ("recipient", &self.recipient),
            ("means", &self.means),
            ("silent", &self.silent),
        ]
    }
}

async fn log(page: Page, asked: Query<Asked>) -> PageResult {
    let (filter, at, asked) = (asked.filter(), i64::from(asked.page), asked.into_inner());
    let (rows, total, means, silent) = page
        .read(move |ctx| {
            let (rows, total) =
                tracking::sent(ctx, &filter, Span { offset: at * ROWS, limit: ROWS, counts_to: Some(COUNTED) })?;
            Ok((rows, total, channels::offered(ctx)?, tracking::silent_units(ctx, filter.case_id.as_deref())?))
        })
        .await?;
    let pager = Pager::new("/mail", &asked.pairs(), at, total).counted_to(COUNTED);
    page.html(&LogPage { page: page.clone(), rows, pager, asked, states: states(), means, silent })
}

fn states() -> Vec<(&'static str, &'static str)> {
    MailState::ALL.iter().map(|state| (state.code(), state.label())).collect()
}

async fn unsent(page: Page, asked: Query<Asked>) -> PageResult {
    let (filter, at, asked) = (asked.filter(), i64::from(asked.page), asked.into_inner());
    let span = Span { offset: at * ROWS, limit: ROWS, counts_to: None };
    let (rows, total) = page.read(move |ctx| tracking::unsent(ctx, &filter, span)).await?;
    let pager = Pager::new("/mail/unsent", &asked.pairs(), at, total);
    page.html(&UnsentPage { page: page.clone(), rows, pager, asked, states: states() })
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let (mail, message, attempts) = page
        .read(move |ctx| {
            ctx.require_anywhere(Action::ReadMail)?;
            let mail = mails::by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)?;
            let message = mails::message_of(&mut ctx.tx, &id)?.unwrap_or_default();
            Ok((mail, message, mails::attempts_of(&mut ctx.tx, &id)?))
        })
        .await?;
    let text = MessageParser::default()
        .parse(message.as_bytes())
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
