//! Pruning: each commit forgets a bounded part of what is no longer kept.
use std::sync::Arc;

use crate::{
    Result, StateStore,
    disk::{Batch, Column},
    journal::{ChangedKey, Chunk},
    keys,
    meta::Head,
    node::sha256,
};

/// Rows that even an empty block may remove.
const LEAST: usize = 4096;
/// Heights that one commit may forget.
const HEIGHTS: u64 = 256;

impl StateStore {
    /// Adds to the batch of the height `head` the removal of what only pruned heights needed, and raises `head.oldest` accordingly. The work is
    /// bounded by twice the `rows` that the commit writes, times the interval: enough to catch up, and in proportion to the blocks since.
    pub(crate) fn prune(&self, batch: &mut Batch, head: &mut Head, rows: usize) -> Result<()> {
        let Some(kept) = self.kept else { return Ok(()) };
        if head.height.checked_rem(kept.interval) != Some(0) {
            return Ok(());
        }
        let times = usize::try_from(kept.interval).unwrap_or(usize::MAX);
        let budget = rows.saturating_mul(2).saturating_add(LEAST).saturating_mul(times);
        self.prune_step(batch, head, HEIGHTS.max(kept.interval.saturating_mul(2)), budget)
    }

    /// Forgets at once all that the pruning setting does not keep, in steps of bounded size, and gives its space back. For a node that is not
    /// running. Returns the oldest height that stays.
    ///
    /// # Errors
    /// [`crate::Error::Empty`] before genesis, [`crate::Error::Database`] if the disk refuses.
    pub fn prune_all(&self) -> Result<u64> {
        let _writer = self.writer();
        loop {
            let state = self.state()?;
            let mut head = state.0.clone();
            let mut batch = self.disk.batch();
            self.prune_step(&mut batch, &mut head, HEIGHTS, LEAST)?;
            if batch.is_empty() {
                break;
            }
            batch.put(Column::Meta, keys::HEAD, &head.encode()?)?;
            batch.commit()?;
            self.set_committed(Some(Arc::new((head, state.1.clone()))));
        }
        self.disk.compact()?;
        Ok(self.state()?.0.oldest)
    }

    fn prune_step(&self, batch: &mut Batch, head: &mut Head, heights: u64, budget: usize) -> Result<()> {
        let Some(kept) = self.kept else { return Ok(()) };
        let from = head.oldest;
        let wanted = head.height.saturating_sub(kept.recent.saturating_sub(1));
        let target = wanted.min(from.saturating_add(heights));
        if target <= from {
            return Ok(());
        }
        head.oldest = self.prune_journal(batch, from, target, budget)?;
        for height in from..head.oldest {
            batch.delete(Column::Meta, &keys::roots(height))?;
        }
        Ok(())
    }

    /// Removes what the heights up to `target` superseded, within `budget`, and returns the oldest height that stays whole. The journal of a
    /// height lists what only earlier heights need; rows of it that are left over are the next to be taken.
    fn prune_journal(&self, batch: &mut Batch, from: u64, target: u64, budget: usize) -> Result<u64> {
        let mut oldest = from;
        let mut done = 0usize;
        for row in self.disk.scan(Column::Journal, &keys::journal(from, 0), &keys::journal(target.saturating_add(1), 0))? {
            if done >= budget {
                return Ok(oldest);
            }
            let (row, bytes) = row?;
            let height = keys::parse_journal(&row)?;
            oldest = height;
            let chunk = Chunk::decode(&bytes)?;
            done = done.saturating_add(chunk.len());
            self.forget(batch, height, &chunk)?;
            batch.delete(Column::Journal, &row)?;
        }
        Ok(target)
    }

    fn forget(&self, batch: &mut Batch, height: u64, chunk: &Chunk) -> Result<()> {
        match chunk {
            Chunk::Nodes(store, nodes) => {
                for (version, path) in nodes {
                    batch.delete(Column::Nodes, &keys::node(*version, store, path))?;
                }
            }
            Chunk::Keys(changed) => {
                for ChangedKey { key, has, .. } in changed.iter().filter(|c| c.had) {
                    batch.delete(Column::History, &keys::history(key, height))?;
                    if !has && !self.known_after(key, height)? {
                        let (store, inner) = keys::split(key)?;
                        batch.delete(Column::Preimages, &keys::preimage(store, &sha256(inner)))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a key deleted at `height` has come back since.
    pub(crate) fn known_after(&self, key: &[u8], height: u64) -> Result<bool> {
        if self.disk.get(Column::Flat, key)?.is_some() {
            return Ok(true);
        }
        let later = keys::history(key, height.saturating_add(1));
        Ok(self.disk.scan(Column::History, &later, &keys::history_end(key))?.next().transpose()?.is_some())
    }
}
