//! Leases: who holds which tasks until when, and how they end.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventBondLost, EventLeaseEnded, JobState, Lease, LeaseState, Worker};

use crate::{
    Error, buckets, caps,
    escrow::{self, shift},
    job::Running,
    late, lent, partner,
    queues::{self, Kind},
    rules, standing,
    state::{LEASES, WORKERS},
};

/// The last height at which a commitment to the lease counts, as far as it is known at `height`: its end, longer by the blocks for which
/// the job's leases were stopped since it was granted, never past the deadline of its round.
pub(crate) fn commit_until(run: &Running, lease: &Lease, height: u64) -> u64 {
    let since = run.status.stopped_since;
    let stopping = if since > 0 { height.saturating_sub(since) } else { 0 };
    let stopped = run.status.stopped_blocks.saturating_add(stopping).saturating_sub(lease.stopped_blocks);
    lease.end_height.saturating_add(stopped).min(run.deadline(lease))
}

/// A lease and its job.
pub(crate) fn load(ctx: &Ctx, id: u64) -> Result<(Running, Lease)> {
    let lease = LEASES.get(ctx, &id)?.ok_or(Error::NoLease(id))?;
    Ok((Running::load(ctx, lease.job)?, lease))
}

/// A lease that `sender` holds, live and not ended, in an open job or its late round.
pub(crate) fn load_live(ctx: &Ctx, id: u64, sender: &Address) -> Result<(Running, Lease)> {
    let (run, lease) = load(ctx, id)?;
    let found = sender.to_string();
    if lease.annotator != found {
        return Err(Error::NotHolder { lease: id, expected: lease.annotator, found }.into());
    }
    require_state(&lease, LeaseState::Live)?;
    run.require_standing(&[JobState::Open, JobState::Late])?;
    let (end, height) = (commit_until(&run, &lease, ctx.block().height), ctx.block().height);
    if height > end {
        return Err(Error::LeaseEnded { lease: id, end, height }.into());
    }
    Ok((run, lease))
}

/// Refuses a lease that is in another state.
pub(crate) fn require_state(lease: &Lease, state: LeaseState) -> Result<()> {
    let found = lease.state();
    if found == state {
        return Ok(());
    }
    Err(Error::LeaseState { lease: lease.id, expected: state_name(state), found: state_name(found) }.into())
}

/// The lease's tasks, ascending.
pub(crate) fn tasks(ctx: &Ctx, run: &Running, lease: &Lease) -> Result<Vec<u32>> {
    if lease.late {
        return Ok(lease.late_tasks.clone());
    }
    let mut tasks = Vec::new();
    for number in &lease.buckets {
        if run.job.stage.is_some() {
            tasks.extend(buckets::tasks(run, &buckets::load(ctx, run.id, *number)?));
        } else {
            tasks.extend(run.buckets.tasks(*number));
        }
    }
    Ok(tasks)
}

/// The annotator that holds a lease.
pub(crate) fn worker(ctx: &Ctx, lease: &Lease) -> Result<Worker> {
    Ok(WORKERS.get(ctx, &(lease.job, lease.worker))?.ok_or(Error::Broken("a lease's worker is missing"))?)
}

/// The lease's last height has come: it expires, unless it was committed, given back, renewed or lengthened.
pub(crate) fn reach_end(ctx: &mut Ctx, run: &mut Running, id: u64) -> Result<()> {
    let lease = LEASES.get(ctx, &id)?.ok_or(Error::NoLease(id))?;
    if lease.state() != LeaseState::Live {
        return Ok(());
    }
    let height = ctx.block().height;
    let deadline = run.deadline(&lease);
    if run.status.stopped_since > 0 && height < deadline {
        // Nobody knows how long: ResumeJob recalls it, at the latest the deadline ends it.
        queues::put_off(ctx, Kind::LeaseEnd, run.id, id)?;
        return queues::schedule(ctx, deadline, Kind::LeaseEnd, run.id, id);
    }
    let until = commit_until(run, &lease, height);
    if until > height {
        return queues::schedule(ctx, until, Kind::LeaseEnd, run.id, id);
    }
    end(ctx, run, lease, LeaseState::Expired)
}

/// The last height for a lease's reveal has come: unless it was revealed, its bond is lost.
pub(crate) fn reach_reveal_end(ctx: &mut Ctx, run: &mut Running, id: u64) -> Result<()> {
    let lease = LEASES.get(ctx, &id)?.ok_or(Error::NoLease(id))?;
    if lease.state() == LeaseState::Committed { end(ctx, run, lease, LeaseState::Unrevealed) } else { Ok(()) }
}

