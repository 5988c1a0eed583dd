//! The table of routes.

use super::{acts, api, assets, files, gate, live, pages, server};
use crate::domain::access::Action;
use actix_web::dev::{ServiceRequest, fn_service};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, guard, web};

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

/// Registers every route behind the gate.
pub fn register(config: &mut web::ServiceConfig) {
    for route in all() {
        let (access, method) = (route.access, route.method.clone());
        let resource = web::resource(route.pattern.as_str())
            .guard(guard::fn_guard(move |ctx| answers(&method, &ctx.head().method)))
            .wrap(from_fn(move |req, next| gate::pass(access, req, next)))
            .route((route.handler)());
        config.service(resource);
    }
    config.default_service(fn_service(|req: ServiceRequest| async { Ok(req.into_response(pages::not_found())) }));
}

/// Whether a route's method answers a request's: who only looks whether a page is there (HEAD) is told what GET would.
fn answers(method: &Method, asked: &Method) -> bool {
    method == asked || (method == Method::GET && asked == Method::HEAD)
}
