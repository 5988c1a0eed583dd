//! Meetings as the API reads them out.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::cases::meetings;
use crate::domain::access::Action;
use crate::store::meetings::Meeting;
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/cases/{id}/meetings", Access::SignedIn(Action::ReadCase), of_case),
        Route::get("/api/v1/meetings/{id}", Access::SignedIn(Action::ReadCase), one),
    ]
}

fn meeting(row: &Meeting) -> Value {
    json!({ "id": row.id, "case_id": row.case_id, "topic": row.topic, "held_at": row.held_at.and_utc(), "duration": row.duration,
        "place": row.place, "state": row.state, "minutes": row.minutes, "sequence": row.sequence, "version": row.version })
}

async fn of_case(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| meetings::of_case(ctx, &id),
        |rows| json!({ "meetings": rows.iter().map(meeting).collect::<Vec<_>>() }),
    )
    .await
}

async fn one(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| meetings::show(ctx, &id),
        |view| {
            let mut shown = meeting(&view.meeting);
            shown["unit_ids"] = json!(view.invited);
            let decided = view.decisions.iter().map(|(decision, task)| {
                json!({ "text": decision.text, "task_id": decision.task_id, "state": task.as_ref().map(|task| task.state) })
            });
            shown["decisions"] = json!(decided.collect::<Vec<_>>());
            shown
        },
    )
    .await
}
