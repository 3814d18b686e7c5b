//! Late seats: who may take them, and the money behind them.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Bucket, JobState, Lease, Worker};

use crate::{
    Error, buckets,
    escrow::{self, add, shift},
    job::Running,
};

/// How many more late labels an annotator may promise now.
pub(crate) fn allowance(worker: &Worker) -> u32 {
    worker.result.as_ref().map_or(0, |result| result.late_limit).saturating_sub(worker.late_promised)
}

/// Refuses annotators that did not prove themselves in this job's blind round, or that promised a quarter of their blind labels already.
pub(crate) fn quota(worker: Option<&Worker>) -> Result<()> {
    let Some(worker) = worker else { return Err(Error::LateUnproved { labels: 0, score: 0 }.into()) };
    let most = worker.result.as_ref().map_or(0, |result| result.late_limit);
    if most == 0 {
        let score = worker.result.as_ref().map_or(0, |result| result.score_q32);
        return Err(Error::LateUnproved { labels: worker.labels, score }.into());
    }
    if allowance(worker) == 0 {
        return Err(Error::LateQuota { most, used: worker.late_promised }.into());
    }
    Ok(())
}

/// Reserves the price of a late seat: free money first, then extra. Gives what came from extra.
pub(crate) fn reserve(run: &mut Running, price: u128) -> Result<u128> {
    let from_free = price.min(run.money.free);
    let from_extra = price.checked_sub(from_free).ok_or(Error::Overflow)?;
    shift(&mut run.money.free, &mut run.money.reserved, from_free, "free")?;
    shift(&mut run.money.extra, &mut run.money.reserved, from_extra, "extra")?;
    Ok(from_extra)
}

/// Money of a late seat that will not be earned goes back to where it came from, to extra first.
pub(crate) fn give_back(run: &mut Running, lease: &Lease, amount: u128) -> Result<()> {
    let to_extra = amount.min(escrow::number(&lease.from_extra)?);
    let to_free = amount.checked_sub(to_extra).ok_or(Error::Overflow)?;
    shift(&mut run.money.reserved, &mut run.money.extra, to_extra, "reserved")?;
    shift(&mut run.money.reserved, &mut run.money.free, to_free, "reserved")
}

/// A late lease was committed in a bucket.
pub(crate) fn commit_bucket(ctx: &mut Ctx, run: &Running, number: u32) -> Result<()> {
    let mut bucket = buckets::load(ctx, run.id, number)?;
    bucket.live = bucket.live.checked_sub(1).ok_or(Error::Broken("a bucket counts no live lease"))?;
    bucket.committed = bucket.committed.saturating_add(1);
    buckets::save(ctx, &bucket)
}

/// The tasks of a bucket that want a late seat.
pub(crate) fn open_tasks(bucket: &Bucket) -> Vec<u32> {
    let wanting = bucket.late_tasks.iter().zip(&bucket.late_wanted).filter(|(_, wanted)| **wanted > 0);
    wanting.map(|(task, _)| *task).collect()
}

/// A late seat is taken by a lease of all open tasks: each wants one seat less.
pub(crate) fn take(bucket: &mut Bucket) {
    bucket.late_wanted.iter_mut().for_each(|wanted| *wanted = wanted.saturating_sub(1));
}

/// A live late lease ended without a commitment: its tasks want their seat again, as long as the round grants any.
pub(crate) fn vacate(ctx: &mut Ctx, run: &mut Running, number: u32, lease: &Lease) -> Result<()> {
    let mut bucket = buckets::load(ctx, run.id, number)?;
    bucket.live = bucket.live.checked_sub(1).ok_or(Error::Broken("a bucket counts no live lease"))?;
    bucket.leases.retain(|standing| *standing != lease.id);
    for (task, wanted) in bucket.late_tasks.iter().zip(bucket.late_wanted.iter_mut()) {
        if lease.late_tasks.binary_search(task).is_ok() {
            *wanted = wanted.saturating_add(1);
        }
    }
    bucket.free_seats = bucket.late_wanted.iter().copied().max().unwrap_or(0);
    buckets::save(ctx, &bucket)?;
    if run.status.state() == JobState::Late { buckets::list(ctx, run, number) } else { Ok(()) }
}

/// A committed late lease ended: revealed, or never to be.
pub(crate) fn settle_seat(ctx: &mut Ctx, run: &Running, number: u32, lease: u64, revealed: bool) -> Result<()> {
    let mut bucket = buckets::load(ctx, run.id, number)?;
    bucket.committed = bucket.committed.checked_sub(1).ok_or(Error::Broken("a bucket counts no committed lease"))?;
    bucket.leases.retain(|standing| *standing != lease);
    bucket.late_revealed = bucket.late_revealed.saturating_add(u32::from(revealed));
    buckets::save(ctx, &bucket)
}

/// Whether the job has the money for late seats of this price.
pub(crate) fn affords(run: &Running, total: u128) -> Result<bool> {
    Ok(total <= add(run.money.free, run.money.extra)?)
}
