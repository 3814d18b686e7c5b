//! Decided blocks: execution, and the commit of what came out.
use bytes::Bytes;
use cairn_kernel::{AnyModule, BlockInfo, Ctx, Gas, Overlay, Result as Refusable, sdk};
use cairn_proto::tendermint::{abci::ValidatorUpdate, types::ConsensusParams};
use cairn_store::Staged;

use super::{
    App, Block, Fault, Inner, Tip,
    committed::Committed,
    consensus::{self, Limits},
    events::{Emitted, Origin, from, raw},
    run::{Outcome, contained},
};
use crate::{
    ante::{MAX_GAS, Mode},
    beacon,
    parallel::map_parts,
    tx::Tx,
};

/// What a block came to.
#[derive(Debug)]
pub struct Finalized {
    /// One for each transaction, in their order.
    pub outcomes: Vec<Outcome>,
    /// What happened outside of transactions.
    pub events: Vec<Emitted>,
    /// The hash of the state after the block.
    pub app_hash: Vec<u8>,
    /// Who validates from the block after the next one on, as far as it changes.
    pub validators: Vec<ValidatorUpdate>,
    /// The parameters of consensus from the next block on, where this one changed them.
    pub params: Option<ConsensusParams>,
}

/// A block that was executed and is not committed. It lives in memory: after a crash consensus asks for it again.
pub(super) struct Pending {
    staged: Staged,
    tip: Tip,
    txs: usize,
}

impl App {
    /// Executes the next block. May be repeated, also with another block of the same height; nothing is written before
    /// [`App::commit`]. No transaction and no block hook can make it fail.
    ///
    /// # Errors
    /// [`Fault`], if the block is not the next one, needs an upgrade that this program does not know or cannot carry out, or the state cannot
    /// be read.
    pub fn finalize_block(&self, block: &Block) -> Result<Finalized, Fault> {
        let tip = self.0.need_tip()?;
        let info = tip.follow(block)?;
        let (done, staged) = self.0.execute(&tip, &info, &block.txs)?;
        let params = done.params.as_ref().unwrap_or(&tip.params);
        let tip = Tip { block: info, app_hash: done.app_hash.clone(), limits: Limits::of(params), params: params.clone() };
        *self.0.pending() = Some(Pending { staged, tip, txs: done.outcomes.len() });
        Ok(done)
    }

    /// Makes the finalized block the newest state, in one atomic write.
    ///
    /// # Errors
    /// [`Fault`], if there is none or the disk refuses.
    pub fn commit(&self) -> Result<(), Fault> {
        let Pending { staged, tip, txs } = self.0.pending().take().ok_or(Fault::NothingToCommit)?;
        let version = self.0.store.commit(staged)?;
        tracing::info!(target: "consensus", height = version.height, app_hash = hex::encode(version.app_hash), time = tip.block.time, txs, "committed");
        self.0.set_tip(tip);
        self.snapshot_if_due(version.height);
        Ok(())
    }
}

impl Inner {
    fn execute(&self, tip: &Tip, info: &BlockInfo, txs: &[Bytes]) -> Result<(Finalized, Staged), Fault> {
        let base = Committed::new(self.store.view()?);
        let decoded = self.look_ahead(&base, tip, info, txs);
        let gas = Gas::unlimited();
        let mut overlay = Overlay::new(&base);
        let mut ctx = Ctx::new(&mut overlay, info, &gas, &self.router);
        let mut events = vec![];
        self.upgrade(&mut ctx, &mut events)?;
        let mut revealed = self.observe(&mut ctx, txs.first(), &mut events);
        self.hooks(&mut ctx, Origin::BeginBlock, &mut events);
        let (mut outcomes, mut room) = (Vec::with_capacity(txs.len()), tip.limits.gas);
        for tx in decoded {
            outcomes.push(match (revealed.take(), tx) {
                (Some(verdict), _) => Outcome::free(beacon::response(verdict)),
                (None, Ok(tx)) => self.deliver(&mut ctx, &tx, &mut room),
                (None, Err(refused)) => refused,
            });
        }
        self.hooks(&mut ctx, Origin::EndBlock, &mut events);
        let validators = cairn_staking::take_updates(&mut ctx)?;
        consensus::set_last(&mut ctx)?;
        let params = Some(consensus::params(&ctx)?).filter(|new| *new != tip.params);
        let writes = overlay.into_writes();
        base.check()?;
        let staged = self.store.stage(info.height, writes)?;
        Ok((Finalized { outcomes, events, app_hash: staged.app_hash().to_vec(), validators, params }, staged))
    }

