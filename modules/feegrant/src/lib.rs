//! Allowances to pay transaction fees from another account.
mod allowance;
mod error;
mod genesis;
mod invariants;
mod msgs;
mod queries;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_kernel::{Address, Coin, Coins, Ctx, Instant, Invariant, Module, Result, Router, Table, key_prefix, sdk};
use cairn_proto::cosmos::feegrant::v1beta1::{GenesisState, Grant, msg_routes, query_routes};

use allowance::{Allowance, Left};
pub use error::Error;
use state::{BY_GRANTER, EXPIRIES, GRANTS};

/// Allowances that end of themselves and are removed in one block at the most.
const PRUNED_A_BLOCK: usize = 200;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Feegrant;

/// Takes `fee` off the allowance that `granter` gave to `grantee`, for a transaction with messages of these types. The coins
/// themselves are the caller's to move.
///
/// # Errors
/// `sdk/38` without an allowance; [`Error`] where it does not cover the transaction.
pub fn use_grant(ctx: &mut Ctx, granter: &Address, grantee: &Address, fee: &[Coin], urls: &[&str]) -> Result<()> {
    let grant = GRANTS.get(ctx, &(*grantee, *granter))?.ok_or_else(not_found)?;
    let mut allowance = Allowance::read(&grant.allowance.unwrap_or_default())?;
    let mut coins = Coins::default();
    fee.iter().try_for_each(|coin| coins.add(coin))?;

    let left = allowance.accept(ctx, &coins, urls)?;
    if left == Left::Nothing {
        remove(ctx, granter, grantee)?;
        emit(ctx, "revoke_feegrant", granter, grantee);
    }
    emit(ctx, "use_feegrant", granter, grantee);
    if left == Left::Some {
        store(ctx, granter, grantee, &allowance)?;
        emit(ctx, "update_feegrant", granter, grantee);
    }
    Ok(())
}

fn not_found() -> cairn_kernel::Error {
    sdk::not_found("fee-grant not found")
}

fn emit(ctx: &mut Ctx, kind: &str, granter: &Address, grantee: &Address) {
    ctx.emit_raw(kind, &[("granter", &granter.to_string()), ("grantee", &grantee.to_string())]);
}

fn store(ctx: &mut Ctx, granter: &Address, grantee: &Address, allowance: &Allowance) -> Result<()> {
    let grant = Grant { granter: granter.to_string(), grantee: grantee.to_string(), allowance: Some(allowance.packed()) };
    GRANTS.set(ctx, &(*grantee, *granter), &grant)
}

/// Writes a new allowance and what finds it.
fn insert(ctx: &mut Ctx, granter: &Address, grantee: &Address, allowance: &Allowance) -> Result<()> {
    store(ctx, granter, grantee, allowance)?;
    BY_GRANTER.insert(ctx, &(*granter, *grantee))?;
    match allowance.expires() {
        Some(end) => EXPIRIES.insert(ctx, &(end, *grantee, *granter)),
        None => Ok(()),
    }
}

/// Deletes an allowance and what finds it.
fn remove(ctx: &mut Ctx, granter: &Address, grantee: &Address) -> Result<()> {
    let grant = GRANTS.get(ctx, &(*grantee, *granter))?.ok_or_else(not_found)?;
    if let Some(end) = Allowance::read(&grant.allowance.unwrap_or_default())?.expires() {
        EXPIRIES.remove(ctx, &(end, *grantee, *granter))?;
    }
    BY_GRANTER.remove(ctx, &(*granter, *grantee))?;
    GRANTS.remove(ctx, &(*grantee, *granter))
}

/// Deletes allowances that have ended, `most` of them.
fn prune(ctx: &mut Ctx, most: usize) -> Result<()> {
    let now = ctx.block().instant();
    let ended = |entry: &Result<(Instant, Address, Address)>| entry.as_ref().map_or(true, |(end, _, _)| *end < now);
    let ended: Vec<_> = EXPIRIES.range(ctx, &[]).take_while(ended).take(most).collect::<Result<_>>()?;
    ended.iter().try_for_each(|(_, grantee, granter)| remove(ctx, granter, grantee))
}

impl Module for Feegrant {
    const NAME: &'static str = "feegrant";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self));
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        genesis::export(ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        prune(ctx, PRUNED_A_BLOCK)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![("allowances are indexed", invariants::indexed)]
    }
}

/// The beginning of the keys of one account.
fn of(address: &Address) -> Vec<u8> {
    key_prefix(address)
}
