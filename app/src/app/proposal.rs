//! Proposals: what goes into this node's blocks, and which blocks of others it votes for. Neither leaves a trace in state.
use bytes::Bytes;
use cairn_kernel::{BlockInfo, Ctx, Gas, Overlay};

use super::{App, Block, Fault, Inner, Tip, committed::Committed, run::contained};
use crate::beacon;

/// Why a proposal is not voted for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Not the next block.
    #[error("expected block {expected}, found {found}")]
    Height {
        /// One above the last committed height.
        expected: u64,
        /// What was proposed.
        found: u64,
    },
    /// A transaction that no honest proposer would include.
    #[error("transaction {place}: {why}")]
    Tx {
        /// Its place in the block.
        place: usize,
        /// Why it cannot stand in a block.
        why: String,
    },
    /// More bytes than a block may hold.
    #[error("the transactions have {found} bytes, at most {limit} are allowed")]
    Bytes {
        /// The limit.
        limit: u64,
        /// Their size as CometBFT counts it.
        found: u64,
    },
    /// More gas than a block may hold.
    #[error("the gas limits add up to {found}, at most {limit} are allowed")]
    Gas {
        /// The limit.
        limit: u64,
        /// Their sum.
        found: u64,
    },
    /// The proposer's share in the beacon is missing or wrong.
    #[error("beacon: {0}")]
    Beacon(String),
}

impl App {
    /// The transactions of the block to propose: this validator's reveal, then those of `block` in their order as far as they fit
    /// into `max_bytes`, counted as CometBFT does, and into the block's gas.
    ///
    /// # Errors
    /// [`Fault`], if the block is not the next one or the state cannot be read.
    pub fn prepare_proposal(&self, block: &Block, max_bytes: u64) -> Result<Vec<Bytes>, Fault> {
        let tip = self.0.need_tip()?;
        let info = tip.follow(block)?;
        let reveal = self.0.read(&info, |ctx| Ok(beacon::make(ctx, &self.0.settings.beacon_keys)))?;
        let mut room = Room { bytes: max_bytes, gas: tip.limits.gas };
        let mut txs = vec![];
        for tx in reveal.into_iter().filter(|tx| room.take(tx, 0)) {
            txs.push(tx);
        }
        for bytes in &block.txs {
            let Ok(tx) = self.0.decode(bytes, tip.limits.gas) else { continue };
            if beacon::is_in(&tx) {
                continue;
            }
            // The next one may be of the same sender and need this one's sequence: a block is cut, not combed.
            if !room.take(bytes, tx.gas_limit()) {
                break;
            }
            txs.push(bytes.clone());
        }
        Ok(txs)
    }

    /// Whether this node votes for `block`. Transactions whose fee or signatures fail are let through: they get their code when
    /// the block is executed, and honest nodes may see them differently while they lie in mempools.
    ///
    /// # Errors
    /// [`Fault`], if the state cannot be read.
    pub fn process_proposal(&self, block: &Block) -> Result<Result<(), Unacceptable>, Fault> {
        let tip = self.0.need_tip()?;
        let info = match tip.follow(block) {
            Ok(info) => info,
            Err(Fault::Height { expected, found }) => return Ok(Err(Unacceptable::Height { expected, found })),
            Err(fault) => return Err(fault),
        };
        if let Err(why) = self.0.acceptable(&tip, &block.txs) {
            return Ok(Err(why));
        }
        let reveal = beacon::read(block.txs.first());
        let verdict = self.0.read(&info, |ctx| Ok(contained(|| cairn_beacon::check(ctx, reveal.as_ref()))))?;
        Ok(verdict.map_err(|e| Unacceptable::Beacon(e.log)))
    }
}

impl Inner {
    /// What can be said of a block's transactions without the beacon.
    fn acceptable(&self, tip: &Tip, txs: &[Bytes]) -> Result<(), Unacceptable> {
        let found = txs.iter().fold(0_u64, |sum, tx| sum.saturating_add(wire_size(tx)));
        if let Some(limit) = tip.limits.bytes.filter(|limit| found > *limit) {
            return Err(Unacceptable::Bytes { limit, found });
        }
        let mut gas = 0_u64;
        for (place, bytes) in txs.iter().enumerate() {
            let tx = self.decode(bytes, tip.limits.gas);
            let tx = tx.map_err(|o| Unacceptable::Tx { place, why: o.result.err().map(|e| e.log).unwrap_or_default() })?;
            if beacon::is_in(&tx) && (place > 0 || beacon::read(Some(bytes)).is_none()) {
                return Err(Unacceptable::Beacon(format!("transaction {place} carries a reveal that is not the proposer's own")));
            }
            gas = gas.saturating_add(tx.gas_limit());
        }
        match tip.limits.gas.filter(|limit| gas > *limit) {
            Some(limit) => Err(Unacceptable::Gas { limit, found: gas }),
            None => Ok(()),
        }
    }

    /// Runs `f` on the newest state as the block `info` finds it; what it writes is dropped.
    pub(super) fn read<T>(&self, info: &BlockInfo, f: impl FnOnce(&Ctx) -> Result<T, Fault>) -> Result<T, Fault> {
        let base = Committed::new(self.store.view()?);
        let gas = Gas::unlimited();
        let out = {
            let mut overlay = Overlay::new(&base);
            f(&Ctx::new(&mut overlay, info, &gas, &self.router))?
        };
        base.check()?;
        Ok(out)
    }
}

/// What a block has left.
struct Room {
    bytes: u64,
    /// `None` where gas is not limited.
    gas: Option<u64>,
}

impl Room {
    /// Takes up the transaction's share, if there is room for it.
    fn take(&mut self, tx: &Bytes, gas: u64) -> bool {
        let Some(bytes) = self.bytes.checked_sub(wire_size(tx)) else { return false };
        if self.gas.is_some_and(|left| left < gas) {
            return false;
        }
        *self = Self { bytes, gas: self.gas.map(|left| left.saturating_sub(gas)) };
        true
    }
}

/// Bytes of a transaction in a block: CometBFT counts the tag and length of its protobuf field.
fn wire_size(tx: &Bytes) -> u64 {
    let length = prost::length_delimiter_len(tx.len());
    u64::try_from(tx.len().saturating_add(length).saturating_add(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn bytes_are_counted_as_in_the_block() {
        for n in [0_usize, 1, 127, 128, 16_383, 16_384, 100_000] {
            let tx = Bytes::from(vec![1; n]);
            let data = cairn_proto::tendermint::types::Data { txs: vec![tx.to_vec()] };
            assert_eq!(wire_size(&tx), u64::try_from(data.encoded_len()).unwrap(), "{n}");
        }
    }
}
