//! Units, people and the posts they hold.

use super::conn::on_backend;
use super::holders;
use super::schema::{person, post, unit, unit_day};
use super::{StoreError, Tx};
use crate::domain::access::{Post, Role};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = unit)]
pub struct Unit {
    pub id: String,
    pub parent_id: Option<String>,
    /// Ids from the root down to this unit, each closed by `/`: a subtree is a prefix.
    pub path: String,
    pub name: String,
    pub name_en: Option<String>,
    pub mailbox: Option<String>,
    pub active: bool,
    pub version: i64,
    pub created_at: NaiveDateTime,
    /// Its people hand results in only when signed in, not from a mail.
    pub submits_signed_in: bool,
    /// Its head signs off what its people and its sections hand in.
    pub head_signs_off: bool,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = person)]
pub struct Person {
    pub id: String,
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub lang: String,
    pub password_hash: Option<String>,
    pub failed_sign_ins: i32,
    pub locked_until: Option<NaiveDateTime>,
    pub active: bool,
    pub version: i64,
    pub created_at: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = post)]
pub struct PostRow {
    pub id: String,
    pub person_id: String,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub role: Role,
    pub unit_id: Option<String>,
    pub case_id: Option<String>,
    pub since: NaiveDateTime,
    pub until: Option<NaiveDateTime>,
}

pub fn units(tx: &mut Tx) -> Result<Vec<Unit>, StoreError> {
    Ok(on_backend!(tx.0, c => unit::table.order(unit::path).select(Unit::as_select()).load(c))?)
}

/// (id, name) of every unit.
pub fn unit_names(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    Ok(on_backend!(tx.0, c => unit::table.select((unit::id, unit::name)).load(c))?)
}

pub fn unit_by_id(tx: &mut Tx, id: &str) -> Result<Option<Unit>, StoreError> {
    Ok(on_backend!(tx.0, c => unit::table.find(id).select(Unit::as_select()).first(c).optional())?)
}

/// Paths of the given units, in no order.
pub fn paths_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<String>, StoreError> {
    Ok(unit::table.filter(unit::id.eq_any(ids)).select(unit::path).load(tx.0)?)
}

pub fn unit_by_name(tx: &mut Tx, name: &str) -> Result<Option<Unit>, StoreError> {
    Ok(unit::table.filter(unit::name.eq(name)).select(Unit::as_select()).first(tx.0).optional()?)
}

pub fn insert_unit(tx: &mut Tx, row: &Unit) -> Result<(), StoreError> {
    diesel::insert_into(unit::table).values(row).execute(tx.0)?;
    Ok(())
}

/// Saves what an admin may change; `false` when `row.version` is no longer the stored one.
pub fn update_unit(tx: &mut Tx, row: &Unit) -> Result<bool, StoreError> {
    let changed = diesel::update(unit::table.filter(unit::id.eq(&row.id)).filter(unit::version.eq(row.version)))
        .set((
            unit::name.eq(&row.name),
            unit::name_en.eq(&row.name_en),
            unit::mailbox.eq(&row.mailbox),
            unit::active.eq(row.active),
            unit::submits_signed_in.eq(row.submits_signed_in),
            unit::head_signs_off.eq(row.head_signs_off),
            unit::version.eq(row.version + 1),
        ))
        .execute(tx.0)?;
    Ok(changed == 1)
}

/// A day on which one unit works, or does not, unlike all others.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = unit_day)]
pub struct UnitDay {
    pub unit_id: String,
    pub day: NaiveDate,
    pub kind: String,
    pub name: String,
}

pub fn unit_days(tx: &mut Tx) -> Result<Vec<UnitDay>, StoreError> {
    Ok(unit_day::table.order(unit_day::day).select(UnitDay::as_select()).load(tx.0)?)
}

