//! Shenban (深办): a city hotline's recurring tickets become problems, problems become cases, and a
//! case is chased unit by unit until the tickets really stop.
//!
//! The house, from the ground up. **A floor imports only from floors below it** (`tests/floors.rs` checks):
//!
//! * [`lang`]: the two languages of the interface. A text's key is its Chinese wording.
//! * [`domain`]: the words and rules of the field: tickets, problems, cases, tasks, who may do what,
//!   the working-day calendar. No I/O, no clock, no database.
//! * [`plan`]: a case's tasks as a graph: readiness, cycles, schedule, lamp, layout.
//! * [`detect`]: which tickets belong together, whether they recur, and why.
//! * [`playbook`]: the template format under `workflows/`.
//! * [`intake`]: ticket files as cities send them: encodings, headers, rejected rows.
//! * [`exchange`]: plans as files of other programs: spreadsheets, Microsoft Project, iCalendar.
//! * [`mail`]: a message's bytes, the SMTP connections, the demo's mail catcher. Knows no database.
//! * [`webhook`]: a message to each kind of receiver over HTTP, its signature, and where it may go. Knows no database.
//! * [`store`]: the only floor that knows diesel: schema, rows, one file an aggregate; and where files' bytes lie.
//! * [`app`]: what people do, a room a subject: authorise → load → decide → save in one transaction.
//! * [`jobs`]: what happens by itself: detection, deadlines, delivery, verification, sealing.
//! * [`web`]: the pages, the JSON API and the live stream over HTTP.
//! * [`cli`]: one file a subcommand.

pub mod app;
pub mod cli;
pub mod detect;
pub mod domain;
pub mod exchange;
pub mod intake;
pub mod jobs;
pub mod lang;
pub mod mail;
pub mod plan;
pub mod playbook;
pub mod store;
pub mod web;
pub mod webhook;

rust_i18n::i18n!("src/lang/locales", fallback = "zh");
