//! Restoring: from verified chunks to a state that counts only once it has the trusted app hash.
use std::{collections::BTreeMap, sync::Arc, thread};

use super::{
    Snapshot,
    chunk::{forged, next, unpack},
};
use crate::{
    Error, Result, StateStore, Version,
    disk::{Batch, Column},
    genesis::wipe,
    keys,
    meta::{self, Head, Roots},
    node::{Hash, leaf_hash, sha256},
    tree::{LeafChange, Tree},
    value,
};

/// Leaves that are held before they go into the trees: with the nodes that they change, some 150 MB, whatever the size of the state.
const GROUP: usize = if cfg!(test) { 30 } else { 1 << 17 };

/// A restoration under way. Rows are written as chunks come and count from the last chunk on; dropping it leaves a store without state.
#[derive(Debug)]
pub struct Restore {
    snapshot: Snapshot,
    next: u32,
    /// The last key that came: the next one is above it.
    last: Vec<u8>,
    leaves: BTreeMap<String, Vec<LeafChange>>,
    held: usize,
    roots: Roots,
}

impl Restore {
    /// What is being restored.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// How many chunks were taken.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.next
    }
}

impl StateStore {
    /// Begins to restore `snapshot`. What an earlier attempt left is removed, and so is a state that itself was restored and has no block since:
    /// that is what a crash between the end of a restoration and consensus leaves.
    ///
    /// # Errors
    /// [`Error::HasBlocks`] if the store holds a state that blocks have made: it is not given up for another node's.
    pub fn begin_restore(&self, snapshot: Snapshot) -> Result<Restore> {
        let _writer = self.writer();
        if let Some(state) = self.committed().filter(|c| c.0.has_blocks() && c.0.oldest < c.0.height) {
            return Err(Error::HasBlocks(state.0.height));
        }
        wipe(&self.disk)?;
        self.cache.clear();
        self.set_committed(None);
        Ok(Restore { snapshot, next: 0, last: Vec::new(), leaves: BTreeMap::new(), held: 0, roots: Roots::new() })
    }

    /// Takes the next chunk; with the last one the state is compared with the app hash of the snapshot and becomes the newest. A chunk that was
    /// taken before is passed over.
    ///
    /// # Errors
    /// [`Error::Chunk`] if it is not what was announced (its sender's fault; another copy may be tried), [`Error::Forged`] if what was announced is
    /// no state with that app hash, [`Error::Order`] if one before it is missing, others if the disk refuses.
    pub fn restore_chunk(&self, restore: &mut Restore, index: u32, chunk: &[u8]) -> Result<Option<Version>> {
        let _writer = self.writer();
        if let Some(state) = self.committed() {
            return Err(Error::HasBlocks(state.0.height));
        }
        restore.snapshot.check(index, chunk)?;
        if index > restore.next {
            return Err(Error::Order { expected: restore.next, found: index });
        }
        if index < restore.next {
            return Ok(None);
        }
        let mut rows = self.disk.stream();
        restore.take(&unpack(chunk)?, &mut rows)?;
        rows.commit_unsynced()?;
        restore.next = restore.next.saturating_add(1);
        let last = restore.next == restore.snapshot.chunks();
        if last || restore.held >= GROUP {
            self.grow(restore)?;
        }
        if last { self.end_restore(restore).map(Some) } else { Ok(None) }
    }

    /// Puts the leaves that are held into the trees.
    fn grow(&self, restore: &mut Restore) -> Result<()> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
        let height = restore.snapshot.height;
        for (store, mut leaves) in std::mem::take(&mut restore.leaves) {
            leaves.sort_unstable_by_key(|leaf| leaf.key);
            let old = restore.roots.remove(&store).unwrap_or_default();
            let (root, delta) = Tree::new(self, &store).apply(old, &leaves, height, threads)?;
            restore.roots.insert(store.clone(), root);
            // A node that an earlier group wrote is written anew under the same row: one height writes all of them.
            let mut rows = self.disk.stream();
            for (path, node) in delta.fresh {
                rows.put(Column::Nodes, &keys::node(height, &store, &path), &node.encode())?;
                self.cache.insert(height, &store, &path, node);
            }
            rows.commit_unsynced()?;
        }
        restore.held = 0;
        Ok(())
    }

    /// Compares and adopts.
    fn end_restore(&self, restore: &mut Restore) -> Result<Version> {
        let roots = std::mem::take(&mut restore.roots);
        let (snapshot, app_hash) = (&restore.snapshot, meta::app_hash(&roots));
        if app_hash != snapshot.app_hash {
            return Err(forged("its entries give another app hash than the trusted one"));
        }
        let height = snapshot.height;
        // The store knows no block before this one.
        let head = Head { chain_id: snapshot.chain_id.clone(), initial_height: height, height, app_hash, oldest: height };
        let mut rows = self.disk.batch();
        rows.put(Column::Meta, &keys::roots(height), &meta::encode_roots(&roots)?)?;
        rows.put(Column::Meta, keys::HEAD, &head.encode()?)?;
        rows.commit()?;
        let version = head.version();
        self.set_committed(Some(Arc::new((head, roots))));
        Ok(version)
    }
}

impl Restore {
    /// Writes the entries of a chunk and holds their leaves.
    fn take(&mut self, mut payload: &[u8], rows: &mut Batch) -> Result<()> {
        while let Some((key, value)) = next(&mut payload)? {
            if key <= self.last.as_slice() {
                return Err(forged("the keys do not ascend"));
            }
            let (store, inner) = keys::split(key).map_err(|e| forged(e.to_string()))?;
            let key_hash: Hash = sha256(inner);
            rows.put(Column::Flat, key, &value::row(self.snapshot.height, value))?;
            rows.put(Column::Preimages, &keys::preimage(store, &key_hash), inner)?;
            let hash = leaf_hash(&key_hash, &sha256(&value::committed(value)));
            match self.leaves.get_mut(store) {
                Some(leaves) => leaves.push(LeafChange { key: key_hash, hash: Some(hash) }),
                None => drop(self.leaves.insert(store.to_owned(), vec![LeafChange { key: key_hash, hash: Some(hash) }])),
            }
            self.held = self.held.saturating_add(1);
            self.last.clear();
            self.last.extend(key);
        }
        Ok(())
    }
}
