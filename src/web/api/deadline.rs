//! What another deadline would force, as the API reads it out.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::cases::deadline;
use crate::domain::access::Action;
use crate::web::routes::{Access, Route};
use actix_web::web::{Path, Query};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/api/v1/cases/{id}/deadline-effect", Access::SignedIn(Action::IssueCase), effect)]
}

#[derive(Deserialize)]
struct Asked {
    deadline: Option<NaiveDate>,
}

async fn effect(api: Api, id: Path<String>, asked: Query<Asked>) -> ApiResult {
    let wanted = asked.deadline;
    answer(
        &api,
        move |ctx| deadline::preview(ctx, &id, wanted),
        |(case, _, effect)| {
            let forced = effect.forced.iter().map(|row| {
                json!({ "task_id": row.task.id, "no": row.task.no, "unit_id": row.task.unit_id, "finish": row.finish,
                    "must_finish": row.must_finish })
            });
            json!({ "original_deadline": case.original_deadline, "approved_deadline": case.deadline, "deadline": effect.deadline,
                "forecast": effect.forecast, "infeasible": effect.is_infeasible(), "late_days": effect.late_days,
                "chance": effect.likely.map(|likely| likely.chance), "forced": forced.collect::<Vec<_>>() })
        },
    )
    .await
}
