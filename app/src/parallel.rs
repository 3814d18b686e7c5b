//! Work on many items at a time, for what no state depends on: the order of the answers is that of the items.
use std::{panic::resume_unwind, thread};

/// Fewer items than this are not worth a thread.
const PER_THREAD: usize = 16;
/// Threads at the most.
const MAX_THREADS: usize = 16;

/// What `f` makes of consecutive parts of `items`, one after the other. A part is the work of one thread.
pub(crate) fn map_parts<T: Sync, R: Send>(items: &[T], f: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let part = items.len().div_ceil(threads).max(PER_THREAD);
    if items.len() <= part {
        return f(items);
    }
    thread::scope(|scope| {
        let running: Vec<_> = items.chunks(part).map(|part| scope.spawn(|| f(part))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        for n in [0_usize, 1, 15, 16, 17, 33, 1_000] {
            let items: Vec<_> = (0..n).collect();
            assert_eq!(map_parts(&items, |part| part.to_vec()), items);
        }
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let items: Vec<_> = (0..200).collect();
        let outcome = std::panic::catch_unwind(|| map_parts(&items, |part| part.iter().map(|n| assert_ne!(*n, 150)).collect()));
        assert!(outcome.is_err());
    }
}
