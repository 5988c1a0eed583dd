//! A case's plan as a file, a file as its plan, and the calendar behind a secret address.

use super::export::SPREADSHEET;
use crate::app::plans::plan_exchange::{self, Imported};
use crate::app::{Actor, App, Error, plans::feeds};
use crate::domain::access::Action;
use crate::exchange::{PlanOut, read, to_mspdi, to_sheet};
use crate::lang::Message;
use crate::web::api::{Api, ApiResult};
use crate::web::files::form_of;
use crate::web::page::{Page, PageResult, error_page};
use crate::web::routes::{Access, Route};
use crate::web::server::State;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/cases/{id}/plan.xlsx", Access::SignedIn(Action::ReadCase), as_sheet),
        Route::get("/cases/{id}/plan.xml", Access::SignedIn(Action::ReadCase), as_project),
        Route::post("/cases/{id}/import-plan", Access::SignedIn(Action::ShapePlan), import),
        Route::post("/api/v1/cases/{id}/import-plan", Access::SignedIn(Action::ShapePlan), import_by_api),
        Route::get("/feeds/{name}.ics", Access::Public, calendar),
    ]
}

async fn exported(page: &Page, id: Path<String>) -> Result<PlanOut, crate::web::page::PageError> {
    page.read(move |ctx| plan_exchange::export(ctx, &id)).await
}

fn file(bytes: Vec<u8>, kind: &str, name: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header(("content-disposition", format!("attachment; filename=\"{name}\"")))
        .body(bytes)
}

async fn as_sheet(page: Page, id: Path<String>) -> PageResult {
    let plan = exported(&page, id).await?;
    let bytes = to_sheet(&plan, page.lang).map_err(|error| page.failed(Error::Internal(error.to_string())))?;
    Ok(file(bytes, SPREADSHEET, &format!("{}.xlsx", plan.no)))
}

async fn as_project(page: Page, id: Path<String>) -> PageResult {
    let plan = exported(&page, id).await?;
    let bytes = to_mspdi(&plan).map_err(|error| page.failed(Error::Internal(error.to_string())))?;
    Ok(file(bytes, "application/xml", &format!("{}.xml", plan.no)))
}

async fn import(page: Page, req: HttpRequest, id: Path<String>, body: Bytes) -> PageResult {
    let here = format!("/cases/{id}?tab=plan");
    taken(&page.app, &page.actor, req.headers(), id.into_inner(), body).await.map_err(|error| page.failed(error))?;
    Ok(page.done(&here, "计划文件已导入"))
}

async fn import_by_api(api: Api, req: HttpRequest, id: Path<String>, body: Bytes) -> ApiResult {
    let done = taken(&api.app, &api.actor, req.headers(), id.into_inner(), body).await;
    let Imported { added, changed } = done.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(json!({ "added": added, "changed": changed })))
}

/// The file of a form, or a body that is the file.
async fn taken(app: &App, actor: &Actor, headers: &HeaderMap, id: String, body: Bytes) -> Result<Imported, Error> {
    let is_form = headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
    let bytes = if is_form {
        form_of(headers, body).await?.1.into_iter().next().map(|upload| upload.bytes)
    } else {
        Some(body.to_vec()).filter(|body| !body.is_empty())
    };
    let bytes = bytes.ok_or_else(|| Error::field("file", Message::new("请选择文件")))?;
    let read = tokio::task::spawn_blocking(move || read(&bytes)).await;
    let file = read.map_err(|error| Error::Internal(error.to_string()))?;
    app.write(actor, move |ctx| plan_exchange::import(ctx, &id, file)).await
}

async fn calendar(state: Data<State>, token: Path<String>) -> HttpResponse {
    match feeds::calendar(&state.app, token.into_inner()).await {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/calendar; charset=utf-8")
            .insert_header(("cache-control", "private, max-age=600"))
            .body(text),
        Err(error) => error_page(&error, crate::lang::Lang::Zh),
    }
}
