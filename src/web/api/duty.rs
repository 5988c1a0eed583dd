//! The duty roster.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::chase::duty::{self, DutyDay};
use crate::domain::access::Action;
use crate::web::fields::Fields;
use crate::web::routes::{Access, Route};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/duty", Access::SignedIn(Action::ReadDuty), list),
        Route::post("/api/v1/duty", Access::SignedIn(Action::KeepDuty), import),
        Route::post("/api/v1/duty/remove", Access::SignedIn(Action::KeepDuty), remove),
    ]
}

fn day(day: &DutyDay) -> Value {
    let rows = day.units.iter().flat_map(|(unit, rows, _)| rows.iter().map(move |row| (unit, row)));
    let on_duty: Vec<Value> = rows
        .map(|(unit, row)| json!({ "unit_id": unit.id, "unit": unit.name, "person": row.person, "phone": row.phone }))
        .collect();
    json!({ "day": day.day, "working_day": day.is_working_day, "name": day.name, "on_duty": on_duty, "missing": day.missing })
}

/// Three weeks from today, or from another day.
async fn list(api: Api, req: HttpRequest) -> ApiResult {
    let asked = Fields::from_form(req.query_string().as_bytes()).optional_date("from");
    let from = asked.map_err(|error| api.failed(error))?;
    answer(
        &api,
        move |ctx| duty::roster(ctx, from.unwrap_or(ctx.today)),
        |days| json!({ "days": days.iter().map(day).collect::<Vec<_>>() }),
    )
    .await
}

/// Rows as they are pasted on the page.
async fn import(api: Api, body: Bytes) -> ApiResult {
    let rows = Fields::from_json(&api.parsed(&body)?).text("rows");
    let taken = api.app.write(&api.actor, move |ctx| duty::import(ctx, &rows)).await;
    Ok(HttpResponse::Ok().json(json!({ "rows": taken.map_err(|error| api.failed(error))? })))
}

async fn remove(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let day = f.parsed("day").map_err(|error| api.failed(error))?;
    let removed = api.app.write(&api.actor, move |ctx| duty::remove(ctx, &f.text("unit_id"), day)).await;
    removed.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(json!({ "removed": day })))
}
