//! Which earlier tickets share a ticket's heaviest terms, in bounded time.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

/// A ticket is found by this many of its terms, the heaviest.
pub const KEYS: usize = 24;
/// Tickets remembered of one term, the latest: what is said every day finds nothing by being said.
const REMEMBERED: usize = 128;

/// By term: the latest tickets that have it among their heaviest. Depends on the tickets and their order alone, not on
/// where they were placed.
#[derive(Debug, Clone, Default)]
pub struct Postings(Vec<Vec<u32>>);

impl Postings {
    pub fn of(lists: Vec<Vec<u32>>) -> Postings {
        Postings(lists)
    }

    pub fn lists(&self) -> &[Vec<u32>] {
        &self.0
    }

    pub fn add(&mut self, ticket: u32, keys: &[(u32, u32)]) {
        for &(term, _) in keys {
            if self.0.len() <= term as usize {
                self.0.resize_with(term as usize + 1, Vec::new);
            }
            let posting = &mut self.0[term as usize];
            if posting.len() == 2 * REMEMBERED {
                posting.drain(..REMEMBERED);
            }
            if posting.len() == posting.capacity() {
                posting.reserve_exact(posting.len() / 2 + 1);
            }
            posting.push(ticket);
        }
    }

    /// The `n` tickets that share most with the keys, most first, the later first of equals.
    pub fn nearest(&self, keys: &[(u32, u32)], n: usize) -> Vec<u32> {
        thread_local! {
            static SHARED: RefCell<FxHashMap<u32, u32>> = RefCell::default();
        }
        SHARED.with_borrow_mut(|shared| {
            shared.clear();
            for &(term, weight) in keys {
                let posting = self.0.get(term as usize).map_or(&[][..], Vec::as_slice);
                for &ticket in &posting[posting.len().saturating_sub(REMEMBERED)..] {
                    *shared.entry(ticket).or_default() += (weight * weight) >> 8;
                }
            }
            let mut found: Vec<(u32, u32)> = shared.iter().map(|(&ticket, &sum)| (sum, ticket)).collect();
            if found.len() > n {
                found.select_nth_unstable_by(n, |a, b| b.cmp(a));
                found.truncate(n);
            }
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.into_iter().map(|(_, ticket)| ticket).collect()
        })
    }
}

/// The heaviest terms of a vector.
pub fn keys(terms: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut keys = terms.to_vec();
    if keys.len() > KEYS {
        keys.select_nth_unstable_by(KEYS, |a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        keys.truncate(KEYS);
    }
    keys
}
