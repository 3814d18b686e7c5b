//! Licensing: the terms on which assets may be used, and the licences bought under them.
mod access;
mod approval;
mod check;
mod deadlines;
mod deposits;
mod derivation;
mod error;
mod escrow;
mod genesis;
mod invariants;
mod keys;
mod msgs;
mod queries;
mod revenue;
mod revocation;
mod sale;
mod sessions;
mod state;
#[cfg(test)]
mod tests;
mod transfer;
mod version_keys;
mod voucher;

use std::sync::Arc;

use cairn_asset as asset;
use cairn_dispute as dispute;
use cairn_kernel::{Coin, Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cairn::licensing::v1::{Genesis, Params, msg_routes, query_routes};

pub use access::{Grant, access, is_licensed};
pub use error::Error;
pub use escrow::ACCOUNT;
pub use voucher::Voucher;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Licensing;

/// The settings that a test network starts with.
#[must_use]
pub fn test_params() -> Params {
    Params {
        fee_bps: 100,
        approval_blocks: 100,
        grant_blocks: 100,
        fault_blocks: 50,
        least_key_bond: Some((&Coin::base(100_000)).into()),
        complaint_bond: Some((&Coin::base(1_000_000)).into()),
        closing_blocks: 60,
        session_blocks: 10_000,
    }
}

/// The settings of the main network.
#[must_use]
pub fn main_params() -> Params {
    Params {
        fee_bps: 200,
        approval_blocks: 129_600,
        grant_blocks: 129_600,
        fault_blocks: 43_200,
        least_key_bond: Some((&Coin::base(10_000_000)).into()),
        complaint_bond: Some((&Coin::base(5_000_000)).into()),
        closing_blocks: 43_200,
        session_blocks: 3_888_000,
    }
}

/// The highest protocol fee, whatever governance sets, in basis points.
const MAX_FEE_BPS: u32 = 2_000;
/// The longest that a purchase may wait for anything, whatever governance sets, in blocks.
const MAX_WINDOW: u64 = 10_000_000;

/// Refuses settings outside their bounds.
fn check_params(params: &Params) -> Result<()> {
    if params.fee_bps > MAX_FEE_BPS {
        return Err(Error::Fee(params.fee_bps).into());
    }
    let windows = [
        ("approval_blocks", params.approval_blocks),
        ("grant_blocks", params.grant_blocks),
        ("fault_blocks", params.fault_blocks),
        ("closing_blocks", params.closing_blocks),
        ("session_blocks", params.session_blocks),
    ];
    if let Some((name, found)) = windows.into_iter().find(|(_, blocks)| !(1..=MAX_WINDOW).contains(blocks)) {
        return Err(Error::Window { name, found }.into());
    }
    keys::bond_of(&params.least_key_bond)?;
    keys::bond_of(&params.complaint_bond)?;
    Ok(())
}

impl Module for Licensing {
    const NAME: &'static str = "licensing";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
        router.hook::<Arc<dyn dispute::Court>>(Arc::new(revocation::Revocations));
        router.hook::<Arc<dyn asset::Hooks>>(Arc::new(derivation::Derivation));
    }
    fn default_genesis(&self) -> Genesis {
        Genesis { params: Some(test_params()), ..Genesis::default() }
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
            ("what ends by itself is queued", invariants::deadlines),
            ("key bonds are locked for what is due", invariants::key_bonds),
            ("granted keys are counted", invariants::granted_keys),
            ("licenses are seated and indexed as they stand", invariants::licenses),
        ]
    }
}
