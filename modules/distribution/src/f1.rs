//! F1: what a delegation earned, in a number of steps that does not grow with the number of delegations.
//!
//! A validator's time is cut into periods, one at each change of its delegations. At the end of a period its rewards are divided by its tokens;
//! the running sum of these ratios is the history. A delegation of constant stake earned stake * (sum now - sum at its start); a slash cuts
//! the stake in between. (Ojha, *F1 Fee Distribution*, 2019.)
use cairn_kernel::{Address, Ctx, Dec, Result};
use cairn_proto::cosmos::{
    distribution::v1beta1::{DelegatorStartingInfo, ValidatorHistoricalRewards, ValidatorSlashEvent},
    staking::v1beta1::{Delegation, Validator},
};
use cairn_staking::Stake;

use crate::{
    DecCoins, Error, pool, state,
    state::{COMMISSION, HISTORY, OUTSTANDING, SLASHES, STARTS},
};

/// The end of a validator's running period, if it ended now.
pub(crate) struct End {
    /// The period's number.
    pub(crate) period: u64,
    /// Rewards a token since the validator began.
    pub(crate) ratio: DecCoins,
    /// What nobody had a stake in.
    unowned: DecCoins,
}

/// A validator without history: it begins in period 1.
pub(crate) fn begin(ctx: &mut Ctx, operator: &Address) -> Result<()> {
    let none = DecCoins::default();
    write_ratio(ctx, operator, 0, &none, 1)?;
    state::set_current(ctx, operator, &none, 1)?;
    state::set_commission(ctx, operator, &none)?;
    state::set_outstanding(ctx, operator, &none)
}

/// How the running period would end now.
pub(crate) fn end(ctx: &Ctx, operator: &Address, tokens: u128) -> Result<End> {
    let (rewards, period) = state::current(ctx, operator)?;
    let before = ratio(ctx, operator, previous(period)?)?;
    if tokens == 0 {
        return Ok(End { period, ratio: before, unowned: rewards });
    }
    let ratio = before.add(&rewards.quo_truncate(&Dec::from_int(tokens))?)?;
    Ok(End { period, ratio, unowned: DecCoins::default() })
}

/// Ends the running period; what nobody had a stake in goes to the community pool.
pub(crate) fn end_period(ctx: &mut Ctx, operator: &Address, tokens: u128) -> Result<End> {
    let end = end(ctx, operator, tokens)?;
    if !end.unowned.is_empty() {
        pool::put(ctx, &end.unowned)?;
        let left = state::outstanding(ctx, operator)?.sub(&end.unowned)?;
        state::set_outstanding(ctx, operator, &left)?;
    }
    release(ctx, operator, previous(end.period)?)?;
    write_ratio(ctx, operator, end.period, &end.ratio, 1)?;
    let next = end.period.checked_add(1).ok_or(Error::Corrupt("the last period"))?;
    state::set_current(ctx, operator, &DecCoins::default(), next)?;
    Ok(end)
}

/// A delegation earns from here on, with what its shares are worth now. Its validator's period has just ended.
pub(crate) fn start(ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
    let (_, period) = state::current(ctx, operator)?;
    let previous_period = previous(period)?;
    hold(ctx, operator, previous_period)?;
    let validator = cairn_staking::validator(ctx, operator)?.ok_or(cairn_staking::Error::NoValidator)?;
    let delegation = cairn_staking::delegation(ctx, delegator, operator)?.ok_or(Error::NoDelegation)?;
    let stake = Stake::of(&validator)?;
    let owned = cairn_staking::shares(&delegation)?.mul_int(stake.tokens)?.quo_truncate(&stake.shares)?;
    let info = DelegatorStartingInfo { previous_period, stake: owned.to_wire(), height: ctx.block().height };
    STARTS.set(ctx, &(*operator, *delegator), &info)
}

