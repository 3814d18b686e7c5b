//! Buckets: their seats, the list of those with free seats, and R, the height from which on their labels may be revealed.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Bucket, EventBucketRevealing, EventLeaseRevealing, Lease};

use crate::{
    Error,
    job::Running,
    queues::{self, Kind},
    rules, stage,
    state::{BUCKETS, CHECKS, FREE_BUCKETS, FREE_PLACES, LEASES},
};

/// An opened bucket.
pub(crate) fn load(ctx: &Ctx, job: u64, number: u32) -> Result<Bucket> {
    Ok(BUCKETS.get(ctx, &(job, number))?.ok_or(Error::Broken("a bucket is missing"))?)
}

/// Writes a bucket.
pub(crate) fn save(ctx: &mut Ctx, bucket: &Bucket) -> Result<()> {
    BUCKETS.set(ctx, &(bucket.job, bucket.number), bucket)
}

/// Opens buckets, in order, until as many as may be open at once have free seats.
pub(crate) fn open_more(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    for _ in 0..rules::OPENED_PER_BLOCK {
        let number = run.status.buckets_opened;
        if number >= run.buckets.count() || run.status.buckets_free >= run.open_at_once() {
            break;
        }
        let mut bucket = Bucket { job: run.id, number, free_seats: run.job.overlap_min, ..Bucket::default() };
        stage::seed(ctx, run, &mut bucket)?;
        run.status.buckets_opened = number.checked_add(1).ok_or(Error::Overflow)?;
        if size(run, &bucket)? == 0 {
            // Nothing of it can be labelled, so it has its R at once.
            (bucket.free_seats, bucket.revealing) = (0, ctx.block().height);
            run.status.buckets_revealing = run.status.buckets_revealing.checked_add(1).ok_or(Error::Overflow)?;
            save(ctx, &bucket)?;
            continue;
        }
        save(ctx, &bucket)?;
        list(ctx, run, number)?;
    }
    Ok(())
}

/// Tasks of a bucket that can be labelled: in a stage, those with a draft.
pub(crate) fn size(run: &Running, bucket: &Bucket) -> Result<u32> {
    let tasks = run.buckets.tasks(bucket.number).len().saturating_sub(bucket.holes.len());
    Ok(u32::try_from(tasks).map_err(|_| Error::Overflow)?)
}

/// These tasks, ascending.
pub(crate) fn tasks(run: &Running, bucket: &Bucket) -> Vec<u32> {
    run.buckets.tasks(bucket.number).filter(|task| !bucket.holes.contains(task)).collect()
}

/// Puts a bucket on the list of those with free seats, if it is not on it.
pub(crate) fn list(ctx: &mut Ctx, run: &mut Running, bucket: u32) -> Result<()> {
    if FREE_PLACES.has(ctx, &(run.id, bucket))? {
        return Ok(());
    }
    let place = run.status.buckets_free.checked_add(1).ok_or(Error::Overflow)?;
    FREE_BUCKETS.set(ctx, &(run.id, place), &bucket)?;
    FREE_PLACES.set(ctx, &(run.id, bucket), &place)?;
    run.status.buckets_free = place;
    Ok(())
}

/// Takes a bucket off that list, if it is on it; the last one takes its place.
pub(crate) fn unlist(ctx: &mut Ctx, run: &mut Running, bucket: u32) -> Result<()> {
    let Some(place) = FREE_PLACES.get(ctx, &(run.id, bucket))? else { return Ok(()) };
    let end = run.status.buckets_free;
    let last = FREE_BUCKETS.get(ctx, &(run.id, end))?.ok_or(Error::Broken("the list of free buckets has a hole"))?;
    FREE_BUCKETS.set(ctx, &(run.id, place), &last)?;
    FREE_PLACES.set(ctx, &(run.id, last), &place)?;
    FREE_BUCKETS.remove(ctx, &(run.id, end))?;
    FREE_PLACES.remove(ctx, &(run.id, bucket))?;
    run.status.buckets_free = end.checked_sub(1).ok_or(Error::Broken("the list of free buckets is empty"))?;
    Ok(())
}

/// Gives a seat to `lease`. The bucket leaves the list of free ones later, see [`unlist`].
pub(crate) fn seat(ctx: &mut Ctx, bucket: &mut Bucket, lease: u64, parties: &[u32]) -> Result<()> {
    bucket.free_seats = bucket.free_seats.checked_sub(1).ok_or(Error::Broken("a full bucket gave a seat"))?;
    bucket.live = bucket.live.saturating_add(1);
    bucket.leases.push(lease);
    for party in parties {
        if !bucket.parties.contains(party) {
            bucket.parties.push(*party);
        }
    }
    bucket.last_granted = ctx.block().height;
    save(ctx, bucket)
}

