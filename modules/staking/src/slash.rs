//! What a fault costs: the tokens that stood behind the validator when it happened, wherever they are now.
use cairn_kernel::{Address, Ctx, Dec, Result, key_prefix};
use cairn_proto::cosmos::staking::v1beta1::{BondStatus, Redelegation, UnbondingDelegation, UnbondingDelegationEntry};

use crate::{
    Error, POWER_REDUCTION, Stake, delegations, hooks, pools,
    redelegations::Key,
    stake::amount,
    state::{BY_SOURCE, REDELEGATIONS, UNBONDERS, UNBONDINGS},
    time::{moment, now},
    unbonding::{self, height},
    validators,
};

/// Destroys `fraction` of what stood behind a validator with `power` at the height of its fault; gives how much of that the validator
/// itself lost. What began to unbond or moved to another validator since then pays its part first. A validator that is gone is no error.
///
/// # Errors
/// [`Error::Slash`] for a fault in the future and for an unbonded validator, whose delegators are free.
pub fn slash(ctx: &mut Ctx, consensus: &Address, fault: i64, power: u64, fraction: &Dec) -> Result<u128> {
    let behind = u128::from(power).checked_mul(POWER_REDUCTION).ok_or(Error::TooMuch)?;
    let due = Dec::from_int(behind).mul(fraction)?.truncate()?;
    let Some(validator) = validators::by_consensus(ctx, consensus)? else { return Ok(0) };
    if validator.status() == BondStatus::Unbonded {
        return Err(Error::Slash("an unbonded validator").into());
    }
    if fault > height(ctx) {
        return Err(Error::Slash("a fault in the future").into());
    }
    let operator = validators::operator(&validator)?;
    hooks::each(ctx, |hook, ctx| hook.before_validator_modified(ctx, &operator))?;
    let elsewhere = if fault < height(ctx) { slash_leavers(ctx, &operator, fault, fraction)? } else { 0 };
    burn(ctx, &operator, due.saturating_sub(elsewhere))
}

/// Slashes what left the validator since the fault; gives how much was due of that.
fn slash_leavers(ctx: &mut Ctx, operator: &Address, fault: i64, fraction: &Dec) -> Result<u128> {
    let mut due = 0_u128;
    let unbonders = UNBONDERS.range(ctx, &key_prefix(operator)).collect::<Result<Vec<_>>>()?;
    for (operator, delegator) in unbonders {
        let record = UNBONDINGS.get(ctx, &(delegator, operator))?.ok_or(Error::Corrupt("an unbonding delegation"))?;
        due = sum(due, slash_unbonding(ctx, (delegator, operator), record, fault, fraction)?)?;
    }
    let moved = BY_SOURCE.range(ctx, &key_prefix(operator)).collect::<Result<Vec<_>>>()?;
    for (source, delegator, destination) in moved {
        let key = (delegator, source, destination);
        let record = REDELEGATIONS.get(ctx, &key)?.ok_or(Error::Corrupt("a redelegation"))?;
        due = sum(due, slash_redelegation(ctx, &key, &record, fault, fraction)?)?;
    }
    Ok(due)
}

/// Slashes the entries of an unbonding delegation that began at the fault or later; gives what was due, which may be more than they
/// had left.
fn slash_unbonding(ctx: &mut Ctx, key: (Address, Address), mut record: UnbondingDelegation, fault: i64, fraction: &Dec) -> Result<u128> {
    let (mut total, mut burnt) = (0_u128, 0_u128);
    for entry in &mut record.entries {
        if !answers(ctx, entry, fault)? {
            continue;
        }
        let due = fraction.mul_int(amount(&entry.initial_balance)?)?.truncate()?;
        total = sum(total, due)?;
        burnt = sum(burnt, reduce(entry, due)?)?;
    }
    if burnt > 0 {
        unbonding::write(ctx, key, &record)?;
    }
    pools::burn(ctx, &pools::NOT_BONDED_POOL, burnt)?;
    Ok(total)
}

