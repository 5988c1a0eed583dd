//! Tickets, their callers' contact apart, and the order of their commits.

use super::conn::{Conn, on_backend};
use super::events::commit_horizon;
use super::prepared::{CommittedAfter, insert_rows};
use super::saying::Saying;
use super::schema::{attachment, membership, ticket, ticket_contact, ticket_order};
use super::{StoreError, Tx};
use crate::domain::ticket::{Disposition, TicketState};
use chrono::NaiveDateTime;
use diesel::prelude::*;

type Backend = <Conn as Connection>::Backend;

/// Rows a statement: 16 variables each stay well below SQLite's 32,766.
const CHUNK: usize = 1000;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = ticket, treat_none_as_default_value = false)]
pub struct Ticket {
    pub id: String,
    /// The source system's number; unique.
    pub source_no: String,
    pub title: String,
    pub body: String,
    pub received_at: NaiveDateTime,
    pub due_at: Option<NaiveDateTime>,
    pub channel: Option<String>,
    pub category: Option<String>,
    pub district: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub caller_hash: Option<String>,
    pub caller_key_version: Option<i32>,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub state: TicketState,
    #[diesel(deserialize_as = String, serialize_as = String)]
    pub disposition: Disposition,
    pub version: i64,
    pub created_at: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = ticket_contact, treat_none_as_default_value = false)]
pub struct Contact {
    pub ticket_id: String,
    pub phone: Option<String>,
    pub name: Option<String>,
    pub address: Option<String>,
}

/// A ticket to be stored, with its caller's contact where there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRow {
    pub ticket: Ticket,
    pub contact: Option<Contact>,
}

/// Stores the tickets whose source number is new and gives back their ids; the others change nothing.
pub fn insert_batch(tx: &mut Tx, rows: Vec<NewRow>) -> Result<Vec<String>, StoreError> {
    let mut stored = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let (tickets, contacts): (Vec<_>, Vec<_>) =
            rows.by_ref().take(CHUNK).map(|row| (row.ticket, row.contact)).unzip();
        let new: Vec<String> = on_backend!(tx.0, c => diesel::insert_into(ticket::table)
            .values(tickets)
            .on_conflict(ticket::source_no)
            .do_nothing()
            .returning(ticket::id)
            .get_results(c))?;
        let kept: std::collections::HashSet<&str> = new.iter().map(String::as_str).collect();
        let contacts: Vec<Contact> =
            contacts.into_iter().flatten().filter(|contact| kept.contains(contact.ticket_id.as_str())).collect();
        if !contacts.is_empty() {
            on_backend!(tx.0, c => diesel::insert_into(ticket_contact::table).values(&contacts).execute(c))?;
        }
        stored.extend(new);
    }
    Ok(stored)
}

pub fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Ticket>, StoreError> {
    Ok(ticket::table.filter(ticket::id.eq(id)).select(Ticket::as_select()).first(tx.0).optional()?)
}

pub fn by_source_no(tx: &mut Tx, source_no: &str) -> Result<Option<Ticket>, StoreError> {
    Ok(ticket::table.filter(ticket::source_no.eq(source_no)).select(Ticket::as_select()).first(tx.0).optional()?)
}

pub fn contact_of(tx: &mut Tx, ticket_id: &str) -> Result<Option<Contact>, StoreError> {
    Ok(ticket_contact::table.find(ticket_id).select(Contact::as_select()).first(tx.0).optional()?)
}

/// What a list is narrowed to; what is left out does not narrow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub state: Option<TicketState>,
    pub disposition: Option<Disposition>,
    pub district: Option<String>,
    pub category: Option<String>,
    /// Received from this moment (inclusive) until that one (exclusive), UTC.
    pub from: Option<NaiveDateTime>,
    pub until: Option<NaiveDateTime>,
    /// Part of the title, the text or the number.
    pub text: Option<String>,
    /// Tickets that are in this problem now.
    pub problem_id: Option<String>,
    /// Tickets that are attached to this case now.
    pub case_id: Option<String>,
}

impl Filter {
    fn is_only_text(&self) -> bool {
        *self == Filter { text: self.text.clone(), ..Filter::default() }
    }
}

