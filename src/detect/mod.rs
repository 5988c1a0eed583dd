//! Which tickets belong together, whether they recur, and why.
//!
//! [`Engine`] is online: a ticket is compared with a bounded number of earlier ones, whatever the archive's size, and
//! the same tickets fed in the same order always give the same answers. It decides nothing by itself: the caller asks
//! ([`Engine::suggest`], [`Engine::neighbour`]) and tells it what was done ([`Engine::place`] and its siblings).

mod engine;
pub mod evaluate;
pub mod explain;
mod index;
pub mod text;
pub mod trend;

#[cfg(test)]
mod teddy;

pub use engine::{Engine, Match, Settings};

/// A ticket as detection sees it.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub body: &'a str,
    pub place: Option<&'a str>,
    pub received_at: chrono::NaiveDateTime,
}
