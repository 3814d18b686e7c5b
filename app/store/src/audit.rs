//! Checking the newest values against the app hash from scratch.
use std::{sync::Arc, thread};

use crate::{
    Error, Result, StateStore,
    disk::Column,
    error::corrupt,
    keys,
    meta::{self, Roots},
    node::{Node, Slot, leaf_hash, sha256},
    tree::{LeafChange, Nodes, Tree},
    value,
};

impl StateStore {
    /// Hashes all newest values anew and compares with the committed app hash: what a doctor, or a test after a crash, asks. Takes time and
    /// memory in proportion to the state, and blocks must not be committed meanwhile.
    ///
    /// # Errors
    /// [`Error::Audit`] if the values do not give the app hash, [`Error::Empty`] before genesis.
    pub fn audit(&self) -> Result<()> {
        let _writer = self.writer();
        let state = self.state()?;
        let (mut roots, mut from) = (Roots::new(), Vec::new());
        while let Some(row) = self.disk.scan(Column::Flat, &from, &[0xff; 16])?.next() {
            let (key, _) = row?;
            let (store, _) = keys::split(&key)?;
            roots.insert(store.to_owned(), self.recompute(store)?);
            (_, from) = keys::store_span(store);
        }
        // A root is compared by its hash: which height wrote a node is not part of the state.
        let found = meta::app_hash(&roots);
        if found == state.0.app_hash {
            return Ok(());
        }
        let hex = |hash: [u8; 32]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
        Err(Error::Audit { committed: hex(state.0.app_hash), found: hex(found) })
    }

    fn recompute(&self, store: &str) -> Result<Slot> {
        let (from, to) = keys::store_span(store);
        let mut leaves = Vec::new();
        for row in self.disk.scan(Column::Flat, &from, &to)? {
            let (key, row) = row?;
            let hash = sha256(keys::split(&key)?.1);
            let value = sha256(&value::committed(value::parse(&row)?.1));
            leaves.push(LeafChange { key: hash, hash: Some(leaf_hash(&hash, &value)) });
        }
        leaves.sort_unstable_by_key(|leaf| leaf.key);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
        Ok(Tree::new(&Nothing, store).apply(Slot::Empty, &leaves, 0, threads)?.0)
    }
}

/// A tree built from nothing reads no node.
struct Nothing;

impl Nodes for Nothing {
    fn node(&self, store: &str, _version: u64, _path: &[u8]) -> Result<Arc<Node>> {
        Err(corrupt(format!("a tree of {store} that is built anew asked for a node")))
    }
}
