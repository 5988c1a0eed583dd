//! What mails say: an administrator words each stage and looks at the mail before it holds.

use crate::app::letters::wordings;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::notice::Stage;
use crate::lang::Lang;
use crate::mail::Wording;
use crate::mail::compose::Parts;
use crate::mail::wording::PLACEHOLDERS;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Bytes, Path, Query};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "wordings.html", config = "src/web/askama.toml")]
struct ListPage {
    page: Page,
    stages: Vec<(Stage, bool)>,
}

#[derive(Template)]
#[template(path = "wording.html", config = "src/web/askama.toml")]
struct OnePage {
    page: Page,
    stage: Stage,
    of: Lang,
    wording: Wording,
    subject: String,
    parts: Parts,
    /// The form differs from what holds: it is looked at, not saved.
    unsaved: bool,
}

impl OnePage {
    fn placeholders(&self) -> &'static [(&'static str, &'static str)] {
        PLACEHOLDERS
    }
}

pub fn routes() -> Vec<Route> {
    let admin = Access::SignedIn(Action::Administer);
    vec![
        Route::get("/admin/wordings", admin, list),
        Route::get("/admin/wordings/{stage}", admin, one),
        Route::post("/admin/wordings/{stage}", admin, change),
    ]
}

async fn list(page: Page) -> PageResult {
    let changed = page.read(wordings::changed_stages).await?;
    let stages = Stage::ALL.iter().map(|stage| (*stage, changed.contains(stage))).collect();
    page.html(&ListPage { page: page.clone(), stages })
}

#[derive(Deserialize)]
struct Asked {
    lang: Option<String>,
}

fn stage_of(page: &Page, code: &str) -> Result<Stage, crate::web::page::PageError> {
    Stage::parse(code).ok_or_else(|| page.failed(Error::NotFound))
}

async fn one(page: Page, stage: Path<String>, asked: Query<Asked>) -> PageResult {
    let stage = stage_of(&page, &stage)?;
    let lang = asked.lang.as_deref().and_then(Lang::parse).unwrap_or_default();
    let (wording, subject, parts) = page
        .read(move |ctx: &mut Ctx| {
            let wording = wordings::of(ctx, stage, lang)?;
            let (subject, parts) = wordings::preview(ctx, stage, lang, &wording)?;
            Ok((wording, subject, parts))
        })
        .await?;
    page.html(&OnePage { page: page.clone(), stage, of: lang, wording, subject, parts, unsaved: false })
}

/// Saves, goes back to the shipped words, or only shows what the mail would look like.
async fn change(page: Page, stage: Path<String>, body: Bytes) -> PageResult {
    let (stage, fields) = (stage_of(&page, &stage)?, Fields::from_form(&body));
    let lang = Lang::parse(&fields.text("lang")).unwrap_or_default();
    let wording = Wording { subject: fields.text("subject"), opening: fields.text("opening") };
    let back = format!("/admin/wordings/{}?lang={}", stage.code(), lang.tag());
    match fields.one("do") {
        Some("preview") => {
            let shown = wording.clone();
            let (subject, parts) = page.read(move |ctx| wordings::preview(ctx, stage, lang, &shown)).await?;
            page.html(&OnePage { page: page.clone(), stage, of: lang, wording, subject, parts, unsaved: true })
        }
        how => {
            let wording = (how != Some("shipped")).then_some(wording);
            let changed = page.app.write(&page.actor, move |ctx| wordings::change(ctx, stage, lang, wording));
            changed.await.map_err(|error| page.failed(error))?;
            Ok(page.done(&back, "已保存"))
        }
    }
}
