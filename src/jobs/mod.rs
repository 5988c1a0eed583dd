//! What happens by itself: one loop a file's worth of work, each under one small pattern: wait, do, tell what failed.

use crate::app::{App, Clock, Error, counting, delivery, detection, follow_up, observing, search};
use crate::mail::Mailer;
use crate::store::{Store, StoreError, events, house};
use chrono::TimeDelta;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

const SEAL_LEASE: &str = "sealing";
const SEAL_LEASE_LASTS: TimeDelta = TimeDelta::seconds(30);
const SEALED_AT_ONCE: i64 = 500;
/// How often a process says that it runs, and how long its word holds: its claims on mails end with it.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
const HEARTBEAT_LASTS: TimeDelta = TimeDelta::seconds(20);
/// How long a request with an Idempotency-Key is answered as it was the first time.
const ANSWERS_KEPT: TimeDelta = TimeDelta::days(7);
/// How long a loop rests when nothing was left to do.
const RESTS: Duration = Duration::from_millis(500);
/// How often the calendar is asked what is due.
const CALENDAR_EVERY: Duration = Duration::from_secs(20);

/// The background loops; dropped, they stop.
pub struct Jobs {
    running: JoinSet<()>,
    stop: watch::Sender<bool>,
    store: Store,
    holder: String,
}

impl Jobs {
    /// Starts all loops. Without a mailer nothing is delivered, without `detect` nothing is matched.
    pub fn start(app: &App, mailer: Option<Mailer>, detect: bool) -> Jobs {
        let holder = crate::store::new_id();
        let stop = watch::Sender::new(false);
        let mut jobs = Jobs { running: JoinSet::new(), stop, store: app.store.clone(), holder: holder.clone() };
        jobs.every(
            HEARTBEAT_EVERY,
            "heartbeat",
            app,
            holder.clone(),
            |app, holder| async move { beat(&app, holder).await },
        );
        jobs.every(RESTS, "sealing", app, holder.clone(), |app, holder| async move { seal(&app, &holder).await });
        jobs.every(RESTS, "ordering", app, holder.clone(), |app, holder| async move {
            detection::order(&app, &holder).await
        });
        jobs.every(RESTS, "indexing", app, holder.clone(), |app, _| async move { search::index_new(&app).await });
        if detect {
            jobs.every(RESTS, "detection", app, holder.clone(), |app, holder| async move {
                if app.engine.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_none() {
                    detection::load(&app).await?;
                }
                counting::recount_daily(&app).await?;
                detection::catch_up(&app, &holder).await
            });
        }
        jobs.every(
            CALENDAR_EVERY,
            "calendar",
            app,
            holder.clone(),
            |app, _| async move { follow_calendar(&app).await },
        );
        if let Some(mailer) = mailer {
            let mailer = Arc::new(mailer);
            jobs.every(RESTS, "delivery", app, holder, move |app, holder| {
                let mailer = mailer.clone();
                async move {
                    let frozen = delivery::freeze(&app, mailer.from().to_owned()).await?;
                    Ok(frozen + delivery::send(&app, &mailer, &holder).await?)
                }
            });
        }
        jobs
    }

    /// Repeats `work`: at once while it finds something to do, else after a rest.
    fn every<F, W>(&mut self, rest: Duration, name: &'static str, app: &App, holder: String, work: W)
    where
        F: Future<Output = Result<usize, Error>> + Send,
        W: Fn(App, String) -> F + Send + Sync + 'static,
    {
        let (app, mut stop) = (app.clone(), self.stop.subscribe());
        self.running.spawn(async move {
            while !*stop.borrow() {
                let busy = match work(app.clone(), holder.clone()).await {
                    Ok(done) => done > 0 && rest == RESTS,
                    Err(error) => {
                        tracing::warn!(job = name, %error, "a background job failed and will try again");
                        false
                    }
                };
                if !busy {
                    // Either the rest is over or the loop is to stop.
                    let _ = tokio::time::timeout(rest, stop.changed()).await;
                }
            }
        });
    }

    /// Lets every loop finish what it is at, and gives its leases up: another process goes on at once.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
        let holder = self.holder;
        let released: Result<(), StoreError> = self.store.write(move |tx| house::release_leases(tx, &holder)).await;
        if let Err(error) = released {
            tracing::warn!(%error, "the leases run out by themselves");
        }
    }
}

/// Says that this process runs.
async fn beat(app: &App, holder: String) -> Result<usize, Error> {
    let now = Clock::real();
    let told: Result<(), StoreError> = app
        .store
        .write(move |tx| {
            house::take_lease(tx, &holder, &holder, now, now + HEARTBEAT_LASTS)?;
            house::forget_answers(tx, now - ANSWERS_KEPT)?;
            house::forget_leases(tx, now - TimeDelta::days(1))
        })
        .await;
    Ok(told.map(|()| 0)?)
}

/// Seals committed events under the sealer's lease.
async fn seal(app: &App, holder: &str) -> Result<usize, Error> {
    // Looking costs no sync to the disk; taking the lease does.
    if !app.store.read(events::any_unsealed).await? {
        return Ok(0);
    }
    let (holder, now) = (holder.to_owned(), Clock::real());
    let sealed: Result<usize, StoreError> = app
        .store
        .write_behind(move |tx| {
            if !house::take_lease(tx, SEAL_LEASE, &holder, now, now + SEAL_LEASE_LASTS)? {
                return Ok(0);
            }
            events::seal(tx, SEALED_AT_ONCE)
        })
        .await;
    Ok(sealed?)
}

/// What the passing of days brings: releases, reminders, observations judged, problems that return.
pub async fn follow_calendar(app: &App) -> Result<usize, Error> {
    app.reload_calendar().await?;
    let released = follow_up::settle_running(app).await?;
    follow_up::remind(app).await?;
    let judged = observing::judge_due(app).await?;
    let reopened = observing::reopen_returned(app).await?;
    Ok(released + judged + reopened)
}
