//! Ticket files as cities send them: CSV and XLSX, UTF-8 and GB18030, with the headers of many systems.

mod mapping;
mod read;
mod rejects;

pub use mapping::Mapping;
pub use read::{IntakeError, Rejected, Row, TicketFile, open};
pub use rejects::RejectsFile;
