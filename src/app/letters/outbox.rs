//! The outbox: when what is owed to a recipient is frozen into mails, and into how many.

use crate::app::letters::{Bundle, channels};
use crate::app::{Actor, App, Ctx, Error};
use crate::domain::case::{CaseState, Grade};
use crate::domain::notice::Rhythm;
use crate::domain::rhythm::{self, Leaves, Rule, Waiting};
use crate::store::mails;
use crate::store::notices::{self, OwedGroup};
use crate::store::{cases, preferences, webhooks};
use chrono::{Datelike, NaiveDateTime, TimeDelta};
use std::collections::{BTreeMap, HashSet};

/// What follows a first mail within this time waits and goes as one.
pub const GATHERS_FOR: TimeDelta = TimeDelta::seconds(60);
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Groups looked at in one round.
const GROUPS_AT_ONCE: i64 = 2_000;

/// What leaves now for one recipient.
struct Leaving {
    recipient_id: String,
    cases: Vec<Option<String>>,
    bundle: Bundle,
}

/// Freezes what may leave now into mails. Gives how many notices were settled.
pub async fn freeze_owed(app: App, from: String) -> Result<usize, Error> {
    let actor = Actor::job("寄送");
    let mut settled = 0;
    for leaving in app.read(&actor, leaving).await? {
        let from = from.clone();
        settled += app.write(&actor, move |ctx| freeze(ctx, &leaving, &from)).await?;
    }
    Ok(settled)
}

fn freeze(ctx: &mut Ctx, leaving: &Leaving, from: &str) -> Result<usize, Error> {
    let mut settled = 0;
    let mut together = Vec::new();
    for case_id in &leaving.cases {
        let group = notices::owed_to(&mut ctx.tx, &leaving.recipient_id, case_id.as_deref())?;
        match leaving.bundle {
            Bundle::OneCase => {
                // A calendar takes up a mail that invites and says nothing else.
                let (invitations, rest): (Vec<_>, Vec<_>) =
                    group.into_iter().partition(|notice| notice.stage.is_invitation());
                for alone in invitations.into_iter().map(|notice| vec![notice]).chain([rest]) {
                    settled += channels::freeze(ctx, alone, leaving.bundle, from)?;
                }
            }
            _ => together.extend(group),
        }
    }
    Ok(settled + channels::freeze(ctx, together, leaving.bundle, from)?)
}

/// Looks at everything owed with a handful of statements, however many recipients wait.
fn leaving(ctx: &mut Ctx) -> Result<Vec<Leaving>, Error> {
    let mut by_recipient: BTreeMap<String, Vec<OwedGroup>> = BTreeMap::new();
    for group in notices::owed_groups(&mut ctx.tx, GROUPS_AT_ONCE)? {
        by_recipient.entry(group.recipient_id.clone()).or_default().push(group);
    }
    if by_recipient.is_empty() {
        return Ok(Vec::new());
    }
    let recipients: Vec<String> = by_recipient.keys().cloned().collect();
    let mut recent = mails::mailed_since(&mut ctx.tx, &recipients, ctx.now - HOUR)?;
    recent.extend(webhooks::messaged_since(&mut ctx.tx, &recipients, ctx.now - HOUR)?);
    let issued = cases::in_states(&mut ctx.tx, &[CaseState::Issued])?;
    let urgent: HashSet<String> =
        issued.into_iter().filter(|case| case.grade == Grade::Urgent).map(|case| case.id).collect();
    let local = ctx.app.clock.local(ctx.now);
    let quiet = ctx.app.settings.chase.is_quiet(local.date_naive(), local.time(), &ctx.calendar);
    let hourly_max = ctx.app.settings.mail.hourly_max;
    let chosen = preferences::chosen(&mut ctx.tx, &recipients)?;

    let mut found = Vec::new();
    for (recipient_id, groups) in by_recipient {
        let own: Vec<_> = recent.iter().filter(|mailed| mailed.recipient_id == recipient_id).collect();
        let sent: i64 = own.iter().map(|mailed| mailed.count).sum();
        let rhythm = chosen.iter().find(|row| row.recipient_id == recipient_id).map_or(Rhythm::Each, |row| row.rhythm);
        let waiting: Vec<Waiting> = groups
            .into_iter()
            .map(|group| Waiting {
                last_mailed: own
                    .iter()
                    .filter(|mailed| mailed.case_id == group.case_id)
                    .map(|mailed| mailed.last)
                    .max(),
                urgent: group.case_id.as_ref().is_some_and(|id| urgent.contains(id)),
                digest_at: digest_at(ctx, rhythm, group.first_owed),
                first_owed: group.first_owed,
                case_id: group.case_id,
            })
            .collect();
        let room = (hourly_max > 0).then(|| (i64::from(hourly_max) - sent).max(0) as usize);
        let rule = Rule { now: ctx.now, quiet, rhythm, gathers_for: GATHERS_FOR, room };
        let (places, bundle) = match rhythm::leaves(&waiting, &rule) {
            Leaves::Nothing => continue,
            Leaves::Each(places) => (places, Bundle::OneCase),
            Leaves::Together(places) if rhythm == Rhythm::Each => (places, Bundle::Overflow),
            Leaves::Together(places) => (places, Bundle::Digest),
        };
        let cases = places.into_iter().map(|at| waiting[at].case_id.clone()).collect();
        found.push(Leaving { recipient_id, cases, bundle });
    }
    Ok(found)
}

/// The morning of the next working day, or of the next week's first.
fn digest_at(ctx: &Ctx, rhythm: Rhythm, owed_at: NaiveDateTime) -> NaiveDateTime {
    let owed_on = ctx.app.clock.local_date(owed_at);
    let day = match rhythm {
        Rhythm::Each => return owed_at,
        Rhythm::Daily => owed_on + TimeDelta::days(1),
        Rhythm::Weekly => owed_on + TimeDelta::days(7 - i64::from(owed_on.weekday().num_days_from_monday())),
    };
    let day = ctx.calendar.next_working_day_on_or_after(day);
    ctx.app.clock.start_of(day) + (ctx.app.settings.chase.reminds_at - chrono::NaiveTime::MIN)
}