/// The lease committed: its seats are live no more.
pub(crate) fn commit(ctx: &mut Ctx, run: &Running, number: u32) -> Result<()> {
    let mut bucket = load(ctx, run.id, number)?;
    bucket.live = bucket.live.checked_sub(1).ok_or(Error::Broken("a bucket counts no live lease"))?;
    bucket.committed = bucket.committed.saturating_add(1);
    let height = ctx.block().height;
    if bucket.first_commit == 0 {
        bucket.first_commit = height;
        queues::schedule(ctx, height.saturating_add(run.rules.bucket_wait), Kind::BucketWait, run.id, number.into())?;
    }
    save(ctx, &bucket)?;
    CHECKS.insert(ctx, &(run.id, number))
}

/// A live lease ended without a commitment: its seat is free again.
pub(crate) fn free(ctx: &mut Ctx, run: &mut Running, number: u32, lease: u64) -> Result<()> {
    let mut bucket = load(ctx, run.id, number)?;
    bucket.live = bucket.live.checked_sub(1).ok_or(Error::Broken("a bucket counts no live lease"))?;
    bucket.leases.retain(|standing| *standing != lease);
    if bucket.revealing == 0 {
        bucket.free_seats = bucket.free_seats.saturating_add(1);
        list(ctx, run, number)?;
    }
    save(ctx, &bucket)?;
    CHECKS.insert(ctx, &(run.id, number))
}

/// A committed lease ended: revealed, or never to be. No seat comes free.
pub(crate) fn finish(ctx: &mut Ctx, run: &Running, number: u32, lease: u64, revealed: bool) -> Result<()> {
    let mut bucket = load(ctx, run.id, number)?;
    bucket.committed = bucket.committed.checked_sub(1).ok_or(Error::Broken("a bucket counts no committed lease"))?;
    bucket.leases.retain(|standing| *standing != lease);
    bucket.revealed = bucket.revealed.saturating_add(u32::from(revealed));
    save(ctx, &bucket)
}

/// Looks whether this block is the bucket's R: no live lease, and no free seat, or its wait or the commit deadline past.
pub(crate) fn check(ctx: &mut Ctx, run: &mut Running, number: u32) -> Result<()> {
    let mut bucket = load(ctx, run.id, number)?;
    if bucket.revealing > 0 || bucket.live > 0 {
        return Ok(());
    }
    let height = ctx.block().height;
    let waited = bucket.first_commit > 0 && height >= bucket.first_commit.saturating_add(run.rules.bucket_wait);
    if bucket.free_seats > 0 && !waited && height < run.job.commit_deadline {
        return Ok(());
    }
    bucket.revealing = height;
    bucket.free_seats = 0;
    save(ctx, &bucket)?;
    unlist(ctx, run, number)?;
    run.status.buckets_revealing = run.status.buckets_revealing.checked_add(1).ok_or(Error::Overflow)?;
    ctx.emit(&EventBucketRevealing { job: run.id, bucket: number });
    bucket.leases.iter().try_for_each(|lease| open_reveal(ctx, run, *lease))
}

/// One more bucket of a committed lease had its R; with the last one the lease may be revealed.
fn open_reveal(ctx: &mut Ctx, run: &mut Running, id: u64) -> Result<()> {
    let mut lease = LEASES.get(ctx, &id)?.ok_or(Error::NoLease(id))?;
    lease.buckets_waiting = lease.buckets_waiting.checked_sub(1).ok_or(Error::Broken("a lease waits for no bucket"))?;
    if lease.buckets_waiting == 0 {
        set_reveal(ctx, run, &mut lease)?;
    }
    LEASES.set(ctx, &id, &lease)
}

/// When the lease may be revealed: after this block, or after the commit window of the late round.
pub(crate) fn set_reveal(ctx: &mut Ctx, run: &mut Running, lease: &mut Lease) -> Result<()> {
    let height = ctx.block().height;
    let (last_commit, until) = if lease.late {
        (run.status.late_commit_until, run.status.late_reveal_until)
    } else {
        (height, height.saturating_add(run.rules.reveal_window))
    };
    (lease.reveal_from, lease.reveal_until) = (last_commit.saturating_add(1), until);
    run.status.reveals_until = run.status.reveals_until.max(until);
    queues::schedule(ctx, until, Kind::RevealEnd, run.id, lease.id)?;
    ctx.emit(&EventLeaseRevealing {
        lease: lease.id,
        job: run.id,
        annotator: lease.annotator.clone(),
        reveal_from: lease.reveal_from,
        reveal_until: lease.reveal_until,
    });
    Ok(())
}
