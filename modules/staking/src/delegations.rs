//! Tokens against shares: how a delegation grows and shrinks.
use cairn_kernel::{Address, Ctx, Dec, Result, key_prefix};
use cairn_proto::cosmos::staking::v1beta1::{BondStatus, Delegation, Validator};

use crate::{
    Error, Stake, hooks, pools,
    stake::amount,
    state::{DELEGATIONS, DELEGATORS},
    validators::{self, operator_text},
};

/// Where delegated tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The delegator's account.
    Account,
    /// The pool of a validator of this status.
    Staked(BondStatus),
}

/// The delegation of an account to a validator.
pub fn delegation(ctx: &Ctx, delegator: &Address, operator: &Address) -> Result<Option<Delegation>> {
    DELEGATIONS.get(ctx, &(*delegator, *operator))
}

/// What an account delegates, by operator.
pub fn delegations_of(ctx: &Ctx, delegator: &Address) -> impl Iterator<Item = Result<(Address, Delegation)>> {
    DELEGATIONS.range(ctx, &key_prefix(delegator)).map(|entry| entry.map(|((_, operator), delegation)| (operator, delegation)))
}

/// Who delegates to a validator.
pub fn delegators(ctx: &Ctx, operator: &Address) -> impl Iterator<Item = Result<Address>> {
    DELEGATORS.range(ctx, &key_prefix(operator)).map(|entry| entry.map(|(_, delegator)| delegator))
}

/// The shares of a delegation.
pub fn shares(delegation: &Delegation) -> Result<Dec> {
    Dec::from_wire(&delegation.shares)
}

/// What a delegation is worth at its validator, in whole tokens.
pub fn worth(validator: &Validator, delegation: &Delegation) -> Result<u128> {
    Stake::of(validator)?.worth(&shares(delegation)?)?.truncate()
}

/// Delegates tokens; gives the shares issued for them.
///
/// # Errors
/// [`Error::NoValidator`], [`Error::Worthless`], [`Error::TooMuch`]; `sdk/5` if the account holds less; what a hook refuses.
pub(crate) fn delegate(ctx: &mut Ctx, delegator: &Address, operator: &Address, tokens: u128, source: Source) -> Result<Dec> {
    if Stake::of(&validators::need(ctx, operator)?)?.is_worthless() {
        return Err(Error::Worthless.into());
    }
    let held = delegation(ctx, delegator, operator)?;
    hooks::each(ctx, |hook, ctx| match held {
        Some(_) => hook.before_delegation_shares_modified(ctx, delegator, operator),
        None => hook.before_delegation_created(ctx, delegator, operator),
    })?;

    let validator = validators::need(ctx, operator)?;
    let pool = pools::of(validator.status());
    match source {
        Source::Account => pools::take(ctx, delegator, pool, tokens)?,
        Source::Staked(status) => pools::shift(ctx, pools::of(status), pool, tokens)?,
    }
    let mut stake = Stake::of(&validator)?;
    let issued = stake.deposit(tokens)?;
    validators::restake(ctx, &validator, stake)?;
    let held = held.map(|d| shares(&d)).transpose()?.unwrap_or_default();
    write(ctx, delegator, operator, &held.add(&issued)?)?;
    hooks::each(ctx, |hook, ctx| hook.after_delegation_modified(ctx, delegator, operator))?;
    Ok(issued)
}

/// How many shares `tokens` of a delegation are.
///
/// # Errors
/// [`Error::NoValidator`], [`Error::NoDelegation`], [`Error::NoTokens`]; `sdk/18` if the delegation has fewer.
pub(crate) fn shares_for(ctx: &Ctx, delegator: &Address, operator: &Address, tokens: u128) -> Result<Dec> {
    let validator = validators::need(ctx, operator)?;
    let held = shares(&delegation(ctx, delegator, operator)?.ok_or(Error::NoDelegation)?)?;
    let wanted = Stake::of(&validator)?.shares_for(tokens)?;
    if wanted > held { Err(cairn_kernel::sdk::invalid_request("invalid shares amount")) } else { Ok(wanted) }
}

/// Takes shares out of a delegation and gives the tokens that they were worth, which stay in the validator's pool: the caller says where
/// they go. An operator that goes below its own promise jails its validator; the last shares of an unbonded validator end it.
///
/// # Errors
/// [`Error::NoDelegator`], [`Error::NotEnoughShares`], [`Error::NoValidator`]; what a hook refuses.
pub(crate) fn unbond(ctx: &mut Ctx, delegator: &Address, operator: &Address, taken: &Dec) -> Result<u128> {
    let held = delegation(ctx, delegator, operator)?.ok_or(Error::NoDelegator)?;
    hooks::each(ctx, |hook, ctx| hook.before_delegation_shares_modified(ctx, delegator, operator))?;
    let held = shares(&held)?;
    let left = held.sub(taken).map_err(|_| Error::NotEnoughShares(held.to_string()))?;

    let validator = validators::need(ctx, operator)?;
    let mut stake = Stake::of(&validator)?;
    let broken = delegator == operator && !validator.jailed && stake.worth(&left)?.truncate()? < amount(&validator.min_self_delegation)?;
    if left.is_zero() {
        hooks::each(ctx, |hook, ctx| hook.before_delegation_removed(ctx, delegator, operator))?;
        DELEGATIONS.remove(ctx, &(*delegator, *operator))?;
        DELEGATORS.remove(ctx, &(*operator, *delegator))?;
    } else {
        write(ctx, delegator, operator, &left)?;
        hooks::each(ctx, |hook, ctx| hook.after_delegation_modified(ctx, delegator, operator))?;
    }
    let paid = stake.withdraw(taken)?;
    let ended = stake.shares.is_zero() && validator.status() == BondStatus::Unbonded;
    let after = stake.within(&Validator { jailed: validator.jailed || broken, ..validator.clone() });
    validators::replace(ctx, &validator, &after)?;
    if ended {
        validators::remove(ctx, &after)?;
    }
    Ok(paid)
}

pub(crate) fn write(ctx: &mut Ctx, delegator: &Address, operator: &Address, shares: &Dec) -> Result<()> {
    let record =
        Delegation { delegator_address: delegator.to_string(), validator_address: operator_text(operator), shares: shares.to_wire() };
    DELEGATIONS.set(ctx, &(*delegator, *operator), &record)?;
    DELEGATORS.insert(ctx, &(*operator, *delegator))
}
