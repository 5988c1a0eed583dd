//! How many connections a server takes from us: as many as are set, fewer once it refuses one beside others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long after a refusal one more is tried.
const TRIES_MORE_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Room {
    most: usize,
    state: Arc<Mutex<State>>,
}

struct State {
    open: usize,
    allowed: usize,
    learned: Instant,
}

/// A connection's place, from before it is opened until it is gone.
pub struct Place(Room);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state().open -= 1;
    }
}

impl Room {
    pub fn new(most: usize) -> Room {
        Room { most, state: Arc::new(Mutex::new(State { open: 0, allowed: most, learned: Instant::now() })) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many may be open side by side; one more for each while without a refusal.
    pub fn allowed(&self) -> usize {
        let mut state = self.state();
        if state.allowed < self.most && state.learned.elapsed() >= TRIES_MORE_AFTER {
            (state.allowed, state.learned) = (state.allowed + 1, Instant::now());
        }
        state.allowed
    }

    pub fn enter(&self) -> Place {
        self.state().open += 1;
        Place(self.clone())
    }

    /// Learns from a connection that was refused and is gone: beside others, the server takes no more than those. Gives
    /// whether it was beside others; alone, it says nothing about their number.
    pub fn refused(&self) -> bool {
        let mut state = self.state();
        let beside_others = state.open > 0;
        state.allowed = if beside_others { state.allowed.min(state.open) } else { self.most };
        state.learned = Instant::now();
        beside_others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_beside_others_lowers_the_number_and_one_alone_says_nothing() {
        let room = Room::new(4);
        let places = [room.enter(), room.enter(), room.enter()];
        drop(room.enter());
        assert!(room.refused());
        assert_eq!(room.allowed(), 3);
        drop(places);
        assert!(!room.refused());
        assert_eq!(room.allowed(), 4);
    }

    #[test]
    fn one_more_is_tried_after_a_while() {
        let room = Room::new(4);
        let _places = [room.enter(), room.enter()];
        room.refused();
        assert_eq!(room.allowed(), 2);
        room.state().learned -= TRIES_MORE_AFTER;
        assert_eq!([room.allowed(), room.allowed()], [3, 3]);
    }
}
