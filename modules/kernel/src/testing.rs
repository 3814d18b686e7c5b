//! A chain small enough for a unit test: no signatures, no disk, handlers called directly.
use crate::{BlockInfo, Ctx, Gas, MemStore, Result, Router};

/// A store in memory and a block at height 1.
pub struct Chain {
    store: MemStore,
    /// Routes and hooks; fill it with [`crate::Module::routes`].
    pub router: Router,
    /// The block that [`Chain::run`] shows to handlers.
    pub block: BlockInfo,
}

impl Default for Chain {
    fn default() -> Self {
        let block = BlockInfo { height: 1, time: 1_700_000_000, chain_id: "cairn-test-1".into(), ..BlockInfo::default() };
        Self { store: MemStore::default(), router: Router::default(), block }
    }
}

impl Chain {
    /// Runs `f` with plenty of gas; its writes stay.
    pub fn run<T>(&mut self, f: impl FnOnce(&mut Ctx) -> T) -> T {
        let gas = Gas::unlimited();
        f(&mut Ctx::new(&mut self.store, &self.block, &gas, &self.router))
    }
    /// Runs `f` as a transaction: its writes stay only if it succeeds.
    pub fn tx<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        self.run(|ctx| ctx.atomic(f))
    }
    /// The whole state, to compare two chains.
    #[must_use]
    pub fn store(&self) -> &MemStore {
        &self.store
    }
    /// Goes on to the next block, one second later.
    pub fn advance(&mut self) {
        self.block.height = self.block.height.saturating_add(1);
        self.block.time = self.block.time.saturating_add(1);
    }
}
