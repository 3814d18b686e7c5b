//! Epochs: opened one after the other, closed with a budget, paid to who claims.
//!
//! An epoch pays at most what its contributions burnt times the issuance cap (4/5), so that paying oneself through own accounts always
//! loses.
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result, bps, key_prefix};
use cairn_proto::cairn::rewards::v1::{Epoch, EventEpochClosed, EventRewardClaimed};

use crate::{
    ACCOUNT, Error, amount,
    state::{self, CONTRIBUTIONS, CURRENT, EPOCHS},
};

/// Most epochs that one claim settles.
const MAX_CLAIMED: usize = 100;

/// The open epoch; the first one opens when it is first asked for.
pub(crate) fn current(ctx: &mut Ctx) -> Result<Epoch> {
    match CURRENT.get(ctx)? {
        Some(number) => state::epoch(ctx, number),
        None => open(ctx, 1, ctx.block().height),
    }
}

/// Opens an epoch that begins at `starts`; its end does not move when parameters do.
fn open(ctx: &mut Ctx, number: u64, starts: u64) -> Result<Epoch> {
    let blocks = state::params(ctx)?.epoch_blocks;
    let ends = blocks.checked_sub(1).and_then(|more| starts.checked_add(more)).ok_or(Error::EpochBlocks(blocks))?;
    let zero = || amount::text(0);
    let epoch = Epoch {
        number,
        starts,
        ends,
        closed: false,
        weight: zero(),
        budget: zero(),
        minted: zero(),
        claimed_weight: zero(),
        claimed: zero(),
        arenas_minted: zero(),
        set_aside: zero(),
    };
    EPOCHS.set(ctx, &number, &epoch)?;
    CURRENT.set(ctx, &number)?;
    Ok(epoch)
}

/// Sets the parameters' share of what mint provides aside for the open epoch; gives how much.
pub(crate) fn set_aside(ctx: &mut Ctx, provision: u128) -> Result<u128> {
    let part = bps(provision, state::params(ctx)?.issuance_share_bps).ok_or(Error::Overflow)?;
    if part > 0 {
        let mut epoch = current(ctx)?;
        amount::grow(&mut epoch.set_aside, part)?;
        EPOCHS.set(ctx, &epoch.number, &epoch)?;
    }
    Ok(part)
}

/// What can still be minted of that.
pub(crate) fn issuable(epoch: &Epoch) -> Result<u128, Error> {
    Ok(amount::read(&epoch.set_aside)?.saturating_sub(amount::read(&epoch.arenas_minted)?))
}

/// Closes the open epoch if this block is its last one, and opens the next.
pub(crate) fn end_block(ctx: &mut Ctx) -> Result<()> {
    let epoch = current(ctx)?;
    let height = ctx.block().height;
    if height < epoch.ends {
        return Ok(());
    }
    let next = epoch.number.checked_add(1).ok_or(Error::Overflow)?;
    close(ctx, epoch)?;
    open(ctx, next, height.checked_add(1).ok_or(Error::Overflow)?)?;
    Ok(())
}

/// Fixes what an epoch pays: min(issuance + spending of the pool, cap of what was burnt), the pool's part first, the rest minted. Issuance is
/// what governance allows of what was set aside.
fn close(ctx: &mut Ctx, mut epoch: Epoch) -> Result<()> {
    let params = state::params(ctx)?;
    let cap = bps(amount::read(&epoch.weight)?, params.issuance_cap_bps).ok_or(Error::Overflow)?;
    let spendable = amount::read(&params.pool_spend)?.min(state::pool(ctx, BASE_DENOM)?);
    let issuance = amount::read(&params.issuance)?.min(issuable(&epoch)?);
    let schedule = issuance.saturating_add(spendable); // only ever compared with the cap
    let budget = schedule.min(cap);
    let pooled = spendable.min(budget);
    let minted = budget.checked_sub(pooled).ok_or(Error::Overflow)?;
    state::take_from_pool(ctx, BASE_DENOM, pooled)?;
    if minted > 0 {
        cairn_mint::issue(ctx, &ACCOUNT.address(), minted)?;
        state::add_totals(ctx, |totals| amount::grow(&mut totals.minted, minted))?;
    }
    epoch.closed = true;
    epoch.budget = amount::text(budget);
    epoch.minted = amount::text(minted);
    EPOCHS.set(ctx, &epoch.number, &epoch)?;
    ctx.emit(&EventEpochClosed { epoch: epoch.number, weight: epoch.weight, budget: epoch.budget, minted: epoch.minted });
    Ok(())
}

