//! What distribution stores. Operators and delegators are addresses; decimals are the texts of the Cosmos messages.
use cairn_kernel::{Address, Ctx, Item, Map, Result, key_prefix};
use cairn_proto::cosmos::distribution::v1beta1::{
    DelegatorStartingInfo, Params, ValidatorAccumulatedCommission, ValidatorCurrentRewards, ValidatorHistoricalRewards,
    ValidatorOutstandingRewards, ValidatorSlashEvent,
};

use crate::{DecCoins, Error};

cairn_kernel::state! { "distribution";
    /// The rules in force.
    PARAMS: Item<Params> = 1;
    /// The community pool by denomination, so that no block rewrites what strangers put in.
    POOL: Map<String, String> = 2;
    /// Where an account wants its rewards; absent: to itself.
    WITHDRAW: Map<Address, Vec<u8>> = 3;
    /// What a validator and its delegators earned and did not take out, by operator.
    OUTSTANDING: Map<Address, ValidatorOutstandingRewards> = 4;
    /// The validator's own part of it.
    COMMISSION: Map<Address, ValidatorAccumulatedCommission> = 5;
    /// What a validator's delegators earned in its running period, and the period's number.
    CURRENT: Map<Address, ValidatorCurrentRewards> = 6;
    /// Rewards a staked token since the validator began, at the end of a period that somebody still needs.
    HISTORY: Map<(Address, u64), ValidatorHistoricalRewards> = 7;
    /// Since when, and with how much, a delegation earns, by operator and delegator.
    STARTS: Map<(Address, Address), DelegatorStartingInfo> = 8;
    /// Slashes by operator, period that they ended, and height.
    SLASHES: Map<(Address, u64, u64), ValidatorSlashEvent> = 9;
}

/// What a validator and its delegators earned and did not take out.
pub(crate) fn outstanding(ctx: &Ctx, operator: &Address) -> Result<DecCoins> {
    DecCoins::from_wire(&OUTSTANDING.get(ctx, operator)?.map(|held| held.rewards).unwrap_or_default())
}

pub(crate) fn set_outstanding(ctx: &mut Ctx, operator: &Address, rewards: &DecCoins) -> Result<()> {
    OUTSTANDING.set(ctx, operator, &ValidatorOutstandingRewards { rewards: rewards.to_wire() })
}

/// The commission that a validator did not take out.
pub(crate) fn commission(ctx: &Ctx, operator: &Address) -> Result<DecCoins> {
    DecCoins::from_wire(&COMMISSION.get(ctx, operator)?.map(|held| held.commission).unwrap_or_default())
}

pub(crate) fn set_commission(ctx: &mut Ctx, operator: &Address, commission: &DecCoins) -> Result<()> {
    COMMISSION.set(ctx, operator, &ValidatorAccumulatedCommission { commission: commission.to_wire() })
}

/// What delegators earned in the running period, and its number.
pub(crate) fn current(ctx: &Ctx, operator: &Address) -> Result<(DecCoins, u64)> {
    let stored = CURRENT.get(ctx, operator)?.ok_or(Error::Corrupt("a validator without a period"))?;
    Ok((DecCoins::from_wire(&stored.rewards)?, stored.period))
}

pub(crate) fn set_current(ctx: &mut Ctx, operator: &Address, rewards: &DecCoins, period: u64) -> Result<()> {
    CURRENT.set(ctx, operator, &ValidatorCurrentRewards { rewards: rewards.to_wire(), period })
}

/// The slashes that ended a period after `period`, oldest first.
pub(crate) fn slashes_after(ctx: &Ctx, operator: &Address, period: u64) -> Result<Vec<ValidatorSlashEvent>> {
    let from = key_prefix(&(*operator, period.saturating_add(1)));
    SLASHES.range_from(ctx, &key_prefix(operator), &from).map(|entry| entry.map(|(_, event)| event)).collect()
}
