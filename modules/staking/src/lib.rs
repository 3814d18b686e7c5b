//! Staking: who validates, what is delegated to them, and what leaves them or is slashed. Its arithmetic is that of the Cosmos SDK 0.50.
mod check;
mod delegations;
mod error;
mod genesis;
mod history;
mod hooks;
mod invariants;
mod msgs;
mod params;
mod pools;
mod queries;
mod redelegations;
mod set;
mod slash;
mod stake;
mod state;
#[cfg(test)]
mod tests;
pub mod time;
mod unbonding;
mod validators;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cosmos::staking::v1beta1::{GenesisState, msg_routes, query_routes};

pub use delegations::{delegation, delegations_of, delegators, shares, worth};
pub use error::Error;
pub use hooks::{Hooks, Power};
pub use params::{default_params, params};
pub use pools::{BONDED_POOL, NOT_BONDED_POOL, bonded};
pub use set::{begin, powers, take_updates};
pub use slash::slash;
pub use stake::Stake;
pub use validators::{
    CONSENSUS_PREFIX, OPERATOR_PREFIX, all_validators, by_consensus, consensus_address, consensus_key, jail, operator, operator_text,
    unjail, validator,
};

/// Base units that are one unit of voting power.
pub const POWER_REDUCTION: u128 = 1_000_000;
/// The most that can be staked: CometBFT counts at most 2^63 / 8 of power in a set.
pub const MAX_STAKED: u128 = (1 << 60) * POWER_REDUCTION;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Staking;

impl Module for Staking {
    const NAME: &'static str = "staking";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(BONDED_POOL).hook(NOT_BONDED_POOL);
    }
    fn default_genesis(&self) -> GenesisState {
        GenesisState { params: Some(default_params()), ..GenesisState::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        genesis::export(ctx)
    }
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()> {
        history::begin_block(ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        set::end_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("the pools hold what is staked", invariants::pools),
            ("shares are those of delegations", invariants::shares),
            ("the order of validators follows them", invariants::validators),
            ("whatever leaves has its time", invariants::queues),
        ]
    }
}