/// A LIKE pattern (escaped by `\\`) for texts that contain `text` literally.
pub(in crate::store) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn narrowed(filter: &Filter, saying: Option<Saying>) -> ticket::BoxedQuery<'static, Backend> {
    let filter = filter.clone();
    let mut query = ticket::table.into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(ticket::state.eq(state.code()));
    }
    if let Some(disposition) = filter.disposition {
        query = query.filter(ticket::disposition.eq(disposition.code()));
    }
    if let Some(district) = filter.district {
        query = query.filter(ticket::district.eq(district));
    }
    if let Some(category) = filter.category {
        query = query.filter(ticket::category.eq(category));
    }
    if let Some(from) = filter.from {
        query = query.filter(ticket::received_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(ticket::received_at.lt(until));
    }
    if let Some(saying) = saying {
        query = query.filter(saying);
    }
    if let Some(problem_id) = filter.problem_id {
        let inside = membership::table
            .filter(membership::problem_id.eq(problem_id))
            .filter(membership::until.is_null())
            .select(membership::ticket_id);
        query = query.filter(ticket::id.eq_any(inside));
    }
    if let Some(case_id) = filter.case_id {
        let attached = attachment::table
            .filter(attachment::case_id.eq(case_id))
            .filter(attachment::until.is_null())
            .select(attachment::ticket_id);
        query = query.filter(ticket::id.eq_any(attached));
    }
    query
}

/// A page of tickets, the newest first, and how many there are in all.
pub fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Ticket>, i64), StoreError> {
    let saying = filter.text.as_ref().map(|text| Saying::new(tx.0, text));
    let total = match &saying {
        Some(saying) if filter.is_only_text() => saying.count(tx)?,
        _ => narrowed(filter, saying.clone()).count().get_result(tx.0)?,
    };
    let rows = narrowed(filter, saying.map(|saying| saying.said_by(total)))
        .order((ticket::received_at.desc(), ticket::n.desc()))
        .offset(offset)
        .limit(limit)
        .select(Ticket::as_select())
        .load(tx.0)?;
    Ok((rows, total))
}

#[derive(Clone, Insertable)]
#[diesel(table_name = ticket_order)]
struct Place {
    seq: i64,
    ticket_n: i64,
    ticket_tx: i64,
    ticket_id: String,
}

/// Whether a committed ticket waits for its place: looking costs no sync to the disk.
pub fn any_unordered(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(!unordered(tx, 1)?.is_empty())
}

/// Gives up to `limit` committed tickets their place in the order; gives back how many. Call it under its lease.
pub fn give_order(tx: &mut Tx, limit: i64) -> Result<usize, StoreError> {
    let last_seq: Option<i64> = ticket_order::table.select(diesel::dsl::max(ticket_order::seq)).get_result(tx.0)?;
    let places: Vec<Place> = unordered(tx, limit)?
        .into_iter()
        .zip(last_seq.unwrap_or(0) + 1..)
        .map(|((ticket_tx, ticket_n, ticket_id), seq)| Place { seq, ticket_n, ticket_tx, ticket_id })
        .collect();
    insert_rows!(tx, ticket_order::table, places);
    Ok(places.len())
}

/// (tx, n, id) of committed tickets without a place.
fn unordered(tx: &mut Tx, limit: i64) -> Result<Vec<(i64, i64, String)>, StoreError> {
    let last: Option<(i64, i64)> = ticket_order::table
        .order(ticket_order::seq.desc())
        .select((ticket_order::ticket_tx, ticket_order::ticket_n))
        .first(tx.0)
        .optional()?;
    let (after_tx, after_n) = last.unwrap_or((-1, 0));
    let after = ticket::table.select((ticket::tx, ticket::n, ticket::id)).limit(limit).into_boxed();
    let after = match commit_horizon(tx)? {
        None => after.filter(ticket::n.gt(after_n)).order(ticket::n),
        Some(horizon) => after
            .filter(CommittedAfter { tx: after_tx, n: after_n })
            .filter(ticket::tx.lt(horizon))
            .order((ticket::tx, ticket::n)),
    };
    Ok(after.load(tx.0)?)
}

/// Tickets after place `seq`, in order.
pub fn ordered_after(tx: &mut Tx, seq: i64, limit: i64) -> Result<Vec<(i64, Ticket)>, StoreError> {
    Ok(ticket_order::table
        .inner_join(ticket::table.on(ticket::id.eq(ticket_order::ticket_id)))
        .filter(ticket_order::seq.gt(seq))
        .order(ticket_order::seq)
        .limit(limit)
        .select((ticket_order::seq, Ticket::as_select()))
        .load(tx.0)?)
}

pub fn by_ids(tx: &mut Tx, ids: &[String]) -> Result<Vec<Ticket>, StoreError> {
    Ok(ticket::table.filter(ticket::id.eq_any(ids)).select(Ticket::as_select()).load(tx.0)?)
}

