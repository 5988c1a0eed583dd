//! The whole server, seen from outside: its pages, its API, its mails, on both databases.

mod chain;
mod postgres;
mod races;
mod support;