/// Ends a standing lease without labels: seats and money go back to where they came from, the bond back or away, by `to`.
pub(crate) fn end(ctx: &mut Ctx, run: &mut Running, mut lease: Lease, to: LeaseState) -> Result<()> {
    let height = ctx.block().height;
    let mut worker = worker(ctx, &lease)?;
    leave(run, &lease, &mut worker)?;
    if to != LeaseState::Released {
        vacate(ctx, run, &lease)?; // the exit from quarantine leaves buckets as they are: one of them may be what failed
    }
    let price = run.labels_price(lease.tasks.into())?;
    if lease.late {
        late::give_back(run, &lease, price)?;
        worker.late_promised = worker.late_promised.saturating_sub(lease.tasks);
    } else {
        shift(&mut run.money.reserved, &mut run.money.free, price, "reserved")?;
        worker.seats = worker.seats.saturating_sub(seats(&lease));
    }
    partner::give_back(run, &lease, lease.tasks)?;
    let bond = escrow::number(&lease.bond)?;
    let lost = matches!(to, LeaseState::Expired | LeaseState::Unrevealed);
    match to {
        LeaseState::Expired => worker.expired = worker.expired.saturating_add(1),
        LeaseState::Unrevealed => {
            worker.unrevealed = worker.unrevealed.saturating_add(1);
            if !lease.late {
                miss_gold(ctx, run, &lease)?;
            }
        }
        LeaseState::Returned => worker.skips = worker.skips.saturating_add(lease.tasks),
        LeaseState::Released => {}
        LeaseState::Unspecified | LeaseState::Live | LeaseState::Committed | LeaseState::Revealed => {
            return Err(Error::Broken("a lease ended in a state that is no end").into());
        }
    }
    if to == LeaseState::Released {
        caps::uncount(ctx, run, &lease)?;
    }
    if matches!(to, LeaseState::Expired | LeaseState::Returned) {
        worker.paused_until = height.saturating_add(rules::PAUSE_BLOCKS);
    }
    WORKERS.set(ctx, &(run.id, worker.number), &worker)?;
    lease.set_state(to);
    lease.ended_height = height;
    LEASES.set(ctx, &lease.id, &lease)?;
    let back = if lost { 0 } else { give_back(ctx, run, &lease, bond)? };
    ctx.emit(&EventLeaseEnded {
        lease: lease.id,
        job: run.id,
        annotator: lease.annotator.clone(),
        state: to.into(),
        bond: Some(run.coin(back)),
    });
    if lost { lose_bond(ctx, run, &lease, bond) } else { Ok(()) }
}

/// A lease that is not revealed counts in standing as all of its gold missed.
fn miss_gold(ctx: &mut Ctx, run: &Running, lease: &Lease) -> Result<()> {
    let gold = run.job.gold_per_bucket.saturating_mul(seats(lease));
    standing::count_gold(ctx, &Address::parse(&lease.annotator)?, &standing::skill(&run.job), gold, 0)
}

/// Takes a standing lease out of the counts of its job and its annotator.
fn leave(run: &mut Running, lease: &Lease, worker: &mut Worker) -> Result<()> {
    let tasks = u64::from(lease.tasks);
    match lease.state() {
        LeaseState::Live => {
            run.status.live_seats = run.status.live_seats.checked_sub(tasks).ok_or(Error::Broken("live seats are miscounted"))?;
            worker.live_leases = worker.live_leases.checked_sub(1).ok_or(Error::Broken("live leases are miscounted"))?;
            Ok(())
        }
        LeaseState::Committed => uncommit(run, tasks),
        _ => Err(Error::Broken("a lease ended twice").into()),
    }
}

/// Takes a standing lease out of its buckets.
fn vacate(ctx: &mut Ctx, run: &mut Running, lease: &Lease) -> Result<()> {
    let (live, late) = (lease.state() == LeaseState::Live, lease.late);
    lease.buckets.iter().try_for_each(|bucket| match (live, late) {
        (true, false) => buckets::free(ctx, run, *bucket, lease.id),
        (true, true) => late::vacate(ctx, run, *bucket, lease),
        (false, false) => buckets::finish(ctx, run, *bucket, lease.id, false),
        (false, true) => late::settle_seat(ctx, run, *bucket, lease.id, false),
    })
}

/// Takes a committed lease with so many tasks out of the job's counts.
pub(crate) fn uncommit(run: &mut Running, tasks: u64) -> Result<()> {
    run.status.committed_seats = run.status.committed_seats.checked_sub(tasks).ok_or(Error::Broken("committed seats are miscounted"))?;
    run.status.leases_committed = run.status.leases_committed.checked_sub(1).ok_or(Error::Broken("committed leases are miscounted"))?;
    Ok(())
}

/// Bucket seats of a lease.
pub(crate) fn seats(lease: &Lease) -> u32 {
    u32::try_from(lease.buckets.len()).unwrap_or(u32::MAX) // at most LEASE_BUCKETS_MAX by construction
}

/// A bond, or part of it, goes back to whom it came from. Gives what the annotator got of it.
pub(crate) fn give_back(ctx: &mut Ctx, run: &mut Running, lease: &Lease, amount: u128) -> Result<u128> {
    if lease.lent {
        lent::give_back(ctx, run, amount)?;
        return Ok(0);
    }
    escrow::credit(ctx, &Address::parse(&lease.annotator)?, &run.denom, amount)?;
    Ok(amount)
}

/// Half of a lost bond is burnt, half goes to the pool; of another denomination than the chain's own all goes to the pool. A lent one is
/// lost to the lender.
pub(crate) fn lose_bond(ctx: &mut Ctx, run: &mut Running, lease: &Lease, amount: u128) -> Result<()> {
    let split = escrow::forfeit(ctx, &run.denom, amount, rules::SLASH_BURN_BPS)?;
    if lease.lent {
        lent::lose(run, &split)?;
    }
    ctx.emit(&EventBondLost {
        lease: lease.id,
        job: run.id,
        annotator: lease.annotator.clone(),
        burnt: Some(run.coin(split.burnt)),
        pool: Some(run.coin(split.pooled)),
        lent: lease.lent,
    });
    Ok(())
}

/// The state's name in texts.
fn state_name(state: LeaseState) -> &'static str {
    match state {
        LeaseState::Unspecified => "nowhere",
        LeaseState::Live => "live",
        LeaseState::Committed => "committed",
        LeaseState::Revealed => "revealed",
        LeaseState::Expired => "expired",
        LeaseState::Returned => "given back",
        LeaseState::Unrevealed => "over without a reveal",
        LeaseState::Released => "released",
    }
}
