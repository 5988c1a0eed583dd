//! Ticket files taken in by page or command: in batches, so that an interrupted import can be run again.

use crate::app::{Actor, App, Ctx, Error, priority, tickets};
use crate::domain::access::Action;
use crate::domain::ticket::{ImportState, NewTicket};
use crate::intake::{self, IntakeError, Mapping, RejectsFile, Row, TicketFile};
use crate::lang::Message;
use crate::store::imports::{self, ImportRun};
use crate::store::new_id;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// Rows stored in one transaction: many when nobody else writes, few when people do. See [`rows_next`].
const ROWS_AT_LEAST: usize = 16;
const ROWS_AT_MOST: usize = 1_000;
/// How long a transaction's own work is to take when nobody else is served, and when people are, who wait behind it.
const ALONE: Duration = Duration::from_millis(12);
const AMONG_PEOPLE: Duration = Duration::from_millis(1);
/// Between two of them, so that another process that writes to the same SQLite file gets its turn.
const LETS_OTHERS_IN: Duration = Duration::from_millis(1);
const LISTED: i64 = 20;
const ROWS_PREVIEWED: usize = 8;

/// A file before it is imported: which column is which field, and its first rows.
pub struct Preview {
    /// Field, and the header that is taken for it.
    pub columns: Vec<(&'static str, String)>,
    pub rows: Vec<Row>,
}

/// Opens a file with the headers that cities use, or the given ones.
pub fn open(app: &App, path: &Path, mapping: &Mapping) -> Result<TicketFile, Error> {
    intake::open(path, mapping, app.settings.timezone).map_err(|error| match error {
        IntakeError::Mapping(message) => Error::field("file", message),
        IntakeError::File(detail) => Error::field("file", Message::new("读不懂：%{detail}").with("detail", detail)),
    })
}

/// Keeps an uploaded file for its import. A file that cannot be read leaves nothing behind. Gives the run's id.
pub async fn receive(app: &App, actor: &Actor, name: String, bytes: Vec<u8>) -> Result<String, Error> {
    let id = new_id();
    let (path, opened, by) = (file_of(app, &id, &name), app.clone(), actor.clone());
    let read = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(folder(&opened))?;
        std::fs::write(&path, bytes)?;
        let checked = open(&opened, &path, &Mapping::usual()).map(|_| ());
        if checked.is_err() {
            std::fs::remove_file(&path)?;
        }
        Ok::<_, std::io::Error>(checked)
    });
    read.await.map_err(internal)?.map_err(internal)??;
    let row_id = id.clone();
    app.write(&by, move |ctx| begin(ctx, row_id, name, ImportState::Received)).await?;
    Ok(id)
}

/// Notes an import. Gives its row.
pub fn begin(ctx: &mut Ctx, id: String, file_name: String, state: ImportState) -> Result<(), Error> {
    ctx.require_anywhere(Action::AddTickets)?;
    let row = ImportRun {
        id,
        file_name,
        stored: 0,
        repeated: 0,
        rejected: 0,
        rejects_file: None,
        started_at: ctx.now,
        finished_at: None,
        started_by: ctx.actor.person_id.clone(),
        state,
        failure: None,
        saved_at: Some(ctx.now),
    };
    ctx.record("import.begun", ("import", &row.id), None, json!({ "title": row.file_name }));
    Ok(imports::insert(&mut ctx.tx, row)?)
}

pub fn latest(ctx: &mut Ctx) -> Result<Vec<ImportRun>, Error> {
    ctx.require_anywhere(Action::AddTickets)?;
    Ok(imports::latest(&mut ctx.tx, LISTED)?)
}

pub fn show(ctx: &mut Ctx, id: &str) -> Result<ImportRun, Error> {
    ctx.require_anywhere(Action::AddTickets)?;
    imports::by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)
}

pub async fn preview(app: &App, run: &ImportRun) -> Result<Preview, Error> {
    let (app, path) = (app.clone(), file_of(app, &run.id, &run.file_name));
    let read = tokio::task::spawn_blocking(move || {
        let mut file = open(&app, &path, &Mapping::usual())?;
        Ok(Preview { columns: file.columns(), rows: file.by_ref().take(ROWS_PREVIEWED).collect() })
    });
    read.await.map_err(internal)?
}

/// Imports a received file in the background; its row tells how far it is. One that failed or was interrupted may be
/// started again.
pub async fn start(app: &App, actor: &Actor, id: &str) -> Result<(), Error> {
    let run_id = id.to_owned();
    let run = app
        .write(actor, move |ctx| {
            let run = show(ctx, &run_id)?;
            match run.standing(ctx.now) {
                ImportState::Done => return Err(Error::Refused(Message::new("这个文件已经导入。"))),
                ImportState::Running => return Err(Error::Refused(Message::new("这个文件正在导入。"))),
                ImportState::Received | ImportState::Failed | ImportState::Interrupted => {}
            }
            let (state, saved_at) = (ImportState::Running, Some(ctx.now));
            let run = ImportRun { state, saved_at, stored: 0, repeated: 0, rejected: 0, failure: None, ..run };
            imports::save(&mut ctx.tx, run.clone())?;
            Ok(run)
        })
        .await?;
    let (app, actor) = (app.clone(), actor.clone());
    let run = move || {
        let path = file_of(&app, &run.id, &run.file_name);
        let rejects = rejects_of(&app, &run.id);
        let outcome = open(&app, &path, &Mapping::usual())
            .and_then(|file| take_in(&app, &actor, &run.id, file, &rejects, |_| ()));
        if let Err(error) = outcome {
            tracing::warn!(%error, "an import failed");
            let failure = error.message().text(actor.lang);
            let noted = app.write_blocking(&actor, move |ctx| fail(ctx, &run.id, failure));
            if let Err(error) = noted {
                tracing::error!(%error, "the failure of an import could not be noted");
            }
        }
    };
    // It lasts minutes and waits for people: the few threads of requests are not for it.
    std::thread::Builder::new().name("import".into()).spawn(run).map_err(internal)?;
    Ok(())
}

