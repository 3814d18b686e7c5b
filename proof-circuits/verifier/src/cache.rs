//! Prepared keys of the circuits in use. A cache changes no verdict and no gas: what is not in it is prepared anew.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{KeyId, PreparedKey, VerifyingKey};

/// At most so many prepared keys, the least recently used dropped first.
pub struct KeyCache {
    capacity: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    clock: u64,
    keys: BTreeMap<KeyId, (u64, Arc<PreparedKey>)>,
}

impl KeyCache {
    /// A cache of `capacity` keys, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), held: Mutex::default() }
    }

    /// The prepared key of this name; `key` is asked for where the cache has it not.
    ///
    /// # Errors
    /// What `key` returns.
    pub fn get<E>(&self, id: &KeyId, key: impl FnOnce() -> Result<VerifyingKey, E>) -> Result<Arc<PreparedKey>, E> {
        if let Some(found) = self.used(id) {
            return Ok(found);
        }
        let made = Arc::new(PreparedKey::new(&key()?));
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.clock = held.clock.saturating_add(1);
        let now = held.clock;
        held.keys.insert(*id, (now, made.clone()));
        if held.keys.len() > self.capacity
            && let Some(oldest) = held.keys.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id)
        {
            held.keys.remove(&oldest);
        }
        Ok(made)
    }

    fn used(&self, id: &KeyId) -> Option<Arc<PreparedKey>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.clock = held.clock.saturating_add(1);
        let now = held.clock;
        let (used, key) = held.keys.get_mut(id)?;
        *used = now;
        Some(key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::keys;

    #[test]
    fn the_least_recently_used_leaves() {
        let cache = KeyCache::new(2);
        let key = VerifyingKey::new(&keys().1).expect("a key");
        let asked = |id: u8| {
            let mut missing = false;
            let load = || {
                missing = true;
                Ok::<_, ()>(key.clone())
            };
            cache.get(&[id; 32], load).expect("a key");
            missing
        };
        assert!(asked(1) && asked(2));
        assert!(!asked(1), "still there");
        assert!(asked(3), "new; 2 leaves");
        assert!(!asked(1) && asked(2));
        assert!(asked(3), "left for 2");
        assert_eq!(cache.get(&[9; 32], || Err("not registered")).err(), Some("not registered"));
    }
}
