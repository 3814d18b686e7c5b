//! Who may vote with how much: the validators that staking elected, and whoever delegates to them.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Ctx, Dec, Result, key_prefix, sdk};
use cairn_staking::{self as staking, Hooks, Stake};

use crate::{Gov, poll, state::FROZEN};

/// The validators in force by operator, and what is staked on them. Each votes for all who delegate to it and do not vote themselves.
pub(crate) fn validators(ctx: &Ctx) -> Result<BTreeMap<Address, Stake>> {
    let mut validators = BTreeMap::new();
    for power in staking::powers(ctx)? {
        if let Some(validator) = staking::validator(ctx, &power.operator)? {
            validators.insert(power.operator, Stake::of(&validator)?);
        }
    }
    Ok(validators)
}

/// Shares that a voter holds of validators in `set`, and perhaps of others, as they were when the vote on proposal `id` ended.
pub(crate) fn holdings<T>(ctx: &Ctx, id: u64, voter: &Address, set: &BTreeMap<Address, T>) -> Result<BTreeMap<Address, Dec>> {
    let now = staking::delegations_of(ctx, voter).map(|entry| entry.and_then(|(operator, held)| Ok((operator, staking::shares(&held)?))));
    let one = |operator: &Address| staking::delegation(ctx, voter, operator)?.map(|held| staking::shares(&held)).transpose();
    let mut shares = within(set, now, one)?;

    let then = FROZEN.range(ctx, &key_prefix(&(id, *voter)));
    let then = then.map(|entry| entry.and_then(|((_, _, operator), held)| Ok((operator, Dec::from_wire(&held)?))));
    let one = |operator: &Address| FROZEN.get(ctx, &(id, *voter, *operator))?.map(|held| Dec::from_wire(&held)).transpose();
    shares.extend(within(set, then, one)?);
    shares.retain(|_, held| !held.is_zero());
    Ok(shares)
}

/// Walks through entries where they are few, else looks up those of the set: an account may delegate to any number of validators that are
/// not in it.
fn within<T>(
    set: &BTreeMap<Address, T>,
    walk: impl Iterator<Item = Result<(Address, Dec)>>,
    find: impl Fn(&Address) -> Result<Option<Dec>>,
) -> Result<BTreeMap<Address, Dec>> {
    let few: BTreeMap<Address, Dec> = walk.take(set.len().saturating_add(1)).collect::<Result<_>>()?;
    if few.len() <= set.len() {
        return Ok(few);
    }
    let found = |operator: &Address| find(operator).map(|held| held.map(|held| (*operator, held))).transpose();
    set.keys().filter_map(found).collect()
}

/// The shares that an account holds of a validator.
pub(crate) fn shares(ctx: &Ctx, delegator: &Address, operator: &Address) -> Result<Dec> {
    staking::delegation(ctx, delegator, operator)?.map_or_else(|| Ok(Dec::zero()), |held| staking::shares(&held))
}

/// Everything that is bonded, the measure of the quorum.
pub(crate) fn bonded(ctx: &Ctx) -> Result<u128> {
    staking::bonded(ctx)
}

/// An amount that was stored.
pub(crate) fn amount(text: &str) -> Result<u128> {
    text.parse().map_err(|_| sdk::invalid_request("a stored amount is damaged"))
}

impl Hooks for Gov {
    fn before_delegation_created(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        poll::remember(ctx, delegator, operator)
    }
    fn before_delegation_shares_modified(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        poll::remember(ctx, delegator, operator)
    }
}
