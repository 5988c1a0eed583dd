//! Keeps a process's matching index in step with what is stored: from its copy in a file at the start, later with what
//! other processes matched and people decided there.

use crate::app::problems::detection::{Places, document, places_of, watermark};
use crate::app::problems::matching_index::{never_together, together};
use crate::app::problems::problem_decisions::APART;
use crate::app::{App, Error};
use crate::detect::{self, By, Constraints, Engine, NotStored};
use crate::domain::problem::DecisionKind;
use crate::store::tickets::{self, Ticket};
use crate::store::{Tx, decisions, memberships};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Tickets read at once.
const READ_AT_ONCE: i64 = 2_000;
/// The copy is written again when this many tickets more are read: a start reads no more than these.
const STORED_EVERY: i64 = 10_000;
/// Where all tickets are is read anew at most this often while new ones come.
const AGREED_EVERY: Duration = Duration::from_secs(10);

/// How far an index has read what is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reached {
    /// Place of the last ticket in the order.
    pub ticket: i64,
    /// The names of places that it was told.
    places: Vec<String>,
    /// How many decisions there were when it last read where all tickets are.
    #[serde(skip)]
    decisions: i64,
    #[serde(skip)]
    agreed_at: Option<Instant>,
    /// Other processes placed tickets since.
    #[serde(skip)]
    behind: bool,
    /// Place of the last ticket in the copy.
    #[serde(skip)]
    stored: i64,
}

impl Reached {
    /// How many places further than the copy in the file.
    pub fn unstored(&self) -> i64 {
        self.ticket - self.stored
    }
}

/// Loads the index: the copy in the file if it is sound and of this database, and what came since.
pub async fn load(app: &App) -> Result<(), Error> {
    let (mut engine, mut reached) = match restored(app).await? {
        Some(restored) => restored,
        None => blank(app),
    };
    while let Some(unread) = unread(app, &reached).await? {
        unread.read_into(&mut engine, &mut reached);
    }
    app.index.put(engine, reached);
    Ok(())
}

/// Reads some of what other processes stored. Gives whether there was anything.
pub async fn follow(app: &App) -> Result<bool, Error> {
    let Some(unread) = unread(app, &app.index.reached()).await? else { return Ok(false) };
    app.index.advance(|engine, reached| unread.read_into(engine, reached));
    Ok(true)
}

fn blank(app: &App) -> (Engine, Reached) {
    let mut engine = Engine::new(detect::Settings::default());
    let places = app.settings.places.clone();
    engine.know_places(places.iter().map(String::as_str));
    (engine, Reached { places, ..Reached::default() })
}

/// What is stored and not read yet.
enum Unread {
    Tickets {
        rows: Vec<(i64, Ticket)>,
        places: Places,
    },
    /// Where all tickets are, and what was decided about them.
    Standing(Standing),
}

struct Standing {
    /// Ticket, problem, whether a person put it there.
    memberships: Vec<(String, String, bool)>,
    apart: Vec<(String, String)>,
    whole: Vec<(String, String)>,
    decisions: i64,
}

async fn unread(app: &App, reached: &Reached) -> Result<Option<Unread>, Error> {
    let reached = reached.clone();
    app.store.read_aside(move |tx| Unread::after(tx, &reached)).await
}

impl Unread {
    fn after(tx: &mut Tx, reached: &Reached) -> Result<Option<Unread>, Error> {
        let watermark = watermark(tx)?;
        if watermark > reached.ticket {
            let mut rows = tickets::ordered_after(tx, reached.ticket, READ_AT_ONCE)?;
            rows.retain(|(at, _)| *at <= watermark);
            let places = places_of(tx, rows.iter().map(|(_, ticket)| ticket))?;
            return Ok(Some(Unread::Tickets { rows, places }));
        }
        let decisions = decisions::count(tx)?;
        let is_due = match reached.agreed_at {
            Some(at) => reached.behind && at.elapsed() >= AGREED_EVERY,
            None => true,
        };
        if !is_due && decisions == reached.decisions {
            return Ok(None);
        }
        Ok(Some(Unread::Standing(Standing {
            memberships: memberships::open_memberships(tx)?,
            apart: decisions::pairs(tx, &APART)?,
            whole: decisions::pairs(tx, &[DecisionKind::OneProblem])?,
            decisions,
        })))
    }

