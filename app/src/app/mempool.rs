//! CheckTx: whether a transaction may wait in the mempool.
use bytes::Bytes;
use cairn_kernel::{Ctx, Gas, Overlay, Writes};
use cairn_store::Version;

use super::{App, Fault, Inner, Outcome, committed::Committed, run::contained};
use crate::ante::Mode;

/// What the waiting transactions would have written: fees and sequences over the committed state, so that an account may
/// send several at a time.
#[derive(Default)]
pub(super) struct Mempool {
    base: Option<Version>,
    writes: Writes,
}

impl App {
    /// Checks form, limits, fee and signatures of `tx`, on top of what was checked since the last commit. Messages are not run.
    ///
    /// # Errors
    /// [`Fault`], before genesis or if the state cannot be read.
    pub fn check_tx(&self, tx: &Bytes) -> Result<Outcome, Fault> {
        self.0.check_tx(tx)
    }
}

impl Inner {
    fn check_tx(&self, bytes: &Bytes) -> Result<Outcome, Fault> {
        let tip = self.need_tip()?;
        let tx = match self.decode(bytes, tip.limits.gas) {
            Ok(tx) => tx,
            Err(refused) => return Ok(refused),
        };
        let mut pool = self.mempool.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let base = Committed::new(self.store.view()?);
        let version = base.view().version()?;
        if pool.base != version {
            *pool = Mempool { base: version, writes: Writes::new() };
        }
        let (block, gas) = (tip.next(), Gas::new(tx.gas_limit()));
        // After a panic beyond `contained` the pool is empty, which only costs some refusals until the next block.
        let mut overlay = Overlay::with(&base, std::mem::take(&mut pool.writes));
        let result = {
            let mut ctx = Ctx::new(&mut overlay, &block, &gas, &self.router);
            contained(|| ctx.metered(&gas, |ctx| self.ante(Mode::Check).run(ctx, &tx)))
        };
        pool.writes = overlay.into_writes();
        base.check()?;
        let result = result.map(|()| vec![]);
        Ok(Outcome { result, gas_wanted: tx.gas_limit(), gas_used: gas.used(), events: vec![] })
    }
}
