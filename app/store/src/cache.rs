//! Decoded tree nodes in memory.
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{keys, node::Node};

/// A table with one place for each path of each store, several of which share a place: a new version of a node takes the place of the old one,
/// and the memory is bounded by the number of places. An entry cannot be out of date, since it is found by its row, which names the height that
/// wrote it; only where a height is written anew must the table be cleared.
pub(crate) struct NodeCache {
    places: Vec<Place>,
}

type Place = Mutex<Option<(Vec<u8>, Arc<Node>)>>;

impl NodeCache {
    /// A cache of at most `nodes` nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        Self { places: std::iter::repeat_with(Place::default).take(nodes).collect() }
    }

    /// The node that `version` wrote at `path` in the tree of `store`.
    pub(crate) fn get(&self, version: u64, store: &str, path: &[u8]) -> Option<Arc<Node>> {
        let place = lock(self.place(store, path)?);
        let (row, node) = place.as_ref()?;
        (*row == keys::node(version, store, path)).then(|| node.clone())
    }

    pub(crate) fn insert(&self, version: u64, store: &str, path: &[u8], node: Arc<Node>) {
        if let Some(place) = self.place(store, path) {
            *lock(place) = Some((keys::node(version, store, path), node));
        }
    }

    pub(crate) fn clear(&self) {
        self.places.iter().for_each(|place| *lock(place) = None);
    }

    fn place(&self, store: &str, path: &[u8]) -> Option<&Place> {
        let mut hasher = DefaultHasher::new();
        (store, path).hash(&mut hasher);
        let count = u64::try_from(self.places.len()).ok()?;
        let at = hasher.finish().checked_rem(count)?;
        self.places.get(usize::try_from(at).ok()?)
    }
}

fn lock(place: &Place) -> MutexGuard<'_, Option<(Vec<u8>, Arc<Node>)>> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_by_version_store_and_path_until_another_takes_its_place() {
        let cache = NodeCache::new(1 << 16);
        cache.insert(1, "bank", &[1, 2], Arc::default());
        assert!(cache.get(1, "bank", &[1, 2]).is_some());
        assert!(cache.get(2, "bank", &[1, 2]).is_none());
        assert!(cache.get(1, "ban", &[1, 2]).is_none() && cache.get(1, "bank", &[1]).is_none());
        cache.insert(2, "bank", &[1, 2], Arc::default());
        assert!(cache.get(1, "bank", &[1, 2]).is_none() && cache.get(2, "bank", &[1, 2]).is_some());
        cache.clear();
        assert!(cache.get(2, "bank", &[1, 2]).is_none());
    }

    #[test]
    fn the_bound_holds() {
        let cache = NodeCache::new(8);
        (0..100u8).for_each(|n| cache.insert(1, "bank", &[n], Arc::default()));
        let held = (0..100u8).filter(|n| cache.get(1, "bank", &[*n]).is_some()).count();
        assert!((4..=8).contains(&held), "{held}");
        let none = NodeCache::new(0);
        none.insert(1, "bank", &[], Arc::default());
        assert!(none.get(1, "bank", &[]).is_none());
    }
}