    fn read_into(self, engine: &mut Engine, reached: &mut Reached) {
        match self {
            Unread::Tickets { rows, places } => {
                rows.iter().for_each(|(_, ticket)| engine.add(&document(ticket, &places)));
                reached.ticket = rows.last().map_or(reached.ticket, |(at, _)| *at);
                reached.behind = true;
            }
            Unread::Standing(standing) => {
                standing.read_into(engine);
                (reached.decisions, reached.behind) = (standing.decisions, false);
                reached.agreed_at = Some(Instant::now());
            }
        }
    }
}

impl Standing {
    fn read_into(&self, engine: &mut Engine) {
        let by = |by_person: bool| if by_person { By::Person } else { By::Machine };
        engine.agree(self.memberships.iter().map(|(ticket, problem, person)| (&**ticket, &**problem, by(*person))));
        *engine.constraints() = Constraints::default();
        self.apart.iter().for_each(|(a, b)| never_together(engine, a, b));
        self.whole.iter().for_each(|(a, b)| together(engine, a, b));
    }
}

fn copy_of(app: &App) -> PathBuf {
    app.settings.data_dir.join("matching.index")
}

/// The copy, unless it is damaged, of another database, or was told other places.
async fn restored(app: &App) -> Result<Option<(Engine, Reached)>, Error> {
    let (path, places) = (copy_of(app), app.settings.places.clone());
    let read = move || -> Option<(Engine, Reached)> {
        let file = File::open(&path).ok()?;
        match Engine::restore::<Reached>(&mut BufReader::new(file), detect::Settings::default()) {
            Ok((reached, engine)) if reached.places == places => {
                Some((engine, Reached { stored: reached.ticket, ..reached }))
            }
            Ok(_) => None,
            Err(damaged) => {
                tracing::warn!(%damaged, path = %path.display(), "the index is built from the tickets");
                None
            }
        }
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| Error::Internal(error.to_string()))?;
    let Some((engine, reached)) = read else { return Ok(None) };
    let before = reached.ticket - 1;
    let last = app.store.read_aside(move |tx| tickets::ordered_after(tx, before, 1)).await?;
    let is_ours = matches!(&last[..], [(at, ticket)] if *at == reached.ticket && engine.contains(&ticket.id));
    Ok(is_ours.then_some((engine, reached)))
}

/// Writes the copy anew when many tickets came since the last one.
pub async fn store_if_grown(app: &App) -> Result<(), Error> {
    if app.index.reached().unstored() >= STORED_EVERY { store(app).await } else { Ok(()) }
}

/// Writes the copy anew.
pub async fn store(app: &App) -> Result<(), Error> {
    let (index, path) = (app.index.clone(), copy_of(app));
    let written = tokio::task::spawn_blocking(move || {
        let reached = index.reached();
        // Replicas may share the folder.
        let unfinished = path.with_extension(format!("{}.new", std::process::id()));
        let outcome = index.read(|engine| -> Result<(), NotStored> {
            let mut file = BufWriter::new(File::create(&unfinished)?);
            engine.store(&reached, &mut file)?;
            file.into_inner().map_err(std::io::Error::from)?.sync_all()?;
            Ok(fs::rename(&unfinished, &path)?)
        });
        index.advance(|_, now| now.stored = reached.ticket);
        outcome.unwrap_or(Ok(()))
    });
    let written = written.await.map_err(|error| Error::Internal(error.to_string()))?;
    written.map_err(|error| Error::Internal(error.to_string()))
}
