//! The words and rules of the field. No I/O, no clock, no database: everything here takes values and gives values.

pub mod access;
pub mod brief;
pub mod calendar;
pub mod case;
pub mod chase;
pub mod coded;
pub mod directive;
pub mod duty;
pub mod event;
pub mod inbound;
pub mod mail_link;
pub mod mask;
pub mod meeting;
pub mod notice;
pub mod objection;
pub mod problem;
pub mod rhythm;
pub mod share;
pub mod task;
pub mod ticket;
pub mod webhook;
