//! A problem as the engine holds it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::profile::Profile;

/// A problem is known by this many of its tickets, the latest to arrive: comparing costs no more for ten thousand than
/// for a few, and follows what people say now.
const KNOWN_BY: usize = 8;

#[derive(Serialize, Deserialize)]
pub struct Problem {
    pub id: Arc<str>,
    /// Positions of its tickets, ascending: in the order of arrival.
    pub members: Vec<u32>,
    /// The sum of those it is known by. Depends on which tickets these are, not on when they were placed.
    pub profile: Profile,
    /// A person decided about it.
    pub decided: bool,
    /// Tickets that a person placed.
    pub by_person: u32,
}

impl Problem {
    pub fn new(id: Arc<str>) -> Self {
        Problem { id, members: Vec::new(), profile: Profile::default(), decided: false, by_person: 0 }
    }

    pub fn enter(&mut self, position: u32, profile_of: impl Fn(u32) -> Profile) {
        let at = self.members.partition_point(|&member| member < position);
        self.members.insert(at, position);
        if at < self.unknown() {
            return;
        }
        let before = self.unknown().checked_sub(1).map(|before| profile_of(self.members[before]));
        before.iter().for_each(|before| self.profile.remove(before));
        self.profile.add(&profile_of(position));
    }

    pub fn leave(&mut self, position: u32, profile_of: impl Fn(u32) -> Profile) {
        let Ok(at) = self.members.binary_search(&position) else { return };
        let unknown = self.unknown();
        self.members.remove(at);
        if at < unknown {
            return;
        }
        let before = unknown.checked_sub(1).map(|before| profile_of(self.members[before]));
        self.profile.remove(&profile_of(position));
        before.iter().for_each(|before| self.profile.add(before));
    }

    /// Takes in the tickets of another problem. The larger one's sum is kept where it can be.
    pub fn absorb(&mut self, other: &mut Problem, profile_of: impl Fn(u32) -> Profile) {
        let before = self.known_by().to_vec();
        self.members.append(&mut other.members);
        self.members.sort_unstable();
        self.by_person += std::mem::take(&mut other.by_person);
        let theirs = std::mem::take(&mut other.profile);
        if self.unknown() == 0 {
            return self.profile.add(&theirs);
        }
        let now = self.known_by().to_vec();
        for position in now.iter().filter(|position| before.binary_search(position).is_err()) {
            self.profile.add(&profile_of(*position));
        }
        for position in before.iter().filter(|position| now.binary_search(position).is_err()) {
            self.profile.remove(&profile_of(*position));
        }
    }

    /// Sums up anew, under new weights.
    pub fn refresh(&mut self, profile_of: impl Fn(u32) -> Profile) {
        self.profile = Profile::sum(self.known_by().iter().map(|&member| profile_of(member)).collect());
    }

    fn known_by(&self) -> &[u32] {
        &self.members[self.unknown()..]
    }

    /// How many of its tickets, the first, it is not known by.
    fn unknown(&self) -> usize {
        self.members.len().saturating_sub(KNOWN_BY)
    }
}
