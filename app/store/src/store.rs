//! The open store: what is committed, and who may change it.
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use rocksdb::checkpoint::Checkpoint;

use crate::{
    Error, Options, Result, Version,
    cache::NodeCache,
    disk::Disk,
    meta::{self, Head, Roots},
    options::Kept,
    wal,
};

/// What is committed: nothing before genesis.
pub(crate) type Committed = Option<Arc<(Head, Roots)>>;

/// The state of a node in a folder. Share it by `Arc`: every method takes `&self`.
pub struct StateStore {
    pub(crate) disk: Disk,
    pub(crate) cache: NodeCache,
    /// Which heights stay, or `None` for all.
    pub(crate) kept: Option<Kept>,
    committed: RwLock<Committed>,
    writer: Mutex<()>,
}

impl StateStore {
    /// Opens the store in the folder `path`, or makes it.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it, [`Error::Schema`] if it was written with another layout, [`Error::Corrupt`],
    /// [`Error::Database`] or [`Error::Io`] if it is damaged, [`Error::KeepRecent`] or [`Error::Interval`] if the pruning setting cannot be.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let kept = options.pruning.kept()?;
        wal::mend(path.as_ref())?;
        let disk = Disk::open(path.as_ref(), &options)?;
        meta::check_schema(&disk)?;
        let committed = meta::load(&disk)?.map(Arc::new);
        Ok(Self { disk, cache: NodeCache::new(options.node_cache), kept, committed: RwLock::new(committed), writer: Mutex::new(()) })
    }

    /// The last committed block: what `Info` reports. None before the first block, whether or not genesis is written, so that consensus asks
    /// for genesis again.
    #[must_use]
    pub fn latest(&self) -> Option<Version> {
        self.committed().filter(|c| c.0.has_blocks()).map(|c| c.0.version())
    }

    /// The state that the next block builds on: the last block's, or genesis.
    #[must_use]
    pub fn base(&self) -> Option<Version> {
        self.committed().map(|c| c.0.version())
    }

    /// The oldest height that still answers.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.committed().map(|c| c.0.oldest)
    }

    /// The chain that genesis named.
    #[must_use]
    pub fn chain_id(&self) -> Option<String> {
        self.committed().map(|c| c.0.chain_id.clone())
    }

    /// Writes a copy that can be opened by itself into the folder `path`, which must not exist; other calls go on meanwhile. Files that do not
    /// change any more are linked, so the copy is quick and small on the same file system.
    ///
    /// # Errors
    /// [`Error::Database`] if the folder exists or cannot be written.
    pub fn checkpoint(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(Checkpoint::new(self.disk.db())?.create_checkpoint(path)?)
    }

    pub(crate) fn committed(&self) -> Committed {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is committed, where there must be something.
    pub(crate) fn state(&self) -> Result<Arc<(Head, Roots)>> {
        self.committed().ok_or(Error::Empty)
    }

    pub(crate) fn set_committed(&self, committed: Committed) {
        *self.committed.write().unwrap_or_else(PoisonError::into_inner) = committed;
    }

    /// One writer at a time.
    pub(crate) fn writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
