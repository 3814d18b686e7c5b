//! Waiting for what a network does in its own time.
use std::{
    thread,
    time::{Duration, Instant},
};

/// Asks again and again, with `pause` milliseconds between, until `done` gives something.
///
/// # Panics
/// If it does not within `patience` seconds; with `what`.
pub fn until<T>(what: &str, patience: u64, pause: u64, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(patience), "never came: {what}");
        thread::sleep(Duration::from_millis(pause));
    }
}
