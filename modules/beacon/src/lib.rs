//! The randomness beacon: one verifiable random value a proposer, chained block by block, and the seeds and draws taken from it.
mod chain;
mod draw;
mod error;
mod genesis;
mod invariants;
mod keys;
mod msgs;
mod power;
mod queries;
mod register;
mod seed;
mod state;
#[cfg(test)]
mod tests;
pub mod vrf;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cairn::beacon::v1::{GenesisState, Params, Validator, msg_routes, query_routes};

pub use chain::{alpha, check, first_value, mix, observe, reveal};
pub use draw::Draw;
pub use error::Error;
pub use keys::possession;
pub use seed::{Seed, quick, strong};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Beacon;

/// Parameters of a test network: the least lag, a wait of 1,000 blocks, epochs of 100.
pub const DEFAULT_PARAMS: Params = Params { quick_lag: 2, weak_after: 1_000, epoch: 100 };

/// The parameters in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(state::PARAMS.get(ctx)?.unwrap_or(DEFAULT_PARAMS))
}

/// The key that the validator with this consensus address owes a reveal by, in the block that `ctx` shows.
pub fn active_key(ctx: &Ctx, address: &[u8]) -> Result<Option<vrf::PublicKey>> {
    let height = ctx.block().height;
    let validator = state::VALIDATORS.get(ctx, &address.to_vec())?.map(|v| keys::settled(v, height));
    let key = validator.filter(|v| v.active_from <= height).map(|v| vrf::PublicKey::parse(&v.vrf_key)).transpose();
    Ok(key.map_err(|_| Error::Corrupt("a validator's key"))?)
}

/// The validators with their power (0 outside of the set) and keys as of the block that `ctx` shows, by consensus address.
pub fn validators(ctx: &Ctx) -> Result<Vec<Validator>> {
    let height = ctx.block().height;
    state::VALIDATORS.range(ctx, &[]).map(|entry| entry.map(|(_, validator)| keys::settled(validator, height))).collect()
}

impl Module for Beacon {
    const NAME: &'static str = "beacon";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook::<Arc<dyn cairn_staking::Hooks>>(self.clone());
    }
    fn default_genesis(&self) -> GenesisState {
        GenesisState { params: Some(DEFAULT_PARAMS), ..GenesisState::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        genesis::export(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("beacons follow each other", invariants::beacons),
            ("validators have keys of their own", invariants::own_keys),
            ("powers on record are those of the set", invariants::powers),
        ]
    }
}
