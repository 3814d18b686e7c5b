//! Licensing: the terms on which assets may be used, and the licences bought under them.
mod access;
mod approval;
mod check;
mod deadlines;
mod derivation;
mod error;
mod escrow;
mod genesis;
mod invariants;
mod msgs;
mod queries;
mod revenue;
mod sale;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_asset as asset;
use cairn_kernel::{Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cairn::licensing::v1::{Genesis, Params, msg_routes, query_routes};

pub use access::{Grant, access, is_licensed};
pub use error::Error;
pub use escrow::ACCOUNT;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Licensing;

/// The settings that a test network starts with.
pub const DEFAULT_PARAMS: Params = Params { fee_bps: 100, approval_blocks: 100 };

/// The settings of the main network.
pub const MAIN_PARAMS: Params = Params { fee_bps: 200, approval_blocks: 129_600 };

/// The highest protocol fee, whatever governance sets, in basis points.
const MAX_FEE_BPS: u32 = 2_000;
/// The longest that a purchase may wait for anything, whatever governance sets, in blocks.
const MAX_WINDOW: u64 = 10_000_000;

/// Refuses settings outside their bounds.
fn check_params(params: &Params) -> Result<(), Error> {
    if params.fee_bps > MAX_FEE_BPS {
        return Err(Error::Fee(params.fee_bps));
    }
    let windows = [("approval_blocks", params.approval_blocks)];
    match windows.into_iter().find(|(_, blocks)| !(1..=MAX_WINDOW).contains(blocks)) {
        Some((name, found)) => Err(Error::Window { name, found }),
        None => Ok(()),
    }
}

impl Module for Licensing {
    const NAME: &'static str = "licensing";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
        router.hook::<Arc<dyn asset::Hooks>>(Arc::new(derivation::Derivation));
    }
    fn default_genesis(&self) -> Genesis {
        Genesis { params: Some(DEFAULT_PARAMS), ..Genesis::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<Genesis> {
        genesis::export(ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        deadlines::end_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("terms are named by their content and count what they sold", invariants::terms),
            ("the module holds what is in escrow", invariants::solvency),
            ("licenses are seated and indexed as they stand", invariants::licenses),
        ]
    }
}
