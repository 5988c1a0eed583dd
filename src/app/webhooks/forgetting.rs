//! The log of pushed events does not grow without end.

use crate::app::{App, Error};
use crate::store::webhooks;
use chrono::TimeDelta;

/// Deliveries forgotten in one transaction: others write in between.
const FORGOTTEN_AT_ONCE: i64 = 500;

/// Forgets some of the events that were settled longer ago than the log is kept. Gives how many.
pub async fn forget_old(app: &App) -> Result<usize, Error> {
    let days = app.settings.push_log_days;
    if days == 0 {
        return Ok(0);
    }
    let before = app.clock.now() - TimeDelta::days(i64::from(days));
    Ok(app.store.write_behind(move |tx| webhooks::forget(tx, before, FORGOTTEN_AT_ONCE)).await?)
}
