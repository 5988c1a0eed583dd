//! Briefs to the leaders.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::chase::briefs::{self, BriefView};
use crate::domain::access::Action;
use crate::domain::brief::BriefKind;
use crate::store::briefs::Brief;
use crate::web::fields::Fields;
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/briefs", Access::SignedIn(Action::ReadLeadership), list),
        Route::post("/api/v1/briefs", Access::SignedIn(Action::IssueBrief), issue),
        Route::get("/api/v1/briefs/{id}", Access::SignedIn(Action::ReadLeadership), one),
    ]
}

fn brief(row: &Brief) -> Value {
    json!({ "id": row.id, "no": row.no, "kind": row.kind, "from_day": row.from_day, "until_day": row.until_day,
        "issued_at": row.issued_at.and_utc() })
}

async fn list(api: Api) -> ApiResult {
    answer(&api, briefs::list, |rows| json!({ "briefs": rows.iter().map(brief).collect::<Vec<_>>() })).await
}

async fn issue(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let kind = f.code("kind", BriefKind::parse).map_err(|error| api.failed(error))?;
    let issued = api.app.write(&api.actor, move |ctx| briefs::issue(ctx, kind, f.text("note"))).await;
    Ok(HttpResponse::Created().json(json!({ "id": issued.map_err(|error| api.failed(error))? })))
}

async fn one(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| briefs::show(ctx, &id),
        |view: BriefView| {
            let mut shown = view.row.as_ref().map(brief).unwrap_or_default();
            shown["note"] = json!(view.row.as_ref().map(|row| &row.note));
            shown["content"] = json!(view.content);
            shown["content"]["directives"] = json!(view.directives.iter().map(|line| &line.row.id).collect::<Vec<_>>());
            shown
        },
    )
    .await
}
