//! What rewards stores.
use cairn_kernel::{Address, Ctx, Item, Map, Result, Sequence, Set};
use cairn_proto::cairn::rewards::v1::{
    AccountTotals, Arena, ArenaEpoch, ArenaReward, BondRow, Contribution, Epoch, Params, Participant, ScoreRow, Scorer, Totals,
};

use crate::{Error, amount};

cairn_kernel::state! { "rewards";
    /// Settings; the defaults where never set.
    PARAMS: Item<Params> = 1;
    /// Epochs by number, from 1; the last one is open.
    EPOCHS: Map<u64, Epoch> = 2;
    /// Number of the open epoch.
    CURRENT: Item<u64> = 3;
    /// Contributions by account and epoch. The stored value leaves out account and epoch, which are its key.
    CONTRIBUTIONS: Map<(Address, u64), Contribution> = 4;
    /// Sums over all epochs by account. The stored value leaves out the account, which is its key.
    ACCOUNTS: Map<Address, AccountTotals> = 5;
    /// Sums over all epochs and accounts.
    TOTALS: Item<Totals> = 6;
    /// The pool by denomination, as decimal text.
    POOL: Map<String, String> = 7;
    /// Numbers arenas.
    ARENA_IDS: Sequence = 8;
    /// Arenas by number.
    ARENAS: Map<u64, Arena> = 9;
    /// Participants by arena and registration.
    PARTICIPANTS: Map<(u64, u64), Participant> = 10;
    /// The registration of an account in an arena.
    REGISTERED: Map<(u64, Address), u64> = 11;
    /// Scorers by arena and account.
    SCORERS: Map<(u64, Address), Scorer> = 12;
    /// Accounts that an arena's owner admitted as scorers.
    LISTINGS: Set<(u64, Address)> = 13;
    /// What a scorer took out of its bond, by account, arena and height of release, as decimal text.
    UNBONDINGS: Map<(Address, u64, u64), String> = 14;
    /// Revealed scores of the running epoch by arena and account.
    SCORES: Map<(u64, Address), ScoreRow> = 15;
    /// Scorers' bonds in participants by arena and account.
    BONDS: Map<(u64, Address), BondRow> = 16;
    /// What an arena holds for its epochs by denomination, as decimal text.
    POTS: Map<(u64, String), String> = 17;
    /// What an account can claim, by account and arena.
    ARENA_REWARDS: Map<(Address, u64), ArenaReward> = 18;
    /// Running arenas by the last height of their epoch.
    DUE: Set<(u64, u64)> = 19;
    /// Finished epochs by arena and number.
    ARENA_EPOCHS: Map<(u64, u64), ArenaEpoch> = 20;
}

/// The settings in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(crate::default_params))
}

/// The epoch, or a refusal.
pub(crate) fn epoch(ctx: &Ctx, number: u64) -> Result<Epoch> {
    Ok(EPOCHS.get(ctx, &number)?.ok_or(Error::NoEpoch(number))?)
}

/// The sums of one account.
pub(crate) fn account(ctx: &Ctx, address: &Address) -> Result<AccountTotals> {
    let stored = ACCOUNTS.get(ctx, address)?;
    let stored = stored.unwrap_or_else(|| AccountTotals { claimed: amount::text(0), ..AccountTotals::default() });
    Ok(AccountTotals { contributor: address.to_string(), ..stored })
}

/// Writes the sums of one account.
pub(crate) fn set_account(ctx: &mut Ctx, address: &Address, totals: AccountTotals) -> Result<()> {
    ACCOUNTS.set(ctx, address, &AccountTotals { contributor: String::new(), ..totals })
}

/// What one account contributed in one epoch.
pub(crate) fn contribution(ctx: &Ctx, address: &Address, epoch: u64) -> Result<Contribution> {
    let stored = CONTRIBUTIONS.get(ctx, &(*address, epoch))?;
    let stored = stored.unwrap_or_else(|| Contribution { weight: amount::text(0), ..Contribution::default() });
    Ok(Contribution { contributor: address.to_string(), epoch, ..stored })
}

/// Writes what one account contributed in one epoch.
pub(crate) fn set_contribution(ctx: &mut Ctx, address: &Address, contribution: Contribution) -> Result<()> {
    let key = (*address, contribution.epoch);
    CONTRIBUTIONS.set(ctx, &key, &Contribution { contributor: String::new(), epoch: 0, ..contribution })
}

/// The sums over everything.
pub(crate) fn totals(ctx: &Ctx) -> Result<Totals> {
    let zero = || amount::text(0);
    Ok(TOTALS.get(ctx)?.unwrap_or_else(|| Totals {
        burnt: zero(),
        minted: zero(),
        claimed: zero(),
        kinds: Vec::new(),
        arenas_minted: zero(),
    }))
}

/// Changes the sums over everything.
pub(crate) fn add_totals(ctx: &mut Ctx, change: impl FnOnce(&mut Totals) -> Result<(), Error>) -> Result<()> {
    let mut totals = totals(ctx)?;
    change(&mut totals)?;
    TOTALS.set(ctx, &totals)
}

/// How much of `denom` the pool holds.
pub(crate) fn pool(ctx: &Ctx, denom: &str) -> Result<u128> {
    Ok(amount::read(&POOL.get(ctx, &denom.to_owned())?.unwrap_or_default())?)
}

/// Books coins, which lie in the module's account already, for the pool.
pub(crate) fn put_into_pool(ctx: &mut Ctx, denom: &str, by: u128) -> Result<()> {
    if by == 0 {
        return Ok(());
    }
    let held = pool(ctx, denom)?.checked_add(by).ok_or(Error::Overflow)?;
    POOL.set(ctx, &denom.to_owned(), &amount::text(held))
}

/// Takes coins off the pool's book; they stay in the module's account.
pub(crate) fn take_from_pool(ctx: &mut Ctx, denom: &str, wanted: u128) -> Result<()> {
    if wanted == 0 {
        return Ok(());
    }
    let held = pool(ctx, denom)?;
    let left = held.checked_sub(wanted).ok_or_else(|| Error::Pool { denom: denom.to_owned(), held, wanted })?;
    if left == 0 { POOL.remove(ctx, &denom.to_owned()) } else { POOL.set(ctx, &denom.to_owned(), &amount::text(left)) }
}
