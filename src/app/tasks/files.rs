//! Files that units attach to their tasks: kept by their hash outside the database, on disk before the commit.

use crate::app::access::require_on_task;
use crate::app::tasks::{open, told};
use crate::app::{Actor, App, Ctx, Error};
use crate::domain::access::Action;
use crate::lang::Message;
use crate::store::files::{self, File};
use crate::store::{new_id, plans};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

/// A file whose bytes are on disk.
pub struct Kept {
    name: String,
    media_type: &'static str,
    size: i64,
    sha256: String,
}

/// Puts uploads for a task on disk. Who may not work on the task leaves no bytes behind.
pub async fn keep(app: &App, actor: &Actor, task_id: &str, uploads: Vec<Upload>) -> Result<Vec<Kept>, Error> {
    if uploads.is_empty() {
        return Ok(Vec::new());
    }
    let id = task_id.to_owned();
    app.read(actor, move |ctx| open(ctx, &id, None, Action::WorkTask)).await?;
    let folder = folder(app);
    let kept =
        tokio::task::spawn_blocking(move || uploads.into_iter().map(|upload| keep_one(&folder, upload)).collect());
    kept.await.map_err(|error| Error::Internal(error.to_string()))?
}

/// [`keep`] for uploads whose sender was checked already, on this thread.
pub fn keep_at_once(app: &App, uploads: Vec<Upload>) -> Result<Vec<Kept>, Error> {
    let folder = folder(app);
    uploads.into_iter().map(|upload| keep_one(&folder, upload)).collect()
}

fn folder(app: &App) -> PathBuf {
    app.settings.data_dir.join("files")
}

fn keep_one(folder: &Path, upload: Upload) -> Result<Kept, Error> {
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
    write_once(folder, &sha256, &upload.bytes).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Kept { name, media_type, size: upload.bytes.len() as i64, sha256 })
}

/// Keeps bytes under a name in a folder: both are on disk when this returns.
pub fn write_once(folder: &Path, key: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (path, unfinished) = (folder.join(key), folder.join(format!("{key}.{}", new_id())));
    if path.exists() {
        return Ok(());
    }
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    fs::File::open(folder)?.sync_all()
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

/// A file and its bytes, for whoever may read its task.
pub async fn fetch(app: &App, actor: &Actor, id: String) -> Result<(File, Vec<u8>), Error> {
    let file = app.read(actor, move |ctx| readable(ctx, &id)).await?;
    let path = folder(app).join(&file.storage_key);
    let bytes = tokio::fs::read(path).await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok((file, bytes))
}

fn readable(ctx: &mut Ctx, id: &str) -> Result<File, Error> {
    let file = files::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let task_id = file.task_id.as_deref().ok_or(Error::NotFound)?;
    let found = plans::task_in_case(&mut ctx.tx, task_id)?.ok_or(Error::NotFound)?;
    require_on_task(ctx, Action::ReadTask, &found)?;
    Ok(file)
}
