//! Which earlier tickets share a ticket's heaviest terms, in bounded time.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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

    /// Room for terms with numbers below this.
    pub fn make_room(&mut self, terms: usize) {
        self.0.reserve(terms.saturating_sub(self.0.len()));
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
            static SHARED: RefCell<Shared> = RefCell::default();
        }
        let having = |term: u32| {
            let posting = self.0.get(term as usize).map_or(&[][..], Vec::as_slice);
            &posting[posting.len().saturating_sub(latest)..]
        };
        SHARED.with_borrow_mut(|shared| {
            for &(term, weight) in keys {
                shared.add(having(term), ((weight * weight) >> 8).max(1));
            }
            let mut most = BinaryHeap::with_capacity(n + 1);
            shared.take(|ticket, sum| {
                let found = Reverse((sum, ticket));
                if most.len() < n {
                    most.push(found);
                } else if let Some(mut least) = most.peek_mut()
                    && *least > found
                {
                    *least = found;
                }
            });
            most.into_sorted_vec().into_iter().map(|Reverse((_, ticket))| ticket).collect()
        })
    }
}

/// What each ticket shares with one that is asked about.
#[derive(Default)]
struct Shared {
    /// By ticket; all zero between two questions.
    sums: Vec<u32>,
    /// The tickets that share something; what lies beyond `count` means nothing.
    tickets: Vec<u32>,
    count: usize,
}

impl Shared {
    /// Adds to the sums of these; `part` is not zero.
    fn add(&mut self, tickets: &[u32], part: u32) {
        let most = tickets.iter().max().map_or(0, |&last| last as usize + 1);
        if most > self.sums.len() {
            self.sums.resize(most.next_power_of_two(), 0);
        }
        if self.count + tickets.len() > self.tickets.len() {
            self.tickets.resize(self.count + tickets.len(), 0);
        }
        // Without a branch, as none could be foreseen: a ticket already there is written over.
        for &ticket in tickets {
            let sum = &mut self.sums[ticket as usize];
            self.tickets[self.count] = ticket;
            self.count += usize::from(*sum == 0);
            *sum += part;
        }
    }

    /// Tells every ticket with its sum, and is empty then.
    fn take(&mut self, mut tell: impl FnMut(u32, u32)) {
        for &ticket in &self.tickets[..std::mem::take(&mut self.count)] {
            tell(ticket, std::mem::take(&mut self.sums[ticket as usize]));
        }
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
