//! Arenas: fields of competition with their own scorers, participants and pots.
pub(crate) mod consensus;
pub(crate) mod epoch;
pub(crate) mod genesis;
pub(crate) mod invariants;
pub(crate) mod owner;
pub(crate) mod participants;
pub(crate) mod pots;
pub(crate) mod rules;
pub(crate) mod scores;
pub(crate) mod seats;
#[cfg(test)]
mod tests;

use cairn_kernel::{Address, Ctx, ModuleAccount, Result};
use cairn_proto::cairn::rewards::v1::{Arena, ArenaState, Scorer};

use crate::{
    Error, amount,
    state::{ARENAS, SCORERS},
};

/// Keeps the arenas' pots, the scorers' bonds and what is not claimed yet.
pub const ARENA_ACCOUNT: ModuleAccount = ModuleAccount::new("arenas");

/// The arena, or a refusal.
pub(crate) fn arena(ctx: &Ctx, id: u64) -> Result<Arena> {
    Ok(ARENAS.get(ctx, &id)?.ok_or(Error::NoArena(id))?)
}

/// The arena, unless it is stopped.
pub(crate) fn usable(ctx: &Ctx, id: u64) -> Result<Arena> {
    let arena = arena(ctx, id)?;
    if arena.state() == ArenaState::Stopped {
        return Err(Error::Stopped { arena: id, fault: arena.fault }.into());
    }
    Ok(arena)
}

/// The arena, if an epoch runs.
pub(crate) fn running(ctx: &Ctx, id: u64) -> Result<Arena> {
    let arena = usable(ctx, id)?;
    if arena.state() != ArenaState::Running {
        return Err(Error::Dormant(id).into());
    }
    Ok(arena)
}

/// The scorer, or a refusal.
pub(crate) fn scorer(ctx: &Ctx, arena: u64, account: &Address) -> Result<Scorer> {
    let found = SCORERS.get(ctx, &(arena, *account))?;
    Ok(found.ok_or_else(|| Error::NoScorer { account: account.to_string(), arena })?)
}

/// The weight of a scorer in the running epoch, the one place that says what a scorer weighs: its bond in the arena, or what that was when
/// the epoch began if it was less; nothing without a seat.
///
/// # Errors
/// [`Error::NoScorer`].
pub(crate) fn weight(ctx: &Ctx, arena: u64, account: &Address) -> Result<u128> {
    let scorer = scorer(ctx, arena, account)?;
    if !scorer.seated {
        return Ok(0);
    }
    Ok(amount::read(&scorer.bond)?.min(amount::read(&scorer.counted)?))
}
