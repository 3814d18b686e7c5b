//! Rewards and commission on their way out.
use cairn_bank as bank;
use cairn_kernel::{Address, Coins, Ctx, Result};
use cairn_proto::cosmos::staking::v1beta1::{Delegation, Validator};
use cairn_staking::Stake;

use crate::{ACCOUNT, Error, f1, pool, state, state::WITHDRAW};

/// Where an account wants its rewards.
pub fn withdraw_address(ctx: &Ctx, delegator: &Address) -> Result<Address> {
    WITHDRAW.get(ctx, delegator)?.map_or(Ok(*delegator), |raw| Address::new(&raw))
}

/// Pays what a delegation earned and ends its start: the caller starts it again, or the delegation ends. Whole units are paid, what is left
/// goes to the community pool.
///
/// # Errors
/// [`Error::NoDelegation`].
pub(crate) fn rewards(ctx: &mut Ctx, validator: &Validator, delegation: &Delegation, key: (&Address, &Address)) -> Result<Coins> {
    let (delegator, operator) = key;
    if !state::STARTS.has(ctx, &(*operator, *delegator))? {
        return Err(Error::NoDelegation.into());
    }
    let end = f1::end_period(ctx, operator, Stake::of(validator)?.tokens)?;
    let earned = f1::accrued(ctx, validator, delegation, key, &end)?;
    let outstanding = state::outstanding(ctx, operator)?;
    // In the last places it may be more than there is, by the order of divisions.
    let earned = earned.min(&outstanding);
    let (paid, rest) = earned.truncate()?;
    pay(ctx, delegator, &paid)?;
    state::set_outstanding(ctx, operator, &outstanding.sub(&earned)?)?;
    pool::put(ctx, &rest)?;
    f1::forget(ctx, delegator, operator)?;
    let shown = if paid.is_empty() { format!("0{}", cairn_staking::params(ctx)?.bond_denom) } else { paid.to_string() };
    let pairs = [("amount", shown.as_str()), ("validator", &validator.operator_address), ("delegator", &delegation.delegator_address)];
    ctx.emit_raw("withdraw_rewards", &pairs);
    Ok(paid)
}

/// Pays a validator's commission, whole units of it.
///
/// # Errors
/// [`Error::NoCommission`].
pub(crate) fn commission(ctx: &mut Ctx, operator: &Address) -> Result<Coins> {
    let held = state::commission(ctx, operator)?;
    if held.is_empty() {
        return Err(Error::NoCommission.into());
    }
    let (paid, rest) = held.truncate()?;
    state::set_commission(ctx, operator, &rest)?;
    let left = state::outstanding(ctx, operator)?.sub(&crate::DecCoins::from_coins(&paid))?;
    state::set_outstanding(ctx, operator, &left)?;
    pay(ctx, operator, &paid)?;
    ctx.emit_raw("withdraw_commission", &[("amount", &paid.to_string())]);
    Ok(paid)
}

/// Pays what an account earned to where it wants it.
pub(crate) fn pay(ctx: &mut Ctx, account: &Address, coins: &Coins) -> Result<()> {
    let to = withdraw_address(ctx, account)?;
    bank::send(ctx, &ACCOUNT.address(), &to, &coins.to_vec())
}
