//! Answers that may be given again for a short time.
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Values by key, each for `time` from when it was put; never more than `most`.
pub(crate) struct Recent<K, V> {
    time: Duration,
    most: usize,
    known: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(crate) fn new(time: Duration, most: usize) -> Self {
        Self { time, most, known: Mutex::default() }
    }
    /// The value, if it was put recently.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(since, _)| since.elapsed() < self.time).map(|(_, value)| value.clone())
    }
    /// Remembers a value.
    pub(crate) fn put(&self, key: K, value: V) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most {
            known.retain(|_, (since, _)| since.elapsed() < self.time);
        }
        // Full of what is still good: better to ask again than to grow.
        if known.len() < self.most {
            known.insert(key, (Instant::now(), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn values_are_forgotten_in_time_and_never_pile_up() {
        let recent = Recent::new(Duration::from_secs(2), 2);
        recent.put(1, 'a');
        assert_eq!(recent.get(&1), Some('a'));
        tokio::time::advance(Duration::from_secs(1)).await;
        recent.put(2, 'b');
        recent.put(3, 'c');
        assert_eq!((recent.get(&2), recent.get(&3)), (Some('b'), None));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((recent.get(&1), recent.get(&2)), (None, Some('b')));
        recent.put(3, 'c');
        assert_eq!(recent.get(&3), Some('c'));
    }
}
