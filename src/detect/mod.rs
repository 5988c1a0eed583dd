//! Which tickets belong together, whether they recur, and why.
//!
//! A ticket is read once: its heaviest pairs of neighbouring characters ([`text`], [`lexicon`]), each with how much it is
//! part of a place's name ([`place`]). Tickets and problems are summed up ([`profile`]) and compared by average likeness
//! ([`likeness`]), less where places or grievances differ. [`Engine::arrive`] places a ticket in bounded time;
//! [`Engine::consolidate`] looks at all of them again, in no order, takes one place's different grievances apart
//! ([`parting`]), and says what it would change, what it proposes, and which problems share a theme. What people decided
//! ([`constraints`]) is obeyed by both.

mod agglomerate;
mod blocks;
mod consolidate;
mod constraints;
mod engine;
pub mod evaluate;
pub mod explain;
mod lexicon;
mod likeness;
mod parting;
mod place;
mod placing;
mod postings;
mod problem;
mod profile;
mod slots;
mod stored;
pub mod text;
pub mod trend;
mod weights;

#[cfg(test)]
mod obeyed;
#[cfg(test)]
mod teddy;

pub use consolidate::{Change, Consolidation, Proposal, Theme};
pub use constraints::{Constraints, Contradiction};
pub use engine::{By, Engine, Settings};
pub use likeness::Likeness;
pub use placing::Placed;
pub use stored::{Damaged, NotStored};

/// A ticket as detection sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Document<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub body: &'a str,
    /// Its address fields.
    pub place: Option<&'a str>,
    /// Latitude and longitude, in degrees.
    pub coordinates: Option<(f64, f64)>,
    /// A code that is the caller's whenever they call.
    pub caller: Option<&'a str>,
    pub received_at: chrono::NaiveDateTime,
}
