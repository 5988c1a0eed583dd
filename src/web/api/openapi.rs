//! The API's description, made from the table of routes and the table of acts.

use super::intake::TicketIn;
use crate::web::acts;
use crate::web::routes::{self, Access, Route};
use actix_web::HttpResponse;
use actix_web::http::Method;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/api/v1/openapi.json", Access::Public, document)]
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().json(describe())
}

/// The OpenAPI 3.1 document of every route under `/api/v1`.
pub fn describe() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::all().iter().filter(|route| route.pattern.starts_with("/api/v1/")) {
        let method = route.method.as_str().to_ascii_lowercase();
        let entry = paths.entry(route.pattern.clone()).or_insert_with(|| json!({}));
        entry[method] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Shenban", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "schemas": {
                "Ticket": TicketIn::schema(),
                "Problem": { "type": "object", "description": "RFC 9457", "required": ["type", "title", "status", "detail"],
                    "properties": { "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
                        "detail": { "type": "string" }, "errors": { "type": "array", "items": { "type": "object" } } } },
            },
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" }, "session": { "type": "apiKey", "in": "cookie", "name": "shenban_session" } },
        },
        "security": [{ "token": [] }, { "session": [] }],
    })
}

fn operation(route: &Route) -> Value {
    let problem = json!({ "description": "error", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let mut operation = json!({ "responses": { "2XX": { "description": "done" }, "default": problem } });
    if let Access::SignedIn(action) = route.access {
        operation["summary"] = json!(format!("{} ({})", action.label(), action.code()));
    }
    if route.pattern.contains("{id}") {
        operation["parameters"] =
            json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
    }
    if route.method == Method::POST {
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": body_of(route) } } });
    }
    operation
}

fn body_of(route: &Route) -> Value {
    if route.pattern == "/api/v1/tickets" {
        let ticket = json!({ "$ref": "#/components/schemas/Ticket" });
        return json!({ "oneOf": [ticket, { "type": "array", "items": ticket }] });
    }
    let act = acts::all().find(|act| route.pattern == format!("/api/v1/{}/{{id}}/{}", act.on, act.name));
    let properties: Map<String, Value> = act
        .map_or(route.fields, |act| act.fields)
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), json!({ "type": kind })))
        .collect();
    json!({ "type": "object", "properties": properties })
}
