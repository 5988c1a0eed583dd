//! Pages that a mail's link opens without sign-in: what they all answer with.

use crate::app::Error;
use crate::lang::Lang;
use crate::web::fields::Fields;
use crate::web::page::{PageError, PageResult, status_of};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

/// How a page came about: looked at, done, or refused with what had been filled in.
pub enum Came {
    Looked,
    Done,
    Refused(Fields, Error),
}

impl Came {
    /// After an act. Errors that no other words would mend are passed on.
    pub fn of(done: Result<(), Error>, fields: Fields, lang: Lang) -> Result<Came, PageError> {
        match done {
            Ok(()) => Ok(Came::Done),
            Err(error @ (Error::Invalid(_) | Error::Refused(_))) => Ok(Came::Refused(fields, error)),
            Err(error) => Err(PageError { error, lang }),
        }
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Came::Done)
    }

    /// What was sent and refused, to be filled in again.
    pub fn sent(&self, name: &str) -> String {
        match self {
            Came::Refused(fields, _) => fields.text(name),
            _ => String::new(),
        }
    }

    pub fn faults(&self, lang: Lang) -> Vec<String> {
        match self {
            Came::Refused(_, Error::Invalid(faults)) => faults.iter().map(|fault| fault.reason.text(lang)).collect(),
            Came::Refused(_, error) => vec![error.message().text(lang)],
            _ => Vec::new(),
        }
    }

    /// The page, kept by nobody and found by no search engine; its address goes to no other server.
    pub fn answer(&self, page: &impl Template, lang: Lang) -> PageResult {
        let html = page.render().map_err(|error| PageError { error: Error::Internal(error.to_string()), lang })?;
        let status = match self {
            Came::Refused(_, error) => status_of(error),
            _ => StatusCode::OK,
        };
        Ok(HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header(("cache-control", "no-store"))
            .insert_header(("x-robots-tag", "noindex"))
            .insert_header(("referrer-policy", "no-referrer"))
            .body(html))
    }
}
