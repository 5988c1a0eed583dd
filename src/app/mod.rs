//! What people do, one file a use case: authorise → load → decide → save in one transaction.
//! A room a subject: [`tickets`], [`problems`], [`cases`] with their [`plans`] and [`tasks`], the [`letters`] that units
//! get and their other channels ([`webhooks`]), the [`chase`] behind them and the leaders' [`directives`]. Beside the rooms, what all of them need.

pub mod access;
pub mod accounts;
pub mod admin;
pub mod cases;
pub mod chase;
mod clock;
pub mod clock_control;
pub mod desk;
pub mod directives;
mod error;
pub mod handover;
pub mod heartbeat;
mod keyed_hash;
pub mod leadership;
pub mod letters;
pub mod plans;
pub mod priority;
pub mod problems;
mod sealed;
pub mod search;
pub mod sending;
mod settings;
pub mod tasks;
pub mod tickets;
pub mod webhooks;

pub use clock::Clock;
pub use error::Error;
pub use plans::calendars::WorkCalendars;
pub use settings::{MailSettings, Settings};

use crate::domain::access::{Action, Post, Subject, may, may_somewhere};
use crate::domain::calendar::Calendar;
use crate::domain::event::{self, ActorKind, Channel};
use crate::domain::notice::{NoticeState, RecipientKind, Stage};
use crate::lang::Lang;
use crate::store::blobs::Blobs;
use crate::store::events::Event;
use crate::store::notices::{self, Notice};
use crate::store::{self, Store, StoreError, Tx, house, policies};
use chrono::{NaiveDate, NaiveDateTime};
use problems::matching_index::MatchingIndex;
use std::sync::{Arc, RwLock};

/// The version of the settings' chase policy, put into effect when it is another than before.
fn policy_in_effect(store: &Store, settings: &Settings) -> Result<i32, Error> {
    const KIND: &str = "chase";
    let document = serde_json::to_string(&settings.chase).map_err(|error| Error::Internal(error.to_string()))?;
    match store.read_blocking(|tx| policies::latest(tx, KIND))? {
        Some((version, known)) if known == document => Ok(version),
        _ => Ok(write_at_start(store, move |tx| policies::put(tx, KIND, &document, None, Clock::real()))?),
    }
}

/// Writes on a thread of its own: the parts may be put together inside a runtime, which must not wait.
fn write_at_start<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let written = std::thread::scope(|scope| scope.spawn(|| store.write_blocking(work)).join());
    written.unwrap_or_else(|_| Err(StoreError::Unavailable("the write at the start ended in a panic".into())))
}

/// Who acts, through which door, with which posts.
#[derive(Debug, Clone)]
pub struct Actor {
    pub kind: ActorKind,
    pub person_id: Option<String>,
    pub name: String,
    pub posts: Vec<Post>,
    pub lang: Lang,
    pub channel: Channel,
    /// Ties together what one request did.
    pub correlation: String,
}

impl Actor {
    /// What happens by itself; `name` is the job's, as the timeline shows it.
    pub fn job(name: &str) -> Actor {
        Actor {
            kind: ActorKind::Job,
            person_id: None,
            name: name.to_owned(),
            posts: Vec::new(),
            lang: Lang::Zh,
            channel: Channel::Job,
            correlation: store::new_id(),
        }
    }

    /// Whoever runs a command on the server's own machine.
    pub fn operator_of_machine() -> Actor {
        Actor { channel: Channel::Cli, ..Actor::job("命令行") }
    }

    /// Whoever opens a link from a mail, before it is known for whom: somebody who waits for the page.
    pub fn holder_of_link() -> Actor {
        Actor { channel: Channel::Mail, ..Actor::job("邮件链接") }
    }

    pub fn may_somewhere(&self, action: Action) -> bool {
        self.kind == ActorKind::Job || may_somewhere(&self.posts, action)
    }

    pub fn may(&self, action: Action, subject: &Subject) -> bool {
        self.kind == ActorKind::Job || may(&self.posts, action, subject)
    }

