//! Licensing: the terms on which assets may be used, and the licences bought under them.
mod access;
mod check;
mod error;
mod genesis;
mod invariants;
mod msgs;
mod queries;
mod sale;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cairn::licensing::v1::{Genesis, Params, msg_routes, query_routes};

pub use access::{Grant, access, is_licensed};
pub use error::Error;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Licensing;

/// The settings that a test network starts with: a protocol fee of 1 %.
pub const DEFAULT_PARAMS: Params = Params { fee_bps: 100 };

/// The protocol fee of the main network, in basis points.
pub const MAIN_FEE_BPS: u32 = 200;

/// The highest protocol fee, whatever governance sets, in basis points.
const MAX_FEE_BPS: u32 = 2_000;

/// Refuses settings outside their bounds.
fn check_params(params: &Params) -> Result<(), Error> {
    if params.fee_bps <= MAX_FEE_BPS { Ok(()) } else { Err(Error::Fee(params.fee_bps)) }
}

impl Module for Licensing {
    const NAME: &'static str = "licensing";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self));
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
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("terms are named by their content and count what they sold", invariants::terms),
            ("licenses are seated and indexed as they stand", invariants::licenses),
        ]
    }
}
