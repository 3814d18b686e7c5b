//! Claims that wait for their draw: a list a job and height, in which places are drawn, and what became of those that got no seat.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Claim, EventClaimExpired};

use crate::{
    Error, escrow,
    job::Running,
    lent,
    queues::{self, Kind},
    rules,
    state::{CLAIM_GROUPS, CLAIMANTS, CLAIMS},
};

/// Lets a claim wait.
pub(crate) fn enqueue(ctx: &mut Ctx, run: &mut Running, annotator: &Address, claim: &Claim) -> Result<()> {
    let group = (run.id, claim.height);
    let place = CLAIM_GROUPS.get(ctx, &group)?.unwrap_or(0);
    if place == 0 {
        queues::schedule(ctx, claim.height.saturating_add(rules::CLAIM_BLOCKS), Kind::ClaimsEnd, run.id, claim.height)?;
    }
    CLAIM_GROUPS.set(ctx, &group, &place.checked_add(1).ok_or(Error::Overflow)?)?;
    CLAIMANTS.set(ctx, &(run.id, claim.height, place), &annotator.as_bytes().to_vec())?;
    CLAIMS.set(ctx, &(run.id, *annotator), claim)?;
    run.status.claims_waiting = run.status.claims_waiting.checked_add(1).ok_or(Error::Overflow)?;
    Ok(())
}

/// Gives back what is left of a claim's bond, to whom it came from.
pub(crate) fn give_back(ctx: &mut Ctx, run: &mut Running, annotator: &Address, claim: &Claim, amount: u128) -> Result<()> {
    if claim.lent { lent::give_back(ctx, run, amount) } else { escrow::credit(ctx, annotator, &run.denom, amount) }
}

/// Whose claim has a place in a group.
pub(crate) fn claimant(ctx: &Ctx, job: u64, height: u64, place: u32) -> Result<(Address, Claim)> {
    let bytes = CLAIMANTS.get(ctx, &(job, height, place))?.ok_or(Error::Broken("a group of claims has a hole"))?;
    let annotator = Address::new(&bytes)?;
    let claim = CLAIMS.get(ctx, &(job, annotator))?.ok_or(Error::Broken("a claim is missing"))?;
    Ok((annotator, claim))
}

/// Takes claims out of a group by their places; the last ones move up.
pub(crate) fn dequeue(ctx: &mut Ctx, run: &mut Running, height: u64, mut places: Vec<u32>) -> Result<()> {
    places.sort_unstable();
    let mut count = CLAIM_GROUPS.get(ctx, &(run.id, height))?.unwrap_or(0);
    for place in places.into_iter().rev() {
        let (annotator, _) = claimant(ctx, run.id, height, place)?;
        CLAIMS.remove(ctx, &(run.id, annotator))?;
        count = count.checked_sub(1).ok_or(Error::Broken("a group of claims is empty"))?;
        let last = CLAIMANTS.get(ctx, &(run.id, height, count))?.ok_or(Error::Broken("a group of claims has a hole"))?;
        CLAIMANTS.set(ctx, &(run.id, height, place), &last)?;
        CLAIMANTS.remove(ctx, &(run.id, height, count))?;
        run.status.claims_waiting = run.status.claims_waiting.checked_sub(1).ok_or(Error::Broken("claims are miscounted"))?;
    }
    if count == 0 { CLAIM_GROUPS.remove(ctx, &(run.id, height)) } else { CLAIM_GROUPS.set(ctx, &(run.id, height), &count) }
}

/// The claims of a height have waited long enough: NO_SEAT, their bonds can be withdrawn. At most `budget` of them; the rest comes first
/// in the next block. Gives how many it was.
pub(crate) fn expire(ctx: &mut Ctx, job: u64, height: u64, budget: u32) -> Result<u32> {
    let Some(count) = CLAIM_GROUPS.get(ctx, &(job, height))? else { return Ok(1) };
    let mut run = Running::load(ctx, job)?;
    let first = count.saturating_sub(budget.max(1));
    for place in first..count {
        let (annotator, claim) = claimant(ctx, job, height, place)?;
        give_back(ctx, &mut run, &annotator, &claim, escrow::number(&claim.bond)?)?;
        ctx.emit(&EventClaimExpired { job, annotator: claim.annotator, nonce: claim.nonce });
    }
    dequeue(ctx, &mut run, height, (first..count).collect())?;
    if first > 0 {
        queues::schedule(ctx, height.saturating_add(rules::CLAIM_BLOCKS), Kind::ClaimsEnd, job, height)?;
    }
    run.save(ctx)?;
    Ok(count.saturating_sub(first))
}
