//! Going back one height, for the operator whose node followed a fork or a faulty build.
use std::sync::Arc;

use crate::{
    Error, Result, StateStore, Version,
    disk::{Batch, Column},
    error::corrupt,
    journal::{ChangedKey, Chunk},
    keys,
    meta::{self, Head},
    node::sha256,
};

impl StateStore {
    /// Makes the state before the last block the newest one again, in one atomic batch. Consensus must be rolled back likewise.
    ///
    /// # Errors
    /// [`Error::Empty`] before genesis, [`Error::NoRollback`] if only genesis or only one height is kept.
    pub fn rollback_one(&self) -> Result<Version> {
        let _writer = self.writer();
        let state = self.state()?;
        let head = &state.0;
        let height = head.height;
        let before = height.checked_sub(1).filter(|h| head.has_blocks() && *h >= head.oldest).ok_or(Error::NoRollback(height))?;
        let row =
            self.disk.get(Column::Meta, &keys::roots(before))?.ok_or_else(|| corrupt(format!("no store roots at height {before}")))?;
        let roots = meta::decode_roots(&row)?;
        let head = Head { height: before, app_hash: meta::app_hash(&roots), ..head.clone() };

        let mut batch = self.disk.batch();
        self.restore_values(&mut batch, height)?;
        let next = height.saturating_add(1).to_be_bytes();
        batch.delete_range(Column::Nodes, &height.to_be_bytes(), &next)?;
        batch.delete_range(Column::Journal, &height.to_be_bytes(), &next)?;
        batch.delete(Column::Meta, &keys::roots(height))?;
        batch.put(Column::Meta, keys::HEAD, &head.encode()?)?;
        batch.commit()?;

        self.cache.clear();
        let version = head.version();
        self.set_committed(Some(Arc::new((head, roots))));
        Ok(version)
    }

    /// Puts back the values that `height` changed.
    fn restore_values(&self, batch: &mut Batch, height: u64) -> Result<()> {
        for row in self.disk.scan(Column::Journal, &keys::journal(height, 0), &keys::journal(height.saturating_add(1), 0))? {
            let (_, bytes) = row?;
            let Chunk::Keys(changed) = Chunk::decode(&bytes)? else { continue };
            for ChangedKey { key, had, .. } in changed {
                let row = keys::history(&key, height);
                if had {
                    let old = self.disk.get(Column::History, &row)?.ok_or_else(|| corrupt("a superseded value is missing"))?;
                    batch.put(Column::Flat, &key, &old)?;
                    batch.delete(Column::History, &row)?;
                } else {
                    batch.delete(Column::Flat, &key)?;
                    if !self.known_before(&key)? {
                        let (store, inner) = keys::split(&key)?;
                        batch.delete(Column::Preimages, &keys::preimage(store, &sha256(inner)))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether an older height still knows a key that the last block created.
    fn known_before(&self, key: &[u8]) -> Result<bool> {
        Ok(self.disk.scan(Column::History, &keys::history_start(key), &keys::history_end(key))?.next().transpose()?.is_some())
    }
}
