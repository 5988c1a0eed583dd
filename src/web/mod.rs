//! The pages, the JSON API and the live stream.
//!
//! * [`routes`]: one table of method, pattern and who may; registration, the gate and the test that walks every route
//!   with every role all read it.
//! * [`gate`]: who is asking, may they, and did they mean it (CSRF).
//! * [`acts`]: what can be done to a task, case, problem or ticket: one table for the pages' forms and the API.
//! * [`pages`], [`api`]: HTML and JSON.
//! * `give_back`: a refused form comes back as it was filled in.

pub mod acts;
pub mod api;
pub(in crate::web) mod assets;
mod chart;
mod fields;
mod files;
mod gate;
mod give_back;
pub mod limits;
pub mod live;
mod page;
pub mod pages;
mod rail;
mod refill;
mod request_log;
pub mod routes;
mod server;
mod show;

pub use show::address;

pub use server::{Server, State, serve};
