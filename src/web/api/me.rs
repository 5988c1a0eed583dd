//! How whoever asks wants to be notified, and who stands in for them.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::letters::{channels, preferences};
use crate::domain::access::Action;
use crate::domain::notice::{Rhythm, Stage};
use crate::store::preferences::{self as rows, Absence};
use crate::web::acts;
use crate::web::fields::Fields;
use crate::web::routes::{Access, Route};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, http::StatusCode};
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    let own = Access::SignedIn(Action::OwnAccount);
    vec![
        Route::get("/api/v1/me/notifications", own, wishes),
        Route::post("/api/v1/me/notifications", own, wish).taking(&[
            ("rhythm", "string"),
            ("muted", "array"),
            ("channels", "array"),
        ]),
        Route::post("/api/v1/me/absences", own, be_absent).taking(&[
            ("deputy_id", "string"),
            ("from_day", "string"),
            ("until_day", "string"),
        ]),
    ]
}

async fn wishes(api: Api) -> ApiResult {
    let read = |ctx: &mut crate::app::Ctx| {
        let (own, today) = (ctx.actor.id().to_owned(), ctx.today);
        let absences = rows::absences_of(&mut ctx.tx, &own, today)?;
        Ok((rows::of(&mut ctx.tx, &own)?, channels::offered(ctx)?, absences))
    };
    let absence = |row: &Absence| -> Value {
        json!({ "id": row.id, "deputy_id": row.deputy_id, "from_day": row.from_day, "until_day": row.until_day })
    };
    answer(&api, read, |(wishes, offered, absences)| {
        let can_be_muted: Vec<_> = Stage::ALL.iter().filter(|stage| preferences::can_be_muted(**stage)).collect();
        json!({ "rhythm": wishes.rhythm, "muted": wishes.muted.split_whitespace().collect::<Vec<_>>(),
            "can_be_muted": can_be_muted, "channels": wishes.order(), "offered": offered,
            "absences": absences.iter().map(absence).collect::<Vec<_>>() })
    })
    .await
}

async fn wish(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let set = api.app.write(&api.actor, move |ctx| {
        let rhythm = f.code("rhythm", Rhythm::parse)?;
        preferences::set_own(ctx, rhythm, acts::muted(&f)?, &acts::channels(&f)?)
    });
    set.await.map_err(|error| api.failed(error))?;
    wishes(api).await
}

async fn be_absent(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let set = api.app.write(&api.actor, move |ctx| {
        preferences::be_absent(ctx, &f.text("deputy_id"), f.parsed("from_day")?, f.parsed("until_day")?)
    });
    let id = set.await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(json!({ "id": id })))
}
