//! Income: payments to an asset, royalties to its ancestors, and what each shareholder is owed.
//!
//! Per asset and denomination an accumulator counts income per base unit of share, at scale S = 2^64 and 256 bits wide; a holder keeps what
//! it is owed, at the same scale, and the accumulator at its last touch. So a payment costs the same for one holder as for a million, and
//! neither rounding nor dust transfers lose anybody anything:
//! S * shared = sum(owed + shares * (accumulator - index)) + S * withdrawn + remainder, exactly.
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result, bps, check_denom};
use cairn_proto::cairn::asset::v1::{
    self as wire, EventIncomePaid, EventIncomeWithdrawn, EventRoyaltyPaid, IncomeStream, Settled, Settlements,
};
use ethnum::U256;

use crate::{
    Error, MINTER, share_denom,
    state::{self, HOLDERS, HOLDINGS, INCOMES},
    wide,
};

/// The accumulators of a new asset, which accepts `ucairn` and `denoms`. Every ancestor must accept them too.
pub(crate) fn open(ctx: &mut Ctx, asset: &wire::Asset, denoms: &[String]) -> Result<()> {
    let streams = vec![IncomeStream { denom: BASE_DENOM.to_owned(), ..IncomeStream::default() }];
    INCOMES.set(ctx, &asset.id, &wire::Income { asset_id: asset.id, streams })?;
    denoms.iter().try_for_each(|denom| allow(ctx, asset, denom))
}

/// Lets `asset` take income in `denom`; nothing changes where it does already.
pub(crate) fn allow(ctx: &mut Ctx, asset: &wire::Asset, denom: &str) -> Result<()> {
    let mut income = state::income(ctx, asset.id)?;
    if accepts(&income, denom) {
        return Ok(());
    }
    check_denom(denom)?;
    if denom.starts_with(crate::SHARE_PREFIX) {
        return Err(Error::ShareIncome(denom.to_owned()).into());
    }
    let max = state::params(ctx)?.max_income_denoms;
    if usize::try_from(max).map_err(|_| Error::Overflow)? <= income.streams.len() {
        return Err(Error::TooManyDenoms { max }.into());
    }
    for royalty in &asset.stack {
        if !accepts(&state::income(ctx, royalty.asset_id)?, denom) {
            return Err(Error::AncestorDenom { ancestor: royalty.asset_id, denom: denom.to_owned() }.into());
        }
    }
    income.streams.push(IncomeStream { denom: denom.to_owned(), ..IncomeStream::default() });
    INCOMES.set(ctx, &asset.id, &income)
}

fn accepts(income: &wire::Income, denom: &str) -> bool {
    income.streams.iter().any(|stream| stream.denom == denom)
}

/// Splits one coin of `from` among the ancestors of asset `id` and itself.
pub(crate) fn pay(ctx: &mut Ctx, id: u64, from: &Address, coin: &Coin) -> Result<()> {
    let coin = coin.clone().positive()?;
    let stack = state::asset(ctx, id)?.stack;
    let (mut kept, mut pooled) = (coin.amount, 0_u128);
    for royalty in &stack {
        let part = Coin { amount: bps(coin.amount, royalty.bps).ok_or(Error::Overflow)?, denom: coin.denom.clone() };
        if part.amount == 0 {
            continue;
        }
        kept = kept.checked_sub(part.amount).ok_or(Error::Overflow)?;
        let held = credit(ctx, royalty.asset_id, from, &part, |stream| wide::grow(&mut stream.royalties, part.amount))?;
        pooled = pooled.checked_add(held).ok_or(Error::Overflow)?;
        ctx.emit(&EventRoyaltyPaid { asset_id: royalty.asset_id, from_asset: id, amount: Some(part.into()) });
    }
    let passed_on = coin.amount.checked_sub(kept).ok_or(Error::Overflow)?;
    let rest = Coin { amount: kept, denom: coin.denom.clone() };
    let held = credit(ctx, id, from, &rest, |stream| {
        wide::grow(&mut stream.paid, coin.amount)?;
        wide::grow(&mut stream.passed_on, passed_on)
    })?;
    pooled = pooled.checked_add(held).ok_or(Error::Overflow)?;
    if pooled > 0 {
        bank::send(ctx, from, &MINTER.address(), &[Coin { amount: pooled, denom: coin.denom.clone() }])?;
    }
    ctx.emit(&EventIncomePaid { asset_id: id, payer: from.to_string(), amount: Some(coin.into()), kept: kept.to_string() });
    Ok(())
}

/// Books `coin` for asset `id`: to its owner at once where it has no shares, else to its holders. Gives what the module must take in for
/// them.
fn credit(ctx: &mut Ctx, id: u64, from: &Address, coin: &Coin, note: impl FnOnce(&mut IncomeStream) -> Result<()>) -> Result<u128> {
    let asset = state::asset(ctx, id)?;
    let mut income = state::income(ctx, id)?;
    let stream = income.streams.iter_mut().find(|stream| stream.denom == coin.denom);
    let stream = stream.ok_or_else(|| Error::IncomeDenom { asset: id, denom: coin.denom.clone() })?;
    note(stream)?;
    let tokenized = asset.share_supply > 0;
    if tokenized {
        accumulate(stream, asset.share_supply, coin.amount)?;
    } else {
        wide::grow(&mut stream.to_owner, coin.amount)?;
    }
    INCOMES.set(ctx, &id, &income)?;
    if tokenized {
        return Ok(coin.amount);
    }
    if coin.amount > 0 {
        bank::send(ctx, from, &Address::parse(&asset.owner)?, std::slice::from_ref(coin))?;
    }
    Ok(0)
}

