//! Whose turn it is on a busy machine: threads that nobody waits for step back behind those that serve people.

/// Nice levels below usual. The database's writer keeps its own: a thread that holds it must not be slow.
#[cfg(target_os = "linux")]
const STEPS: i32 = 10;

/// Lowers this thread's share of a busy processor. Linux alone counts it by thread; elsewhere nothing happens.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, STEPS) {
        tracing::debug!(%error, "a background thread keeps the usual priority");
    }
}
