//! The two accounts that hold everything staked: what is bonded, and what is not or not any more.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, ModuleAccount, Result};
use cairn_proto::cosmos::staking::v1beta1::BondStatus;

use crate::{Error, MAX_STAKED, params};

/// Tokens of bonded validators.
pub const BONDED_POOL: ModuleAccount = ModuleAccount::new("bonded_tokens_pool").burns().stakes();
/// Tokens of other validators and of unbonding delegations.
pub const NOT_BONDED_POOL: ModuleAccount = ModuleAccount::new("not_bonded_tokens_pool").burns().stakes();

/// The pool where the tokens of a validator of this status lie.
pub(crate) fn of(status: BondStatus) -> &'static ModuleAccount {
    if status == BondStatus::Bonded { &BONDED_POOL } else { &NOT_BONDED_POOL }
}

/// What is bonded, in base units.
pub fn bonded(ctx: &Ctx) -> Result<u128> {
    held(ctx, &BONDED_POOL)
}

/// What a pool holds.
pub(crate) fn held(ctx: &Ctx, pool: &ModuleAccount) -> Result<u128> {
    bank::balance(ctx, &pool.address(), &params(ctx)?.bond_denom)
}

/// An account's coins become staked, also those that have not come free yet. Refuses more than consensus can count.
pub(crate) fn take(ctx: &mut Ctx, from: &Address, pool: &ModuleAccount, amount: u128) -> Result<()> {
    let staked = held(ctx, &BONDED_POOL)?.checked_add(held(ctx, &NOT_BONDED_POOL)?).and_then(|n| n.checked_add(amount));
    if staked.is_none_or(|n| n > MAX_STAKED) {
        return Err(Error::TooMuch.into());
    }
    let coin = coin(ctx, amount)?;
    bank::delegate(ctx, from, &pool.address(), &[coin])
}

/// Staked coins become an account's again.
pub(crate) fn pay(ctx: &mut Ctx, to: &Address, amount: u128) -> Result<()> {
    let coin = coin(ctx, amount)?;
    bank::undelegate(ctx, &NOT_BONDED_POOL.address(), to, &[coin])
}

/// Moves coins between the pools; nothing where they are the same.
pub(crate) fn shift(ctx: &mut Ctx, from: &ModuleAccount, to: &ModuleAccount, amount: u128) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let coin = coin(ctx, amount)?;
    bank::send(ctx, &from.address(), &to.address(), &[coin])
}

/// Destroys slashed coins.
pub(crate) fn burn(ctx: &mut Ctx, pool: &ModuleAccount, amount: u128) -> Result<()> {
    if amount == 0 {
        return Ok(());
    }
    let coin = coin(ctx, amount)?;
    bank::burn(ctx, pool, &[coin])
}

fn coin(ctx: &Ctx, amount: u128) -> Result<Coin> {
    Ok(Coin::new(params(ctx)?.bond_denom, amount))
}