/// `accumulator += (amount * S + remainder) / supply; remainder = (amount * S + remainder) mod supply`.
fn accumulate(stream: &mut IncomeStream, supply: u64, amount: u128) -> Result<()> {
    let scaled = wide::add(wide::scale(amount.into())?, wide::load(&stream.remainder)?)?;
    let (per_share, remainder) = wide::div_rem(scaled, supply.into())?;
    stream.accumulator = wide::store(wide::add(wide::load(&stream.accumulator)?, per_share)?);
    stream.remainder = wide::store(remainder);
    wide::grow(&mut stream.shared, amount)
}

/// What a holder of `shares` is owed of each stream now, at scale S, with its indexes at the accumulators.
pub(crate) fn settle(before: &Settlements, streams: &[IncomeStream], shares: u128) -> Result<Settlements> {
    let mut settled = Vec::with_capacity(streams.len());
    for (i, stream) in streams.iter().enumerate() {
        let accumulator = wide::load(&stream.accumulator)?;
        let (owed, index) = match before.settled.get(i) {
            Some(entry) => (wide::load(&entry.owed)?, wide::load(&entry.index)?),
            None => (U256::ZERO, U256::ZERO),
        };
        let earned = wide::mul(shares.into(), wide::sub(accumulator, index)?)?;
        settled.push(Settled { owed: wide::store(wide::add(owed, earned)?), index: wide::store(accumulator) });
    }
    while settled.last().is_some_and(|entry| entry.owed.is_empty() && entry.index.is_empty()) {
        settled.pop();
    }
    Ok(Settlements { settled })
}

/// Whole base units that are owed, by denomination in order.
pub(crate) fn claimable(settlements: &Settlements, streams: &[IncomeStream]) -> Result<Vec<Coin>> {
    let mut coins = Vec::new();
    for (entry, stream) in settlements.settled.iter().zip(streams) {
        let amount = wide::narrow(wide::whole(wide::load(&entry.owed)?)?)?;
        if amount > 0 {
            coins.push(Coin { denom: stream.denom.clone(), amount });
        }
    }
    coins.sort();
    Ok(coins)
}

/// Settles `holder` at its present balance, before `leaving` of its shares go. A holder without shares and debts is forgotten.
pub(crate) fn touch(ctx: &mut Ctx, id: u64, streams: &[IncomeStream], holder: &Address, leaving: u128) -> Result<()> {
    let before = HOLDERS.get(ctx, &(id, *holder))?;
    let shares = bank::balance(ctx, holder, &share_denom(id))?;
    let after = settle(before.as_ref().unwrap_or(&Settlements::default()), streams, shares)?;
    let leaves_all = leaving > 0 && leaving == shares;
    keep(ctx, id, holder, before.as_ref(), &after, leaves_all)
}

/// Writes a holder's settlements, or forgets it where it holds nothing and is owed nothing.
fn keep(ctx: &mut Ctx, id: u64, holder: &Address, before: Option<&Settlements>, after: &Settlements, empty: bool) -> Result<()> {
    if empty && after.settled.iter().all(|entry| entry.owed.is_empty()) {
        HOLDINGS.remove(ctx, &(*holder, id))?;
        return HOLDERS.remove(ctx, &(id, *holder));
    }
    if before == Some(after) {
        return Ok(());
    }
    if before.is_none() {
        HOLDINGS.insert(ctx, &(*holder, id))?;
    }
    HOLDERS.set(ctx, &(id, *holder), after)
}

/// Adds to what `holder` is owed the income of `shares` since tokenization: it claims them now, and they lay with the module at index 0.
pub(crate) fn back_pay(ctx: &mut Ctx, id: u64, holder: &Address, shares: u64) -> Result<()> {
    let streams = state::income(ctx, id)?.streams;
    let mut settlements = HOLDERS.get(ctx, &(id, *holder))?.unwrap_or(Settlements::default());
    for (entry, stream) in settlements.settled.iter_mut().zip(&streams) {
        let earned = wide::mul(shares.into(), wide::load(&stream.accumulator)?)?;
        entry.owed = wide::store(wide::add(wide::load(&entry.owed)?, earned)?);
    }
    HOLDERS.set(ctx, &(id, *holder), &settlements)
}

/// Pays `holder` the whole units it is owed; fractions stay owed.
pub(crate) fn withdraw(ctx: &mut Ctx, id: u64, holder: &Address) -> Result<Vec<Coin>> {
    let mut income = state::income(ctx, id)?;
    let before = HOLDERS.get(ctx, &(id, *holder))?.ok_or_else(|| nothing(id, holder))?;
    let shares = bank::balance(ctx, holder, &share_denom(id))?;
    let mut after = settle(&before, &income.streams, shares)?;
    let coins = claimable(&after, &income.streams)?;
    if coins.is_empty() {
        return Err(nothing(id, holder).into());
    }
    for (entry, stream) in after.settled.iter_mut().zip(&mut income.streams) {
        let owed = wide::load(&entry.owed)?;
        let whole = wide::whole(owed)?;
        entry.owed = wide::store(wide::sub(owed, wide::scale(whole)?)?);
        wide::grow(&mut stream.withdrawn, wide::narrow(whole)?)?;
    }
    INCOMES.set(ctx, &id, &income)?;
    keep(ctx, id, holder, Some(&before), &after, shares == 0)?;
    bank::send(ctx, &MINTER.address(), holder, &coins)?;
    let amount = coins.iter().map(Into::into).collect();
    ctx.emit(&EventIncomeWithdrawn { asset_id: id, holder: holder.to_string(), amount });
    Ok(coins)
}

fn nothing(asset: u64, holder: &Address) -> Error {
    Error::NothingToWithdraw { asset, holder: holder.to_string() }
}
