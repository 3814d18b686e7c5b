//! What must hold of distribution after every block.
use std::collections::BTreeMap;

use cairn_kernel::{Address, BASE_DENOM, Ctx, Dec, Result};
use cairn_staking::Stake;

use crate::{
    DecCoins, f1, genesis, pool, state,
    state::{COMMISSION, CURRENT, HISTORY, OUTSTANDING, SLASHES, STARTS},
};

type Check = Result<(), String>;

fn text<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

/// The module's account holds what is outstanding and the community pool, to the unit.
pub(crate) fn account(ctx: &Ctx) -> Check {
    let mut sum = text(pool::community_pool(ctx))?;
    for entry in OUTSTANDING.range(ctx, &[]) {
        let (_, held) = text(entry)?;
        sum = text(DecCoins::from_wire(&held.rewards).and_then(|rewards| sum.add(&rewards)))?;
    }
    let bonded = text(cairn_staking::params(ctx))?.bond_denom;
    let mut denoms: Vec<&str> = sum.iter().map(|(denom, _)| denom.as_str()).collect();
    denoms.extend([BASE_DENOM, bonded.as_str()]);
    for denom in denoms {
        let (owed, held) = (sum.amount_of(denom), text(genesis::held(ctx, denom))?);
        if owed != Dec::from_int(held) {
            return Err(format!("the account holds {held}{denom}, {owed} are outstanding or in the community pool"));
        }
    }
    Ok(())
}

/// Each end of a period is kept exactly as often as it is needed: by the running period, delegations, and slashes.
pub(crate) fn references(ctx: &Ctx) -> Check {
    let mut needed: BTreeMap<(Address, u64), u32> = BTreeMap::new();
    let mut need = |operator: Address, period: u64| {
        let count = needed.entry((operator, period)).or_default();
        *count = count.saturating_add(1);
    };
    for entry in CURRENT.range(ctx, &[]) {
        let (operator, running) = text(entry)?;
        need(operator, running.period.saturating_sub(1));
    }
    for entry in STARTS.range(ctx, &[]) {
        let ((operator, _), info) = text(entry)?;
        need(operator, info.previous_period);
    }
    for entry in SLASHES.range(ctx, &[]) {
        let ((operator, period, _), _) = text(entry)?;
        need(operator, period);
    }
    for entry in HISTORY.range(ctx, &[]) {
        let ((operator, period), record) = text(entry)?;
        let count = needed.remove(&(operator, period)).unwrap_or(0);
        if count != record.reference_count {
            return Err(format!("period {period} of {operator} is needed {count} times and counted {} times", record.reference_count));
        }
    }
    match needed.keys().next() {
        Some((operator, period)) => Err(format!("period {period} of {operator} is needed and gone")),
        None => Ok(()),
    }
}

/// Exactly the validators have rewards, and exactly the delegations a start.
pub(crate) fn records(ctx: &Ctx) -> Check {
    let mut starts = 0_usize;
    let validators = text(cairn_staking::all_validators(ctx).collect::<Result<Vec<_>>>())?;
    for (operator, _) in &validators {
        if !text(OUTSTANDING.has(ctx, operator))? || !text(COMMISSION.has(ctx, operator))? || !text(CURRENT.has(ctx, operator))? {
            return Err(format!("validator {operator} has no rewards"));
        }
        for delegator in cairn_staking::delegators(ctx, operator) {
            let delegator = text(delegator)?;
            if !text(STARTS.has(ctx, &(*operator, delegator)))? {
                return Err(format!("the delegation of {delegator} to {operator} has no start"));
            }
            starts = starts.saturating_add(1);
        }
    }
    let count = validators.len();
    let found = [OUTSTANDING.range(ctx, &[]).count(), COMMISSION.range(ctx, &[]).count(), CURRENT.range(ctx, &[]).count()];
    if found != [count; 3] || STARTS.range(ctx, &[]).count() != starts {
        return Err(format!("{found:?} records of {count} validators, {} starts of {starts} delegations", STARTS.range(ctx, &[]).count()));
    }
    Ok(())
}

/// Everybody could withdraw now: commission and rewards together are no whole unit more than what is outstanding.
pub(crate) fn withdrawable(ctx: &Ctx) -> Check {
    for entry in cairn_staking::all_validators(ctx) {
        let (operator, validator) = text(entry)?;
        let end = text(Stake::of(&validator).and_then(|stake| f1::end(ctx, &operator, stake.tokens)))?;
        let mut owed = text(state::commission(ctx, &operator))?;
        for delegator in cairn_staking::delegators(ctx, &operator) {
            let delegator = text(delegator)?;
            let Some(delegation) = text(cairn_staking::delegation(ctx, &delegator, &operator))? else { continue };
            let earned = text(f1::accrued(ctx, &validator, &delegation, (&delegator, &operator), &end))?;
            owed = text(owed.add(&earned))?;
        }
        let held = text(state::outstanding(ctx, &operator))?;
        for (denom, amount) in owed.iter() {
            if *amount >= text(held.amount_of(denom).add(&Dec::one()))? {
                return Err(format!("{operator} owes {amount}{denom} and holds {}", held.amount_of(denom)));
            }
        }
    }
    Ok(())
}
