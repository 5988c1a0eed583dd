//! The administrator's units, people and calendar.

use crate::app::admin::{self, NewPerson};
use crate::app::{Clock, Ctx, Error, letters::channels, plans::work_calendar};
use crate::domain::access::{Action, Role};
use crate::domain::calendar::CalendarDay;
use crate::domain::notice::Rhythm;
use crate::domain::webhook::Means;
use crate::store::people::{self, Person, PostRow, Unit, UnitDay};
use crate::store::preferences;
use crate::web::acts::{role, unit_days};
use crate::web::fields::Fields;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::{Bytes, Path, Query};
use askama::Template;
use chrono::{Datelike, NaiveDate, TimeDelta};
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
    /// Those of the days that were edited here.
    edited: Vec<NaiveDate>,
    unannounced: Option<i32>,
}

#[derive(Template)]
#[template(path = "unit_edit.html", config = "src/web/askama.toml")]
struct UnitPage {
    page: Page,
    unit: Unit,
    rhythm: Rhythm,
    order: Vec<Means>,
    /// The means that can be chosen from.
    offered: Vec<Means>,
    /// Its own days from today on.
    days: Vec<UnitDay>,
}

#[derive(Template)]
#[template(path = "person_edit.html", config = "src/web/askama.toml")]
struct PersonPage {
    page: Page,
    person: Person,
    posts: Vec<PostRow>,
    units: Vec<Unit>,
    roles: Vec<(&'static str, &'static str)>,
}

impl PersonPage {
    fn unit_name(&self, post: &PostRow) -> &str {
        let unit = self.units.iter().find(|unit| Some(&unit.id) == post.unit_id.as_ref());
        unit.map_or("", |unit| &unit.name)
    }
}

const TABS: [(&str, &str); 3] = [("units", "单位"), ("people", "人员"), ("calendar", "工作日历")];

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/admin", Access::SignedIn(Action::Administer), show),
        Route::post("/admin/units", Access::SignedIn(Action::Administer), add_unit),
        Route::post("/admin/people", Access::SignedIn(Action::Administer), add_person),
        Route::post("/admin/calendar", Access::SignedIn(Action::Administer), import_calendar),
        Route::post("/admin/calendar/remove", Access::SignedIn(Action::Administer), remove_day),
        Route::get("/units/{id}", Access::SignedIn(Action::Administer), one_unit),
        Route::post("/units/{id}/days", Access::SignedIn(Action::Administer), add_unit_days),
        Route::post("/units/{id}/days/remove", Access::SignedIn(Action::Administer), remove_unit_day),
        Route::get("/people/{id}", Access::SignedIn(Action::Administer), one_person),
    ]
}

#[derive(Deserialize)]
struct Asked {
    tab: Option<String>,
}

async fn show(page: Page, asked: Query<Asked>) -> PageResult {
    let tab = TABS.iter().map(|(code, _)| *code).find(|code| asked.tab.as_deref() == Some(*code)).unwrap_or("units");
    let (units, people, edited) = page
        .read(|ctx| {
            let units = people::units(&mut ctx.tx)?;
            let posts = people::open_posts(&mut ctx.tx, Clock::real())?;
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
            let edited = work_calendar::edited(ctx)?.into_iter().map(|row| row.day).collect();
            Ok((units, people, edited))
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
        roles: roles(),
        edited,
        days,
        unannounced: page.app.calendar().first_unannounced(today, today + TimeDelta::days(365)),
    })
}

async fn add_unit(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let work =
        move |ctx: &mut Ctx| admin::add_unit(ctx, f.text("name"), f.optional("parent_id"), f.optional("mailbox"));
    page.app.write(&page.actor, work).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=units", "已新增单位"))
}

async fn add_person(page: Page, body: Bytes) -> PageResult {
    let f = Fields::from_form(&body);
    let role = role(&f).map_err(|error| page.failed(error))?;
    let new = NewPerson {
        login: f.text("login"),
        name: f.text("name"),
        email: f.optional("email"),
        phone: f.optional("phone"),
        password: f.text("password"),
        lang: page.lang.tag().to_owned(),
        posts: vec![(role, f.optional("unit_id"))],
    };
    page.app.write(&page.actor, move |ctx| admin::add_person(ctx, new)).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=people", "已新增人员"))
}

async fn import_calendar(page: Page, body: Bytes) -> PageResult {
    let csv = Fields::from_form(&body).text("csv");
    work_calendar::import(&page.app, &page.actor, csv).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=calendar", "日历已导入，未办结任务的期限已随之调整"))
}

async fn remove_day(page: Page, body: Bytes) -> PageResult {
    let day = Fields::from_form(&body).parsed("day").map_err(|error| page.failed(error))?;
    work_calendar::remove(&page.app, &page.actor, day).await.map_err(|error| page.failed(error))?;
    Ok(page.done("/admin?tab=calendar", "已撤回，未办结任务的期限已随之调整"))
}

async fn one_unit(page: Page, id: Path<String>) -> PageResult {
    let read = move |ctx: &mut Ctx| {
        let unit = people::unit_by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)?;
        let (preference, offered) = (preferences::of(&mut ctx.tx, &id)?, channels::offered(ctx)?);
        Ok((unit, preference, offered, work_calendar::of_unit(ctx, &id)?))
    };
    let (unit, preference, offered, days) = page.read(read).await?;
    let (rhythm, order) = (preference.rhythm, preference.order());
    page.html(&UnitPage { page: page.clone(), unit, rhythm, order, offered, days })
}

async fn add_unit_days(page: Page, id: Path<String>, body: Bytes) -> PageResult {
    let here = format!("/units/{id}");
    let days = unit_days(&Fields::from_form(&body)).map_err(|error| page.failed(error))?;
    let added = work_calendar::add_unit_days(&page.app, &page.actor, id.into_inner(), days).await;
    added.map_err(|error| page.failed(error))?;
    Ok(page.done(&here, "单位日历已更新，未办结任务的期限已随之调整"))
}

async fn remove_unit_day(page: Page, id: Path<String>, body: Bytes) -> PageResult {
    let here = format!("/units/{id}");
    let day = Fields::from_form(&body).parsed("day").map_err(|error| page.failed(error))?;
    let removed = work_calendar::remove_unit_day(&page.app, &page.actor, id.into_inner(), day).await;
    removed.map_err(|error| page.failed(error))?;
    Ok(page.done(&here, "单位日历已更新，未办结任务的期限已随之调整"))
}

async fn one_person(page: Page, id: Path<String>) -> PageResult {
    let (person, posts, units) = page
        .read(move |ctx| {
            let person = people::person_by_id(&mut ctx.tx, &id)?.ok_or(Error::NotFound)?;
            let posts = people::open_posts(&mut ctx.tx, Clock::real())?;
            let own = posts.into_iter().filter(|post| post.person_id == person.id).collect();
            Ok((person, own, people::units(&mut ctx.tx)?))
        })
        .await?;
    page.html(&PersonPage { page: page.clone(), person, posts, units, roles: roles() })
}

/// Posts that an administrator gives; the lead unit's manager is named in the case.
fn roles() -> Vec<(&'static str, &'static str)> {
    let given = Role::ALL.iter().filter(|role| **role != Role::LeadManager);
    given.map(|role| (role.code(), role.label())).collect()
}