    /// Ids of the units the actor holds a post in.
    pub fn unit_ids(&self) -> Vec<String> {
        self.posts.iter().filter_map(|post| post.unit_id.clone()).collect()
    }

    /// Paths of those units: a subtree is a prefix.
    pub fn unit_paths(&self) -> Vec<String> {
        self.posts.iter().filter_map(|post| post.unit_path.clone()).collect()
    }

    /// What rows keep of whoever acted: a person's id, or the unit and name of somebody who acted by mail.
    pub fn id(&self) -> &str {
        match (&self.person_id, self.kind) {
            (Some(id), _) => id,
            (None, ActorKind::Link | ActorKind::Reply) => &self.name,
            (None, _) => "job",
        }
    }
}

/// The running server's parts, made once and shared.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub settings: Arc<Settings>,
    pub clock: Clock,
    calendars: Arc<RwLock<Arc<WorkCalendars>>>,
    /// The version of the chase policy that holds.
    pub policy_version: i32,
    pub index: MatchingIndex,
    /// The bytes of files.
    pub blobs: Blobs,
}

impl App {
    /// Puts the parts together over an open store: reads the demo's clock offset and the edited calendars.
    pub fn new(store: Store, settings: Settings) -> Result<App, Error> {
        let offset = store.read_blocking(|tx| house::setting(tx, clock::OFFSET_SETTING))?;
        let clock = Clock::new(settings.timezone, offset.as_deref());
        let calendars = Arc::new(store.read_blocking(WorkCalendars::read)?);
        let policy_version = policy_in_effect(&store, &settings)?;
        webhooks::secrets::seal_kept(&store, &settings.caller_key)?;
        let blobs =
            settings.evidence.as_ref().map_or_else(|| Blobs::in_folder(&settings.data_dir), Blobs::in_bucket)?;
        Ok(App {
            blobs,
            policy_version,
            store,
            settings: Arc::new(settings),
            clock,
            calendars: Arc::new(RwLock::new(calendars)),
            index: MatchingIndex::default(),
        })
    }

    pub fn calendar(&self) -> Arc<Calendar> {
        self.calendars().statutory.clone()
    }

    pub fn calendars(&self) -> Arc<WorkCalendars> {
        self.calendars.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Reads the edited days again: this process or another one changed them.
    pub async fn reload_calendars(&self) -> Result<(), Error> {
        let edited = Arc::new(self.store.read(WorkCalendars::read).await?);
        *self.calendars.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = edited;
        Ok(())
    }

    /// Runs a use case in one transaction with its events and notices. What happens by itself lets people go first.
    pub async fn write<T: Send + 'static>(
        &self,
        actor: &Actor,
        work: impl FnOnce(&mut Ctx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (app, actor) = (self.clone(), actor.clone());
        if actor.channel == Channel::Job {
            return self.store.write_behind(move |tx| app.run(tx, actor, work)).await;
        }
        self.store.write(move |tx| app.run(tx, actor, work)).await
    }

    /// [`App::write`] on this thread, for commands.
    pub fn write_blocking<T: Send + 'static>(
        &self,
        actor: &Actor,
        work: impl FnOnce(&mut Ctx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (app, actor) = (self.clone(), actor.clone());
        self.store.write_blocking(move |tx| app.run(tx, actor, work))
    }

    /// Runs a view on one snapshot; nothing can be written.
    pub async fn read<T: Send + 'static>(
        &self,
        actor: &Actor,
        work: impl FnOnce(&mut Ctx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (app, actor) = (self.clone(), actor.clone());
        if actor.channel == Channel::Job {
            return self.store.read_behind(move |tx| app.run(tx, actor, work)).await;
        }
        self.store.read(move |tx| app.run(tx, actor, work)).await
    }

    pub(in crate::app) fn run<T>(
        &self,
        tx: &mut Tx,
        actor: Actor,
        work: impl FnOnce(&mut Ctx) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let now = self.clock.now();
        let calendars = self.calendars();
        let mut ctx = Ctx {
            tx: tx.reborrow(),
            actor,
            now,
            today: self.clock.local_date(now),
            app: self.clone(),
            calendar: calendars.statutory.clone(),
            calendars,
            events: Vec::new(),
            notices: Vec::new(),
        };
        let value = work(&mut ctx)?;
        ctx.flush()?;
        Ok(value)
    }
}

/// One use case in progress: its transaction, its actor, its moment, and what it tells and owes.
pub struct Ctx<'a> {
    pub tx: Tx<'a>,
    pub actor: Actor,
    /// UTC, cut to microseconds.
    pub now: NaiveDateTime,
    /// The local date.
    pub today: NaiveDate,
    pub app: App,
    /// The statutory calendar.
    pub calendar: Arc<Calendar>,
    /// That of each unit.
    pub calendars: Arc<WorkCalendars>,
    events: Vec<Event>,
    notices: Vec<Notice>,
}

