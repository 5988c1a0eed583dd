//! The table of routes.

use super::{acts, api, assets, files, gate, live, pages, server};
use crate::app::Error;
use crate::domain::access::Action;
use actix_web::dev::{ServiceRequest, fn_service};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Scope, guard, web};
use std::collections::BTreeMap;

const API_ROOT: &str = "/api/v1";

/// Who may use a route at all; what the subject is decides the use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Public,
    SignedIn(Action),
}

/// One route.
pub struct Route {
    pub method: Method,
    pub pattern: String,
    pub access: Access,
    /// What its JSON body may hold, by name and type.
    pub fields: &'static [(&'static str, &'static str)],
    handler: Box<dyn Fn() -> actix_web::Route>,
}

impl Route {
    pub fn new<H, Args>(method: Method, pattern: &str, access: Access, handler: H) -> Route
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        Route {
            method,
            pattern: pattern.to_owned(),
            access,
            fields: &[],
            handler: Box::new(move || web::route().to(handler.clone())),
        }
    }

    pub fn get<H, Args>(pattern: &str, access: Access, handler: H) -> Route
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        Route::new(Method::GET, pattern, access, handler)
    }

    pub fn post<H, Args>(pattern: &str, access: Access, handler: H) -> Route
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        Route::new(Method::POST, pattern, access, handler)
    }

    pub fn taking(self, fields: &'static [(&'static str, &'static str)]) -> Route {
        Route { fields, ..self }
    }
}

/// Every route of the server.
pub fn all() -> Vec<Route> {
    let mut routes = server::routes();
    routes.extend(assets::routes());
    routes.extend(live::routes());
    routes.extend(pages::routes());
    routes.extend(acts::routes());
    routes.extend(files::routes());
    routes.extend(api::routes());
    routes
}

/// Registers every route behind the gate. Those with a parameter are told apart by their beginning first: else every
/// request would be held against all patterns one after the other.
pub fn register(config: &mut web::ServiceConfig) {
    let mut scopes: BTreeMap<String, Scope> = BTreeMap::new();
    for route in all() {
        let (access, method) = (route.access, route.method.clone());
        let (prefix, rest) =
            if route.pattern.contains('{') { beginning(&route.pattern) } else { ("", &*route.pattern) };
        let resource = web::resource(rest)
            .guard(guard::fn_guard(move |ctx| answers(&method, &ctx.head().method)))
            .wrap(from_fn(move |req, next| gate::pass(access, req, next)))
            .route((route.handler)());
        if prefix.is_empty() {
            config.service(resource);
        } else {
            let scope = scopes.remove(prefix).unwrap_or_else(|| web::scope(prefix));
            scopes.insert(prefix.to_owned(), scope.service(resource));
        }
    }
    for scope in scopes.into_values() {
        config.service(scope);
    }
    config.default_service(fn_service(|req: ServiceRequest| async {
        let answer = gate::refusal(req.request(), &Error::NotFound);
        Ok(req.into_response(answer))
    }));
}

/// The first segment of a pattern (`/cases`, `/api/v1/cases`), and the rest.
fn beginning(pattern: &str) -> (&str, &str) {
    let root = if pattern.starts_with(API_ROOT) { API_ROOT.len() } else { 0 };
    let end = pattern[root + 1..].find('/').map_or(pattern.len(), |at| root + 1 + at);
    pattern.split_at(end)
}

/// Whether a route's method answers a request's: who only looks whether a page is there (HEAD) is told what GET would.
fn answers(method: &Method, asked: &Method) -> bool {
    method == asked || (method == Method::GET && asked == Method::HEAD)
}
