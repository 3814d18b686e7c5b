//! What must hold of staking after every block.
use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::{Address, Ctx, Dec, Result};
use cairn_proto::cosmos::staking::v1beta1::BondStatus;

use crate::{
    Stake, delegations, pools,
    stake::amount,
    state::{
        BY_CONSENSUS, BY_DESTINATION, BY_POWER, BY_SOURCE, DELEGATIONS, DELEGATORS, LAST_POWERS, REDELEGATION_QUEUE, REDELEGATIONS,
        UNBONDERS, UNBONDING_QUEUE, UNBONDINGS, VALIDATOR_QUEUE, VALIDATORS,
    },
    time::moment,
    validators,
};

type Check = Result<(), String>;

fn text<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

fn all<T>(entries: impl Iterator<Item = Result<T>>) -> Result<Vec<T>, String> {
    text(entries.collect())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Check {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// The pools hold exactly what validators have and what unbonds.
pub(crate) fn pools(ctx: &Ctx) -> Check {
    let (mut bonded, mut not_bonded) = (0_u128, 0_u128);
    for (_, validator) in all(VALIDATORS.range(ctx, &[]))? {
        let sum = if validator.status() == BondStatus::Bonded { &mut bonded } else { &mut not_bonded };
        *sum = sum.saturating_add(text(amount(&validator.tokens))?);
    }
    for (_, record) in all(UNBONDINGS.range(ctx, &[]))? {
        for entry in record.entries {
            not_bonded = not_bonded.saturating_add(text(amount(&entry.balance))?);
        }
    }
    same("bonded pool", &text(pools::held(ctx, &pools::BONDED_POOL))?, &bonded)?;
    same("not bonded pool", &text(pools::held(ctx, &pools::NOT_BONDED_POOL))?, &not_bonded)
}

/// Each validator's shares are those of its delegations, none of which is empty; both indexes name the same delegations.
pub(crate) fn shares(ctx: &Ctx) -> Check {
    let mut sums: BTreeMap<Address, Dec> = BTreeMap::new();
    let mut indexed = BTreeSet::new();
    for ((delegator, operator), record) in all(DELEGATIONS.range(ctx, &[]))? {
        let shares = text(delegations::shares(&record))?;
        if shares.is_zero() {
            return Err(format!("the delegation of {delegator} to {operator} is empty"));
        }
        let sum = sums.entry(operator).or_default();
        *sum = text(sum.add(&shares))?;
        indexed.insert((operator, delegator));
    }
    same("delegators", &all(DELEGATORS.range(ctx, &[]))?.into_iter().collect(), &indexed)?;
    for (operator, validator) in all(VALIDATORS.range(ctx, &[]))? {
        same("shares of a validator", &sums.remove(&operator).unwrap_or_default(), &text(Stake::of(&validator))?.shares)?;
    }
    if sums.is_empty() { Ok(()) } else { Err("delegations to no validator".to_owned()) }
}

/// The orders of validators follow their records, and exactly the bonded ones are in the set.
pub(crate) fn validators(ctx: &Ctx) -> Check {
    let (mut ranks, mut keys, mut set, mut queue) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for (operator, validator) in all(VALIDATORS.range(ctx, &[]))? {
        same("operator of a validator", &text(validators::operator(&validator))?, &operator)?;
        ranks.extend(text(validators::rank(&validator))?);
        keys.insert(text(validators::consensus_address(&validator))?, operator.as_bytes().to_vec());
        match validator.status() {
            BondStatus::Bonded => drop(set.insert(operator)),
            BondStatus::Unbonding => drop(queue.insert((text(moment(validator.unbonding_time.as_ref()))?, operator))),
            BondStatus::Unbonded => {}
            BondStatus::Unspecified => return Err(format!("validator {operator} has no status")),
        }
    }
    same("order of election", &all(BY_POWER.range(ctx, &[]))?.into_iter().collect(), &ranks)?;
    same("consensus addresses", &all(BY_CONSENSUS.range(ctx, &[]))?.into_iter().collect(), &keys)?;
    same("the set", &all(LAST_POWERS.range(ctx, &[]))?.into_iter().map(|(operator, _)| operator).collect(), &set)?;
    same("unbonding validators", &all(VALIDATOR_QUEUE.range(ctx, &[]))?.into_iter().collect(), &queue)
}

/// Everything on its way out has a time at which it is released, and indexes name what is there.
pub(crate) fn queues(ctx: &Ctx) -> Check {
    let queue: BTreeSet<_> = all(UNBONDING_QUEUE.range(ctx, &[]))?.into_iter().collect();
    let mut unbonders = BTreeSet::new();
    for ((delegator, operator), record) in all(UNBONDINGS.range(ctx, &[]))? {
        unbonders.insert((operator, delegator));
        for entry in record.entries {
            let out = text(moment(entry.completion_time.as_ref()))?;
            if !queue.contains(&(out, delegator, operator)) || text(amount(&entry.balance))? > text(amount(&entry.initial_balance))? {
                return Err(format!("an unbonding entry of {delegator} has no release or grew"));
            }
        }
    }
    same("unbonders", &all(UNBONDERS.range(ctx, &[]))?.into_iter().collect(), &unbonders)?;
    let queue: BTreeSet<_> = all(REDELEGATION_QUEUE.range(ctx, &[]))?.into_iter().collect();
    let (mut by_source, mut by_destination) = (BTreeSet::new(), BTreeSet::new());
    for ((delegator, source, destination), record) in all(REDELEGATIONS.range(ctx, &[]))? {
        by_source.insert((source, delegator, destination));
        by_destination.insert((destination, delegator, source));
        for entry in record.entries {
            if !queue.contains(&(text(moment(entry.completion_time.as_ref()))?, delegator, source, destination)) {
                return Err(format!("a redelegation of {delegator} has no end"));
            }
        }
    }
    same("redelegations by source", &all(BY_SOURCE.range(ctx, &[]))?.into_iter().collect(), &by_source)?;
    same("redelegations by destination", &all(BY_DESTINATION.range(ctx, &[]))?.into_iter().collect(), &by_destination)
}
