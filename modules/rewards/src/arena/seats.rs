//! Scorers' seats and bonds.
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result, key_prefix};
use cairn_proto::cairn::rewards::v1::{
    Arena, ArenaState, EventBondWithdrawn, EventScorerBonded, EventScorerUnbonded, EventScorerUnseated, Scorer, ScorerAdmission,
};

use super::{ARENA_ACCOUNT, arena, epoch, scorer, usable};
use crate::{
    Error, amount,
    state::{self, ARENAS, BONDS, LISTINGS, SCORERS, UNBONDINGS},
};

/// A positive amount of the base denomination.
fn positive(coin: &Coin) -> Result<u128, Error> {
    if coin.denom == BASE_DENOM && coin.amount > 0 { Ok(coin.amount) } else { Err(Error::Bond(format!("{}{}", coin.amount, coin.denom))) }
}

/// Whether the owner's rules let the account score.
pub(crate) fn is_admitted(ctx: &Ctx, arena: &Arena, account: &Address) -> Result<bool> {
    let rules = arena.rules.as_ref().ok_or(Error::NoRules)?;
    match rules.admission() {
        ScorerAdmission::Open => Ok(true),
        ScorerAdmission::Listed | ScorerAdmission::Unspecified => LISTINGS.has(ctx, &(arena.id, *account)),
    }
}

/// Adds to a bond; the account takes a seat if it has none. Gives who lost its seat to it.
pub(crate) fn bond(ctx: &mut Ctx, account: &Address, id: u64, coin: &Coin) -> Result<Option<Address>> {
    let added = positive(coin)?;
    let mut arena = usable(ctx, id)?;
    if !is_admitted(ctx, &arena, account)? {
        return Err(Error::NotAdmitted(account.to_string()).into());
    }
    let fresh = || Scorer { arena: id, account: account.to_string(), counted: amount::text(0), ..Scorer::default() };
    let mut scorer = SCORERS.get(ctx, &(id, *account))?.unwrap_or_else(fresh);
    amount::grow(&mut scorer.bond, added)?;
    let (found, least) = (amount::read(&scorer.bond)?, amount::read(&arena.rules.as_ref().ok_or(Error::NoRules)?.least_bond)?);
    if found < least {
        return Err(Error::LeastBond { least, found }.into());
    }
    let unseated = if scorer.seated { None } else { make_room(ctx, &mut arena, found)? };
    if !scorer.seated {
        scorer.seated = true;
        arena.scorers = arena.scorers.checked_add(1).ok_or(Error::Overflow)?;
    }
    bank::send(ctx, account, &ARENA_ACCOUNT.address(), &[Coin::base(added)])?;
    SCORERS.set(ctx, &(id, *account), &scorer)?;
    if arena.state() == ArenaState::Dormant {
        epoch::open(ctx, &mut arena)?;
    }
    ARENAS.set(ctx, &id, &arena)?;
    ctx.emit(&EventScorerBonded { arena: id, scorer: account.to_string(), amount: amount::text(added), bond: scorer.bond });
    Ok(unseated)
}

/// Frees a seat for a bond of `wanted` if all are taken: the smallest bond goes, of equal ones the highest address, if it is smaller and
/// its scorer has not committed in the running epoch.
fn make_room(ctx: &mut Ctx, arena: &mut Arena, wanted: u128) -> Result<Option<Address>> {
    let most = arena.rules.as_ref().ok_or(Error::NoRules)?.max_scorers;
    if arena.scorers < most {
        return Ok(None);
    }
    let mut lightest: Option<(u128, Address, Scorer)> = None;
    for entry in SCORERS.range(ctx, &key_prefix(&arena.id)) {
        let ((_, account), scorer) = entry?;
        let bond = amount::read(&scorer.bond)?;
        let free = scorer.seated && scorer.committed_epoch != arena.epoch;
        if free && bond < wanted && lightest.as_ref().is_none_or(|(least, ..)| bond <= *least) {
            lightest = Some((bond, account, scorer));
        }
    }
    let (_, account, mut scorer) = lightest.ok_or(Error::SeatsTaken { arena: arena.id, most })?;
    unseat(ctx, arena, &account, &mut scorer)?;
    SCORERS.set(ctx, &(arena.id, account), &scorer)?;
    Ok(Some(account))
}

/// Takes a scorer's seat; its bond stays until it takes it out. The caller writes both records.
pub(crate) fn unseat(ctx: &mut Ctx, arena: &mut Arena, account: &Address, scorer: &mut Scorer) -> Result<()> {
    scorer.seated = false;
    scorer.counted = amount::text(0);
    scorer.missed = 0;
    arena.scorers = arena.scorers.checked_sub(1).ok_or(Error::Overflow)?;
    BONDS.remove(ctx, &(arena.id, *account))?;
    ctx.emit(&EventScorerUnseated { arena: arena.id, scorer: account.to_string() });
    Ok(())
}

/// Takes coins out of a bond. Gives the height from which on they may be withdrawn.
pub(crate) fn unbond(ctx: &mut Ctx, account: &Address, id: u64, coin: &Coin) -> Result<u64> {
    let wanted = positive(coin)?;
    let mut arena = arena(ctx, id)?;
    let mut scorer = scorer(ctx, id, account)?;
    if arena.state() == ArenaState::Running && scorer.committed_epoch == arena.epoch {
        return Err(Error::BondLocked(account.to_string()).into());
    }
    let held = amount::read(&scorer.bond)?;
    amount::shrink(&mut scorer.bond, wanted)?.ok_or(Error::BondExceeded { held, wanted })?;
    let left = held.checked_sub(wanted).ok_or(Error::BondExceeded { held, wanted })?;
    if scorer.seated && left < amount::read(&arena.rules.as_ref().ok_or(Error::NoRules)?.least_bond)? {
        unseat(ctx, &mut arena, account, &mut scorer)?;
        ARENAS.set(ctx, &id, &arena)?;
    }
    let release_height = ctx.block().height.checked_add(state::params(ctx)?.unbonding_blocks).ok_or(Error::Overflow)?;
    let key = (*account, id, release_height);
    let mut waiting = UNBONDINGS.get(ctx, &key)?.unwrap_or_default();
    amount::grow(&mut waiting, wanted)?;
    UNBONDINGS.set(ctx, &key, &waiting)?;
    if left == 0 {
        SCORERS.remove(ctx, &(id, *account))?
    } else {
        SCORERS.set(ctx, &(id, *account), &scorer)?
    }
    ctx.emit(&EventScorerUnbonded { arena: id, scorer: account.to_string(), amount: amount::text(wanted), release_height });
    Ok(release_height)
}

/// Pays the released parts of a bond, the oldest 100 at most.
pub(crate) fn withdraw(ctx: &mut Ctx, account: &Address, id: u64) -> Result<u128> {
    let height = ctx.block().height;
    let mut released = Vec::new();
    for entry in UNBONDINGS.range(ctx, &key_prefix(&(*account, id))).take(100) {
        let (key, waiting) = entry?;
        if key.2 > height {
            break;
        }
        released.push((key, amount::read(&waiting)?));
    }
    if released.is_empty() {
        return Err(Error::NothingReleased(account.to_string()).into());
    }
    let mut total = 0_u128;
    for (key, part) in released {
        total = total.checked_add(part).ok_or(Error::Overflow)?;
        UNBONDINGS.remove(ctx, &key)?;
    }
    bank::send(ctx, &ARENA_ACCOUNT.address(), account, &[Coin::base(total)])?;
    ctx.emit(&EventBondWithdrawn { arena: id, scorer: account.to_string(), amount: amount::text(total) });
    Ok(total)
}
