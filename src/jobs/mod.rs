//! What happens by itself: one loop a file's worth of work, each under one small pattern: wait, do, tell what failed.

use crate::app::{
    App, Clock, Error,
    cases::observing,
    chase, heartbeat,
    letters::{delivery, inbox, mailbox, outbox},
    plans::follow_up,
    priority,
    problems::{consolidating, counting, detection, upkeep},
    search,
    tasks::{help, objections},
    webhooks::{fan_out, forgetting, sending},
};
use crate::mail::Mailer;
use crate::store::{Store, StoreError, events, house};
use crate::webhook::{Client, client::DEADLINE};
use chrono::TimeDelta;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

const SEAL_LEASE: &str = "sealing";
const SEAL_LEASE_LASTS: TimeDelta = TimeDelta::seconds(30);
const SEALED_AT_ONCE: i64 = 500;
/// Endpoints that are pushed to side by side.
const PUSHERS: usize = 4;
/// How often a process says that it runs.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How long a request with an Idempotency-Key is answered as it was the first time.
const ANSWERS_KEPT: TimeDelta = TimeDelta::days(7);
/// How long a loop rests after it found something to do, and after it found nothing.
#[derive(Clone, Copy)]
struct Rests {
    busy: Duration,
    idle: Duration,
}

/// A loop whose work comes in bursts goes on at once while there is some.
const EAGER: Rests = Rests { busy: Duration::ZERO, idle: Duration::from_millis(500) };
/// Events are sealed some at once: each round costs statements of its own.
const SEALING: Rests = Rests { busy: Duration::from_millis(100), ..EAGER };
/// What is owed within a moment is frozen together.
const FREEZING: Rests = Rests { busy: Duration::from_millis(50), ..EAGER };
const HEARTBEAT: Rests = steady(HEARTBEAT_EVERY);
/// How often the mailbox on another server is looked into.
const MAILBOX: Rests = Rests { busy: Duration::ZERO, idle: Duration::from_secs(20) };
/// How often the calendar is asked what is due.
const CALENDAR: Rests = steady(Duration::from_secs(20));

/// How often the log of pushes is shortened, and how long others go first in between.
const FORGETTING: Rests = Rests { busy: Duration::from_secs(1), idle: Duration::from_secs(3_600) };

const fn steady(rests: Duration) -> Rests {
    Rests { busy: rests, idle: rests }
}

/// The background loops; dropped, they stop.
pub struct Jobs {
    running: JoinSet<()>,
    /// Where the loops run that nobody waits for.
    behind: Option<Runtime>,
    stop: watch::Sender<bool>,
    store: Store,
    holder: String,
}

impl Jobs {
    /// Starts all loops. Without a mailer nothing is delivered, without `detect` nothing is matched.
    pub fn start(app: &App, mailer: Option<Mailer>, detect: bool) -> io::Result<Jobs> {
        let behind = behind()?;
        let (prompt, patient) = (Handle::current(), behind.handle().clone());
        let mut jobs = Jobs {
            running: JoinSet::new(),
            behind: Some(behind),
            stop: watch::Sender::new(false),
            store: app.store.clone(),
            holder: crate::store::new_id(),
        };
        jobs.every(HEARTBEAT, "heartbeat", app, &prompt, |app, holder| async move { beat(&app, holder).await });
        jobs.every(SEALING, "sealing", app, &prompt, |app, holder| async move { seal(&app, &holder).await });
        jobs.every(CALENDAR, "calendar", app, &prompt, |app, _| async move { follow_calendar(&app).await });
        jobs.every(FORGETTING, "forgetting", app, &patient, |app, _| async move { forgetting::forget_old(&app).await });
        if let Some(mailer) = mailer {
            let (from, mailer) = (mailer.from().to_owned(), Arc::new(mailer));
            let stop = jobs.stop.subscribe();
            let queued = jobs.every(EAGER, "sending", app, &prompt, move |app, holder| {
                let (mailer, stop) = (mailer.clone(), stop.clone());
                async move { delivery::send(&app, &mailer, &holder, || *stop.borrow()).await }
            });
            jobs.every(FREEZING, "freezing", app, &prompt, move |app, _| {
                let (from, queued) = (from.clone(), queued.clone());
                async move {
                    let settled = outbox::freeze_owed(app, from).await?;
                    if settled > 0 {
                        queued.notify_one();
                    }
                    Ok(settled)
                }
            });
            let client = Client::new(app.settings.webhook_networks.clone(), DEADLINE);
            for _ in 0..PUSHERS {
                let client = client.clone();
                jobs.every(EAGER, "pushing", app, &prompt, move |app, holder| {
                    let client = client.clone();
                    async move { sending::send(&app, &client, &holder).await }
                });
            }
        }
        if app.settings.mail.imap.is_some() {
            jobs.every(
                MAILBOX,
                "mailbox",
                app,
                &prompt,
                |app, holder| async move { mailbox::collect(&app, &holder).await },
            );
        }
        if app.settings.mail.inbound_maildir.is_some() {
            jobs.every(EAGER, "inbox", app, &prompt, |app, _| async move { inbox::take_in(&app).await });
        }
        jobs.every(
            EAGER,
            "ordering",
            app,
            &patient,
            |app, holder| async move { detection::order(&app, &holder).await },
        );
        jobs.every(EAGER, "indexing", app, &patient, |app, _| async move { search::index_new(&app).await });
        if detect {
            jobs.every(EAGER, "detection", app, &patient, |app, holder| async move {
                if !app.index.is_loaded() {
                    upkeep::load(&app).await?;
                }
                while upkeep::follow(&app).await? {}
                counting::recount_daily(&app).await?;
                consolidating::nightly(&app, &holder).await?;
                let matched = detection::catch_up(&app, &holder).await?;
                if matched == 0 {
                    upkeep::store_if_grown(&app).await?;
                }
                Ok(matched)
            });
        }
        Ok(jobs)
    }

