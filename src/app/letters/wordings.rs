//! What mails say: the shipped wordings with an administrator's over them, kept as versions.

use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::notice::Stage;
use crate::lang::Lang;
use crate::mail::compose::{self, Parts};
use crate::mail::{Ask, Letter, Link, Wording};
use crate::store::policies;
use serde_json::json;
use std::collections::BTreeMap;

const KIND: &str = "mail_wording";

/// The changed wordings by stage and language.
type Changed = BTreeMap<String, Wording>;

fn key(stage: Stage, lang: Lang) -> String {
    format!("{}.{}", stage.code(), lang.tag())
}

fn changed(ctx: &mut Ctx) -> Result<Changed, Error> {
    let Some((_, document)) = policies::latest(&mut ctx.tx, KIND)? else { return Ok(Changed::new()) };
    serde_json::from_str(&document).map_err(|error| Error::Internal(format!("wordings: {error}")))
}

/// The wording that holds.
pub fn of(ctx: &mut Ctx, stage: Stage, lang: Lang) -> Result<Wording, Error> {
    Ok(changed(ctx)?.remove(&key(stage, lang)).unwrap_or_else(|| Wording::shipped(stage, lang)))
}

/// The stages whose wording was changed, in either language.
pub fn changed_stages(ctx: &mut Ctx) -> Result<Vec<Stage>, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let changed = changed(ctx)?;
    let is_changed =
        |stage: &&Stage| [Lang::Zh, Lang::En].iter().any(|lang| changed.contains_key(&key(**stage, *lang)));
    Ok(Stage::ALL.iter().filter(is_changed).copied().collect())
}

/// Puts a wording into effect for mails that are written from now on; none brings the shipped one back.
pub fn change(ctx: &mut Ctx, stage: Stage, lang: Lang, wording: Option<Wording>) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let mut all = changed(ctx)?;
    match wording {
        Some(wording) => {
            wording.check().map_err(|(field, reason)| Error::field(field, reason))?;
            all.insert(key(stage, lang), wording);
        }
        None => {
            all.remove(&key(stage, lang));
        }
    }
    let document = serde_json::to_string(&all).map_err(|error| Error::Internal(error.to_string()))?;
    let person = ctx.actor.person_id.clone();
    let version = policies::put(&mut ctx.tx, KIND, &document, person.as_deref(), ctx.now)?;
    ctx.record("mail.wording_changed", ("policy", KIND), None, json!({ "stage": stage.code(), "version": version }));
    Ok(())
}

/// What a mail with this wording looks like: its subject, text and HTML.
pub fn preview(ctx: &Ctx, stage: Stage, lang: Lang, wording: &Wording) -> Result<(String, Parts), Error> {
    ctx.require_anywhere(Action::Administer)?;
    wording.check().map_err(|(field, reason)| Error::field(field, reason))?;
    let due_on = ctx.calendar.add_working_days(ctx.today, 5);
    let due = crate::app::letters::due_words(due_on, &ctx.app, lang);
    let case_line = format!("{}-2026-0007 {}", ctx.app.settings.case_prefix, lang.t("（专项名称）"));
    let heading = format!("{}-2026-0007/03 {}", ctx.app.settings.case_prefix, lang.t("（任务名称）"));
    let unit = lang.t("（收件单位）").into_owned();
    let stage_words = lang.t(stage.label()).into_owned();
    let (subject, opening) = wording.filled(&[
        ("stage", &stage_words),
        ("item", &heading),
        ("unit", &unit),
        ("case", &case_line),
        ("due", &due),
        ("city", &ctx.app.settings.city),
    ]);
    let letter = Letter {
        lang,
        subject: subject.clone(),
        greeting: unit,
        opening,
        case_line,
        asks: vec![Ask {
            uid: "preview".to_owned(),
            stage,
            heading,
            lines: vec![lang.t("（任务说明）").into_owned()],
            due_shown: Some(due),
            due_at: None,
            invitation: None,
            links: vec![Link { label: "查看任务", url: ctx.app.settings.public_url.clone() }],
        }],
        footer: ctx.app.settings.city.clone(),
        ..Letter::default()
    };
    let parts = compose::parts(&letter).map_err(|error| Error::Internal(error.to_string()))?;
    Ok((subject, parts))
}
