//! The threads that people's reads run on.

use super::{StoreError, lost};
use std::num::NonZero;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Few threads, whatever the number of people: with many, each finds its own memory gone from the caches when its turn
/// comes again (measured on two processors: a fifth fewer pages a second with sixteen threads than with four).
#[derive(Clone)]
pub(in crate::store) struct Reading(Arc<Threads>);

/// Taken out when it is dropped.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    /// The last handle may go where nobody may wait for a thread.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Reading {
    pub fn start() -> Result<Reading, StoreError> {
        let at_once = 2 * std::thread::available_parallelism().map_or(2, NonZero::get);
        let runtime = Builder::new_current_thread().max_blocking_threads(at_once).thread_name("reader").build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Reading(Arc::new(Threads(Some(runtime)))))
    }

    pub async fn run<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(runtime) = &self.0.0 else { return Err(lost().into()) };
        runtime.spawn_blocking(work).await.unwrap_or_else(|_| Err(lost().into()))
    }
}