    /// Repeats `work` with a rest after each time. Gives what ends a rest before its time.
    fn every<F, W>(&mut self, rests: Rests, name: &'static str, app: &App, on: &Handle, work: W) -> Arc<Notify>
    where
        F: Future<Output = Result<usize, Error>> + Send,
        W: Fn(App, String) -> F + Send + Sync + 'static,
    {
        let (app, holder, mut stop) = (app.clone(), self.holder.clone(), self.stop.subscribe());
        let wake = Arc::new(Notify::new());
        let woken = wake.clone();
        let repeated = async move {
            while !*stop.borrow() {
                let rest = match work(app.clone(), holder.clone()).await {
                    Ok(0) => rests.idle,
                    Ok(_) => rests.busy,
                    Err(error) => {
                        tracing::warn!(job = name, %error, "a background job failed and will try again");
                        rests.idle
                    }
                };
                if !rest.is_zero() {
                    tokio::select! {
                        () = tokio::time::sleep(rest) => {}
                        () = woken.notified() => {}
                        _ = stop.changed() => {}
                    }
                }
            }
        };
        self.running.spawn_on(repeated, on);
        wake
    }

    /// Lets every loop finish what it is at, and gives its leases up: another process goes on at once.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
        let holder = self.holder.clone();
        let released: Result<(), StoreError> = self.store.write(move |tx| house::release_leases(tx, &holder)).await;
        if let Err(error) = released {
            tracing::warn!(%error, "the leases run out by themselves");
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        if let Some(behind) = self.behind.take() {
            // Waiting is not allowed where this may be dropped.
            behind.shutdown_background();
        }
    }
}

/// A thread that steps back behind those that serve people, and a few more for what waits on the database.
fn behind() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(4)
        .thread_name("behind")
        .on_thread_start(priority::step_back)
        .enable_all()
        .build()
}

/// Says that this process runs.
async fn beat(app: &App, holder: String) -> Result<usize, Error> {
    let now = Clock::real();
    let told: Result<(), StoreError> = app
        .store
        .write(move |tx| {
            heartbeat::beat(tx, &holder, now)?;
            house::forget_answers(tx, now - ANSWERS_KEPT)?;
            house::forget_leases(tx, now - TimeDelta::days(1))
        })
        .await;
    Ok(told.map(|()| 0)?)
}

/// Seals committed events under the sealer's lease, and queues them for whom they are pushed to.
async fn seal(app: &App, holder: &str) -> Result<usize, Error> {
    // Looking costs no sync to the disk; taking the lease does.
    if !app.store.read_aside(events::any_unsealed).await? {
        return Ok(0);
    }
    let (app, holder, now) = (app.clone(), holder.to_owned(), Clock::real());
    let store = app.store.clone();
    store
        .write_behind(move |tx| {
            if !house::take_lease(tx, SEAL_LEASE, &holder, now, now + SEAL_LEASE_LASTS)? {
                return Ok(0);
            }
            let before = events::last_sealed(tx)?;
            let sealed = events::seal(tx, SEALED_AT_ONCE)?;
            fan_out::fan_out(&app, tx, before, SEALED_AT_ONCE)?;
            Ok(sealed)
        })
        .await
}

/// What the passing of days brings: releases, reminders, observations judged, problems that return.
pub async fn follow_calendar(app: &App) -> Result<usize, Error> {
    app.reload_calendars().await?;
    let released = follow_up::settle_running(app).await?;
    chase::remind(app).await?;
    help::remind(app).await?;
    objections::remind(app).await?;
    let judged = observing::judge_due(app).await?;
    let reopened = observing::reopen_returned(app).await?;
    Ok(released + judged + reopened)
}
