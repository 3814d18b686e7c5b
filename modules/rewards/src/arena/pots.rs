//! An arena's money: what it is given, what an epoch may pay, what accounts claim.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Coins, Ctx, Result, bps, key_prefix};
use cairn_proto::{
    cairn::rewards::v1::{Arena, ArenaPot, ArenaReward, EventArenaFunded, EventArenaRewardClaimed},
    coin,
};

use super::{ARENA_ACCOUNT, arena, rules};
use crate::{
    Error, amount, epochs,
    state::{self, ARENA_REWARDS, EPOCHS, POTS},
};

/// The pots of an arena.
pub(crate) fn pots(ctx: &Ctx, id: u64) -> Result<Vec<Coin>> {
    let mut pots = Vec::new();
    for entry in POTS.range(ctx, &key_prefix(&id)) {
        let ((_, denom), held) = entry?;
        pots.push(Coin { denom, amount: amount::read(&held)? });
    }
    Ok(pots)
}

/// The pots of an arena, as queries and genesis show them.
pub(crate) fn shown(ctx: &Ctx, id: u64) -> Result<Vec<ArenaPot>> {
    Ok(pots(ctx, id)?.iter().map(|held| ArenaPot { arena: id, held: Some(held.into()) }).collect())
}

/// Writes a pot.
pub(crate) fn set_pot(ctx: &mut Ctx, id: u64, denom: &str, held: u128) -> Result<()> {
    let key = (id, denom.to_owned());
    if held == 0 { POTS.remove(ctx, &key) } else { POTS.set(ctx, &key, &amount::text(held)) }
}

fn add_to_pot(ctx: &mut Ctx, id: u64, coin: &Coin) -> Result<()> {
    let held = amount::read(&POTS.get(ctx, &(id, coin.denom.clone()))?.unwrap_or_default())?;
    set_pot(ctx, id, &coin.denom, held.checked_add(coin.amount).ok_or(Error::Overflow)?)
}

/// Puts coins of `funder` into the pots.
pub(crate) fn fund(ctx: &mut Ctx, funder: &Address, id: u64, coins: &Coins) -> Result<()> {
    let arena = arena(ctx, id)?;
    let admitted = arena.rules.ok_or(Error::NoRules)?.denoms;
    let held: Vec<String> = pots(ctx, id)?.into_iter().map(|pot| pot.denom).collect();
    let mut count = held.len();
    for coin in coins.iter() {
        if coin.denom != BASE_DENOM && !admitted.contains(&coin.denom) {
            return Err(Error::ArenaDenom { arena: id, denom: coin.denom }.into());
        }
        count = count.saturating_add(usize::from(!held.contains(&coin.denom)));
    }
    if coins.is_empty() {
        return Err(Error::NoCoins.into());
    }
    if count > rules::MAX_POTS {
        return Err(Error::Pots(id).into());
    }
    let list: Vec<Coin> = coins.iter().collect();
    bank::send(ctx, funder, &ARENA_ACCOUNT.address(), &list)?;
    list.iter().try_for_each(|coin| add_to_pot(ctx, id, coin))?;
    ctx.emit(&EventArenaFunded { arena: id, funder: funder.to_string(), amount: coin::to_proto(coins) });
    Ok(())
}

/// Mints what governance gives an epoch with a consensus, as far as the ledger's epoch and what was set aside for it allow, and puts it into
/// the pot.
pub(crate) fn mint(ctx: &mut Ctx, arena: &Arena) -> Result<u128> {
    let listed = amount::read(&arena.issuance)?;
    if listed == 0 {
        return Ok(0);
    }
    let mut epoch = epochs::current(ctx)?;
    let most = amount::read(&state::params(ctx)?.arena_issuance)?;
    let minted = listed.min(most.saturating_sub(amount::read(&epoch.arenas_minted)?)).min(epochs::issuable(&epoch)?);
    if minted == 0 {
        return Ok(0);
    }
    let coin = Coin::base(minted);
    cairn_mint::issue(ctx, &ARENA_ACCOUNT.address(), minted)?;
    amount::grow(&mut epoch.arenas_minted, minted)?;
    EPOCHS.set(ctx, &epoch.number, &epoch)?;
    state::add_totals(ctx, |totals| amount::grow(&mut totals.arenas_minted, minted))?;
    add_to_pot(ctx, arena.id, &coin)?;
    Ok(minted)
}

/// What an epoch may pay: of each pot the rules' part, and all that was minted for it.
pub(crate) fn budget(ctx: &Ctx, arena: &Arena, minted: u128) -> Result<Vec<(Coin, u128)>> {
    let rate = arena.rules.as_ref().ok_or(Error::NoRules)?.payout_bps;
    let mut budget = Vec::new();
    for pot in pots(ctx, arena.id)? {
        let fresh = if pot.denom == BASE_DENOM { minted } else { 0 };
        let before = pot.amount.checked_sub(fresh).ok_or(Error::Overflow)?;
        let part = bps(before, rate).and_then(|part| part.checked_add(fresh)).ok_or(Error::Overflow)?;
        budget.push((Coin { denom: pot.denom, amount: part }, pot.amount));
    }
    Ok(budget)
}

/// Credits what accounts earned; they claim it when they like.
pub(crate) fn credit(ctx: &mut Ctx, id: u64, earned: BTreeMap<Address, Coins>) -> Result<()> {
    for (account, coins) in earned {
        if coins.is_empty() {
            continue;
        }
        let mut held = claimable(ctx, &account, id)?;
        coins.iter().try_for_each(|coin| held.add(&coin))?;
        let reward = ArenaReward { arena: id, account: account.to_string(), amount: coin::to_proto(&held) };
        ARENA_REWARDS.set(ctx, &(account, id), &reward)?;
    }
    Ok(())
}

fn claimable(ctx: &Ctx, account: &Address, id: u64) -> Result<Coins> {
    coin::coins(&ARENA_REWARDS.get(ctx, &(*account, id))?.unwrap_or_default().amount)
}

/// Pays what an account can claim.
pub(crate) fn claim(ctx: &mut Ctx, account: &Address, id: u64) -> Result<Coins> {
    let coins = claimable(ctx, account, id)?;
    if coins.is_empty() {
        return Err(Error::NoArenaReward { account: account.to_string(), arena: id }.into());
    }
    ARENA_REWARDS.remove(ctx, &(*account, id))?;
    let list: Vec<Coin> = coins.iter().collect();
    bank::send(ctx, &ARENA_ACCOUNT.address(), account, &list)?;
    ctx.emit(&EventArenaRewardClaimed { arena: id, account: account.to_string(), amount: coin::to_proto(&coins) });
    Ok(coins)
}