/// What a delegation earned since its start, if its validator's period ended as `end`.
///
/// # Errors
/// [`Error::NoDelegation`] where it never started.
pub(crate) fn accrued(ctx: &Ctx, validator: &Validator, delegation: &Delegation, key: (&Address, &Address), end: &End) -> Result<DecCoins> {
    let (delegator, operator) = key;
    let info = STARTS.get(ctx, &(*operator, *delegator))?.ok_or(Error::NoDelegation)?;
    let mut rewards = DecCoins::default();
    if info.height == ctx.block().height {
        return Ok(rewards);
    }
    let mut stake = Dec::from_wire(&info.stake)?;
    let mut from = ratio(ctx, operator, info.previous_period)?;
    for slash in state::slashes_after(ctx, operator, info.previous_period)? {
        let to = ratio(ctx, operator, slash.validator_period)?;
        rewards = rewards.add(&to.sub(&from)?.mul_truncate(&stake)?)?;
        stake = stake.mul_truncate(&Dec::one().sub(&Dec::from_wire(&slash.fraction)?)?)?;
        from = to;
    }
    // Cut slash by slash it may be some last places more than what the shares are worth: nobody earns with more than that.
    let worth = Stake::of(validator)?.worth(&cairn_staking::shares(delegation)?)?;
    rewards.add(&end.ratio.sub(&from)?.mul_truncate(&stake.min(worth))?)
}

/// A delegation's start is over.
pub(crate) fn forget(ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
    let info = STARTS.get(ctx, &(*operator, *delegator))?.ok_or(Error::NoDelegation)?;
    release(ctx, operator, info.previous_period)?;
    STARTS.remove(ctx, &(*operator, *delegator))
}

/// Notes that a validator is about to lose this part of its tokens.
pub(crate) fn slashed(ctx: &mut Ctx, operator: &Address, tokens: u128, fraction: &Dec) -> Result<()> {
    let period = end_period(ctx, operator, tokens)?.period;
    hold(ctx, operator, period)?;
    let event = ValidatorSlashEvent { validator_period: period, fraction: fraction.to_wire() };
    SLASHES.set(ctx, &(*operator, period, ctx.block().height), &event)
}

/// Deletes everything of a validator.
pub(crate) fn remove(ctx: &mut Ctx, operator: &Address) -> Result<()> {
    let prefix = cairn_kernel::key_prefix(operator);
    for key in HISTORY.range(ctx, &prefix).map(|entry| entry.map(|(key, _)| key)).collect::<Result<Vec<_>>>()? {
        HISTORY.remove(ctx, &key)?;
    }
    for key in SLASHES.range(ctx, &prefix).map(|entry| entry.map(|(key, _)| key)).collect::<Result<Vec<_>>>()? {
        SLASHES.remove(ctx, &key)?;
    }
    state::CURRENT.remove(ctx, operator)?;
    COMMISSION.remove(ctx, operator)?;
    OUTSTANDING.remove(ctx, operator)
}

/// Rewards a token at the end of a period.
fn ratio(ctx: &Ctx, operator: &Address, period: u64) -> Result<DecCoins> {
    DecCoins::from_wire(&history(ctx, operator, period)?.cumulative_reward_ratio)
}

fn history(ctx: &Ctx, operator: &Address, period: u64) -> Result<ValidatorHistoricalRewards> {
    Ok(HISTORY.get(ctx, &(*operator, period))?.ok_or(Error::Corrupt("a period that somebody needs"))?)
}

fn write_ratio(ctx: &mut Ctx, operator: &Address, period: u64, ratio: &DecCoins, reference_count: u32) -> Result<()> {
    let record = ValidatorHistoricalRewards { cumulative_reward_ratio: ratio.to_wire(), reference_count };
    HISTORY.set(ctx, &(*operator, period), &record)
}

/// One more needs the end of a period.
fn hold(ctx: &mut Ctx, operator: &Address, period: u64) -> Result<()> {
    let mut record = history(ctx, operator, period)?;
    record.reference_count = record.reference_count.checked_add(1).ok_or(Error::Corrupt("a reference count"))?;
    HISTORY.set(ctx, &(*operator, period), &record)
}

/// One fewer needs it; the last one deletes it.
fn release(ctx: &mut Ctx, operator: &Address, period: u64) -> Result<()> {
    let mut record = history(ctx, operator, period)?;
    record.reference_count = record.reference_count.checked_sub(1).ok_or(Error::Corrupt("a reference count"))?;
    if record.reference_count == 0 { HISTORY.remove(ctx, &(*operator, period)) } else { HISTORY.set(ctx, &(*operator, period), &record) }
}

fn previous(period: u64) -> Result<u64> {
    Ok(period.checked_sub(1).ok_or(Error::Corrupt("a period of 0"))?)
}
