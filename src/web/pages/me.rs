//! The reader's own account: password and API tokens.

use crate::app::{
    accounts,
    letters::{channels, preferences},
    plans::feeds,
};
use crate::domain::access::Action;
use crate::domain::notice::{Rhythm, Stage};
use crate::domain::webhook::Means;
use crate::store::cases::Case;
use crate::store::people;
use crate::store::preferences::{self as rows, Absence, Preference};
use crate::store::sessions::{ApiToken, Feed};
use crate::web::acts;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Bytes;
use askama::Template;

#[derive(Template)]
#[template(path = "me.html", config = "src/web/askama.toml")]
struct MePage {
    page: Page,
    tokens: Vec<ApiToken>,
    preference: Preference,
    order: Vec<Means>,
    /// The means that can be chosen from.
    offered: Vec<Means>,
    /// Each with the deputy's name.
    absences: Vec<(Absence, String)>,
    people: Vec<(String, String)>,
    /// A token that was made just now: shown this once.
    fresh: Option<String>,
    feeds: Vec<(Feed, Option<Case>)>,
    /// The address of a feed that was made just now: shown this once.
    address: Option<String>,
}

impl MePage {
    fn mutable(&self) -> impl Iterator<Item = &'static Stage> {
        Stage::ALL.iter().filter(|stage| preferences::can_be_muted(**stage))
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/me", Access::SignedIn(Action::OwnAccount), show),
        Route::post("/me/password", Access::SignedIn(Action::OwnAccount), change_password),
        Route::post("/me/mails", Access::SignedIn(Action::OwnAccount), set_mails),
        Route::post("/me/absences", Access::SignedIn(Action::OwnAccount), be_absent),
        Route::post("/me/tokens", Access::SignedIn(Action::OwnAccount), issue_token),
        Route::post("/me/feeds", Access::SignedIn(Action::OwnAccount), add_feed),
    ]
}

async fn show(page: Page) -> PageResult {
    shown(page, None, None).await
}

async fn shown(page: Page, fresh: Option<String>, address: Option<String>) -> PageResult {
    let (tokens, feeds, preference, offered, absences, people) = page
        .read(|ctx| {
            let (own, today) = (ctx.actor.id().to_owned(), ctx.today);
            let people: Vec<(String, String)> = people::people(&mut ctx.tx)?
                .into_iter()
                .filter(|person| person.active && person.email.is_some() && person.id != own)
                .map(|person| (person.id, person.name))
                .collect();
            let name = |id: &str| people.iter().find(|(known, _)| known == id).map_or("", |(_, name)| name).to_owned();
            let absences = rows::absences_of(&mut ctx.tx, &own, today)?.into_iter();
            let absences = absences.map(|row| (row.clone(), name(&row.deputy_id))).collect::<Vec<_>>();
            let (preference, offered) = (rows::of(&mut ctx.tx, &own)?, channels::offered(ctx)?);
            Ok((accounts::own_tokens(ctx)?, feeds::own(ctx)?, preference, offered, absences, people))
        })
        .await?;
    let (order, page_shown) = (preference.order(), page.clone());
    page.html(&MePage { page: page_shown, tokens, preference, order, offered, absences, people, fresh, feeds, address })
}

async fn set_mails(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let rhythm = f.code("rhythm", Rhythm::parse).map_err(|error| page.failed(error))?;
    let muted = acts::muted(&f).map_err(|error| page.failed(error))?;
    let order = acts::channels(&f).map_err(|error| page.failed(error))?;
    let set = page.app.write(&page.actor, move |ctx| preferences::set_own(ctx, rhythm, muted, &order));
    set.await.map_err(|error| page.failed(error))?;
    Ok(page.done("/me", "已保存"))
}

async fn be_absent(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let set = page.app.write(&page.actor, move |ctx| {
        preferences::be_absent(ctx, &f.text("deputy_id"), f.parsed("from_day")?, f.parsed("until_day")?)
    });
    set.await.map_err(|error| page.failed(error))?;
    Ok(page.done("/me", "已保存"))
}

async fn change_password(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    accounts::change_password(&page.app, &page.actor, f.text("present"), f.text("password"))
        .await
        .map_err(|error| page.failed(error))?;
    Ok(page.done("/sign-in", "密码已修改，请重新登录"))
}

async fn issue_token(page: Page, body: Bytes) -> PageResult {
    let name = Fields::from_form(&body).text("name");
    let issued = page.app.write(&page.actor, move |ctx| {
        let person_id = ctx.actor.id().to_owned();
        accounts::issue_token(ctx, &person_id, name)
    });
    let token = issued.await.map_err(|error| page.failed(error))?;
    shown(page, Some(token), None).await
}

/// A feed of the reader's own dates, or of the case that the form names.
async fn add_feed(page: Page, body: Bytes) -> PageResult {
    let case_id = Fields::from_form(&body).optional("case_id");
    let added = page.app.write(&page.actor, move |ctx| feeds::add(ctx, case_id)).await;
    let token = added.map_err(|error| page.failed(error))?;
    let address = format!("{}/feeds/{token}.ics", page.app.settings.public_url);
    shown(page, None, Some(address)).await
}
