//! The outbox: when what is owed to a recipient is frozen into mails, and into how many.

use crate::app::letters::drafts::{self, Drafts};
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
/// What is owed this recently may be somebody's first: it is looked for between others.
const NEWLY: TimeDelta = TimeDelta::seconds(5);
const NEW_AT_ONCE: i64 = 200;
/// Recipients that are written to before new ones are looked for.
const BETWEEN_LOOKS: usize = 64;
/// Mails that are worded on one snapshot.
const WORDED_AT_ONCE: usize = 16;

/// What leaves now for one recipient.
#[derive(Clone)]
struct Leaving {
    recipient_id: String,
    cases: Vec<Option<String>>,
    bundle: Bundle,
    /// Nobody wrote to them just now.
    is_quiet: bool,
    first_owed: NaiveDateTime,
}

impl Leaving {
    /// What leaves in a mail each.
    fn mails(&self) -> Vec<Leaving> {
        let each = |case: &Option<String>| Leaving {
            recipient_id: self.recipient_id.clone(),
            cases: vec![case.clone()],
            ..*self
        };
        match self.bundle {
            Bundle::OneCase => self.cases.iter().map(each).collect(),
            Bundle::Overflow | Bundle::Digest => vec![self.clone()],
        }
    }
}

/// Freezes what may leave now into mails. Gives how many notices were settled. However many wait, whoever is owed a first
/// mail meanwhile comes before them.
pub async fn freeze_owed(app: App, from: String) -> Result<usize, Error> {
    let outbox = Outbox { app, from, actor: Actor::job("寄送") };
    let (mut settled, mut after, mut written_to) = (0, None, HashSet::new());
    loop {
        let mut groups = outbox.app.store.read_aside(move |tx| notices::owed_groups(tx, after, GROUPS_AT_ONCE)).await?;
        after = cut(&mut groups, GROUPS_AT_ONCE as usize);
        let waiting = outbox.leaving(groups).await?;
        for some in waiting.chunks(BETWEEN_LOOKS) {
            let since = outbox.app.clock.now() - NEWLY;
            let new = outbox.app.store.read_aside(move |tx| notices::newly_owed_groups(tx, since, NEW_AT_ONCE)).await?;
            let first: Vec<Leaving> = outbox.leaving(new).await?.into_iter().filter(|new| new.is_quiet).collect();
            let mut once = |leaving: &&Leaving| written_to.insert(leaving.recipient_id.clone());
            let now: Vec<Leaving> = first.iter().chain(some).filter(&mut once).cloned().collect();
            settled += outbox.freeze(&now).await?;
        }
        if after.is_none() {
            return Ok(settled);
        }
    }
}

/// Leaves a recipient at the end of a full page to the next one, which sees all of what they are owed. Gives after whom
/// that begins.
fn cut(page: &mut Vec<OwedGroup>, full: usize) -> Option<String> {
    if page.len() < full {
        return None;
    }
    let last = page.last()?.recipient_id.clone();
    if page.first()?.recipient_id != last {
        page.retain(|group| group.recipient_id != last);
    }
    page.last().map(|group| group.recipient_id.clone())
}

struct Outbox {
    app: App,
    from: String,
    actor: Actor,
}

impl Outbox {
    async fn leaving(&self, groups: Vec<OwedGroup>) -> Result<Vec<Leaving>, Error> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        self.app.read(&self.actor, move |ctx| leaving(ctx, groups)).await
    }

    /// Some are worded while those before are written.
    async fn freeze(&self, leaving: &[Leaving]) -> Result<usize, Error> {
        let (mut settled, mut drafts) = (0, Drafts::default());
        let mails: Vec<Leaving> = leaving.iter().flat_map(Leaving::mails).collect();
        for some in mails.chunks(WORDED_AT_ONCE) {
            let (worded, written) = futures_util::join!(self.worded(some), self.write(drafts));
            settled += written?;
            drafts = worded;
        }
        Ok(settled + self.write(drafts).await?)
    }

    /// Where the mails of some cannot be worded, each is on its own, so that one does not hold up the others.
    async fn worded(&self, leaving: &[Leaving]) -> Drafts {
        let (some, from) = (leaving.to_vec(), self.from.clone());
        let together = self.app.read(&self.actor, move |ctx| {
            let mut drafts = Drafts::default();
            some.iter().try_for_each(|leaving| draft(ctx, &mut drafts, leaving, &from))?;
            Ok(drafts)
        });
        match (together.await, leaving) {
            (Ok(drafts), _) => drafts,
            (Err(error), [alone]) => {
                tracing::warn!(%error, recipient = alone.recipient_id, "a mail cannot be worded and will be tried again");
                Drafts::default()
            }
            (Err(_), several) => {
                let mut drafts = Drafts::default();
                for alone in several {
                    drafts.append(Box::pin(self.worded(std::slice::from_ref(alone))).await);
                }
                drafts
            }
        }
    }

    async fn write(&self, mut drafts: Drafts) -> Result<usize, Error> {
        let mut settled = 0;
        while !drafts.is_empty() {
            let (some, app, actor) = (drafts.take(), self.app.clone(), self.actor.clone());
            // Somebody waits for these mails, and the transaction is short: not behind the others.
            let written = self.app.store.write(move |tx| app.run(tx, actor, |ctx| drafts::write(ctx, some)));
            settled += written.await?;
        }
        Ok(settled)
    }
}

fn draft(ctx: &mut Ctx, drafts: &mut Drafts, leaving: &Leaving, from: &str) -> Result<(), Error> {
    let mut together = Vec::new();
    for case_id in &leaving.cases {
        let group = notices::owed_to(&mut ctx.tx, &leaving.recipient_id, case_id.as_deref())?;
        match leaving.bundle {
            Bundle::OneCase => {
                // A calendar takes up a mail that invites and says nothing else.
                let (invitations, rest): (Vec<_>, Vec<_>) =
                    group.into_iter().partition(|notice| notice.stage.is_invitation());
                for alone in invitations.into_iter().map(|notice| vec![notice]).chain([rest]) {
                    channels::draft(ctx, drafts, alone, leaving.bundle, from)?;
                }
            }
            _ => together.extend(group),
        }
    }
    channels::draft(ctx, drafts, together, leaving.bundle, from)
}

/// Which of what is owed leaves now, with a handful of statements, however many recipients wait; first to whom nobody
/// wrote just now.
fn leaving(ctx: &mut Ctx, groups: Vec<OwedGroup>) -> Result<Vec<Leaving>, Error> {
    let mut by_recipient: BTreeMap<String, Vec<OwedGroup>> = BTreeMap::new();
    for group in groups {
        by_recipient.entry(group.recipient_id.clone()).or_default().push(group);
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
        let is_quiet = own.iter().all(|mailed| mailed.last <= ctx.now - GATHERS_FOR);
        let first_owed = places.iter().map(|at| waiting[*at].first_owed).min().unwrap_or(ctx.now);
        let cases = places.into_iter().map(|at| waiting[at].case_id.clone()).collect();
        found.push(Leaving { recipient_id, cases, bundle, is_quiet, first_owed });
    }
    found.sort_by_key(|leaving| (!leaving.is_quiet, leaving.first_owed));
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
