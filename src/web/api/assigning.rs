//! What whoever gives out work wants to know first, as the API reads it out.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::cases::before_assigning::{at_same_places, loads};
use crate::domain::access::Action;
use crate::store::cases;
use crate::web::routes::{Access, Route};
use actix_web::web::Path;
use serde_json::json;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/unit-loads", Access::SignedIn(Action::ShapePlan), units),
        Route::get("/api/v1/cases/{id}/nearby", Access::SignedIn(Action::OpenCase), nearby),
    ]
}

async fn units(api: Api) -> ApiResult {
    answer(&api, loads, |loads| {
        let shown = loads.iter().map(
            |(id, (name, load))| json!({ "unit_id": id, "name": name, "in_hand": load.in_hand, "late": load.late }),
        );
        json!({ "units": shown.collect::<Vec<_>>() })
    })
    .await
}

async fn nearby(api: Api, id: Path<String>) -> ApiResult {
    let read = move |ctx: &mut crate::app::Ctx| {
        let problems = cases::problems_of(&mut ctx.tx, &id)?;
        at_same_places(ctx, &problems, Some(&id))
    };
    answer(&api, read, |found| {
        let shown = found.iter().map(
            |near| json!({ "id": near.case.id, "no": near.case.no, "title": near.case.title, "places": near.places }),
        );
        json!({ "cases": shown.collect::<Vec<_>>() })
    })
    .await
}