/// A day that is there already is replaced.
pub fn put_unit_days(tx: &mut Tx, rows: Vec<UnitDay>) -> Result<(), StoreError> {
    for row in rows {
        diesel::delete(unit_day::table.find((&row.unit_id, row.day))).execute(tx.0)?;
        diesel::insert_into(unit_day::table).values(row).execute(tx.0)?;
    }
    Ok(())
}

pub fn delete_unit_day(tx: &mut Tx, unit_id: &str, day: NaiveDate) -> Result<bool, StoreError> {
    Ok(diesel::delete(unit_day::table.find((unit_id, day))).execute(tx.0)? == 1)
}

pub fn people(tx: &mut Tx) -> Result<Vec<Person>, StoreError> {
    Ok(person::table.order(person::login).select(Person::as_select()).load(tx.0)?)
}

pub fn person_by_id(tx: &mut Tx, id: &str) -> Result<Option<Person>, StoreError> {
    Ok(person::table.find(id).select(Person::as_select()).first(tx.0).optional()?)
}

pub fn person_by_login(tx: &mut Tx, login: &str) -> Result<Option<Person>, StoreError> {
    Ok(person::table.filter(person::login.eq(login)).select(Person::as_select()).first(tx.0).optional()?)
}

pub fn insert_person(tx: &mut Tx, row: &Person) -> Result<(), StoreError> {
    diesel::insert_into(person::table).values(row).execute(tx.0)?;
    Ok(())
}

/// Saves what an admin may change; `false` when `row.version` is no longer the stored one.
pub fn update_person(tx: &mut Tx, row: &Person) -> Result<bool, StoreError> {
    holders::change();
    let changed = diesel::update(person::table.filter(person::id.eq(&row.id)).filter(person::version.eq(row.version)))
        .set((
            person::name.eq(&row.name),
            person::email.eq(&row.email),
            person::phone.eq(&row.phone),
            person::password_hash.eq(&row.password_hash),
            person::active.eq(row.active),
            person::version.eq(row.version + 1),
        ))
        .execute(tx.0)?;
    Ok(changed == 1)
}

pub fn set_password(tx: &mut Tx, person_id: &str, hash: &str) -> Result<(), StoreError> {
    diesel::update(person::table.find(person_id)).set(person::password_hash.eq(hash)).execute(tx.0)?;
    Ok(())
}

pub fn set_lang(tx: &mut Tx, person_id: &str, lang: &str) -> Result<(), StoreError> {
    holders::change();
    diesel::update(person::table.find(person_id)).set(person::lang.eq(lang)).execute(tx.0)?;
    Ok(())
}

/// Notes a failed or (with zero) a successful sign-in.
pub fn set_sign_in_failures(
    tx: &mut Tx,
    person_id: &str,
    failures: i32,
    locked_until: Option<NaiveDateTime>,
) -> Result<(), StoreError> {
    diesel::update(person::table.find(person_id))
        .set((person::failed_sign_ins.eq(failures), person::locked_until.eq(locked_until)))
        .execute(tx.0)?;
    Ok(())
}

