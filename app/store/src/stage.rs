//! Staging: from a block's writes to its app hash, without touching the disk.
use std::{collections::BTreeMap, sync::Arc, thread};

use cairn_kernel::Writes;

use crate::{
    Error, Result, StateStore, Version,
    disk::Column,
    error::corrupt,
    keys,
    meta::{self, Roots},
    node::{Hash, Node, Slot, leaf_hash, sha256},
    tree::{Delta, LeafChange, Nodes, Tree},
    value,
};

/// Fewer writes than this are prepared by the calling thread alone.
const PARALLEL: usize = 256;

/// A height that is computed but not written. Dropping it leaves no trace.
pub struct Staged {
    /// What it was computed on; none for genesis.
    pub(crate) base: Option<Version>,
    pub(crate) version: Version,
    pub(crate) roots: Roots,
    pub(crate) changes: Vec<Change>,
    pub(crate) deltas: Vec<(String, Delta)>,
}

impl Staged {
    /// The height that [`StateStore::commit`] will make the newest.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.version.height
    }

    /// The app hash after this height.
    #[must_use]
    pub fn app_hash(&self) -> [u8; 32] {
        self.version.app_hash
    }
}

/// A key whose value really changes.
pub(crate) struct Change {
    pub(crate) key: Vec<u8>,
    /// Bytes of the store name at the front of `key`.
    name: usize,
    pub(crate) key_hash: Hash,
    leaf: Option<Hash>,
    /// The row that `flat` holds.
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) new: Option<Vec<u8>>,
}

impl Change {
    /// The store's name and the key inside the store.
    pub(crate) fn split(&self) -> Result<(&str, &[u8])> {
        let (name, rest) = self.key.split_at_checked(self.name).ok_or_else(|| corrupt("a staged key"))?;
        let name = std::str::from_utf8(name).map_err(|_| corrupt("a staged key"))?;
        Ok((name, rest.get(1..).unwrap_or_default()))
    }
}

impl StateStore {
    /// Computes what the state will be after `writes` at `height`, which is one above [`base`](Self::base). Writes that change nothing are
    /// left out, so the app hash says what the state is and not how it came about. The time it takes grows with the number of writes.
    ///
    /// # Errors
    /// [`Error::Empty`] before genesis, [`Error::Height`] for another height, [`Error::Key`] for a key without a store name.
    pub fn stage(&self, height: u64, writes: Writes) -> Result<Staged> {
        let state = self.state()?;
        let (head, roots) = (&state.0, &state.1);
        let expected = head.height.saturating_add(1);
        if height != expected {
            return Err(Error::Height { expected, found: height });
        }
        self.build(Some(head.version()), roots, height, writes)
    }

    /// Stages on `base`, or on nothing.
    pub(crate) fn build(&self, base: Option<Version>, roots: &Roots, height: u64, writes: Writes) -> Result<Staged> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
        let changes = self.prepare(writes, base.is_some(), threads)?;
        let mut leaves: BTreeMap<&str, Vec<LeafChange>> = BTreeMap::new();
        for change in &changes {
            leaves.entry(change.split()?.0).or_default().push(LeafChange { key: change.key_hash, hash: change.leaf });
        }
        let mut roots = roots.clone();
        let mut deltas = Vec::new();
        for (store, mut leaves) in leaves {
            leaves.sort_unstable_by_key(|leaf| leaf.key);
            let old = roots.remove(store).unwrap_or_default();
            let (root, delta) = Tree::new(self, store).apply(old, &leaves, height, threads)?;
            if root != Slot::Empty {
                roots.insert(store.to_owned(), root);
            }
            deltas.push((store.to_owned(), delta));
        }
        let app_hash = meta::app_hash(&roots);
        Ok(Staged { base, version: Version { height, app_hash }, roots, changes, deltas })
    }

    /// Hashes keys and values and finds what they replace, on several threads where that pays.
    fn prepare(&self, writes: Writes, has_old: bool, threads: usize) -> Result<Vec<Change>> {
        let mut writes: Vec<_> = writes.into_iter().collect();
        if writes.len() < PARALLEL || threads < 2 {
            return self.prepare_part(writes, has_old);
        }
        let size = writes.len().div_ceil(threads);
        let mut parts = Vec::with_capacity(threads);
        while !writes.is_empty() {
            let rest = writes.split_off(size.min(writes.len()));
            parts.push(std::mem::replace(&mut writes, rest));
        }
        thread::scope(|scope| {
            let running: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || self.prepare_part(part, has_old))).collect();
            let mut changes = Vec::new();
            for part in running {
                changes.append(&mut part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(changes)
        })
    }

    fn prepare_part(&self, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>, has_old: bool) -> Result<Vec<Change>> {
        let mut changes = Vec::with_capacity(writes.len());
        for (key, new) in writes {
            let (name, inner) = keys::split(&key)?;
            let old = if has_old { self.disk.get(Column::Flat, &key)?.map(|row| row.to_vec()) } else { None };
            let same = match (&old, &new) {
                (None, None) => true,
                (Some(old), Some(new)) => value::parse(old)?.1 == new,
                _ => false,
            };
            if same {
                continue;
            }
            let (name, key_hash) = (name.len(), sha256(inner));
            let leaf = new.as_ref().map(|new| leaf_hash(&key_hash, &sha256(&value::committed(new))));
            changes.push(Change { key, name, key_hash, leaf, old, new });
        }
        Ok(changes)
    }
}

impl Nodes for StateStore {
    fn node(&self, store: &str, version: u64, path: &[u8]) -> Result<Arc<Node>> {
        if let Some(node) = self.cache.get(version, store, path) {
            return Ok(node);
        }
        let row = self.disk.get(Column::Nodes, &keys::node(version, store, path))?;
        let node = Arc::new(Node::decode(&row.ok_or_else(|| corrupt(format!("no tree node of {store} at height {version}")))?)?);
        self.cache.insert(version, store, path, node.clone());
        Ok(node)
    }
}
