//! Whose turn it is: transactions and long reads of the background come one after the other, each begun when nobody at a screen waits.
//! Else people would wait behind them for SQLite's one writer, and share the processors with them on either database.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long people pass a waiting background transaction, so that it is never starved.
const PASSED_OVER: Duration = Duration::from_millis(10);
const LOOKS_AGAIN: Duration = Duration::from_micros(300);

#[derive(Default)]
pub(in crate::store) struct Turns {
    /// Transactions and reads of people that run or wait.
    people: AtomicUsize,
    background: Mutex<()>,
}

/// Somebody's transaction or read, until it is dropped.
pub(in crate::store) struct Foreground<'a>(&'a AtomicUsize);

impl Drop for Foreground<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    pub fn foreground(&self) -> Foreground<'_> {
        self.people.fetch_add(1, Ordering::Relaxed);
        Foreground(&self.people)
    }

    /// Whether people's transactions or reads run or wait.
    pub fn are_taken(&self) -> bool {
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
        open.send(()).unwrap();
        reading.await.unwrap().unwrap();
        assert!(!store.is_in_use());
    }
}
