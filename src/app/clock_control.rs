//! The demo's clock: days pass at the press of a button.

use super::clock::OFFSET_SETTING;
use super::{App, Clock, Error};
use crate::lang::Message;
use crate::store::house;

/// The furthest the demo's clock goes ahead of real time.
const FURTHEST_DAYS: i64 = 2_000;

/// Moves the clock `days` further ahead and keeps it there over a restart.
pub async fn advance(app: &App, days: i64) -> Result<(), Error> {
    let later = app.clock.days_later() + days;
    if days < 0 || later > FURTHEST_DAYS {
        return Err(Error::field("days", Message::new("天数应在 0 到 %{max} 之间").with("max", FURTHEST_DAYS)));
    }
    app.store.write(move |tx| house::put_setting(tx, OFFSET_SETTING, &later.to_string(), Clock::real())).await?;
    app.clock.set_days_later(later);
    Ok(())
}
