//! Mint: how much of the chain's coin is issued, the one place that decides it. Its arithmetic is that of the Cosmos SDK 0.50.
mod error;
mod minter;
mod params;
mod queries;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_auth::{FEE_COLLECTOR, require_authority};
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Dec, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cosmos::mint::v1beta1::{
    GenesisState, Minter, MsgServer, MsgUpdateParams, MsgUpdateParamsResponse, msg_routes, query_routes,
};

pub use error::Error;
use params::Rules;
pub use params::{MAIN_BLOCKS_PER_YEAR, default_params, params};
use state::{MINTER, PARAMS};

/// Issues the chain's coin.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("mint").mints();

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Mint;

/// Who has a claim to a part of what a block issues. Register with `router.hook::<Arc<dyn cairn_mint::Hooks>>(..)`.
pub trait Hooks: Send + Sync {
    /// How much of `provision` base units is set aside instead of being issued in this block; whoever sets it aside issues it with [`issue`]
    /// when it is earned, and never more of it.
    fn set_aside(&self, ctx: &mut Ctx, provision: u128) -> Result<u128>;
}

/// What a chain starts with: 13 % of inflation, or what the bounds leave of it.
#[must_use]
pub fn initial_minter() -> Minter {
    Minter { inflation: Dec::with_places(13, 2).unwrap_or_default().to_wire(), annual_provisions: Dec::zero().to_wire() }
}

/// Inflation and what it issues in a year.
pub fn minter(ctx: &Ctx) -> Result<Minter> {
    Ok(MINTER.get(ctx)?.unwrap_or_else(initial_minter))
}

/// Issues what was set aside.
///
/// # Errors
/// What bank refuses. State may be half changed then.
pub fn issue(ctx: &mut Ctx, to: &Address, amount: u128) -> Result<()> {
    if amount == 0 {
        return Ok(());
    }
    let coin = [Coin::new(params(ctx)?.mint_denom, amount)];
    bank::mint(ctx, &ACCOUNT, &coin)?;
    bank::send(ctx, &ACCOUNT.address(), to, &coin)
}

/// Finds the inflation of this block and issues its part of a year to the collector of fees.
fn begin_block(ctx: &mut Ctx) -> Result<()> {
    let params = params(ctx)?;
    let (rules, supply) = (Rules::of(&params)?, bank::supply(ctx, &params.mint_denom)?);
    let bonded = minter::bonded_ratio(cairn_staking::bonded(ctx)?, supply)?;
    let inflation = minter::next_inflation(&Dec::from_wire(&minter(ctx)?.inflation)?, &bonded, &rules)?;
    let annual = minter::annual_provisions(&inflation, supply)?;
    MINTER.set(ctx, &Minter { inflation: inflation.to_wire(), annual_provisions: annual.to_wire() })?;
    let provision = minter::block_provision(&annual, &rules)?;
    let issued = provision.checked_sub(set_aside(ctx, provision)?).ok_or(Error::SetAside)?;
    issue(ctx, &FEE_COLLECTOR.address(), issued)?;
    let pairs = [
        ("bonded_ratio", bonded.to_string()),
        ("inflation", inflation.to_string()),
        ("annual_provisions", annual.to_string()),
        ("amount", issued.to_string()),
    ];
    ctx.emit_raw("mint", &pairs.each_ref().map(|(key, value)| (*key, value.as_str())));
    Ok(())
}

/// What others set aside of a block's provision.
fn set_aside(ctx: &mut Ctx, provision: u128) -> Result<u128> {
    let mut sum = 0_u128;
    for hook in ctx.hooks::<Arc<dyn Hooks>>() {
        sum = sum.checked_add(hook.set_aside(ctx, provision)?).ok_or(Error::SetAside)?;
    }
    Ok(sum)
}

impl MsgServer for Mint {
    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::Params("s are missing"))?;
        params::check(ctx, &params)?;
        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}

/// Inflation stays within what governance allows.
fn bounded(ctx: &Ctx) -> Result<(), String> {
    let check = || {
        let (params, minter) = (params(ctx)?, minter(ctx)?);
        params::check(ctx, &params)?;
        Ok(Dec::from_wire(&minter.inflation)? <= Dec::one() && Dec::from_wire(&minter.annual_provisions).is_ok())
    };
    match check() {
        Ok(true) => Ok(()),
        Ok(false) => Err("inflation is above 1".to_owned()),
        Err(error) => Err::<(), cairn_kernel::Error>(error).map_err(|e| e.to_string()),
    }
}

impl Module for Mint {
    const NAME: &'static str = "mint";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
    }
    fn default_genesis(&self) -> GenesisState {
        GenesisState { minter: Some(initial_minter()), params: Some(default_params()) }
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        let params = genesis.params.ok_or(Error::Genesis("parameters are missing"))?;
        params::check(ctx, &params)?;
        let minter = genesis.minter.ok_or(Error::Genesis("the minter is missing"))?;
        if Dec::from_wire(&minter.inflation)? > Dec::one() {
            return Err(Error::Genesis("inflation must be from 0 to 1").into());
        }
        Dec::from_wire(&minter.annual_provisions)?;
        PARAMS.set(ctx, &params)?;
        MINTER.set(ctx, &minter)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        Ok(GenesisState { minter: MINTER.get(ctx)?, params: PARAMS.get(ctx)? })
    }
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()> {
        begin_block(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![("inflation is bounded", bounded)]
    }
}
