//! Ticket files by page: drop a file, look at how it is understood, import it, fetch what was rejected.

use crate::app::tickets::importing::{self, Preview};
use crate::app::{Error, tasks::files};
use crate::domain::access::Action;
use crate::domain::ticket::{FieldError, ImportState};
use crate::lang::Message;
use crate::store::imports::ImportRun;
use crate::web::files::form_of;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

#[derive(Template)]
#[template(path = "imports.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    runs: Vec<ImportRun>,
}

#[derive(Template)]
#[template(path = "import.html", config = "src/web/askama.toml")]
struct RunPage {
    page: Page,
    run: ImportRun,
    standing: ImportState,
    /// Before it is imported.
    preview: Option<Preview>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/import", Access::SignedIn(Action::AddTickets), list),
        Route::post("/import", Access::SignedIn(Action::AddTickets), receive),
        Route::get("/import/{id}", Access::SignedIn(Action::AddTickets), one),
        Route::post("/import/{id}/start", Access::SignedIn(Action::AddTickets), start),
        Route::get("/import/{id}/rejected", Access::SignedIn(Action::AddTickets), rejected),
    ]
}

async fn list(page: Page) -> PageResult {
    let runs = page.read(importing::latest).await?;
    page.html(&ListPage { page: page.clone(), runs })
}

async fn receive(page: Page, req: HttpRequest, body: Bytes) -> PageResult {
    let (_, uploads) = form_of(req.headers(), body).await.map_err(|error| page.failed(error))?;
    let missing = || page.failed(Error::field("file", Message::new("请选择文件")));
    let files::Upload { name, bytes } = uploads.into_iter().next().ok_or_else(missing)?;
    let id = importing::receive(&page.app, &page.actor, name, bytes).await.map_err(|error| page.failed(error))?;
    Ok(page.done(&format!("/import/{id}"), "文件已收到，请核对后导入"))
}

async fn one(page: Page, id: Path<String>) -> PageResult {
    let run = page.read(move |ctx| importing::show(ctx, &id)).await?;
    let preview = match run.state {
        ImportState::Received => Some(importing::preview(&page.app, &run).await.map_err(|error| page.failed(error))?),
        _ => None,
    };
    let standing = run.standing(page.app.clock.now());
    page.html(&RunPage { page: page.clone(), run, standing, preview })
}

async fn start(page: Page, id: Path<String>) -> PageResult {
    importing::start(&page.app, &page.actor, &id).await.map_err(|error| page.failed(error))?;
    Ok(page.done(&format!("/import/{id}"), "已开始导入"))
}

async fn rejected(page: Page, id: Path<String>) -> PageResult {
    let rows = importing::rejected(&page.app, &page.actor, id.into_inner()).await;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", "attachment; filename=\"rejected.csv\""))
        .body(rows.map_err(|error| page.failed(error))?))
}

impl RunPage {
    fn told(&self, fault: &FieldError) -> String {
        fault.reason.text(self.page.lang)
    }

    /// A field as people call it.
    fn field(&self, code: &str) -> &'static str {
        match code {
            "source_no" => "编号",
            "title" => "主题",
            "body" => "内容",
            "received_at" => "受理时间",
            "due_at" => "办理期限",
            "channel" => "渠道",
            "category" => "类别",
            "district" => "区县",
            "address" => "地址",
            "latitude" => "纬度",
            "longitude" => "经度",
            "caller" => "来电号码",
            _ => "来电人",
        }
    }
}
