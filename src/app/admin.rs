//! The administrator's units, people and calendar.

use super::accounts::hash_password;
use super::tasks::required;
use super::{Ctx, Error};
use crate::domain::access::{Action, Role};
use crate::domain::calendar::parse_csv;
use crate::domain::ticket::FieldError;
use crate::lang::Message;
use crate::store::house::{self, CalendarRow};
use crate::store::new_id;
use crate::store::people::{self, Person, PostRow, Unit};
use serde_json::json;

pub struct NewPerson {
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    pub password: String,
    pub lang: String,
    /// Each with the unit it is held in.
    pub posts: Vec<(Role, Option<String>)>,
}

/// Adds a unit below another. Gives its id.
pub fn add_unit(
    ctx: &mut Ctx,
    name: String,
    parent_id: Option<String>,
    mailbox: Option<String>,
) -> Result<String, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let name = required("name", name)?;
    let above = match &parent_id {
        Some(parent) => {
            people::unit_by_id(&mut ctx.tx, parent)?
                .ok_or_else(|| Error::field("parent_id", Message::new("没有这个单位")))?
                .path
        }
        None => String::new(),
    };
    let id = new_id();
    let row = Unit {
        path: format!("{above}{id}/"),
        id: id.clone(),
        parent_id,
        name: name.clone(),
        name_en: None,
        mailbox,
        active: true,
        version: 1,
        created_at: ctx.now,
    };
    people::insert_unit(&mut ctx.tx, &row)?;
    ctx.record("unit.added", ("unit", &id), None, json!({ "title": name }));
    Ok(id)
}

/// Adds a person with posts. Gives the id.
pub fn add_person(ctx: &mut Ctx, new: NewPerson) -> Result<String, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let (login, name) = (required("login", new.login)?, required("name", new.name)?);
    if new.password.chars().count() < super::accounts::PASSWORD_MIN_CHARS {
        let least = super::accounts::PASSWORD_MIN_CHARS;
        return Err(Error::field("password", Message::new("密码至少 %{least} 位").with("least", least)));
    }
    if people::person_by_login(&mut ctx.tx, &login)?.is_some() {
        return Err(Error::field("login", Message::new("账号已被使用")));
    }
    let id = new_id();
    let row = Person {
        id: id.clone(),
        login: login.clone(),
        name: name.clone(),
        email: new.email,
        phone: None,
        lang: new.lang,
        password_hash: Some(hash_password(&new.password)?),
        failed_sign_ins: 0,
        locked_until: None,
        active: true,
        version: 1,
        created_at: ctx.now,
    };
    people::insert_person(&mut ctx.tx, &row)?;
    // Posts run on real time: the demo's clock does not end or begin them.
    let since = super::Clock::real();
    let posts = new.posts.into_iter().map(|(role, unit_id)| PostRow {
        id: new_id(),
        person_id: id.clone(),
        role,
        unit_id,
        case_id: None,
        since,
        until: None,
    });
    people::insert_posts(&mut ctx.tx, posts.collect())?;
    ctx.record("person.added", ("person", &id), None, json!({ "login": login, "title": name }));
    Ok(id)
}

/// Takes days into the calendar; they go over the shipped ones. A bad line refuses them all, by its number.
pub fn import_calendar(ctx: &mut Ctx, csv: &str) -> Result<usize, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let days = parse_csv(csv).map_err(|faults| {
        let told = |fault: crate::domain::calendar::LineError| FieldError {
            field: "csv",
            reason: Message::new("第 %{line} 行：%{reason}").with("line", fault.line).with("reason", fault.reason),
        };
        Error::Invalid(faults.into_iter().map(told).collect())
    })?;
    let rows: Vec<CalendarRow> = days
        .into_iter()
        .map(|day| CalendarRow { day: day.date, kind: day.kind.code().to_owned(), name: day.name })
        .collect();
    house::put_calendar_days(&mut ctx.tx, &rows)?;
    ctx.record("calendar.imported", ("calendar", "mainland"), None, json!({ "days": rows.len() }));
    Ok(rows.len())
}