/// A notice as a use case owes it. `cycle` 0 unless a person or a new round sends it again.
pub struct Owed<'a> {
    pub subject_kind: &'a str,
    pub subject_id: &'a str,
    pub stage: Stage,
    pub recipient: Recipient<'a>,
    pub cycle: i32,
    pub case_id: Option<&'a str>,
    /// What the mail says beyond the subject's own rows.
    pub detail: &'a str,
}

pub enum Recipient<'a> {
    Unit(&'a str),
    Person(&'a str),
}

impl Ctx<'_> {
    /// Refuses an action on a subject that the matrix does not allow.
    pub fn require(&self, action: Action, subject: &Subject) -> Result<(), Error> {
        if self.actor.may(action, subject) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Refuses an action that does not depend on a subject.
    pub fn require_anywhere(&self, action: Action) -> Result<(), Error> {
        self.require(action, &Subject::default())
    }

    /// Tells what happened. `payload` holds no citizen's data: a chain cannot forget.
    pub fn record(&mut self, kind: &str, subject: (&str, &str), case_id: Option<&str>, payload: serde_json::Value) {
        debug_assert!(event::is_kind(kind), "the event {kind} has no words");
        self.events.push(Event {
            id: store::new_id(),
            at: self.now,
            kind: kind.to_owned(),
            subject_kind: subject.0.to_owned(),
            subject_id: subject.1.to_owned(),
            case_id: case_id.map(str::to_owned),
            actor_kind: self.actor.kind,
            actor_id: self.actor.person_id.clone(),
            actor_name: self.actor.name.clone(),
            channel: self.actor.channel,
            correlation: self.actor.correlation.clone(),
            payload: payload.to_string(),
        });
    }

    /// Owes a notice in this transaction; one that is owed already in its cycle stays as it is.
    pub fn owe(&mut self, owed: Owed) {
        let (recipient_kind, recipient_id) = match owed.recipient {
            Recipient::Unit(id) => (RecipientKind::Unit, id),
            Recipient::Person(id) => (RecipientKind::Person, id),
        };
        self.notices.push(Notice {
            id: store::new_id(),
            subject_kind: owed.subject_kind.to_owned(),
            subject_id: owed.subject_id.to_owned(),
            stage: owed.stage,
            recipient_kind,
            recipient_id: recipient_id.to_owned(),
            cycle: owed.cycle,
            case_id: owed.case_id.map(str::to_owned),
            policy_version: self.app.policy_version,
            detail: owed.detail.to_owned(),
            state: NoticeState::Owed,
            mail_id: None,
            delivery_id: None,
            tried: String::new(),
            decision: None,
            owed_at: self.now,
        });
    }

    fn flush(mut self) -> Result<(), StoreError> {
        if !self.events.is_empty() {
            store::events::insert(&mut self.tx, self.events)?;
        }
        if !self.notices.is_empty() {
            notices::owe(&mut self.tx, self.notices)?;
        }
        Ok(())
    }
}
