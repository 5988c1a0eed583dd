//! Leaders' directives, as the API reads them out.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::directives::views::{self, DirectiveLine};
use crate::domain::access::Action;
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/directives", Access::SignedIn(Action::ReadDirective), list),
        Route::get("/api/v1/directives/{id}", Access::SignedIn(Action::ReadDirective), one),
    ]
}

pub(super) fn directive(line: &DirectiveLine) -> Value {
    let row = &line.row;
    let units = line.units.iter().map(|unit| {
        json!({ "unit_id": unit.unit_id, "unit": unit.unit_name, "report": unit.report,
        "reported_at": unit.reported_at.map(|at| at.and_utc()) })
    });
    json!({ "id": row.id, "case_id": row.case_id, "task_id": row.task_id, "text": row.text, "leader": row.leader, "given_on": row.given_on,
        "source": row.source, "due_on": row.due_on, "late": line.is_late(), "reported_at": row.reported_at.map(|at| at.and_utc()),
        "units": units.collect::<Vec<_>>() })
}

/// Directives that wait for a report.
async fn list(api: Api) -> ApiResult {
    answer(&api, views::waiting, |lines| json!({ "directives": lines.iter().map(directive).collect::<Vec<_>>() })).await
}

async fn one(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| views::show(ctx, &id),
        |view| {
            let mut shown = directive(&view.line);
            shown["next_step"] = json!(view.next_step.map(|(stage, at)| json!({ "stage": stage, "at": at.and_utc() })));
            shown
        },
    )
    .await
}
