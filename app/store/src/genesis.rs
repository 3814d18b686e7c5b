//! Genesis: the state before the first block, written as often as consensus asks for it.
use std::sync::Arc;

use cairn_kernel::Writes;

use crate::{
    Error, Result, StateStore, Version,
    commit::{write_head, write_rows},
    disk::{Column, Disk},
    keys,
    meta::{Head, Roots},
};

/// Above every key of every column but `meta`.
const ABOVE: [u8; 16] = [0xff; 16];

impl StateStore {
    /// Makes `writes` the whole state before the block `initial_height` of `chain_id`, in place of an earlier genesis if there is one. The rows
    /// are written piece by piece and count from the last piece on; a crash before that leaves a store without genesis, whatever lies in it.
    ///
    /// # Errors
    /// [`Error::HasBlocks`] once a block is committed, [`Error::InitialHeight`] below 1, [`Error::Key`] for a key without a store name.
    pub fn reset_genesis(&self, chain_id: &str, initial_height: u64, writes: Writes) -> Result<Version> {
        let height = initial_height.checked_sub(1).ok_or(Error::InitialHeight)?;
        let _writer = self.writer();
        if let Some(block) = self.latest() {
            return Err(Error::HasBlocks(block.height));
        }
        let staged = self.build(None, &Roots::new(), height, writes)?;
        let app_hash = staged.app_hash();
        let head = Head { chain_id: chain_id.to_owned(), initial_height, height, app_hash, oldest: height };
        wipe(&self.disk)?;
        self.cache.clear();
        self.set_committed(None);
        let mut rows = self.disk.stream();
        write_rows(&mut rows, &staged)?;
        write_head(&mut rows, &head, &staged)?;
        rows.commit()?;
        self.set_committed(Some(Arc::new((head, staged.roots))));
        Ok(staged.version)
    }
}

/// Removes every row but the layout version. The newest-height row goes in the same batch, so that no state is ever there in part.
pub(crate) fn wipe(disk: &Disk) -> Result<()> {
    let mut batch = disk.batch();
    for column in Column::ALL.into_iter().filter(|c| *c != Column::Meta) {
        batch.delete_range(column, &[], &ABOVE)?;
    }
    batch.delete(Column::Meta, keys::HEAD)?;
    batch.delete_range(Column::Meta, &keys::roots(0), &keys::roots(u64::MAX))?;
    batch.commit()
}
