//! Distribution: what fees and issuance bring to validators, their delegators and the community. Its arithmetic is that of the Cosmos SDK 0.50.
mod allocate;
mod coins;
mod error;
mod f1;
mod genesis;
mod hooks;
mod invariants;
mod msgs;
mod params;
mod pool;
mod queries;
mod state;
#[cfg(test)]
mod tests;
mod withdraw;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cosmos::distribution::v1beta1::{GenesisState, msg_routes, query_routes};

pub use coins::DecCoins;
pub use error::Error;
pub use params::{default_params, params};
pub use pool::{community_pool, fund_community_pool, spend_community_pool, spendable};
pub use withdraw::withdraw_address;

/// Holds what is outstanding and the community pool.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("distribution");

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Distribution;

impl Module for Distribution {
    const NAME: &'static str = "distribution";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT).hook::<Arc<dyn cairn_staking::Hooks>>(self.clone());
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
        allocate::begin_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("the account holds what is outstanding and the community pool", invariants::account),
            ("ends of periods are kept as long as they are needed", invariants::references),
            ("validators have rewards and delegations a start", invariants::records),
            ("everybody could withdraw", invariants::withdrawable),
        ]
    }
}
