//! The community pool: what nobody earned, and what was given to it. Governance spends it.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Coins, Ctx, Dec, Result};

use crate::{ACCOUNT, DecCoins, Error, state::POOL};

/// The whole pool.
pub fn community_pool(ctx: &Ctx) -> Result<DecCoins> {
    POOL.range(ctx, &[]).map(|entry| entry.and_then(|(denom, amount)| Ok((denom, Dec::from_wire(&amount)?)))).collect()
}

/// How many whole base units of `denom` the pool can pay.
pub fn spendable(ctx: &Ctx, denom: &str) -> Result<u128> {
    held(ctx, denom)?.truncate()
}

fn held(ctx: &Ctx, denom: &str) -> Result<Dec> {
    POOL.get(ctx, &denom.to_owned())?.map(|amount| Dec::from_wire(&amount)).unwrap_or_else(|| Ok(Dec::zero()))
}

/// Books coins that lie in the module's account already.
pub(crate) fn put(ctx: &mut Ctx, coins: &DecCoins) -> Result<()> {
    for (denom, amount) in coins.iter() {
        let sum = held(ctx, denom)?.add(amount)?;
        POOL.set(ctx, denom, &sum.to_wire())?;
    }
    Ok(())
}

/// Moves coins of an account into the pool.
///
/// # Errors
/// `sdk/5` where it holds less; what a hook of bank refuses. State may be half changed then.
pub fn fund_community_pool(ctx: &mut Ctx, from: &Address, coins: &[Coin]) -> Result<()> {
    bank::send(ctx, from, &ACCOUNT.address(), coins)?;
    let mut sum = Coins::default();
    coins.iter().try_for_each(|coin| sum.add(coin))?;
    put(ctx, &DecCoins::from_coins(&sum))
}

/// Pays out of the pool.
///
/// # Errors
/// [`Error::Pool`] where it has less; what a hook of bank refuses. State may be half changed then.
pub fn spend_community_pool(ctx: &mut Ctx, to: &Address, coins: &Coins) -> Result<()> {
    for coin in coins.iter() {
        let left = held(ctx, &coin.denom)?.sub(&Dec::from_int(coin.amount)).map_err(|_| Error::Pool)?;
        if left.is_zero() { POOL.remove(ctx, &coin.denom)? } else { POOL.set(ctx, &coin.denom, &left.to_wire())? }
    }
    bank::send(ctx, &ACCOUNT.address(), to, &coins.to_vec())
}
