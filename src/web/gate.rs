//! Who is asking, may they, and did they mean it.

use super::address;
use super::api::problem_of;
use super::files::form_of;
use super::give_back::Posted;
use super::limits::Limits;
use super::page::error_page;
use super::routes::Access;
use super::server::{BODY_MAX_MB, State};
use crate::app::accounts;
use crate::app::{Actor, Error};
use crate::domain::event::{ActorKind, Channel};
use crate::lang::{Lang, Message};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

pub const SESSION_COOKIE: &str = "shenban_session";
pub const LANG_COOKIE: &str = "shenban_lang";
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Who is signed in, as the gate leaves it for the handlers.
#[derive(Clone)]
pub struct SignedIn {
    pub actor: Actor,
    /// What forms of this session carry; empty for a bearer token.
    pub csrf: String,
}

/// The language a request reads in: the person's, the cookie's, the browser's.
pub fn lang_of(req: &HttpRequest) -> Lang {
    let cookie = req.cookie(LANG_COOKIE).and_then(|cookie| Lang::parse(cookie.value()));
    let person = req.extensions().get::<SignedIn>().map(|signed_in| signed_in.actor.lang);
    let browser = || {
        let header = req.headers().get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        header.split(',').find_map(|tag| Lang::parse(tag.split(';').next()?.trim()))
    };
    cookie.or(person).or_else(browser).unwrap_or_default()
}

pub fn is_api(req: &HttpRequest) -> bool {
    req.path().starts_with("/api/")
}

/// Lets a request through to its handler, or answers it.
pub async fn pass(
    access: Access,
    mut req: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match check(access, &mut req).await {
        Ok(()) => Ok(next.call(req).await?.map_into_boxed_body()),
        Err(error) => {
            let answer = refusal(req.request(), &error);
            Ok(req.into_response(answer))
        }
    }
}

async fn check(access: Access, req: &mut ServiceRequest) -> Result<(), Error> {
    let state = req.app_data::<Data<State>>().cloned().ok_or_else(|| Error::Internal("no state".into()))?;
    let signed_in = authenticate(&state, req).await?;
    limit(&state.limits, access, req, signed_in.as_ref())?;
    let Access::SignedIn(action) = access else {
        if let Some(signed_in) = signed_in {
            req.extensions_mut().insert(signed_in);
        }
        return Ok(());
    };
    let signed_in = signed_in.ok_or(Error::Unauthenticated)?;
    if !signed_in.actor.may_somewhere(action) {
        return Err(Error::Forbidden);
    }
    let changes = !matches!(*req.method(), Method::GET | Method::HEAD);
    if changes && !signed_in.csrf.is_empty() {
        meant_it(req, &signed_in.csrf).await?;
    }
    req.extensions_mut().insert(signed_in);
    Ok(())
}

async fn authenticate(state: &State, req: &ServiceRequest) -> Result<Option<SignedIn>, Error> {
    let bearer = req
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        let actor = accounts::by_token(&state.app, token.to_owned()).await?;
        return Ok(Some(SignedIn { actor, csrf: String::new() }));
    }
    let Some(cookie) = req.cookie(SESSION_COOKIE) else { return Ok(None) };
    match accounts::by_session(&state.app, cookie.value().to_owned()).await {
        Ok(found) => Ok(Some(SignedIn { actor: with_door(found.actor, req), csrf: found.csrf })),
        Err(Error::Unauthenticated) => Ok(None),
        Err(other) => Err(other),
    }
}

fn with_door(actor: Actor, req: &ServiceRequest) -> Actor {
    let channel = if is_api(req.request()) { Channel::Api } else { Channel::Web };
    Actor { kind: ActorKind::Person, channel, ..actor }
}

/// By session after sign-in (a city hall is one address), by address only where a stranger may send something.
fn limit(limits: &Limits, access: Access, req: &ServiceRequest, signed_in: Option<&SignedIn>) -> Result<(), Error> {
    let passes = match signed_in {
        Some(signed_in) => limits.session(signed_in.actor.id()),
        None if req.method() == Method::POST && access == Access::Public => {
            limits.address(req.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default().as_str())
        }
        None => true,
    };
    if passes { Ok(()) } else { Err(Error::TooMany) }
}

/// A change by a session carries the session's token, as a header or in the form.
async fn meant_it(req: &mut ServiceRequest, csrf: &str) -> Result<(), Error> {
    if let Some(sent) = req.headers().get(CSRF_HEADER).and_then(|value| value.to_str().ok()) {
        return same(sent, csrf);
    }
    if is_api(req.request()) {
        return Err(Error::Forbidden);
    }
    let too_large = || Error::field("file", Message::new("内容过大，一次最多 %{max} MB").with("max", BODY_MAX_MB));
    let body = req.extract::<Bytes>().await.map_err(|_| too_large())?;
    let (fields, _) = form_of(req.headers(), body.clone()).await?;
    let sent = fields.one("csrf").unwrap_or_default().to_owned();
    req.extensions_mut().insert(Posted(fields));
    req.set_payload(actix_web::dev::Payload::from(body));
    same(&sent, csrf)
}

/// Compared by their hashes, so that time tells nothing about how much matched.
fn same(sent: &str, csrf: &str) -> Result<(), Error> {
    if Sha256::digest(sent.as_bytes()) == Sha256::digest(csrf.as_bytes()) { Ok(()) } else { Err(Error::Forbidden) }
}

/// An error as whoever asked reads it: a program or a person, in the own language.
pub fn refusal(req: &HttpRequest, error: &Error) -> HttpResponse {
    if is_api(req) {
        return problem_of(error, lang_of(req));
    }
    if matches!(error, Error::Unauthenticated) && req.method() == Method::GET {
        let next = req.uri().path_and_query().map(|path| path.as_str()).unwrap_or("/");
        let sign_in = address("/sign-in", &[("next", next)]);
        return HttpResponse::SeeOther().insert_header((header::LOCATION, sign_in)).finish();
    }
    error_page(error, lang_of(req))
}
