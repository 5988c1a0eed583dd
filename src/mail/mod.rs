//! A message's bytes, the connections that carry it, what comes back and the door for it, and the demo's mail catcher. Knows no database.

pub mod bounce;
pub mod catcher;
pub mod compose;
mod due_dates;
pub mod imap;
pub mod invitation;
pub mod listener;
pub mod maildir;
mod pace;
pub mod reply;
mod room;
pub mod smtp;
mod wire;
pub mod wording;

pub use compose::{Ask, Letter, Link, compose};
pub use imap::ImapSettings;
pub use invitation::Invitation;
pub use pace::backoff;
pub use smtp::{Mailer, SendError, SmtpSettings};
pub use wording::Wording;
