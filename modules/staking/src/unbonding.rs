//! Delegations on their way out: they wait for the unbonding time, within reach of slashes for what happened before.
use cairn_kernel::{Address, Ctx, Dec, Result, sdk};
use cairn_proto::cosmos::staking::v1beta1::{BondStatus, UnbondingDelegation, UnbondingDelegationEntry as Entry};

use crate::{
    Error, Stake, delegations,
    delegations::Source,
    params, pools,
    stake::amount,
    state::{UNBONDERS, UNBONDING_IDS, UNBONDING_QUEUE, UNBONDINGS},
    time::{Moment, moment, now, span, timestamp},
    validators::{self, operator_text},
};

/// When what begins to unbond now is out.
pub(crate) fn completion(ctx: &Ctx) -> Result<Moment> {
    let wait = span(params(ctx)?.unbonding_time.as_ref()).ok_or(Error::Corrupt("the unbonding time"))?;
    Ok(now(ctx).saturating_add(wait))
}

/// The block's height as messages carry it.
pub(crate) fn height(ctx: &Ctx) -> i64 {
    i64::try_from(ctx.block().height).unwrap_or(i64::MAX)
}

/// Takes shares out of a delegation; gives when their tokens are paid, and how many.
///
/// # Errors
/// [`Error::NoValidator`], [`Error::TooManyUnbondings`], those of [`delegations::unbond`].
pub(crate) fn undelegate(ctx: &mut Ctx, delegator: &Address, operator: &Address, shares: &Dec) -> Result<(Moment, u128)> {
    let status = validators::need(ctx, operator)?.status();
    let key = (*delegator, *operator);
    let mut record = UNBONDINGS.get(ctx, &key)?.unwrap_or_else(|| UnbondingDelegation {
        delegator_address: delegator.to_string(),
        validator_address: operator_text(operator),
        entries: Vec::new(),
    });
    if is_full(ctx, record.entries.len())? {
        return Err(Error::TooManyUnbondings.into());
    }
    let tokens = delegations::unbond(ctx, delegator, operator, shares)?;
    pools::shift(ctx, pools::of(status), &pools::NOT_BONDED_POOL, tokens)?;

    let (completion, height) = (completion(ctx)?, height(ctx));
    let id = UNBONDING_IDS.next(ctx)?;
    let completion_time = Some(timestamp(completion));
    match record.entries.iter_mut().find(|e| e.creation_height == height && e.completion_time == completion_time) {
        Some(entry) => {
            entry.initial_balance = plus(&entry.initial_balance, tokens)?;
            entry.balance = plus(&entry.balance, tokens)?;
        }
        None => record.entries.push(Entry {
            creation_height: height,
            completion_time,
            initial_balance: tokens.to_string(),
            balance: tokens.to_string(),
            unbonding_id: id,
            unbonding_on_hold_ref_count: 0,
        }),
    }
    write(ctx, key, &record)?;
    UNBONDING_QUEUE.insert(ctx, &(completion, *delegator, *operator))?;
    Ok((completion, tokens))
}

/// Whether no further entry fits beside `count`.
pub(crate) fn is_full(ctx: &Ctx, count: usize) -> Result<bool> {
    Ok(u32::try_from(count).unwrap_or(u32::MAX) >= params(ctx)?.max_entries)
}

/// Pays what is out by now; gives how much.
pub(crate) fn complete(ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<u128> {
    let key = (*delegator, *operator);
    let Some(mut record) = UNBONDINGS.get(ctx, &key)? else { return Ok(0) };
    let now = now(ctx);
    let (mut paid, mut waiting) = (0_u128, Vec::new());
    for entry in record.entries {
        if moment(entry.completion_time.as_ref())? <= now {
            paid = paid.checked_add(amount(&entry.balance)?).ok_or(Error::TooMuch)?;
        } else {
            waiting.push(entry);
        }
    }
    record.entries = waiting;
    write(ctx, key, &record)?;
    pools::pay(ctx, delegator, paid)?;
    Ok(paid)
}

/// Delegates tokens of an entry again, at its validator.
///
/// # Errors
/// [`Error::NoValidator`], [`Error::Worthless`], [`Error::Jailed`]; `sdk/38` where there is no such entry, `sdk/18` where it has less
/// or is out.
pub(crate) fn cancel(ctx: &mut Ctx, delegator: &Address, operator: &Address, tokens: u128, created: i64) -> Result<()> {
    let validator = validators::need(ctx, operator)?;
    if Stake::of(&validator)?.is_worthless() {
        return Err(Error::Worthless.into());
    }
    if validator.jailed {
        return Err(Error::Jailed.into());
    }
    let key = (*delegator, *operator);
    let missing = || {
        let operator = operator_text(operator);
        sdk::not_found(format!("unbonding delegation with delegator {delegator} not found for validator {operator}"))
    };
    let mut record = UNBONDINGS.get(ctx, &key)?.ok_or_else(missing)?;
    let Some(entry) = record.entries.iter_mut().find(|e| e.creation_height == created) else {
        return Err(sdk::not_found(format!("unbonding delegation entry is not found at block height {created}")));
    };
    let left = amount(&entry.balance)?.checked_sub(tokens);
    let left = left.ok_or_else(|| sdk::invalid_request("amount is greater than the unbonding delegation entry balance"))?;
    if moment(entry.completion_time.as_ref())? < now(ctx) {
        return Err(sdk::invalid_request("unbonding delegation is already processed"));
    }
    // What was slashed of the entry meanwhile stays on its books.
    let initial = amount(&entry.initial_balance)?.checked_sub(tokens).ok_or(Error::Corrupt("an entry that grew"))?;
    let (number, ended) = (entry.unbonding_id, left == 0);
    (entry.balance, entry.initial_balance) = (left.to_string(), initial.to_string());
    if ended {
        record.entries.retain(|e| e.unbonding_id != number);
    }
    delegations::delegate(ctx, delegator, operator, tokens, Source::Staked(BondStatus::Unbonding))?;
    write(ctx, key, &record)
}

/// Writes the entries; a record without any is deleted.
pub(crate) fn write(ctx: &mut Ctx, key: (Address, Address), record: &UnbondingDelegation) -> Result<()> {
    let (delegator, operator) = key;
    if record.entries.is_empty() {
        UNBONDINGS.remove(ctx, &key)?;
        return UNBONDERS.remove(ctx, &(operator, delegator));
    }
    UNBONDINGS.set(ctx, &key, record)?;
    UNBONDERS.insert(ctx, &(operator, delegator))
}

fn plus(text: &str, more: u128) -> Result<String> {
    Ok(amount(text)?.checked_add(more).ok_or(Error::TooMuch)?.to_string())
}
