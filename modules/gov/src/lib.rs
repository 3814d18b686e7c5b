//! Governance: proposals, deposits, votes, and what is carried out in its name.
mod deposits;
mod electorate;
mod end;
mod error;
mod genesis;
mod invariants;
mod legacy;
mod legacy_queries;
mod msgs;
mod params;
mod poll;
mod proposals;
mod queries;
mod state;
mod tally;
#[cfg(test)]
mod tests;
mod votes;
mod work;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cosmos::gov::{
    v1::{GenesisState, msg_routes, query_routes},
    v1beta1,
};

pub use error::Error;
pub use params::{default_params, params};

/// Where deposits lie, and the authority in whose name proposals act: the address is `cairn_auth::authority()`.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("gov").burns().receives();

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Gov;

impl Module for Gov {
    const NAME: &'static str = "gov";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
        router.msgs(v1beta1::msg_routes(self)).queries(v1beta1::query_routes(self));
        router.hook::<Arc<dyn cairn_staking::Hooks>>(Arc::new(Gov));
    }
    fn default_genesis(&self) -> GenesisState {
        GenesisState { starting_proposal_id: 1, params: Some(default_params()), ..GenesisState::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        genesis::export(ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        end::end_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![("deposits are held", invariants::deposits), ("proposals are queued", invariants::queues)]
    }
}
