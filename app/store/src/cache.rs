//! Decoded tree nodes in memory.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::node::Node;

/// The nodes used last, by their row: a row is never written twice, so an entry cannot be out of date.
///
/// Two generations stand in for an order of use: what the older one still answers moves to the younger, and when that is full the older
/// is dropped.
pub(crate) struct NodeCache {
    /// Nodes a generation holds.
    size: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Vec<u8>, Arc<Node>>,
    old: HashMap<Vec<u8>, Arc<Node>>,
}

impl NodeCache {
    /// A cache of at most `nodes` nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        Self { size: nodes / 2, generations: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, row: &[u8]) -> Option<Arc<Node>> {
        let mut generations = self.lock();
        if let Some(node) = generations.young.get(row) {
            return Some(node.clone());
        }
        let (row, node) = generations.old.remove_entry(row)?;
        generations.insert(self.size, row, node.clone());
        Some(node)
    }

    pub(crate) fn insert(&self, row: Vec<u8>, node: Arc<Node>) {
        self.lock().insert(self.size, row, node);
    }

    pub(crate) fn remove(&self, row: &[u8]) {
        let mut generations = self.lock();
        generations.young.remove(row);
        generations.old.remove(row);
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Generations::default();
    }
}

impl Generations {
    fn insert(&mut self, size: usize, row: Vec<u8>, node: Arc<Node>) {
        if size == 0 {
            return;
        }
        if self.young.len() >= size {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(row, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_bound_holds() {
        let cache = NodeCache::new(8);
        for n in 0..100u8 {
            cache.insert(vec![n], Arc::default());
            assert!(cache.get(&[0]).is_some(), "{n}");
        }
        assert!(cache.get(&[1]).is_none());
        let held = (0..100u8).filter(|n| cache.get(&[*n]).is_some()).count();
        assert!((4..=8).contains(&held), "{held}");
        cache.remove(&[0]);
        assert!(cache.get(&[0]).is_none());
        cache.clear();
        assert!(cache.get(&[99]).is_none());
        NodeCache::new(0).insert(vec![1], Arc::default());
    }
}
