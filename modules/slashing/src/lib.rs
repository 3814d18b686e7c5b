//! Slashing: who signs blocks, who does not, and what missing too many or signing twice costs. With it the record of evidence.
mod error;
mod evidence;
mod genesis;
mod invariants;
mod liveness;
mod msgs;
mod params;
mod queries;
mod state;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cosmos::slashing::v1beta1::{GenesisState, ValidatorSigningInfo, msg_routes, query_routes};

pub use error::Error;
pub use evidence::{Evidence, evidence_hash};
pub use params::{default_params, params};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Slashing;

/// How a validator signed so far, by its consensus address.
pub fn signing_info(ctx: &Ctx, validator: &Address) -> Result<Option<ValidatorSigningInfo>> {
    state::INFOS.get(ctx, validator)
}

impl cairn_staking::Hooks for Slashing {
    /// A key that signed twice never validates again, under whatever operator.
    fn after_validator_created(&self, ctx: &mut Ctx, operator: &Address) -> Result<()> {
        let created = cairn_staking::validator(ctx, operator)?.ok_or(cairn_staking::Error::NoValidator)?;
        match signing_info(ctx, &cairn_staking::consensus_address(&created)?)? {
            Some(info) if info.tombstoned => Err(Error::Tombstoned.into()),
            _ => Ok(()),
        }
    }
    fn after_validator_bonded(&self, ctx: &mut Ctx, consensus: &Address, _: &Address) -> Result<()> {
        liveness::start(ctx, consensus)
    }
}

impl Module for Slashing {
    const NAME: &'static str = "slashing";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook::<Arc<dyn cairn_staking::Hooks>>(self.clone());
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
        liveness::begin_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![("missed blocks are counted", invariants::counts), ("validators have a window", invariants::infos)]
    }
}