fn fail(ctx: &mut Ctx, id: &str, failure: String) -> Result<(), Error> {
    let run = show(ctx, id)?;
    Ok(imports::save(&mut ctx.tx, ImportRun { state: ImportState::Failed, failure: Some(failure), ..run })?)
}

/// Takes a file's tickets in, batch by batch; rejected rows go to a file. `seen` is told of each row.
pub fn take_in(
    app: &App,
    actor: &Actor,
    run_id: &str,
    file: TicketFile,
    rejects: &Path,
    mut seen: impl FnMut(u64),
) -> Result<ImportRun, Error> {
    let mut rejects = RejectsFile::new(rejects, file.headers.clone(), actor.lang);
    // One thread reads while the other stores.
    std::thread::scope(|scope| {
        let (sender, read) = sync_channel(ROWS_AT_MOST);
        scope.spawn(move || {
            priority::step_back();
            for row in file {
                // Whoever stores may have given up after an error.
                if sender.send(row).is_err() {
                    return;
                }
            }
        });
        let (mut rows, mut many) = (read.into_iter().peekable(), ROWS_AT_LEAST);
        while rows.peek().is_some() {
            let mut tickets = Vec::with_capacity(many);
            for row in rows.by_ref().take(many) {
                seen(row.line);
                match row.outcome {
                    Ok(ticket) => tickets.push(ticket),
                    Err(rejected) => rejects.add(row.line, &rejected).map_err(internal)?,
                }
            }
            let (_, took) = store(app, actor, run_id, tickets, &rejects, false)?;
            many = rows_next(many, took, if app.store.is_in_use() { AMONG_PEOPLE } else { ALONE });
            std::thread::sleep(LETS_OTHERS_IN);
        }
        rejects.finish().map_err(internal)?;
        Ok(store(app, actor, run_id, Vec::new(), &rejects, true)?.0)
    })
}

/// How many rows to store next, in a transaction that `lasts` so long, after so many `took` that long.
fn rows_next(many: usize, took: Duration, lasts: Duration) -> usize {
    let fit = many as f64 * lasts.as_secs_f64() / took.as_secs_f64().max(1e-6);
    // At most twice as many: one quick turn does not promise the next.
    (fit as usize).min(many * 2).clamp(ROWS_AT_LEAST, ROWS_AT_MOST)
}

/// Gives the run as it stands, and how long the transaction's own work took, its waiting left out.
fn store(
    app: &App,
    actor: &Actor,
    run_id: &str,
    rows: Vec<NewTicket>,
    rejects: &RejectsFile,
    last: bool,
) -> Result<(ImportRun, Duration), Error> {
    let (id, rejected) = (run_id.to_owned(), rejects.count as i64);
    let rejects_file = (rejected > 0).then(|| rejects.path().display().to_string());
    app.write_blocking(actor, move |ctx| {
        let begun = Instant::now();
        let mut run = show(ctx, &id)?;
        if !rows.is_empty() {
            let added = tickets::add(ctx, rows)?;
            run.stored += added.new.len() as i64;
            run.repeated += added.repeated as i64;
        }
        (run.rejected, run.rejects_file, run.saved_at) = (rejected, rejects_file, Some(ctx.now));
        if last {
            (run.state, run.finished_at) = (ImportState::Done, Some(ctx.now));
            let told = json!({ "stored": run.stored, "repeated": run.repeated, "rejected": run.rejected });
            ctx.record("import.done", ("import", &run.id), None, told);
        }
        imports::save(&mut ctx.tx, run.clone())?;
        Ok((run, begun.elapsed()))
    })
}

/// The rejected rows of an import made by page.
pub async fn rejected(app: &App, actor: &Actor, id: String) -> Result<Vec<u8>, Error> {
    let run = app.read(actor, move |ctx| show(ctx, &id)).await?;
    tokio::fs::read(rejects_of(app, &run.id)).await.map_err(|_| Error::NotFound)
}

fn folder(app: &App) -> PathBuf {
    app.settings.data_dir.join("imports")
}

fn file_of(app: &App, id: &str, name: &str) -> PathBuf {
    let is_sheet = name.to_ascii_lowercase().ends_with(".xlsx");
    folder(app).join(format!("{id}.{}", if is_sheet { "xlsx" } else { "csv" }))
}

fn rejects_of(app: &App, id: &str) -> PathBuf {
    folder(app).join(format!("{id}.rejected.csv"))
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::app::tickets::importing::*;

    #[test]
    fn an_import_takes_long_turns_alone_and_short_ones_among_people() {
        let took = |many: usize| Duration::from_micros(20 * many as u64);
        let alone = (0..10).fold(ROWS_AT_LEAST, |many, _| rows_next(many, took(many), ALONE));
        assert_eq!(alone, 600, "as many as fit");
        assert_eq!(rows_next(alone, took(alone), AMONG_PEOPLE), 50, "at once");
        let slow_disk = (0..10).fold(ROWS_AT_MOST, |many, _| rows_next(many, Duration::from_millis(70), ALONE));
        assert_eq!(slow_disk, ROWS_AT_LEAST);
    }
}
