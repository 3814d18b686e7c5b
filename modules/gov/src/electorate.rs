//! Who may vote with how much: the validators that staking elected, and whoever delegates to them.
use cairn_kernel::{Address, Ctx, Dec, Result};
use cairn_staking::{self as staking, Stake};

/// A validator that votes for all who delegated to it and do not vote themselves.
#[derive(Debug, Clone)]
pub(crate) struct Validator {
    /// The account that operates it.
    pub(crate) operator: Address,
    /// What is staked on it, and the shares of that.
    pub(crate) stake: Stake,
}

/// The validators in force, by operator.
pub(crate) fn validators(ctx: &Ctx) -> Result<Vec<Validator>> {
    let mut validators = Vec::new();
    for power in staking::powers(ctx)? {
        if let Some(validator) = staking::validator(ctx, &power.operator)? {
            validators.push(Validator { operator: power.operator, stake: Stake::of(&validator)? });
        }
    }
    validators.sort_by_key(|validator| validator.operator);
    Ok(validators)
}

/// The operators to whom `voter` has delegated, and how many shares.
pub(crate) fn delegations(ctx: &Ctx, voter: &Address) -> Result<Vec<(Address, Dec)>> {
    let own = |entry: Result<(Address, _)>| entry.and_then(|(operator, held)| Ok((operator, staking::shares(&held)?)));
    staking::delegations_of(ctx, voter).map(own).collect()
}

/// Everything that is bonded, the measure of the quorum.
pub(crate) fn bonded(ctx: &Ctx) -> Result<u128> {
    staking::bonded(ctx)
}
