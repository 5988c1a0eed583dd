//! The administrator's units, people and calendar.

use crate::app::admin::{self, NewPerson};
use crate::domain::access::{Action, Role};
use crate::domain::calendar::CalendarDay;
use crate::store::people::{self, Person, Unit};
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Bytes, Query};
use askama::Template;
use chrono::{Datelike, TimeDelta};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "admin.html", config = "src/web/askama.toml")]
struct AdminPage {
    page: Page,
    tab: &'static str,
    tabs: [(&'static str, &'static str); 3],
    units: Vec<Unit>,
    /// Each with its posts: role and unit.
    people: Vec<(Person, Vec<(Role, String)>)>,
    roles: Vec<(&'static str, &'static str)>,
    days: Vec<CalendarDay>,
    unannounced: Option<i32>,
}

const TABS: [(&str, &str); 3] = [("units", "单位"), ("people", "人员"), ("calendar", "工作日历")];

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/admin", Access::SignedIn(Action::Administer), show),
        Route::post("/admin/units", Access::SignedIn(Action::Administer), add_unit),
        Route::post("/admin/people", Access::SignedIn(Action::Administer), add_person),
        Route::post("/admin/calendar", Access::SignedIn(Action::Administer), import_calendar),
    ]
}

#[derive(Deserialize)]
struct Asked {
    tab: Option<String>,
}

async fn show(page: Page, asked: Query<Asked>) -> PageResult {
    let tab = TABS.iter().map(|(code, _)| *code).find(|code| asked.tab.as_deref() == Some(*code)).unwrap_or("units");
    let (units, people) = page
        .read(|ctx| {
            let units = people::units(&mut ctx.tx)?;
            let posts = people::open_posts(&mut ctx.tx, crate::app::Clock::real())?;
            let name = |id: &Option<String>| {
                units
                    .iter()
                    .find(|unit| Some(&unit.id) == id.as_ref())
                    .map(|unit| unit.name.clone())
                    .unwrap_or_default()
            };
            let rows = people::people(&mut ctx.tx)?;
            let held = |person: &Person| {
                posts
                    .iter()
                    .filter(|post| post.person_id == person.id)
                    .map(|post| (post.role, name(&post.unit_id)))
                    .collect()
            };
            let people = rows.into_iter().map(|person| (person.clone(), held(&person))).collect();
            Ok((units, people))
        })
        .await?;
    let today = page.today();
    let days = page.app.calendar().days().filter(|day| day.date.year() >= today.year()).collect();
    page.html(&AdminPage {
        page: page.clone(),
        tab,
        tabs: TABS,
        units,
        people,
        roles: Role::ALL.iter().map(|role| (role.code(), role.label())).collect(),
        days,
        unannounced: page.app.calendar().first_unannounced(today, today + TimeDelta::days(365)),
    })
}

async fn add_unit(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let work = move |ctx: &mut crate::app::Ctx| {
        admin::add_unit(ctx, f.text("name"), f.optional("parent_id"), f.optional("mailbox"))
    };
    page.app.write(&page.actor, work).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=units", "已新增单位"))
}

async fn add_person(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let role = f.one("role").and_then(Role::parse).unwrap_or(Role::Officer);
    let new = NewPerson {
        login: f.text("login"),
        name: f.text("name"),
        email: f.optional("email"),
        password: f.text("password"),
        lang: page.lang.tag().to_owned(),
        posts: vec![(role, f.optional("unit_id"))],
    };
    page.app.write(&page.actor, move |ctx| admin::add_person(ctx, new)).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=people", "已新增人员"))
}

async fn import_calendar(page: Page, body: Bytes) -> PageResult {
    let csv = Fields::from_form(&body).text("csv");
    page.app
        .write(&page.actor, move |ctx| admin::import_calendar(ctx, &csv))
        .await
        .map_err(|error| page.failed(error))?;
    page.app.reload_calendar().map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=calendar", "日历已导入"))
}
