//! The words and rules of the field. No I/O, no clock, no database: everything here takes values and gives values.

pub mod calendar;
pub mod task;
pub mod ticket;
