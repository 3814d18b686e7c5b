//! What distribution does when staking changes.
use cairn_kernel::{Address, Ctx, Dec, Result};
use cairn_proto::cosmos::staking::v1beta1::Validator;
use cairn_staking::Stake;

use crate::{Distribution, Error, f1, pool, state, withdraw};

fn known(ctx: &Ctx, operator: &Address) -> Result<Validator> {
    Ok(cairn_staking::validator(ctx, operator)?.ok_or(cairn_staking::Error::NoValidator)?)
}

fn tokens(ctx: &Ctx, operator: &Address) -> Result<u128> {
    Ok(Stake::of(&known(ctx, operator)?)?.tokens)
}

impl cairn_staking::Hooks for Distribution {
    fn after_validator_created(&self, ctx: &mut Ctx, operator: &Address) -> Result<()> {
        f1::begin(ctx, operator)
    }
    /// Its commission is paid; what rounding left of its rewards goes to the community pool. A commission that cannot be paid goes there too:
    /// a refusal here would hold back the end of every block.
    fn after_validator_removed(&self, ctx: &mut Ctx, _: &Address, operator: &Address) -> Result<()> {
        let (held, mut left) = (state::commission(ctx, operator)?, state::outstanding(ctx, operator)?);
        let (paid, _) = held.truncate()?;
        if ctx.atomic(|ctx| withdraw::pay(ctx, operator, &paid)).is_ok() {
            left = left.sub(&crate::DecCoins::from_coins(&paid))?;
        }
        pool::put(ctx, &left)?;
        f1::remove(ctx, operator)
    }
    fn before_delegation_created(&self, ctx: &mut Ctx, _: &Address, operator: &Address) -> Result<()> {
        let tokens = tokens(ctx, operator)?;
        f1::end_period(ctx, operator, tokens).map(drop)
    }
    fn before_delegation_shares_modified(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        let validator = known(ctx, operator)?;
        let delegation = cairn_staking::delegation(ctx, delegator, operator)?.ok_or(Error::NoDelegation)?;
        withdraw::rewards(ctx, &validator, &delegation, (delegator, operator)).map(drop)
    }
    fn after_delegation_modified(&self, ctx: &mut Ctx, delegator: &Address, operator: &Address) -> Result<()> {
        f1::start(ctx, delegator, operator)
    }
    fn before_validator_slashed(&self, ctx: &mut Ctx, operator: &Address, fraction: &Dec) -> Result<()> {
        let tokens = tokens(ctx, operator)?;
        f1::slashed(ctx, operator, tokens, fraction)
    }
}