/// How many tickets came from a moment on until before another.
pub fn received_between(tx: &mut Tx, from: NaiveDateTime, until: NaiveDateTime) -> Result<i64, StoreError> {
    let between = ticket::table.filter(ticket::received_at.ge(from)).filter(ticket::received_at.lt(until));
    Ok(between.count().get_result(tx.0)?)
}

/// The addresses of the given tickets, where there is one.
pub fn addresses_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let rows: Vec<(String, Option<String>)> = ticket_contact::table
        .filter(ticket_contact::ticket_id.eq_any(ids))
        .select((ticket_contact::ticket_id, ticket_contact::address))
        .load(tx.0)?;
    Ok(rows.into_iter().filter_map(|(id, address)| Some((id, address?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::text_index::{Entry, Unindexed, unindexed_after};
    use crate::store::{DatabaseUrl, Store, new_id};

    fn row(no: usize) -> NewRow {
        let at = chrono::DateTime::from_timestamp(1_700_000_000 + no as i64, 0).unwrap().naive_utc();
        let id = new_id();
        let contact = Contact { ticket_id: id.clone(), phone: Some("13800000000".into()), name: None, address: None };
        let ticket = Ticket {
            id,
            source_no: format!("T{no}"),
            title: format!("学校门口拥堵 {no}"),
            body: "放学时间车辆堵在路口".into(),
            received_at: at,
            due_at: None,
            channel: None,
            category: None,
            district: Some(if no.is_multiple_of(2) { "东区" } else { "西区" }.into()),
            latitude: None,
            longitude: None,
            caller_hash: None,
            caller_key_version: None,
            state: TicketState::Open,
            disposition: Disposition::Open,
            version: 1,
            created_at: at,
        };
        NewRow { ticket, contact: Some(contact) }
    }

    #[test]
    fn a_batch_is_stored_once_and_ordered_once_and_listed_by_filter() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::parse(&format!("sqlite:{}", folder.path().join("t.db").display())).unwrap();
        let store = Store::open(&url).unwrap();
        let add = |range: std::ops::Range<usize>| {
            store.write_blocking(move |tx| insert_batch(tx, range.map(row).collect())).unwrap()
        };
        assert_eq!(add(0..2500).len(), 2500);
        assert_eq!(add(2000..2600).len(), 100, "only the new numbers");

        let order = |limit| store.write_blocking(move |tx| give_order(tx, limit)).unwrap();
        assert_eq!((order(2000), order(2000), order(2000)), (2000, 600, 0));

        let entry = |row: Unindexed| Entry { seq: row.seq, ticket_n: row.ticket_n, text: row.title };
        let texts = store.read_blocking(|tx| unindexed_after(tx, 0, 3000)).unwrap();
        let entries: Vec<Entry> = texts.into_iter().map(entry).collect();
        assert!(store.feed_text_index(0, entries.clone(), row(0).ticket.created_at).unwrap());
        assert!(!store.feed_text_index(0, entries, row(0).ticket.created_at).unwrap(), "fed once");

        store
            .read_blocking(|tx| {
                let rest = ordered_after(tx, 2598, 10)?;
                let numbers: Vec<_> = rest.iter().map(|(seq, t)| (*seq, t.source_no.as_str())).collect();
                assert_eq!(numbers, [(2599, "T2598"), (2600, "T2599")]);
                let east = Filter { district: Some("东区".into()), text: Some("拥堵".into()), ..Filter::default() };
                let (page, total) = list(tx, &east, 0, 10)?;
                assert_eq!((page.len(), total, page[0].source_no.as_str()), (10, 1300, "T2598"));
                let texts = |text: &str| Filter { text: Some(text.into()), ..Filter::default() };
                let (page, total) = list(tx, &texts("拥堵"), 10, 10)?;
                assert_eq!((page.len(), total, page[0].source_no.as_str()), (10, 2600, "T2589"));
                let (page, total) = list(tx, &texts("T77"), 0, 10)?;
                assert_eq!((page.len(), total), (1, 1), "by a number that no indexed text says");
                assert_eq!(list(tx, &texts("，"), 0, 10)?.1, 0);
                let in_problem = Filter { problem_id: Some("none".into()), ..Filter::default() };
                assert_eq!(list(tx, &in_problem, 0, 10)?.1, 0);
                let repeated = by_source_no(tx, "T2000")?.expect("stored first");
                assert!(contact_of(tx, &repeated.id)?.is_some());
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
