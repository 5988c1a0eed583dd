//! Tasks as the API reads them out.

use super::read::{answer, effect, task};
use super::{Api, ApiResult};
use crate::app::tasks::{extensions, help, task_views};
use crate::domain::access::Action;
use crate::web::routes::{Access, Route};
use actix_web::web::{Path, Query};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/tasks/{id}", Access::SignedIn(Action::ReadTask), show_task),
        Route::get("/api/v1/unit/tasks", Access::SignedIn(Action::ReceiveTask), unit_tasks),
        Route::get("/api/v1/tasks/{id}/extension-effect", Access::SignedIn(Action::DecideTask), extension_effect),
    ]
}

#[derive(Deserialize)]
struct Until {
    due_on: Option<NaiveDate>,
}

/// What granting an extension would do to the plan.
async fn extension_effect(api: Api, id: Path<String>, until: Query<Until>) -> ApiResult {
    let (day, lang) = (until.due_on, api.lang);
    answer(&api, move |ctx| extensions::effect(ctx, &id, day), move |tried| effect(tried, lang)).await
}

async fn show_task(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| task_views::show(ctx, &id),
        |view| {
            let mut shown = task(&view.found.task);
            shown["number"] = json!(view.found.number());
            shown["unit"] = json!(view.found.unit_name);
            shown["late"] = json!(view.late);
            shown["blocked"] = json!(view.block.is_some());
            shown["clock_stopped_on"] = json!(view.found.task.clock_stopped_on);
            shown["objection"] = json!(view.dispute.objection.as_ref().map(|row| json!({ "level": row.level, "clause": row.clause,
                "reason": row.reason, "due_on": row.due_on, "holder_unit_id": row.holder_unit_id, "upheld": row.upheld,
                "new_unit_id": row.new_unit_id, "ruling": row.ruling, "basis": row.basis,
                "opinions": view.dispute.opinions.iter().map(|row| json!({ "unit_id": row.unit_id, "text": row.text })).collect::<Vec<_>>() })));
            shown["precedents"] = json!(view.dispute.precedents.iter().map(|row| json!({ "title": row.title, "clause": row.objection.clause,
                "ruling": row.objection.ruling, "upheld": row.objection.upheld, "unit_id": row.objection.new_unit_id })).collect::<Vec<_>>());
            let inside = &view.inside;
            shown["officer_id"] = json!(view.found.task.officer_id);
            shown["parent_task_id"] = json!(view.found.task.parent_task_id);
            shown["parts"] = json!(inside.parts.iter().map(task).collect::<Vec<_>>());
            shown["checklist"] = json!(inside.checklist.iter().map(|item| json!({ "id": item.id, "text": item.text,
                "done_at": item.done_at.map(|at| at.and_utc()) })).collect::<Vec<_>>());
            shown["awaits"] = json!({ "sign_off": inside.awaits_sign_off, "first_acceptance": inside.awaits_first });
            shown["reports"] = json!(
                view.reports
                    .iter()
                    .map(|row| json!({ "percent": row.percent, "text": row.text, "at": row.at.and_utc() }))
                    .collect::<Vec<_>>()
            );
            shown
        },
    )
    .await
}

async fn unit_tasks(api: Api) -> ApiResult {
    answer(
        &api,
        |ctx| Ok((task_views::of_my_units(ctx, |state| !state.is_final())?, help::asked_of_my_units(ctx)?)),
        |(own, asked)| {
            let asked = asked.iter().map(|row| {
                let found = &row.line.found;
                json!({ "task_id": found.task.id, "number": found.number(), "title": found.task.title, "unit": found.unit_name,
                    "reason": row.block.reason, "due_on": row.block.due_on, "late": row.late_days > 0 })
            });
            json!({ "tasks": own.iter().map(|line| task(&line.found.task)).collect::<Vec<_>>(), "help_asked": asked.collect::<Vec<_>>() })
        },
    )
    .await
}
