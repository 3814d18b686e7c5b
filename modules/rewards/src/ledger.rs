//! The contribution ledger: fees split between fire and pool, and what they burnt recorded to those who earned it.
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, BPS, Coin, Ctx, Result, bps};
use cairn_proto::cairn::rewards::v1::{
    Contributed, ContributionKind, EventContributionRecorded, EventFeeTaken, EventForfeited, EventPoolFunded, EventPoolSpent,
};

use crate::{
    ACCOUNT, Error, amount, epochs,
    state::{self, EPOCHS},
};

/// What became of a fee or a forfeited bond, in base units of its denomination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Split {
    /// Destroyed.
    pub burnt: u128,
    /// In the pool.
    pub pooled: u128,
}

/// Takes a protocol fee from `payer`: of `ucairn` the part that the parameters set is burnt, the rest and every other denomination goes to
/// the pool. What was burnt is recorded as contributions of `contributors`, by weight (floors; less than one unit each is recorded to
/// nobody).
///
/// # Errors
/// [`Error::NoContributors`] where no weight is positive, [`Error::Kind`], `sdk/5` where the payer holds less. State may be half changed
/// then.
pub fn take_fee(ctx: &mut Ctx, payer: &Address, fee: &Coin, kind: ContributionKind, contributors: &[(Address, u128)]) -> Result<Split> {
    let total = contributors.iter().try_fold(0_u128, |sum, (_, weight)| sum.checked_add(*weight)).ok_or(Error::Overflow)?;
    if total == 0 {
        return Err(Error::NoContributors.into());
    }
    let rate = state::params(ctx)?.fee_burnt_bps;
    let split = divide(ctx, payer, fee, rate)?;
    if fee.amount > 0 {
        let (payer, burnt) = (payer.to_string(), amount::text(split.burnt));
        ctx.emit(&EventFeeTaken { payer, kind: kind.into(), fee: Some(fee.into()), burnt });
    }
    for (contributor, weight) in contributors {
        record(ctx, kind, contributor, amount::share(split.burnt, *weight, total)?)?;
    }
    Ok(split)
}

/// Splits a forfeited bond of `payer`: of `ucairn` `burn_bps` basis points are burnt, the rest and every other denomination goes to the
/// pool. No contribution is recorded.
///
/// # Errors
/// [`Error::Rate`] above 10,000 basis points, `sdk/5` where the payer holds less. State may be half changed then.
pub fn forfeit(ctx: &mut Ctx, payer: &Address, bond: &Coin, burn_bps: u32) -> Result<Split> {
    if burn_bps > BPS {
        return Err(Error::Rate { name: "burn_bps", most: BPS, found: burn_bps }.into());
    }
    let split = divide(ctx, payer, bond, burn_bps)?;
    if bond.amount > 0 {
        let (payer, burnt) = (payer.to_string(), amount::text(split.burnt));
        ctx.emit(&EventForfeited { payer, amount: Some(bond.into()), burnt });
    }
    Ok(split)
}

/// Moves coins of `payer` into the pool.
///
/// # Errors
/// `sdk/5` where the payer holds less. State may be half changed then.
pub fn fund_pool(ctx: &mut Ctx, payer: &Address, coins: &[Coin]) -> Result<()> {
    bank::send(ctx, payer, &ACCOUNT.address(), coins)?;
    coins.iter().try_for_each(|coin| state::put_into_pool(ctx, &coin.denom, coin.amount))?;
    ctx.emit(&EventPoolFunded { payer: payer.to_string(), amount: coins.iter().map(Into::into).collect() });
    Ok(())
}

/// Pays `to` out of the pool: `wanted`, or what the pool holds of it where that is less. Gives what was paid.
///
/// # Errors
/// What a hook of bank refuses. State may be half changed then.
pub fn spend_pool(ctx: &mut Ctx, to: &Address, wanted: &Coin) -> Result<Coin> {
    let paid = Coin::new(&wanted.denom, wanted.amount.min(state::pool(ctx, &wanted.denom)?));
    state::take_from_pool(ctx, &paid.denom, paid.amount)?;
    bank::send(ctx, &ACCOUNT.address(), to, std::slice::from_ref(&paid))?;
    if paid.amount > 0 {
        ctx.emit(&EventPoolSpent { recipient: to.to_string(), amount: Some((&paid).into()) });
    }
    Ok(paid)
}

fn divide(ctx: &mut Ctx, payer: &Address, coin: &Coin, burn_bps: u32) -> Result<Split> {
    let burnt = if coin.denom == BASE_DENOM { bps(coin.amount, burn_bps).ok_or(Error::Overflow)? } else { 0 };
    let pooled = coin.amount.checked_sub(burnt).ok_or(Error::Overflow)?;
    bank::send(ctx, payer, &ACCOUNT.address(), std::slice::from_ref(coin))?;
    if burnt > 0 {
        bank::burn(ctx, &ACCOUNT, &[Coin::base(burnt)])?;
        state::add_totals(ctx, |totals| amount::grow(&mut totals.burnt, burnt))?;
    }
    state::put_into_pool(ctx, &coin.denom, pooled)?;
    Ok(Split { burnt, pooled })
}

/// Records a contribution in the running epoch. `weight` is what it burnt in `ucairn` and nothing else, or paying oneself would pay;
/// [`take_fee`] does this by itself. A weight of zero counts the contribution without a reward.
///
/// # Errors
/// [`Error::Kind`] for an unspecified kind.
pub fn record(ctx: &mut Ctx, kind: ContributionKind, contributor: &Address, weight: u128) -> Result<()> {
    if kind == ContributionKind::Unspecified {
        return Err(Error::Kind(kind.into()).into());
    }
    let mut epoch = epochs::current(ctx)?;
    if weight > 0 {
        amount::grow(&mut epoch.weight, weight)?;
        EPOCHS.set(ctx, &epoch.number, &epoch)?;
    }
    let mut contribution = state::contribution(ctx, contributor, epoch.number)?;
    amount::grow(&mut contribution.weight, weight)?;
    count(&mut contribution.kinds, kind, weight)?;
    state::set_contribution(ctx, contributor, contribution)?;
    let mut account = state::account(ctx, contributor)?;
    count(&mut account.kinds, kind, weight)?;
    state::set_account(ctx, contributor, account)?;
    state::add_totals(ctx, |totals| count(&mut totals.kinds, kind, weight))?;
    let (contributor, weight) = (contributor.to_string(), amount::text(weight));
    ctx.emit(&EventContributionRecorded { contributor, kind: kind.into(), epoch: epoch.number, weight });
    Ok(())
}

/// Adds one contribution to a list sorted by kind.
fn count(kinds: &mut Vec<Contributed>, kind: ContributionKind, weight: u128) -> Result<(), Error> {
    let kind = i32::from(kind);
    let at = match kinds.binary_search_by_key(&kind, |entry| entry.kind) {
        Ok(at) => at,
        Err(at) => {
            kinds.insert(at, Contributed { kind, weight: amount::text(0), count: 0 });
            at
        }
    };
    let entry = kinds.get_mut(at).ok_or(Error::Overflow)?;
    entry.count = entry.count.checked_add(1).ok_or(Error::Overflow)?;
    amount::grow(&mut entry.weight, weight)
}
