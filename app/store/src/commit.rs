//! Committing: one atomic batch over all columns.
use std::sync::Arc;

use crate::{
    Error, Result, Staged, StateStore, Version,
    disk::{Batch, Column},
    journal::{CHUNK, ChangedKey, Chunk},
    keys,
    meta::{self, Head},
    stage::Change,
    value,
};

impl StateStore {
    /// Makes what was staged the newest state, in one batch that a crash leaves out or in as a whole, and forgets a bounded part of what the
    /// pruning setting no longer keeps. After an error the state is what it was; a node should stop all the same.
    ///
    /// # Errors
    /// [`Error::AlreadyCommitted`] if this very state is committed already, [`Error::Stale`] if the state has moved on since staging,
    /// [`Error::Database`] if the disk refuses.
    pub fn commit(&self, staged: Staged) -> Result<Version> {
        let _writer = self.writer();
        let state = self.state()?;
        let head = &state.0;
        if staged.base != Some(head.version()) {
            return Err(refusal(&staged, head));
        }
        let mut head = Head { height: staged.version.height, app_hash: staged.version.app_hash, ..head.clone() };
        let mut batch = self.disk.batch();
        // Deletions come first: where pruning forgets the preimage of a key that this block creates anew, the later write wins.
        self.prune(&mut batch, &mut head, staged.rows())?;
        write_rows(&mut batch, &staged)?;
        write_journal(&mut batch, &staged)?;
        write_head(&mut batch, &head, &staged)?;
        batch.commit()?;
        Ok(self.adopt(head, staged))
    }

    /// Takes what the disk now has into memory.
    pub(crate) fn adopt(&self, head: Head, staged: Staged) -> Version {
        for (store, delta) in staged.deltas {
            for (path, node) in delta.fresh {
                self.cache.insert(staged.version.height, &store, &path, node);
            }
        }
        self.set_committed(Some(Arc::new((head, staged.roots))));
        staged.version
    }
}

impl Staged {
    /// About how many rows the commit writes.
    fn rows(&self) -> usize {
        let nodes: usize = self.deltas.iter().map(|(_, delta)| delta.fresh.len()).sum();
        nodes.saturating_add(self.changes.len().saturating_mul(2))
    }
}

fn refusal(staged: &Staged, head: &Head) -> Error {
    if staged.version == head.version() {
        Error::AlreadyCommitted(head.height)
    } else {
        Error::Stale { height: staged.version.height, committed: head.height }
    }
}

/// Values, preimages and tree nodes.
pub(crate) fn write_rows(batch: &mut Batch, staged: &Staged) -> Result<()> {
    let height = staged.version.height;
    for change in &staged.changes {
        match &change.new {
            Some(new) => batch.put(Column::Flat, &change.key, &value::row(height, new))?,
            None => batch.delete(Column::Flat, &change.key)?,
        }
        match &change.old {
            Some(old) => batch.put(Column::History, &keys::history(&change.key, height), old)?,
            None => {
                let (store, inner) = change.split()?;
                batch.put(Column::Preimages, &keys::preimage(store, &change.key_hash), inner)?;
            }
        }
    }
    for (store, delta) in &staged.deltas {
        for (path, node) in &delta.fresh {
            batch.put(Column::Nodes, &keys::node(height, store, path), &node.encode())?;
        }
    }
    Ok(())
}

/// The height's newest-height row and store roots.
pub(crate) fn write_head(batch: &mut Batch, head: &Head, staged: &Staged) -> Result<()> {
    batch.put(Column::Meta, &keys::roots(head.height), &meta::encode_roots(&staged.roots)?)?;
    batch.put(Column::Meta, keys::HEAD, &head.encode()?)
}

/// What this height superseded.
fn write_journal(batch: &mut Batch, staged: &Staged) -> Result<()> {
    let changed = |c: &Change| ChangedKey { key: c.key.clone(), had: c.old.is_some(), has: c.new.is_some() };
    let key_chunks = staged.changes.chunks(CHUNK).map(|part| Chunk::Keys(part.iter().map(changed).collect()));
    let node_chunks =
        staged.deltas.iter().flat_map(|(store, delta)| delta.stale.chunks(CHUNK).map(|part| Chunk::Nodes(store.clone(), part.to_vec())));
    for (n, chunk) in (0u32..).zip(key_chunks.chain(node_chunks)) {
        batch.put(Column::Journal, &keys::journal(staged.version.height, n), &chunk.encode()?)?;
    }
    Ok(())
}
