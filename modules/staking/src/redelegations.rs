//! Delegations that moved from one validator to another at once: until the unbonding time is over they answer for the first one.
use cairn_kernel::{Address, Ctx, Dec, Result, key_prefix};
use cairn_proto::cosmos::staking::v1beta1::{BondStatus, Redelegation, RedelegationEntry as Entry};

use crate::{
    Error, delegations,
    delegations::Source,
    stake::amount,
    state::{BY_DESTINATION, BY_SOURCE, REDELEGATION_QUEUE, REDELEGATIONS, UNBONDING_IDS},
    time::{Moment, moment, now, timestamp},
    unbonding::{completion, height, is_full},
    validators::{self, operator_text},
};

/// Delegator, source and destination.
pub(crate) type Key = (Address, Address, Address);

/// Moves shares of `source` to `destination`; gives when they answer for the first no more: at once, the moment 0, where it is unbonded.
///
/// # Errors
/// [`Error::SelfRedelegation`], [`Error::NoDestination`], [`Error::NoSource`], [`Error::Transitive`], [`Error::TooManyRedelegations`],
/// [`Error::TinyRedelegation`], those of [`delegations::unbond`] and [`delegations::delegate`]. As in the SDK, [`Error::NoValidator`]
/// where an unbonded source would be left without any delegation.
pub(crate) fn begin(ctx: &mut Ctx, key: &Key, shares: &Dec) -> Result<Moment> {
    let (delegator, source, destination) = key;
    if source == destination {
        return Err(Error::SelfRedelegation.into());
    }
    validators::validator(ctx, destination)?.ok_or(Error::NoDestination)?;
    let status = validators::validator(ctx, source)?.ok_or(Error::NoSource)?.status();
    if BY_DESTINATION.range(ctx, &key_prefix(&(*source, *delegator))).next().transpose()?.is_some() {
        return Err(Error::Transitive.into());
    }
    let record = REDELEGATIONS.get(ctx, key)?;
    if is_full(ctx, record.as_ref().map_or(0, |r| r.entries.len()))? {
        return Err(Error::TooManyRedelegations.into());
    }

    let tokens = delegations::unbond(ctx, delegator, source, shares)?;
    if tokens == 0 {
        return Err(Error::TinyRedelegation.into());
    }
    let issued = delegations::delegate(ctx, delegator, destination, tokens, Source::Staked(status))?;
    let validator = validators::need(ctx, source)?;
    let (completion, creation_height) = match validator.status() {
        BondStatus::Unbonded => return Ok(0),
        BondStatus::Unbonding => (moment(validator.unbonding_time.as_ref())?, validator.unbonding_height),
        BondStatus::Bonded | BondStatus::Unspecified => (completion(ctx)?, height(ctx)),
    };
    let mut record = record.unwrap_or_else(|| Redelegation {
        delegator_address: delegator.to_string(),
        validator_src_address: operator_text(source),
        validator_dst_address: operator_text(destination),
        entries: Vec::new(),
    });
    record.entries.push(Entry {
        creation_height,
        completion_time: Some(timestamp(completion)),
        initial_balance: tokens.to_string(),
        shares_dst: issued.to_wire(),
        unbonding_id: UNBONDING_IDS.next(ctx)?,
        unbonding_on_hold_ref_count: 0,
    });
    write(ctx, key, &record)?;
    REDELEGATION_QUEUE.insert(ctx, &(completion, *delegator, *source, *destination))?;
    Ok(completion)
}

/// Drops the entries that are over by now; gives the tokens that they once moved.
pub(crate) fn complete(ctx: &mut Ctx, key: &Key) -> Result<u128> {
    let Some(mut record) = REDELEGATIONS.get(ctx, key)? else { return Ok(0) };
    let now = now(ctx);
    let (mut moved, mut waiting) = (0_u128, Vec::new());
    for entry in record.entries {
        if moment(entry.completion_time.as_ref())? <= now {
            moved = moved.checked_add(amount(&entry.initial_balance)?).ok_or(Error::TooMuch)?;
        } else {
            waiting.push(entry);
        }
    }
    record.entries = waiting;
    write(ctx, key, &record)?;
    Ok(moved)
}

/// Writes the entries; a record without any is deleted.
pub(crate) fn write(ctx: &mut Ctx, key: &Key, record: &Redelegation) -> Result<()> {
    let (delegator, source, destination) = *key;
    if record.entries.is_empty() {
        REDELEGATIONS.remove(ctx, key)?;
        BY_SOURCE.remove(ctx, &(source, delegator, destination))?;
        return BY_DESTINATION.remove(ctx, &(destination, delegator, source));
    }
    REDELEGATIONS.set(ctx, key, record)?;
    BY_SOURCE.insert(ctx, &(source, delegator, destination))?;
    BY_DESTINATION.insert(ctx, &(destination, delegator, source))
}
