//! The administrator's units and people.

use super::tasks::required;
use super::{Ctx, Error, accounts};
use crate::domain::access::{Action, Role};
use crate::lang::Message;
use crate::store::people::{self, Person, PostRow, Unit};
use crate::store::{new_id, plans, sessions};
use serde_json::json;

pub struct NewPerson {
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
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
        submits_signed_in: false,
        head_signs_off: false,
    };
    people::insert_unit(&mut ctx.tx, &row)?;
    ctx.record("unit.added", ("unit", &id), None, json!({ "title": name }));
    Ok(id)
}

/// Adds a person with posts. Gives the id.
pub fn add_person(ctx: &mut Ctx, new: NewPerson) -> Result<String, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let (login, name) = (required("login", new.login)?, required("name", new.name)?);
    let password_hash = Some(accounts::hash_new_password(&new.password)?);
    if people::person_by_login(&mut ctx.tx, &login)?.is_some() {
        return Err(Error::field("login", Message::new("账号已被使用")));
    }
    let id = new_id();
    let row = Person {
        id: id.clone(),
        login: login.clone(),
        name: name.clone(),
        email: new.email,
        phone: new.phone,
        lang: new.lang,
        password_hash,
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

/// What an administrator may change of a unit.
pub struct UnitEdit {
    pub name: String,
    pub name_en: Option<String>,
    pub mailbox: Option<String>,
    pub active: bool,
    /// Results are handed in only by who is signed in, not from a mail.
    pub submits_signed_in: bool,
    /// The head signs off what is handed in.
    pub head_signs_off: bool,
}

/// Changes a unit at the version it was read in. A unit that holds open tasks stays active.
pub fn edit_unit(ctx: &mut Ctx, id: &str, version: i64, edit: UnitEdit) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let unit = people::unit_by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    let own = std::slice::from_ref(&unit.path);
    if !edit.active && !plans::of_units(&mut ctx.tx, own, |state| !state.is_final())?.is_empty() {
        return Err(Error::Refused(Message::new("这个单位还有未办结的任务，不能停用。")));
    }
    let name = required("name", edit.name)?;
    let UnitEdit { name_en, mailbox, active, submits_signed_in, head_signs_off, .. } = edit;
    let row = Unit { name: name.clone(), name_en, mailbox, active, submits_signed_in, head_signs_off, version, ..unit };
    if !people::update_unit(&mut ctx.tx, &row)? {
        let current = people::unit_by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?.version;
        return Err(Error::Stale { yours: version, current });
    }
    ctx.record("unit.changed", ("unit", id), None, json!({ "title": name, "active": active }));
    Ok(())
}

/// What an administrator may change of a person.
pub struct PersonEdit {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub active: bool,
    /// A new password, when one is set.
    pub password: Option<String>,
}

/// Changes a person at the version it was read in. Who is no longer active is signed out everywhere.
pub fn edit_person(ctx: &mut Ctx, id: &str, version: i64, edit: PersonEdit) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    let person = people::person_by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?;
    if !edit.active && ctx.actor.person_id.as_deref() == Some(id) {
        return Err(Error::field("active", Message::new("不能停用自己的账号")));
    }
    let password_hash = match &edit.password {
        Some(password) => Some(accounts::hash_new_password(password)?),
        None => person.password_hash.clone(),
    };
    let name = required("name", edit.name)?;
    let (email, phone, active) = (edit.email, edit.phone, edit.active);
    let row = Person { name: name.clone(), email, phone, active, password_hash, version, ..person };
    if !people::update_person(&mut ctx.tx, &row)? {
        let current = people::person_by_id(&mut ctx.tx, id)?.ok_or(Error::NotFound)?.version;
        return Err(Error::Stale { yours: version, current });
    }
    if !active || edit.password.is_some() {
        sessions::delete_of_person(&mut ctx.tx, id)?;
    }
    let payload = json!({ "title": name, "active": active, "password": edit.password.is_some() });
    ctx.record("person.changed", ("person", id), None, payload);
    Ok(())
}

/// Gives a person another post. Gives its id.
pub fn add_post(ctx: &mut Ctx, person_id: &str, role: Role, unit_id: Option<String>) -> Result<String, Error> {
    ctx.require_anywhere(Action::Administer)?;
    people::person_by_id(&mut ctx.tx, person_id)?.ok_or(Error::NotFound)?;
    if let Some(unit_id) = &unit_id {
        people::unit_by_id(&mut ctx.tx, unit_id)?
            .ok_or_else(|| Error::field("unit_id", Message::new("没有这个单位")))?;
    }
    let id = new_id();
    let row = PostRow {
        id: id.clone(),
        person_id: person_id.to_owned(),
        role,
        unit_id,
        case_id: None,
        since: super::Clock::real(),
        until: None,
    };
    people::insert_posts(&mut ctx.tx, vec![row])?;
    ctx.record("person.post_added", ("person", person_id), None, json!({ "title": role.label() }));
    Ok(id)
}

/// Ends one of a person's posts.
pub fn end_post(ctx: &mut Ctx, person_id: &str, post_id: &str) -> Result<(), Error> {
    ctx.require_anywhere(Action::Administer)?;
    if !people::end_post(&mut ctx.tx, person_id, post_id, super::Clock::real())? {
        return Err(Error::NotFound);
    }
    ctx.record("person.post_ended", ("person", person_id), None, json!({}));
    Ok(())
}
