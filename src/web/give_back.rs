//! A form that could not be taken comes back as it was filled in: the page it stood on is asked for once more and shown
//! with every fault beside its field. One mechanism for every form, without a script and without a store of its own.

use super::fields::Fields;
use super::gate::is_api;
use super::page::PageError;
use super::refill::{Refused, refill};
use crate::app::Error;
use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, Uri, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

/// What a form sent, as the gate read it.
pub struct Posted(pub Fields);

pub async fn pass(req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = next.call(req).await?;
    let Some((page, refused)) = page_and_faults(&answer) else { return Ok(answer) };
    let (req, failed) = answer.into_parts();
    let (req, page) = next.call(asking_for(req, page)).await?.into_parts();
    if page.status() != StatusCode::OK {
        return Ok(ServiceResponse::new(req, failed));
    }
    let shown = to_bytes(page.into_body()).await.ok();
    let shown = shown.and_then(|html| refill(std::str::from_utf8(&html).ok()?, &refused));
    Ok(ServiceResponse::new(req, shown.map_or(failed, |html| told(refused.status, html))))
}

fn told(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}

/// The page a refused form stood on, and what was wrong with it. None for whatever else is answered.
fn page_and_faults(answer: &ServiceResponse<BoxBody>) -> Option<(Uri, Refused)> {
    let req = answer.request();
    if req.method() != Method::POST || is_api(req) {
        return None;
    }
    let failed = answer.response().error()?.as_error::<PageError>()?;
    let lang = failed.lang;
    let faults = match &failed.error {
        Error::Invalid(faults) => {
            faults.iter().map(|fault| (fault.field.to_owned(), fault.reason.text(lang))).collect()
        }
        Error::Refused(_) | Error::Stale { .. } | Error::Cycle(_) => Vec::new(),
        _ => return None,
    };
    let page = came_from(req)?;
    let fields = req.extensions().get::<Posted>()?.0.clone();
    let refused = Refused {
        lang,
        status: answer.status(),
        action: req.uri().path_and_query()?.to_string(),
        page: page.to_string(),
        message: failed.error.message().text(lang),
        faults,
        fields,
    };
    Some((page, refused))
}

/// The page of ours a request came from.
fn came_from(req: &HttpRequest) -> Option<Uri> {
    let referer: Uri = req.headers().get(header::REFERER)?.to_str().ok()?.parse().ok()?;
    let host = req.headers().get(header::HOST)?.to_str().ok()?;
    if referer.authority()?.as_str() != host {
        return None;
    }
    referer.path_and_query()?.as_str().parse().ok()
}

/// The same request, now for a page.
fn asking_for(req: HttpRequest, page: Uri) -> ServiceRequest {
    let mut again = ServiceRequest::from_request(req);
    let place = again.match_info_mut();
    place.get_mut().update(&page);
    place.reset();
    let head = again.head_mut();
    head.method = Method::GET;
    head.uri = page;
    again
}
