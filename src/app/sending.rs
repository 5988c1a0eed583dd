//! What mails and pushes have in common on their way out: a claim on real time, and an outcome that is not lost.

use crate::app::{Actor, App, Clock, Ctx, Error, heartbeat};
use crate::store::mails::Claim;
use crate::store::{StoreError, Tx};
use chrono::TimeDelta;
use std::time::{Duration, Instant};

/// How long writing down an outcome is tried, well within a claim, and how often.
const NOTED_WITHIN: Duration = Duration::from_secs(60);
const NOTED_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Claims for `lasts` what `take` finds due, with the process's word given anew. One send takes no longer than `longest`.
pub async fn claim<T: Send + 'static>(
    app: &App,
    holder: &str,
    lasts: TimeDelta,
    longest: Duration,
    take: impl FnOnce(&mut Tx, &Claim) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let holder = holder.to_owned();
    app.store.write(move |tx| claim_in(tx, &holder, lasts, longest, take)).await
}

/// [`claim`] in a transaction that does more.
pub fn claim_in<T>(
    tx: &mut Tx,
    holder: &str,
    lasts: TimeDelta,
    longest: Duration,
    take: impl FnOnce(&mut Tx, &Claim) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let real = Clock::real();
    heartbeat::beat(tx, holder, real)?;
    // Whoever fell silent may still have been sending for as long as a send takes.
    let word_held_after = real - TimeDelta::from_std(longest).unwrap_or(lasts);
    take(tx, &Claim { holder, real, until: real + lasts, word_held_after })
}

/// Writes an outcome down. A database that is busy is asked again: what arrived, unnoted, would go a second time.
pub async fn note(
    app: &App,
    actor: Actor,
    record: impl FnOnce(&mut Ctx) -> Result<(), Error> + Clone + Send + 'static,
) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        // Somebody waits for the connection: not behind the others.
        let (running, actor, record) = (app.clone(), actor.clone(), record.clone());
        match app.store.write(move |tx| running.run(tx, actor, record)).await {
            Err(error @ (Error::Busy | Error::Internal(_))) if begun.elapsed() < NOTED_WITHIN => {
                tracing::warn!(%error, "the outcome of a send is not written down yet");
                tokio::time::sleep(NOTED_AGAIN_AFTER).await;
            }
            noted => return noted,
        }
    }
}