/// The posts somebody holds at `now`, as authorisation reads them.
pub fn posts_of(tx: &mut Tx, person_id: &str, now: NaiveDateTime) -> Result<Vec<Post>, StoreError> {
    type Columns = (String, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Columns> = post::table
        .left_join(unit::table.on(unit::id.nullable().eq(post::unit_id)))
        .filter(post::person_id.eq(person_id))
        .filter(post::until.is_null().or(post::until.gt(now)))
        .select((post::role, post::unit_id, unit::path.nullable(), post::case_id))
        .load(tx.0)?;
    Ok(rows
        .into_iter()
        .filter_map(|(role, unit_id, unit_path, case_id)| {
            Some(Post { role: Role::parse(&role)?, unit_id, unit_path, case_id })
        })
        .collect())
}

/// Every open post: (post, person).
pub fn open_posts(tx: &mut Tx, now: NaiveDateTime) -> Result<Vec<PostRow>, StoreError> {
    Ok(post::table
        .filter(post::until.is_null().or(post::until.gt(now)))
        .order(post::since)
        .select(PostRow::as_select())
        .load(tx.0)?)
}

pub fn insert_posts(tx: &mut Tx, rows: Vec<PostRow>) -> Result<(), StoreError> {
    holders::change();
    on_backend!(tx.0, c => diesel::insert_into(post::table).values(rows).execute(c))?;
    Ok(())
}

pub fn end_post(tx: &mut Tx, person_id: &str, post_id: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    holders::change();
    let open = post::table.find(post_id).filter(post::person_id.eq(person_id)).filter(post::until.is_null());
    let ended = diesel::update(open).set(post::until.eq(now)).execute(tx.0)?;
    Ok(ended == 1)
}

/// Active people of a unit who hold one of `roles` there, with a mail address.
pub fn reachable_in_unit(
    tx: &mut Tx,
    unit_id: &str,
    roles: &[Role],
    now: NaiveDateTime,
) -> Result<Vec<Person>, StoreError> {
    let staff = staff_of_unit(tx, unit_id, roles, now)?;
    Ok(staff.into_iter().filter(|person| person.email.is_some()).collect())
}

/// Active people who hold one of `roles` in a unit.
pub fn staff_of_unit(
    tx: &mut Tx,
    unit_id: &str,
    roles: &[Role],
    now: NaiveDateTime,
) -> Result<Vec<Person>, StoreError> {
    let codes: Vec<&str> = roles.iter().map(|role| role.code()).collect();
    Ok(person::table
        .inner_join(post::table.on(post::person_id.eq(person::id)))
        .filter(post::unit_id.eq(unit_id))
        .filter(post::role.eq_any(codes))
        .filter(post::until.is_null().or(post::until.gt(now)))
        .filter(person::active.eq(true))
        .order(person::login)
        .select(Person::as_select())
        .distinct()
        .load(tx.0)?)
}

/// (id, name) of the given people, in no order.
pub fn names_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    Ok(person::table.filter(person::id.eq_any(ids)).select((person::id, person::name)).load(tx.0)?)
}

/// The nearest unit of a path that wants its head to sign off.
pub fn signs_off_on(tx: &mut Tx, path: &str) -> Result<Option<Unit>, StoreError> {
    let ids: Vec<&str> = path.split('/').filter(|id| !id.is_empty()).collect();
    let wanting: Vec<Unit> = unit::table
        .filter(unit::id.eq_any(ids))
        .filter(unit::head_signs_off.eq(true))
        .select(Unit::as_select())
        .load(tx.0)?;
    Ok(wanting.into_iter().max_by_key(|unit| unit.path.len()))
}

/// Whether the lead unit of a case has named its manager.
pub fn has_manager(tx: &mut Tx, case_id: &str, now: NaiveDateTime) -> Result<bool, StoreError> {
    let held: i64 = post::table
        .filter(post::case_id.eq(case_id))
        .filter(post::role.eq(Role::LeadManager.code()))
        .filter(post::until.is_null().or(post::until.gt(now)))
        .count()
        .get_result(tx.0)?;
    Ok(held > 0)
}

/// Somebody who may work on a unit's tasks.
#[derive(Debug, Clone, Queryable)]
pub struct Colleague {
    pub person_id: String,
    pub name: String,
    pub unit: String,
}

/// Active people who hold a post in one of the units.
pub fn colleagues(tx: &mut Tx, unit_ids: &[String], now: NaiveDateTime) -> Result<Vec<Colleague>, StoreError> {
    Ok(person::table
        .inner_join(post::table.on(post::person_id.eq(person::id)))
        .inner_join(unit::table.on(unit::id.nullable().eq(post::unit_id)))
        .filter(unit::id.eq_any(unit_ids))
        .filter(post::until.is_null().or(post::until.gt(now)))
        .filter(person::active.eq(true))
        .order((unit::name, person::name))
        .select((person::id, person::name, unit::name))
        .distinct()
        .load(tx.0)?)
}