/// One epoch's part of a claim.
pub(crate) struct Due {
    epoch: Epoch,
    weight: u128,
    reward: u128,
}

/// The part of an epoch's budget that belongs to `weight` of it.
pub(crate) fn reward(epoch: &Epoch, weight: u128) -> Result<u128, Error> {
    match amount::read(&epoch.weight)? {
        0 => Ok(0),
        total => amount::share(amount::read(&epoch.budget)?, weight, total),
    }
}

/// What `contributor` can claim now, oldest epoch first, at most [`MAX_CLAIMED`] epochs.
pub(crate) fn due(ctx: &Ctx, contributor: &Address) -> Result<Vec<Due>> {
    let first = state::account(ctx, contributor)?.settled_epoch.checked_add(1).ok_or(Error::Overflow)?;
    let from = key_prefix(&(*contributor, first));
    let mut dues = Vec::new();
    for entry in CONTRIBUTIONS.range_from(ctx, &key_prefix(contributor), &from).take(MAX_CLAIMED) {
        let ((_, number), contribution) = entry?;
        let epoch = state::epoch(ctx, number)?;
        if !epoch.closed {
            break;
        }
        let weight = amount::read(&contribution.weight)?;
        let reward = reward(&epoch, weight)?;
        dues.push(Due { epoch, weight, reward });
    }
    Ok(dues)
}

/// The sum of a claim, and how many epochs it settles.
pub(crate) fn sum(dues: &[Due]) -> Result<(u128, u32), Error> {
    let total = dues.iter().try_fold(0_u128, |sum, due| sum.checked_add(due.reward)).ok_or(Error::Overflow)?;
    Ok((total, u32::try_from(dues.len()).map_err(|_| Error::Overflow)?))
}

/// Pays what is due. Gives the sum and the number of epochs settled.
pub(crate) fn claim(ctx: &mut Ctx, contributor: &Address) -> Result<(u128, u32)> {
    let dues = due(ctx, contributor)?;
    let last = dues.last().map(|due| due.epoch.number).ok_or_else(|| Error::NothingToClaim(contributor.to_string()))?;
    let (total, epochs) = sum(&dues)?;
    dues.into_iter().try_for_each(|due| settle(ctx, due))?;
    let mut account = state::account(ctx, contributor)?;
    account.settled_epoch = last;
    amount::grow(&mut account.claimed, total)?;
    state::set_account(ctx, contributor, account)?;
    state::add_totals(ctx, |totals| amount::grow(&mut totals.claimed, total))?;
    bank::send(ctx, &ACCOUNT.address(), contributor, &[Coin::base(total)])?;
    ctx.emit(&EventRewardClaimed { contributor: contributor.to_string(), amount: Some(Coin::base(total).into()), epochs });
    Ok((total, epochs))
}

/// Books one epoch's reward as claimed. With the last of its weight the dust of its divisions goes to the pool.
fn settle(ctx: &mut Ctx, due: Due) -> Result<()> {
    let Due { mut epoch, weight, reward } = due;
    if weight == 0 {
        return Ok(());
    }
    amount::grow(&mut epoch.claimed_weight, weight)?;
    amount::grow(&mut epoch.claimed, reward)?;
    if amount::read(&epoch.claimed_weight)? == amount::read(&epoch.weight)? {
        let dust = amount::read(&epoch.budget)?.checked_sub(amount::read(&epoch.claimed)?).ok_or(Error::Overflow)?;
        state::put_into_pool(ctx, BASE_DENOM, dust)?;
    }
    EPOCHS.set(ctx, &epoch.number, &epoch)
}
