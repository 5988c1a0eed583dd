//! Files that units attach to their tasks: kept by their hash outside the database, durable before the commit.

use crate::app::access::require_on_task;
use crate::app::tasks::{open, told};
use crate::app::{Actor, App, Ctx, Error};
use crate::domain::access::Action;
use crate::lang::Message;
use crate::store::files::{self, File};
use crate::store::{StoreError, new_id, plans};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::json;
use sha2::{Digest, Sha256};

const NAME_MAX_CHARS: usize = 120;
/// Kinds of files offices exchange, by the name's ending, and what they are served as.
const KINDS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ofd", "application/ofd"),
    ("wps", "application/vnd.ms-works"),
    ("csv", "text/csv"),
    ("txt", "text/plain"),
    ("zip", "application/zip"),
];

/// A file as it was sent.
pub struct Upload {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// A file whose bytes are kept.
pub struct Kept {
    name: String,
    media_type: &'static str,
    size: i64,
    sha256: String,
}

/// Keeps the bytes of uploads for a task. Who may not work on the task leaves no bytes behind.
pub async fn keep(app: &App, actor: &Actor, task_id: &str, uploads: Vec<Upload>) -> Result<Vec<Kept>, Error> {
    if uploads.is_empty() {
        return Ok(Vec::new());
    }
    let id = task_id.to_owned();
    app.read(actor, move |ctx| open(ctx, &id, None, Action::WorkTask)).await?;
    keep_checked(app, uploads).await
}

/// [`keep`] for uploads whose sender was checked already. One that cannot be taken leaves none of them behind.
pub async fn keep_checked(app: &App, uploads: Vec<Upload>) -> Result<Vec<Kept>, Error> {
    let taken = tokio::task::spawn_blocking(|| uploads.into_iter().map(taken).collect::<Result<Vec<_>, Error>>());
    let mut all = Vec::new();
    for (kept, bytes) in taken.await.map_err(|error| Error::Internal(error.to_string()))?? {
        app.blobs.keep(&key_of(&kept.sha256), bytes).await?;
        all.push(kept);
    }
    Ok(all)
}

fn key_of(storage_key: &str) -> String {
    format!("files/{storage_key}")
}

/// What is known of an upload that can be taken, and its bytes.
fn taken(upload: Upload) -> Result<(Kept, Vec<u8>), Error> {
    let name: String = upload.name.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_owned();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    let Some((_, media_type)) = KINDS.iter().find(|(kind, _)| *kind == ending) else {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        return Err(Error::field("file", Message::new("只能附 %{kinds} 文件").with("kinds", kinds.join("、"))));
    };
    if name.chars().count() > NAME_MAX_CHARS {
        return Err(Error::field("file", Message::new("不能超过 %{max} 字").with("max", NAME_MAX_CHARS)));
    }
    if upload.bytes.is_empty() {
        return Err(Error::field("file", Message::new("文件“%{name}”是空的").with("name", name)));
    }
    let sha256 = hex::encode(Sha256::digest(&upload.bytes));
    Ok((Kept { name, media_type, size: upload.bytes.len() as i64, sha256 }, upload.bytes))
}

/// Attaches kept files to a task.
pub fn attach(ctx: &mut Ctx, task_id: &str, kept: Vec<Kept>) -> Result<(), Error> {
    if kept.is_empty() {
        return Ok(());
    }
    let found = open(ctx, task_id, None, Action::WorkTask)?;
    for file in kept {
        let row = File {
            id: new_id(),
            case_id: found.task.case_id.clone(),
            task_id: Some(task_id.to_owned()),
            name: file.name,
            media_type: file.media_type.to_owned(),
            size: file.size,
            storage_key: file.sha256.clone(),
            sha256: file.sha256,
            person_id: ctx.actor.id().to_owned(),
            at: ctx.now,
        };
        files::insert(&mut ctx.tx, &row)?;
        let payload = told(&found, json!({ "file": row.name, "size": row.size, "sha256": row.sha256 }));
        ctx.record("task.file_attached", ("task", task_id), Some(&found.task.case_id), payload);
    }
    Ok(())
}

/// A file and its bytes, piece by piece, for whoever may read its task.
pub async fn fetch(
    app: &App,
    actor: &Actor,
    id: String,
) -> Result<(File, BoxStream<'static, Result<Bytes, StoreError>>), Error> {
    let file = app.read(actor, move |ctx| readable(ctx, &id)).await?;
    let bytes = app.blobs.stream(&key_of(&file.storage_key)).await?;
    Ok((file, bytes))
}

fn readable(ctx: &mut Ctx, id: &str) -> Result<File, Error> {
    let file = files::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let task_id = file.task_id.as_deref().ok_or(Error::NotFound)?;
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::ReadTask, &found)?;
    Ok(file)
}
