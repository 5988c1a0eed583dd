//! The tables, as `migrations/` makes them.

mod answers;
mod case;
mod chase;
mod house;
mod log;
mod meetings;

mod people;
mod tasks;
mod tickets;
mod webhooks;

pub use answers::*;
pub use case::*;
pub use chase::*;
pub use house::*;
pub use log::*;
pub use meetings::*;

pub use people::*;
pub use tasks::*;
pub use tickets::*;
pub use webhooks::*;

diesel::joinable!(task -> unit (unit_id));
diesel::joinable!(task -> cases (case_id));
// Only the tables that queries really join: every pair costs compile time.
diesel::allow_tables_to_appear_in_same_query!(unit, person, post, session, api_token);
diesel::allow_tables_to_appear_in_same_query!(cases, case_problem, case_unit, unit, problem);
diesel::allow_tables_to_appear_in_same_query!(directive_unit, unit);
diesel::allow_tables_to_appear_in_same_query!(task, unit);
diesel::allow_tables_to_appear_in_same_query!(task, cases);
diesel::allow_tables_to_appear_in_same_query!(task, dependency);
diesel::allow_tables_to_appear_in_same_query!(task, block);
diesel::allow_tables_to_appear_in_same_query!(task, objection);
diesel::allow_tables_to_appear_in_same_query!(objection, objection_opinion);
diesel::allow_tables_to_appear_in_same_query!(event, event_seal);
diesel::allow_tables_to_appear_in_same_query!(ticket, ticket_order, ticket_contact, membership, attachment, problem);
diesel::allow_tables_to_appear_in_same_query!(decision, decision_ticket);
diesel::allow_tables_to_appear_in_same_query!(cases, observation);
diesel::allow_tables_to_appear_in_same_query!(cases, case_order);
diesel::allow_tables_to_appear_in_same_query!(mail, lease);
diesel::allow_tables_to_appear_in_same_query!(notice, mail, attempt);
diesel::allow_tables_to_appear_in_same_query!(notice, task);
diesel::allow_tables_to_appear_in_same_query!(submission, post);
diesel::allow_tables_to_appear_in_same_query!(webhook_delivery, lease);
