//! One Jellyfish Merkle tree: applying a block's changes in one pass, and the walks that proofs need.
//!
//! A tree is a function of its leaves: a node stands where at least two leaves share a path, a leaf hangs at the shortest path that
//! it shares with no other. So it does not matter in which order, or in how many blocks, the leaves came.
use std::{sync::Arc, thread};

use crate::{
    Result,
    error::corrupt,
    node::{Hash, Node, Range, Slot, nibble},
};

/// How many changes make a second thread worth its start.
const PARALLEL: usize = 256;

/// Where tree nodes are read.
pub(crate) trait Nodes: Sync {
    /// The node that `version` wrote at `path` (one byte for four bits) in the tree of `store`.
    fn node(&self, store: &str, version: u64, path: &[u8]) -> Result<Arc<Node>>;
}

/// A leaf to write, or, without a hash, to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeafChange {
    /// The hash of the key.
    pub(crate) key: Hash,
    /// The hash of the leaf.
    pub(crate) hash: Option<Hash>,
}

impl LeafChange {
    fn slot(self) -> Slot {
        self.hash.map_or(Slot::Empty, |hash| Slot::Leaf { key: self.key, hash })
    }
}

/// The nodes that a change of a tree adds and those that it leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    /// New nodes in the order of their paths; their version is the new height.
    pub(crate) fresh: Vec<(Vec<u8>, Arc<Node>)>,
    /// Nodes the new root no longer reaches, by version and path.
    pub(crate) stale: Vec<(u64, Vec<u8>)>,
}

impl Delta {
    fn absorb(&mut self, mut other: Self) {
        self.fresh.append(&mut other.fresh);
        self.stale.append(&mut other.stale);
    }
}

/// The tree of one store.
pub(crate) struct Tree<'a, N> {
    nodes: &'a N,
    store: &'a str,
}

impl<'a, N: Nodes> Tree<'a, N> {
    pub(crate) fn new(nodes: &'a N, store: &'a str) -> Self {
        Self { nodes, store }
    }

    /// The root after `changes` (sorted by key, each key once), written by height `version` on up to `threads` threads.
    pub(crate) fn apply(&self, root: Slot, changes: &[LeafChange], version: u64, threads: usize) -> Result<(Slot, Delta)> {
        let mut delta = Delta::default();
        let root = Pass { tree: self, version }.update(&mut Vec::new(), root, changes, &mut delta, threads)?;
        delta.fresh.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok((root, delta))
    }

    /// Where the search for `key` ends (its leaf, another leaf that stands alone on the way, or nothing), and the hashes passed by,
    /// topmost first: the n-th belongs to the n-th bit of the key hash.
    pub(crate) fn path(&self, root: Slot, key: &Hash) -> Result<(Slot, Vec<Hash>)> {
        let mut siblings = Vec::new();
        let mut path = Vec::new();
        let mut slot = root;
        while let Slot::Inner { version, .. } = slot {
            let next = nibble(key, path.len());
            slot = self.nodes.node(self.store, version, &path)?.descend(next, &mut siblings);
            path.push(next);
        }
        Ok((slot, siblings))
    }

    /// The nearest leaves before and after `key`, which has none of its own.
    pub(crate) fn neighbours(&self, root: Slot, key: &Hash) -> Result<(Option<Hash>, Option<Hash>)> {
        let mut passed = Vec::new();
        let mut path = Vec::new();
        let mut slot = root;
        while let Slot::Inner { version, .. } = slot {
            let next = nibble(key, path.len());
            let node = self.nodes.node(self.store, version, &path)?;
            slot = node.slot(next);
            passed.push((path.clone(), next, node));
            path.push(next);
        }
        let (mut before, mut after) = match slot {
            Slot::Leaf { key: found, .. } if found < *key => (Some(found), None),
            Slot::Leaf { key: found, .. } => (None, Some(found)),
            Slot::Empty | Slot::Inner { .. } => (None, None),
        };
        for (path, next, node) in passed.iter().rev() {
            if before.is_none() {
                before = self.outermost(path, node, (0..*next).rev(), true)?;
            }
            if after.is_none() {
                after = self.outermost(path, node, next.saturating_add(1)..16, false)?;
            }
        }
        Ok((before, after))
    }