/// Slashes what a redelegation brought to its destination: first what unbonds from there, then shares.
fn slash_redelegation(ctx: &mut Ctx, key: &Key, record: &Redelegation, fault: i64, fraction: &Dec) -> Result<u128> {
    let (delegator, _, destination) = *key;
    let now = now(ctx);
    let (mut total, mut bonded, mut not_bonded) = (0_u128, 0_u128, 0_u128);
    for entry in &record.entries {
        if entry.creation_height < fault || moment(entry.completion_time.as_ref())? <= now {
            continue;
        }
        let due = fraction.mul_int(amount(&entry.initial_balance)?)?.truncate()?;
        total = sum(total, due)?;
        let found = slash_exit(ctx, (delegator, destination), due, fault)?;
        not_bonded = sum(not_bonded, found)?;
        let shares = fraction.mul(&Dec::from_wire(&entry.shares_dst)?)?;
        if shares.is_zero() || found == due {
            continue;
        }
        let Some(held) = delegations::delegation(ctx, &delegator, &destination)? else { continue };
        let shares = shares.min(delegations::shares(&held)?);
        let status = validators::need(ctx, &destination)?.status();
        let tokens = delegations::unbond(ctx, &delegator, &destination, &shares)?;
        let burnt = if status == BondStatus::Bonded { &mut bonded } else { &mut not_bonded };
        *burnt = sum(*burnt, tokens)?;
    }
    pools::burn(ctx, &pools::BONDED_POOL, bonded)?;
    pools::burn(ctx, &pools::NOT_BONDED_POOL, not_bonded)?;
    Ok(total)
}

/// Takes up to `due` from what the delegator unbonds from the destination since the fault; gives how much there was.
fn slash_exit(ctx: &mut Ctx, key: (Address, Address), due: u128, fault: i64) -> Result<u128> {
    let Some(mut record) = UNBONDINGS.get(ctx, &key)? else { return Ok(0) };
    let mut left = due;
    for entry in &mut record.entries {
        if left > 0 && answers(ctx, entry, fault)? {
            left = left.saturating_sub(reduce(entry, left)?);
        }
    }
    let found = due.saturating_sub(left);
    if found > 0 {
        unbonding::write(ctx, key, &record)?;
    }
    Ok(found)
}

/// Whether an entry stood behind the validator at the fault and is not out yet.
fn answers(ctx: &Ctx, entry: &UnbondingDelegationEntry, fault: i64) -> Result<bool> {
    Ok(entry.creation_height >= fault && moment(entry.completion_time.as_ref())? > now(ctx))
}

/// Takes up to `due` from an entry; gives how much.
fn reduce(entry: &mut UnbondingDelegationEntry, due: u128) -> Result<u128> {
    let balance = amount(&entry.balance)?;
    let taken = due.min(balance);
    entry.balance = balance.saturating_sub(taken).to_string();
    Ok(taken)
}

/// Destroys up to `due` tokens of a validator; gives how many.
fn burn(ctx: &mut Ctx, operator: &Address, due: u128) -> Result<u128> {
    let tokens = Stake::of(&validators::need(ctx, operator)?)?.tokens;
    let burnt = due.min(tokens);
    if burnt == 0 {
        return Ok(0);
    }
    let fraction = Dec::from_int(burnt).quo_round_up(&Dec::from_int(tokens))?.min(Dec::one());
    hooks::each(ctx, |hook, ctx| hook.before_validator_slashed(ctx, operator, &fraction))?;
    let validator = validators::need(ctx, operator)?;
    let mut stake = Stake::of(&validator)?;
    stake.burn(burnt)?;
    validators::restake(ctx, &validator, stake)?;
    pools::burn(ctx, pools::of(validator.status()), burnt)?;
    Ok(burnt)
}

fn sum(a: u128, b: u128) -> Result<u128> {
    Ok(a.checked_add(b).ok_or(Error::TooMuch)?)
}
