//! The arenas' part of the genesis file.
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::{
    cairn::rewards::v1::{Arena, ArenaPot, ArenaScorerListing, ArenaState, Genesis, Params, Unbonding},
    coin,
};

use super::{pots, rules, scores};
use crate::{
    Error, amount,
    state::{
        ARENA_EPOCHS, ARENA_IDS, ARENA_REWARDS, ARENAS, BONDS, DUE, LISTINGS, PARTICIPANTS, POTS, REGISTERED, SCORERS, SCORES, UNBONDINGS,
    },
};

fn fault(text: impl Into<String>) -> Error {
    Error::Genesis(text.into())
}

/// Fills an empty store; the invariants tell whether counts and money agree.
pub(crate) fn init(ctx: &mut Ctx, genesis: Genesis, params: &Params) -> Result<()> {
    for (expected, arena) in (1_u64..).zip(genesis.arenas) {
        set_arena(ctx, expected, arena, params)?;
    }
    let last = ARENA_IDS.last(ctx)?;
    let known = |id: u64| if (1..=last).contains(&id) { Ok(()) } else { Err(fault(format!("arena {id} does not exist"))) };
    for p in genesis.participants {
        known(p.arena)?;
        rules::check_content(&p.uri, &p.sha256)?;
        REGISTERED.set(ctx, &(p.arena, Address::parse(&p.account)?), &p.registration)?;
        PARTICIPANTS.set(ctx, &(p.arena, p.registration), &p)?;
    }
    for s in genesis.scorers {
        known(s.arena)?;
        [&s.bond, &s.counted].into_iter().try_for_each(|text| amount::read(text).map(drop))?;
        SCORERS.set(ctx, &(s.arena, Address::parse(&s.account)?), &s)?;
    }
    for listing in genesis.listings {
        known(listing.arena)?;
        LISTINGS.insert(ctx, &(listing.arena, Address::parse(&listing.account)?))?;
    }
    for u in genesis.unbondings {
        known(u.arena)?;
        let part = amount::read(&u.amount)?;
        UNBONDINGS.set(ctx, &(Address::parse(&u.account)?, u.arena, u.release_height), &amount::text(part))?;
    }
    for row in genesis.scores {
        known(row.arena)?;
        scores::checked(&row.scores)?;
        SCORES.set(ctx, &(row.arena, Address::parse(&row.account)?), &row)?;
    }
    for row in genesis.bonds {
        known(row.arena)?;
        let bounded = row.bonds.iter().all(|b| b.bond_q32 <= super::consensus::ONE);
        if !bounded || !row.bonds.is_sorted_by(|a, b| a.registration < b.registration) {
            return Err(fault(format!("bonds of {} are not sorted or more than one", row.account)).into());
        }
        BONDS.set(ctx, &(row.arena, Address::parse(&row.account)?), &row)?;
    }
    for pot in genesis.pots {
        known(pot.arena)?;
        let held = Coin::try_from(&pot.held.unwrap_or_default())?;
        pots::set_pot(ctx, pot.arena, &held.denom, held.amount)?;
    }
    for reward in genesis.arena_rewards {
        known(reward.arena)?;
        coin::coins(&reward.amount)?;
        ARENA_REWARDS.set(ctx, &(Address::parse(&reward.account)?, reward.arena), &reward)?;
    }
    for epoch in genesis.arena_epochs {
        known(epoch.arena)?;
        ARENA_EPOCHS.set(ctx, &(epoch.arena, epoch.number), &epoch)?;
    }
    Ok(())
}

fn set_arena(ctx: &mut Ctx, expected: u64, arena: Arena, params: &Params) -> Result<()> {
    if arena.id != expected || arena.state() == ArenaState::Unspecified {
        return Err(fault(format!("arena {} stands where {expected} is expected, or has no state", arena.id)).into());
    }
    Address::parse(&arena.owner)?;
    amount::read(&arena.issuance)?;
    rules::check_title(&arena.title)?;
    rules::check_content(&arena.uri, &arena.sha256)?;
    // The least price may have risen since these rules were settled.
    let params = Params { arena_price: amount::text(0), ..params.clone() };
    rules::check(arena.rules.as_ref().ok_or(Error::NoRules)?, &params)?;
    arena.next_rules.iter().try_for_each(|next| rules::check(next, &params))?;
    if arena.state() == ArenaState::Running {
        DUE.insert(ctx, &(arena.ends, expected))?;
    }
    ARENA_IDS.set(ctx, expected)?;
    ARENAS.set(ctx, &expected, &arena)
}

/// The inverse of [`init`]; fills in the arenas' fields of `genesis`.
pub(crate) fn export(ctx: &Ctx, genesis: Genesis) -> Result<Genesis> {
    let listing = |(arena, account): (u64, Address)| ArenaScorerListing { arena, account: account.to_string() };
    let unbonding = |((account, arena, release_height), amount): ((Address, u64, u64), String)| Unbonding {
        arena,
        account: account.to_string(),
        release_height,
        amount,
    };
    let pot = |((arena, denom), held): ((u64, String), String)| -> Result<ArenaPot> {
        Ok(ArenaPot { arena, held: Some(Coin { denom, amount: amount::read(&held)? }.into()) })
    };
    Ok(Genesis {
        arenas: ARENAS.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        participants: PARTICIPANTS.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        scorers: SCORERS.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        listings: LISTINGS.range(ctx, &[]).map(|e| e.map(listing)).collect::<Result<_>>()?,
        unbondings: UNBONDINGS.range(ctx, &[]).map(|e| e.map(unbonding)).collect::<Result<_>>()?,
        scores: SCORES.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        bonds: BONDS.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        pots: POTS.range(ctx, &[]).map(|e| pot(e?)).collect::<Result<_>>()?,
        arena_rewards: ARENA_REWARDS.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        arena_epochs: ARENA_EPOCHS.range(ctx, &[]).map(|e| Ok(e?.1)).collect::<Result<_>>()?,
        ..genesis
    })
}
