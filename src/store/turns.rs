//! Whose turn it is: transactions and long reads of the background come one after the other, each begun when nobody at a screen waits.
//! Else people would wait behind them for SQLite's one writer, and share the processors with them on either database.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long people pass a waiting background transaction, so that it is never starved.
const PASSED_OVER: Duration = Duration::from_millis(20);
const LOOKS_AGAIN: Duration = Duration::from_micros(300);
/// Between two requests of people who are at work: those who were just answered will ask again.
const STAYS_IN_DEMAND: Duration = Duration::from_millis(100);
/// What moments are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

#[derive(Default)]
pub(in crate::store) struct Turns {
    /// Transactions and reads of people that run or wait.
    people: AtomicUsize,
    /// When the last of them ended, in milliseconds; 0 before the first.
    answered_at: AtomicU64,
    background: Mutex<()>,
}

/// Somebody's transaction or read, until it is dropped.
pub(in crate::store) struct Foreground<'a>(&'a Turns);

impl Drop for Foreground<'_> {
    fn drop(&mut self) {
        self.0.answered_at.store(now(), Ordering::Relaxed);
        self.0.people.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Never 0.
fn now() -> u64 {
    START.elapsed().as_millis() as u64 + 1
}

impl Turns {
    pub fn foreground(&self) -> Foreground<'_> {
        self.people.fetch_add(1, Ordering::Relaxed);
        Foreground(self)
    }

    /// Whether people's transactions or reads run or wait, or did a moment ago.
    pub fn are_in_demand(&self) -> bool {
        let answered_at = self.answered_at.load(Ordering::Relaxed);
        self.are_taken() || (answered_at > 0 && now() < answered_at + STAYS_IN_DEMAND.as_millis() as u64)
    }

    fn are_taken(&self) -> bool {
        self.people.load(Ordering::Relaxed) > 0
    }

    /// Waits for the turn of a background transaction or read, which lasts until the answer is dropped.
    pub fn background(&self) -> MutexGuard<'_, ()> {
        // A transaction that panicked left nothing behind.
        let turn = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        self.give_way();
        turn
    }

    /// Waits until nobody is at work, but not for ever: before a background transaction, or in the middle of a long one.
    pub fn give_way(&self) {
        let begun = Instant::now();
        while self.are_taken() && begun.elapsed() < PASSED_OVER {
            std::thread::sleep(LOOKS_AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DatabaseUrl, Store, StoreError};
    use std::sync::mpsc::channel;

    #[test]
    fn the_background_waits_for_people_but_not_for_ever_and_for_its_own_kind() {
        let turns = Turns::default();
        let somebody = turns.foreground();
        let begun = Instant::now();
        let first = turns.background();
        assert!(begun.elapsed() >= PASSED_OVER, "somebody was at work");
        drop(somebody);
        std::thread::scope(|scope| {
            let (sender, second) = channel();
            let turns = &turns;
            scope.spawn(move || {
                let _turn = turns.background();
                sender.send(()).unwrap();
            });
            assert!(second.recv_timeout(Duration::from_millis(50)).is_err(), "the first is not over");
            drop(first);
            second.recv_timeout(Duration::from_secs(10)).unwrap();
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_writes_or_reads_behind_waits_for_a_reader_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("t.sqlite"))).unwrap();
        let (open, gate) = channel::<()>();
        let reading = tokio::spawn({
            let store = store.clone();
            async move {
                store
                    .read(move |_| {
                        gate.recv().unwrap();
                        Ok::<_, StoreError>(())
                    })
                    .await
            }
        });
        while !store.is_in_use() {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        store.write_behind(|_| Ok::<_, StoreError>(())).await.unwrap();
        assert!(begun.elapsed() >= PASSED_OVER, "somebody reads");
        store.read_behind(|_| Ok::<_, StoreError>(())).await.unwrap();
        assert!(begun.elapsed() >= 2 * PASSED_OVER, "somebody still reads");
        let begun = Instant::now();
        open.send(()).unwrap();
        reading.await.unwrap().unwrap();
        while store.is_in_use() {
            tokio::time::sleep(LOOKS_AGAIN).await;
        }
        let rounded = Duration::from_millis(1);
        assert!(begun.elapsed() + rounded >= STAYS_IN_DEMAND, "who was just answered will ask again");
        let looked = store.read_aside({
            let store = store.clone();
            move |_| Ok::<_, StoreError>(store.is_in_use())
        });
        assert!(!looked.await.unwrap(), "a look is nobody's");
    }
}
