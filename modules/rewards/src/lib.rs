//! Rewards: the protocol's fees, the pool they fill, the ledger of contributions that they pay, and arenas.
mod amount;
mod arena;
mod epochs;
mod error;
mod genesis;
mod invariants;
mod ledger;
mod msgs;
mod queries;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_kernel::{BPS, Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cairn::rewards::v1::{Genesis, Params, msg_routes, query_routes};

pub use arena::{ARENA_ACCOUNT, scores::score_commitment};
pub use error::Error;
pub use ledger::{Split, forfeit, fund_pool, record, spend_pool, take_fee};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rewards;

/// Burns its part of the fees and gets what mint issues for contributions; keeps the pool and unclaimed rewards.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("rewards").burns();

/// Blocks of an epoch on a test network.
pub const TEST_EPOCH_BLOCKS: u64 = 100;
/// Blocks of an epoch on the main network.
pub const MAIN_EPOCH_BLOCKS: u64 = 10_800;

/// The most that an epoch may pay of what its contributions burnt, whatever governance sets: 4/5.
pub(crate) const MAX_CAP_BPS: u32 = 8_000;
/// Blocks until a part of a scorer's bond is released on a test network: three arena epochs.
const TEST_UNBONDING_BLOCKS: u64 = 300;
/// The longest epoch, and the longest time of unbonding, in blocks.
const MAX_EPOCH_BLOCKS: u64 = 10_000_000;

/// The settings that a test network starts with; the main one has [`MAIN_EPOCH_BLOCKS`]. Nothing is issued until governance says so.
#[must_use]
pub fn default_params() -> Params {
    Params {
        epoch_blocks: TEST_EPOCH_BLOCKS,
        fee_burnt_bps: 6_000,
        issuance_cap_bps: MAX_CAP_BPS,
        issuance: amount::text(0),
        pool_spend: amount::text(0),
        arena_issuance: amount::text(0),
        arena_fee: amount::text(1_000_000),
        arena_price: amount::text(1_000),
        unbonding_blocks: TEST_UNBONDING_BLOCKS,
        issuance_share_bps: 0,
    }
}

/// Refuses settings outside their bounds.
fn check_params(params: &Params) -> Result<(), Error> {
    if !(1..=MAX_EPOCH_BLOCKS).contains(&params.epoch_blocks) {
        return Err(Error::EpochBlocks(params.epoch_blocks));
    }
    if params.unbonding_blocks > MAX_EPOCH_BLOCKS {
        let (most, found) = (MAX_EPOCH_BLOCKS.into(), params.unbonding_blocks.into());
        return Err(Error::Rule { name: "unbonding_blocks", least: 0, most, found });
    }
    let rates = [
        ("fee_burnt_bps", BPS, params.fee_burnt_bps),
        ("issuance_cap_bps", MAX_CAP_BPS, params.issuance_cap_bps),
        ("issuance_share_bps", BPS, params.issuance_share_bps),
    ];
    if let Some((name, most, found)) = rates.into_iter().find(|(_, most, found)| found > most) {
        return Err(Error::Rate { name, most, found });
    }
    let amounts = [
        ("issuance", &params.issuance),
        ("pool_spend", &params.pool_spend),
        ("arena_issuance", &params.arena_issuance),
        ("arena_fee", &params.arena_fee),
        ("arena_price", &params.arena_price),
    ];
    for (name, text) in amounts {
        amount::read(text).map_err(|_| Error::Amount(name))?;
    }
    Ok(())
}

impl cairn_mint::Hooks for Rewards {
    fn set_aside(&self, ctx: &mut Ctx, provision: u128) -> Result<u128> {
        epochs::set_aside(ctx, provision)
    }
}

impl Module for Rewards {
    const NAME: &'static str = "rewards";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router
            .msgs(msg_routes(self))
            .queries(query_routes(self))
            .hook(ACCOUNT)
            .hook(ARENA_ACCOUNT)
            .hook::<Arc<dyn cairn_mint::Hooks>>(self.clone());
    }
    fn default_genesis(&self) -> Genesis {
        Genesis { params: Some(default_params()), ..Genesis::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<Genesis> {
        genesis::export(ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        // Arenas first: what they mint belongs to the ledger's epoch that may end with this block.
        arena::epoch::end_block(ctx)?;
        epochs::end_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("the module holds pool and unclaimed rewards", invariants::solvency),
            ("epochs weigh what was contributed and pay less than it burnt", invariants::weights),
            ("epochs follow each other", invariants::succession),
            ("the arenas' account holds bonds, pots and unclaimed rewards", arena::invariants::solvency),
            ("arenas count what they have", arena::invariants::counts),
        ]
    }
}
