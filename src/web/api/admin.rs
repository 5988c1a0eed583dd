//! Units, people, the calendar and the caller's own tokens.

use super::read::answer;
use super::{Api, ApiResult};
use crate::app::admin::{self, NewPerson};
use crate::app::{Clock, accounts, plans::work_calendar};
use crate::domain::access::Action;
use crate::store::people::{self, Person, PostRow, Unit};
use crate::web::acts::{role, unit_days};
use crate::web::fields::Fields;
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/units", Access::SignedIn(Action::Administer), list_units),
        Route::post("/api/v1/units", Access::SignedIn(Action::Administer), add_unit),
        Route::get("/api/v1/people", Access::SignedIn(Action::Administer), list_people),
        Route::post("/api/v1/people", Access::SignedIn(Action::Administer), add_person),
        Route::get("/api/v1/calendar", Access::SignedIn(Action::OwnAccount), calendar),
        Route::post("/api/v1/calendar", Access::SignedIn(Action::Administer), import_calendar),
        Route::post("/api/v1/calendar/remove", Access::SignedIn(Action::Administer), remove_day),
        Route::post("/api/v1/units/{id}/days", Access::SignedIn(Action::Administer), add_unit_days),
        Route::post("/api/v1/units/{id}/days/remove", Access::SignedIn(Action::Administer), remove_unit_day),
        Route::get("/api/v1/tokens", Access::SignedIn(Action::OwnAccount), list_tokens),
        Route::post("/api/v1/tokens", Access::SignedIn(Action::OwnAccount), issue_token),
    ]
}

fn unit(row: &Unit) -> Value {
    json!({ "id": row.id, "parent_id": row.parent_id, "name": row.name, "name_en": row.name_en, "mailbox": row.mailbox,
        "active": row.active, "version": row.version })
}

fn person(row: &Person, posts: &[PostRow]) -> Value {
    let held = posts.iter().filter(|post| post.person_id == row.id);
    let posts: Vec<Value> = held
        .map(|post| json!({ "id": post.id, "role": post.role, "unit_id": post.unit_id, "case_id": post.case_id }))
        .collect();
    json!({ "id": row.id, "login": row.login, "name": row.name, "email": row.email, "phone": row.phone,
        "active": row.active, "version": row.version, "posts": posts })
}

async fn list_units(api: Api) -> ApiResult {
    answer(
        &api,
        |ctx| Ok(people::units(&mut ctx.tx)?),
        |units| json!({ "units": units.iter().map(unit).collect::<Vec<_>>() }),
    )
    .await
}

async fn add_unit(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let added = api.app.write(&api.actor, move |ctx| {
        admin::add_unit(ctx, f.text("name"), f.optional("parent_id"), f.optional("mailbox"))
    });
    let id = added.await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}

async fn list_people(api: Api) -> ApiResult {
    answer(
        &api,
        |ctx| Ok((people::people(&mut ctx.tx)?, people::open_posts(&mut ctx.tx, Clock::real())?)),
        |(people, posts)| json!({ "people": people.iter().map(|row| person(row, &posts)).collect::<Vec<_>>() }),
    )
    .await
}

async fn add_person(api: Api, body: Bytes) -> ApiResult {
    let f = Fields::from_json(&api.parsed(&body)?);
    let new = NewPerson {
        login: f.text("login"),
        name: f.text("name"),
        email: f.optional("email"),
        phone: f.optional("phone"),
        password: f.text("password"),
        lang: api.lang.tag().to_owned(),
        posts: vec![(role(&f).map_err(|error| api.failed(error))?, f.optional("unit_id"))],
    };
    let added = api.app.write(&api.actor, move |ctx| admin::add_person(ctx, new)).await;
    Ok(HttpResponse::Created().json(json!({ "id": added.map_err(|error| api.failed(error))? })))
}

async fn calendar(api: Api) -> ApiResult {
    let days: Vec<Value> = api
        .app
        .calendar()
        .days()
        .map(|day| json!({ "date": day.date, "name": day.name, "kind": day.kind.code() }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "days": days })))
}

async fn import_calendar(api: Api, body: Bytes) -> ApiResult {
    let csv = Fields::from_json(&api.parsed(&body)?).text("csv");
    let days = work_calendar::import(&api.app, &api.actor, csv).await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(json!({ "days": days })))
}

async fn remove_day(api: Api, body: Bytes) -> ApiResult {
    let day = Fields::from_json(&api.parsed(&body)?).parsed("day").map_err(|error| api.failed(error))?;
    work_calendar::remove(&api.app, &api.actor, day).await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(json!({ "removed": day })))
}

async fn add_unit_days(api: Api, id: Path<String>, body: Bytes) -> ApiResult {
    let days = unit_days(&Fields::from_json(&api.parsed(&body)?)).map_err(|error| api.failed(error))?;
    let added = work_calendar::add_unit_days(&api.app, &api.actor, id.into_inner(), days).await;
    Ok(HttpResponse::Ok().json(json!({ "days": added.map_err(|error| api.failed(error))? })))
}

async fn remove_unit_day(api: Api, id: Path<String>, body: Bytes) -> ApiResult {
    let day = Fields::from_json(&api.parsed(&body)?).parsed("day").map_err(|error| api.failed(error))?;
    let removed = work_calendar::remove_unit_day(&api.app, &api.actor, id.into_inner(), day).await;
    removed.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(json!({ "removed": day })))
}

async fn list_tokens(api: Api) -> ApiResult {
    answer(&api, accounts::own_tokens, |tokens| {
        let told = |token: &crate::store::sessions::ApiToken| {
            json!({ "id": token.token_hash, "name": token.name, "created_at": token.created_at.and_utc() })
        };
        json!({ "tokens": tokens.iter().map(told).collect::<Vec<_>>() })
    })
    .await
}

async fn issue_token(api: Api, body: Bytes) -> ApiResult {
    let name = Fields::from_json(&api.parsed(&body)?).text("name");
    let issued = api.app.write(&api.actor, move |ctx| {
        let person_id = ctx.actor.id().to_owned();
        accounts::issue_token(ctx, &person_id, name)
    });
    let token = issued.await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Created().json(json!({ "token": token })))
}
