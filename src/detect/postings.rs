//! Which earlier tickets share a ticket's heaviest terms, in bounded time.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slots::Slots;

/// A ticket is found by this many of its terms, the heaviest.
pub const KEYS: usize = 24;
/// Tickets remembered of one term, the latest: what is said every day finds nothing by being said.
pub const REMEMBERED: usize = 128;

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

    /// The `n` tickets that share most with the keys, most first, the later first of equals; of one term the `latest`
    /// tickets are looked at.
    pub fn nearest(&self, keys: &[(u32, u32)], n: usize, latest: usize) -> Vec<u32> {
        thread_local! {
            static SHARED: RefCell<Slots> = RefCell::default();
        }
        SHARED.with_borrow_mut(|shared| {
            let having = |term: u32| {
                let posting = self.0.get(term as usize).map_or(&[][..], Vec::as_slice);
                &posting[posting.len().saturating_sub(latest)..]
            };
            shared.clear(2 * keys.iter().map(|&(term, _)| having(term).len()).sum::<usize>());
            for &(term, weight) in keys {
                let square = (weight * weight) >> 8;
                having(term).iter().for_each(|&ticket| *shared.of(ticket) += square);
            }
            let mut most = BinaryHeap::with_capacity(n + 1);
            for (ticket, sum) in shared.all() {
                let found = Reverse((sum, ticket));
                if most.len() < n {
                    most.push(found);
                } else if let Some(mut least) = most.peek_mut()
                    && *least > found
                {
                    *least = found;
                }
            }
            most.into_sorted_vec().into_iter().map(|Reverse((_, ticket))| ticket).collect()
        })
    }
}

/// The `n` heaviest terms of a vector.
pub fn keys(terms: &[(u32, u32)], n: usize) -> Vec<(u32, u32)> {
    // One word each, the heavier the greater, then the earlier.
    let mut words: Vec<u64> =
        terms.iter().map(|&(term, weight)| u64::from(weight) << u32::BITS | u64::from(!term)).collect();
    if words.len() > n {
        words.select_nth_unstable_by(n, |a, b| b.cmp(a));
        words.truncate(n);
    }
    words.into_iter().map(|word| (!(word as u32), (word >> u32::BITS) as u32)).collect()
}
