//! A message's bytes, the connections that carry it, and the demo's mail catcher. Knows no database.

pub mod catcher;
pub mod compose;
pub mod smtp;

pub use compose::{Ask, Letter, compose};
pub use smtp::{Mailer, SendError, SmtpSettings, backoff};
