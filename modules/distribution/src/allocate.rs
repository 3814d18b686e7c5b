//! What the last block brought goes to who had a vote in it.
use cairn_auth::FEE_COLLECTOR;
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Coins, Ctx, Dec, Result};
use cairn_proto::cosmos::staking::v1beta1::Validator;

use crate::{ACCOUNT, DecCoins, Error, params::community_tax, pool, state};

/// Whether validators are rewarded in this denomination: the staked one, or that of fees. Of others anybody can make as many as he wants,
/// and each of them would be read and written with every reward.
pub(crate) fn rewards_in(ctx: &Ctx, denom: &str) -> Result<bool> {
    Ok(denom == BASE_DENOM || denom == cairn_staking::params(ctx)?.bond_denom)
}

/// Fees and issuance of the last block, by the powers of its votes, present or not. Whose validator is gone gives to the community pool.
pub(crate) fn begin_block(ctx: &mut Ctx) -> Result<()> {
    if ctx.block().height <= 1 {
        return Ok(());
    }
    let collected = collect(ctx)?;
    if collected.is_empty() {
        return Ok(());
    }
    let votes = &ctx.block().votes;
    let total: u128 = votes.iter().fold(0, |sum, vote| sum.saturating_add(vote.power.into()));
    if total == 0 {
        return pool::put(ctx, &collected);
    }
    let shared = collected.mul_truncate(&Dec::one().sub(&community_tax(ctx)?)?)?;
    let mut remaining = collected;
    for vote in votes {
        let part = Dec::from_int(vote.power.into()).quo_truncate(&Dec::from_int(total))?;
        let reward = shared.mul_truncate(&part)?;
        let Some(validator) = cairn_staking::by_consensus(ctx, &Address::new(&vote.validator)?)? else { continue };
        remaining = remaining.sub(&reward)?;
        to_validator(ctx, &validator, &reward)?;
    }
    pool::put(ctx, &remaining)
}

/// Empties the collector of fees into the module's account.
fn collect(ctx: &mut Ctx) -> Result<DecCoins> {
    let from = FEE_COLLECTOR.address();
    let (mut coins, bonded) = (Coins::default(), cairn_staking::params(ctx)?.bond_denom);
    for denom in [BASE_DENOM, bonded.as_str()] {
        if coins.amount_of(denom) == 0 {
            coins.add(&Coin::new(denom, bank::balance(ctx, &from, denom)?))?;
        }
    }
    bank::send(ctx, &from, &ACCOUNT.address(), &coins.to_vec())?;
    Ok(DecCoins::from_coins(&coins))
}

/// Gives coins, which lie in the module's account already, to a validator and its delegators.
pub(crate) fn to_validator(ctx: &mut Ctx, validator: &Validator, coins: &DecCoins) -> Result<()> {
    if coins.is_empty() {
        return Ok(());
    }
    let operator = cairn_staking::operator(validator)?;
    let rates = validator.commission.as_ref().and_then(|c| c.commission_rates.as_ref()).ok_or(Error::Corrupt("a commission"))?;
    let commission = coins.mul(&Dec::from_wire(&rates.rate)?)?;
    let shared = coins.sub(&commission)?;
    say(ctx, "commission", &commission, validator);
    let held = state::commission(ctx, &operator)?.add(&commission)?;
    state::set_commission(ctx, &operator, &held)?;

    let (rewards, period) = state::current(ctx, &operator)?;
    state::set_current(ctx, &operator, &rewards.add(&shared)?, period)?;
    say(ctx, "rewards", coins, validator);
    let outstanding = state::outstanding(ctx, &operator)?.add(coins)?;
    state::set_outstanding(ctx, &operator, &outstanding)
}

fn say(ctx: &mut Ctx, what: &str, coins: &DecCoins, validator: &Validator) {
    ctx.emit_raw(what, &[("amount", &coins.to_string()), ("validator", &validator.operator_address)]);
}