    /// The last (or first) leaf below the first used slot among `nibbles`.
    fn outermost(&self, path: &[u8], node: &Node, mut nibbles: impl Iterator<Item = u8>, last: bool) -> Result<Option<Hash>> {
        let used = |node: &Node, n: &u8| node.slot(*n) != Slot::Empty;
        let Some(mut next) = nibbles.find(|n| used(node, n)) else { return Ok(None) };
        let mut slot = node.slot(next);
        let mut path = path.to_vec();
        loop {
            path.push(next);
            let version = match slot {
                Slot::Leaf { key, .. } => return Ok(Some(key)),
                Slot::Inner { version, .. } => version,
                Slot::Empty => return Err(corrupt("a tree node without children")),
            };
            let node = self.nodes.node(self.store, version, &path)?;
            let found = if last { (0..16).rev().find(|n| used(&node, n)) } else { (0..16).find(|n| used(&node, n)) };
            next = found.ok_or_else(|| corrupt("a tree node without children"))?;
            slot = node.slot(next);
        }
    }
}

/// One application of changes.
struct Pass<'t, 'a, N> {
    tree: &'t Tree<'a, N>,
    version: u64,
}

impl<N: Nodes> Pass<'_, '_, N> {
    /// What hangs at `path` after `changes`, all of which lie below it.
    fn update(&self, path: &mut Vec<u8>, slot: Slot, changes: &[LeafChange], delta: &mut Delta, threads: usize) -> Result<Slot> {
        match (slot, changes) {
            (slot, []) => Ok(slot),
            (Slot::Empty, [only]) => Ok(only.slot()),
            (Slot::Empty, _) => {
                let mut node = Node::default();
                self.fill(path, &mut node.slots, 0, changes, delta, threads)?;
                Ok(self.settle(path, node, delta))
            }
            (Slot::Leaf { key, hash }, _) => match changes.binary_search_by_key(&key, |c| c.key) {
                Ok(_) => self.update(path, Slot::Empty, changes, delta, threads),
                Err(at) => {
                    let (before, after) = changes.split_at(at);
                    let merged = [before, &[LeafChange { key, hash: Some(hash) }], after].concat();
                    self.update(path, Slot::Empty, &merged, delta, threads)
                }
            },
            (Slot::Inner { version, .. }, _) => {
                let old = self.tree.nodes.node(self.tree.store, version, path)?;
                let mut node = Node::clone(&old);
                self.fill(path, &mut node.slots, 0, changes, delta, threads)?;
                if node == *old {
                    return Ok(slot);
                }
                delta.stale.push((version, path.clone()));
                Ok(self.settle(path, node, delta))
            }
        }
    }

    /// Updates the slots of the node at `path` from nibble `first` on, in two threads where that pays.
    fn fill(
        &self,
        path: &mut Vec<u8>,
        slots: &mut [Slot],
        first: u8,
        changes: &[LeafChange],
        delta: &mut Delta,
        threads: usize,
    ) -> Result<()> {
        let depth = path.len();
        if threads > 1 && slots.len() > 1 && changes.len() >= PARALLEL {
            let half = slots.len() / 2;
            let middle = first.saturating_add(u8::try_from(half).unwrap_or_default());
            let (left, right) = slots.split_at_mut(half);
            let (low, high) = changes.split_at(changes.partition_point(|c| nibble(&c.key, depth) < middle));
            let mut low_path = path.clone();
            return thread::scope(|scope| {
                let other = scope.spawn(move || {
                    let mut delta = Delta::default();
                    self.fill(&mut low_path, left, first, low, &mut delta, threads / 2).map(|()| delta)
                });
                self.fill(path, right, middle, high, delta, threads / 2)?;
                delta.absorb(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
                Ok(())
            });
        }
        for group in changes.chunk_by(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)) {
            let Some(n) = group.first().map(|c| nibble(&c.key, depth)) else { continue };
            let Some(slot) = slots.get_mut(usize::from(n.saturating_sub(first))) else { continue };
            path.push(n);
            *slot = self.update(path, *slot, group, delta, threads)?;
            path.pop();
        }
        Ok(())
    }

    /// Writes the node if it still has two leaves, else hands its only leaf, or nothing, to the node above.
    fn settle(&self, path: &[u8], node: Node, delta: &mut Delta) -> Slot {
        match node.settled() {
            Range::Empty => Slot::Empty,
            Range::One(leaf) => leaf,
            Range::Many => {
                let hash = node.hash();
                delta.fresh.push((path.to_vec(), Arc::new(node)));
                Slot::Inner { version: self.version, hash }
            }
        }
    }
}
