//! Files in and out.

use super::api::{Api, ApiResult};
use super::fields::Fields;
use super::page::{Page, PageResult};
use super::routes::{Access, Route};
use crate::app::tasks::files::{self, Upload};
use crate::app::{Actor, App, Error};
use crate::domain::access::Action;
use crate::lang::Message;
use crate::store::StoreError;
use crate::store::files::File;
use actix_multipart::Multipart;
use actix_web::body::SizedStream;
use actix_web::http::header::{CONTENT_TYPE, Charset};
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType, ExtendedValue, HeaderMap};
use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::json;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/files/{id}", Access::SignedIn(Action::ReadTask), download),
        Route::get("/api/v1/files/{id}", Access::SignedIn(Action::ReadTask), fetch),
        Route::post("/api/v1/tasks/{id}/files", Access::SignedIn(Action::WorkTask), attach),
    ]
}

/// A form's fields and files, however it is encoded.
pub async fn form_of(headers: &HeaderMap, body: Bytes) -> Result<(Fields, Vec<Upload>), Error> {
    let is_multipart = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if !is_multipart {
        return Ok((Fields::from_form(&body), Vec::new()));
    }
    let unreadable = |_| Error::field("file", Message::new("文件没有完整收到，请重试"));
    let mut parts = Multipart::new(headers, stream::iter([Ok::<_, actix_web::error::PayloadError>(body)]));
    let (mut fields, mut uploads) = (Vec::new(), Vec::new());
    while let Some(mut part) = parts.try_next().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.content_disposition().and_then(|how| how.get_filename()).map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            bytes.extend_from_slice(&chunk.map_err(unreadable)?);
        }
        match file {
            // A file input that was left alone sends an empty name.
            Some(file) if file.is_empty() => {}
            Some(file) => uploads.push(Upload { name: file, bytes }),
            None => fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
        }
    }
    Ok((Fields::new(fields), uploads))
}

async fn attach(api: Api, req: HttpRequest, id: Path<String>, body: Bytes) -> ApiResult {
    let id = id.into_inner();
    let stored = store(&api.app, &api.actor, id, req.headers(), body).await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Created().json(json!({ "attached": stored })))
}

async fn store(app: &App, actor: &Actor, id: String, headers: &HeaderMap, body: Bytes) -> Result<usize, Error> {
    let (_, uploads) = form_of(headers, body).await?;
    let count = uploads.len();
    if count == 0 {
        return Err(Error::field("file", Message::new("请填写内容")));
    }
    let kept = files::keep(app, actor, &id, uploads).await?;
    app.write(actor, move |ctx| files::attach(ctx, &id, kept)).await?;
    Ok(count)
}

async fn download(page: Page, id: Path<String>) -> PageResult {
    let found = files::fetch(&page.app, &page.actor, id.into_inner()).await;
    found.map(answer).map_err(|error| page.failed(error))
}

async fn fetch(api: Api, id: Path<String>) -> ApiResult {
    let found = files::fetch(&api.app, &api.actor, id.into_inner()).await;
    found.map(answer).map_err(|error| api.failed(error))
}

/// Always saved, never shown inside our pages.
fn answer<S: Stream<Item = Result<Bytes, StoreError>> + 'static>((file, bytes): (File, S)) -> HttpResponse {
    let name =
        ExtendedValue { charset: Charset::Ext("UTF-8".to_owned()), language_tag: None, value: file.name.into_bytes() };
    let how = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(name)],
    };
    HttpResponse::Ok()
        .content_type(file.media_type)
        .insert_header(how)
        .insert_header(("etag", format!("\"{}\"", file.sha256)))
        .body(SizedStream::new(file.size as u64, bytes))
}
