//! Numbers by number, for what is asked of every term of every ticket: one look into memory where a general map takes
//! two.

use serde::{Deserialize, Serialize};

/// No key is this; one that would be counts as the one below.
const FREE: u32 = u32::MAX;

/// Open addressing with linear probing; keys are scattered by multiplication.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u32, u32)>", into = "Vec<(u32, u32)>")]
pub struct Slots {
    slots: Vec<(u32, u32)>,
    taken: usize,
    shift: u32,
}

impl Default for Slots {
    fn default() -> Self {
        Slots::with(0)
    }
}

impl From<Slots> for Vec<(u32, u32)> {
    fn from(slots: Slots) -> Self {
        slots.all().collect()
    }
}

impl From<Vec<(u32, u32)>> for Slots {
    fn from(pairs: Vec<(u32, u32)>) -> Self {
        let mut slots = Slots::with(2 * pairs.len());
        pairs.into_iter().for_each(|(key, value)| *slots.of(key) = value);
        slots
    }
}

impl Slots {
    /// Empty, with this many slots: the emptier they stay, the sooner a key is found.
    pub fn with(slots: usize) -> Slots {
        let mut made = Slots { slots: Vec::new(), taken: 0, shift: 0 };
        made.clear(slots);
        made
    }

    /// Empty again, with this many slots.
    pub fn clear(&mut self, slots: usize) {
        let size = slots.max(2).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, (FREE, 0));
        self.taken = 0;
        self.shift = u32::BITS - size.trailing_zeros();
    }

    #[inline]
    pub fn get(&self, key: u32) -> Option<u32> {
        let (found, value) = self.slots[self.place(key)];
        (found != FREE).then_some(value)
    }

    /// The key's value, zero where it has none yet.
    #[inline]
    pub fn of(&mut self, key: u32) -> &mut u32 {
        let mut at = self.place(key);
        if self.slots[at].0 == FREE {
            if 2 * (self.taken + 1) > self.slots.len() {
                self.grow(2 * self.slots.len());
                at = self.place(key);
            }
            self.taken += 1;
            self.slots[at].0 = key.min(FREE - 1);
        }
        &mut self.slots[at].1
    }

    /// The key's value, this one where it has none yet.
    #[inline]
    pub fn first(&mut self, key: u32, value: u32) -> u32 {
        if 2 * (self.taken + 1) > self.slots.len() {
            self.grow(2 * self.slots.len());
        }
        let at = self.place(key);
        let (found, known) = self.slots[at];
        let value = if found == FREE { value } else { known };
        self.slots[at] = (key.min(FREE - 1), value);
        self.taken += usize::from(found == FREE);
        value
    }

    /// All keys with their values, in no order.
    pub fn all(&self) -> impl Iterator<Item = (u32, u32)> {
        self.slots.iter().copied().filter(|(key, _)| *key != FREE)
    }

    /// Room for so many keys, at once instead of little by little.
    pub fn make_room(&mut self, keys: usize) {
        if 2 * keys > self.slots.len() {
            self.grow(2 * keys);
        }
    }

    fn grow(&mut self, slots: usize) {
        let before = std::mem::replace(self, Slots::with(slots));
        before.all().for_each(|(key, value)| *self.of(key) = value);
    }

    /// Where the key is, or would be.
    #[inline]
    fn place(&self, key: u32) -> usize {
        let key = key.min(FREE - 1);
        let mut at = (key.wrapping_mul(0x9E37_79B1) >> self.shift) as usize;
        while self.slots[at].0 != key && self.slots[at].0 != FREE {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_what_a_map_holds(pairs in proptest::collection::vec((prop_oneof![0..40_u32, any::<u32>()], 1..9_u32), 0..200)) {
            let (mut slots, mut map) = (Slots::with(0), BTreeMap::new());
            for &(key, value) in &pairs {
                let key = key.min(FREE - 1);
                *slots.of(key) += value;
                *map.entry(key).or_insert(0) += value;
            }
            prop_assert!(map.iter().all(|(&key, &value)| slots.get(key) == Some(value)));
            prop_assert_eq!(slots.all().collect::<BTreeMap<_, _>>(), map);
            prop_assert_eq!(slots.get(41).is_some(), pairs.iter().any(|(key, _)| *key == 41));
        }
    }

    #[test]
    fn the_last_number_is_a_key_too() {
        let mut slots = Slots::with(2);
        *slots.of(u32::MAX) = 7;
        assert_eq!(slots.get(u32::MAX), Some(7));
    }
}