    /// Takes the beacon on by this block, before anything else runs. If the first transaction is a reveal: whether it is valid.
    fn observe(&self, ctx: &mut Ctx, first: Option<&Bytes>, events: &mut Vec<Emitted>) -> Option<Refusable<()>> {
        let reveal = beacon::read(first);
        let verdict = reveal.as_ref().map(|reveal| contained(|| cairn_beacon::check(ctx, Some(reveal))));
        let seen = contained(|| ctx.atomic(|ctx| cairn_beacon::observe(ctx, reveal.as_ref())));
        events.extend(self.after("beacon", "observe", Origin::BeginBlock, ctx, seen.err().as_ref()));
        verdict
    }

    /// Runs a transaction of a block if its gas limit fits into what the block has left, where the block has a limit.
    fn deliver(&self, ctx: &mut Ctx, tx: &Tx, room: &mut Option<u64>) -> Outcome {
        let wanted = tx.gas_limit();
        if let Some(left) = room {
            match left.checked_sub(wanted) {
                Some(rest) => *left = rest,
                None => return Outcome::refused(sdk::out_of_gas("no block gas left to run tx"), wanted),
            }
        }
        self.run(ctx, tx, &Gas::new(wanted.min(MAX_GAS)), Mode::Deliver)
    }

    /// Decodes the block's transactions and verifies those of their signatures that nobody has seen, on all cores, before the
    /// sequential run needs them. It finds the same with or without: what was verified is only remembered.
    fn look_ahead(&self, base: &Committed, tip: &Tip, info: &BlockInfo, txs: &[Bytes]) -> Vec<Result<Tx, Outcome>> {
        let ante = self.ante(Mode::Deliver);
        map_parts(txs, |txs| {
            let (mut overlay, gas) = (Overlay::new(base), Gas::unlimited());
            let ctx = Ctx::new(&mut overlay, info, &gas, &self.router);
            let look = |bytes| {
                let tx = contained(|| Ok(self.decode(bytes, tip.limits.gas))).unwrap_or_else(|e| Err(Outcome::refused(e, 0)))?;
                // A panic in here comes again in the run, where it costs the transaction.
                drop(contained(|| {
                    ante.verify_ahead(&ctx, &tx);
                    Ok(())
                }));
                Ok(tx)
            };
            txs.iter().map(look).collect()
        })
    }

    /// Runs every module's hook, highest first. One that fails is undone and reported; the block goes on.
    fn hooks(&self, ctx: &mut Ctx, origin: Origin, events: &mut Vec<Emitted>) {
        type Hook = fn(&dyn AnyModule, &mut Ctx) -> Refusable<()>;
        let (hook, name): (Hook, _) = match origin {
            Origin::BeginBlock => (|m, ctx| m.begin_block(ctx), "begin_block"),
            _ => (|m, ctx| m.end_block(ctx), "end_block"),
        };
        for module in self.modules.iter().rev() {
            let done = contained(|| ctx.atomic(|ctx| hook(module.as_ref(), ctx)));
            events.extend(self.after(module.name(), name, origin, ctx, done.err().as_ref()));
        }
    }

    /// What a hook emitted, or that it failed.
    fn after(&self, module: &str, hook: &str, origin: Origin, ctx: &mut Ctx, failure: Option<&cairn_kernel::Error>) -> Vec<Emitted> {
        let mut events = ctx.take_events();
        if let Some(error) = failure {
            tracing::error!(target: "consensus", module, hook, height = ctx.block().height, %error, "a block hook failed and was undone");
            let code = error.code.to_string();
            events.push(raw("hook_failed", &[("module", module), ("hook", hook), ("codespace", error.codespace), ("code", &code)]));
        }
        from(origin, events).collect()
    }
}
