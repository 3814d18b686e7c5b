//! `MsgCommitLabels`: the labels of a lease are fixed and still hidden.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventLabelsCommitted, LeaseState, MsgCommitLabels, MsgCommitLabelsResponse};

use super::hash;
use crate::{
    Error, buckets, late, leases,
    state::{COMMITMENTS, LEASES, WORKERS},
};

pub(super) fn commit_labels(ctx: &mut Ctx, msg: &MsgCommitLabels) -> Result<MsgCommitLabelsResponse> {
    let annotator = Address::parse(&msg.annotator)?;
    let commitment = hash("commitment", &msg.commitment)?;
    if !msg.revealer.is_empty() {
        Address::parse(&msg.revealer)?;
    }
    refuse_second(ctx, msg.lease, &msg.annotator)?;
    let (mut run, mut lease) = leases::load_live(ctx, msg.lease, &annotator)?;

    // Who used a hash first: a copy cannot be told from its original now, but it cannot be opened either.
    if !COMMITMENTS.has(ctx, &(run.id, commitment))? {
        COMMITMENTS.set(ctx, &(run.id, commitment), &lease.id)?;
    }
    lease.set_state(LeaseState::Committed);
    lease.commitment = msg.commitment.clone();
    lease.committed_height = ctx.block().height;
    lease.revealer.clone_from(&msg.revealer);
    if lease.late {
        buckets::set_reveal(ctx, &mut run, &mut lease)?;
        lease.buckets.iter().try_for_each(|bucket| late::commit_bucket(ctx, &run, *bucket))?;
    } else {
        lease.buckets.iter().try_for_each(|bucket| buckets::commit(ctx, &run, *bucket))?;
    }
    LEASES.set(ctx, &lease.id, &lease)?;
    let tasks = u64::from(lease.tasks);
    run.status.live_seats = run.status.live_seats.checked_sub(tasks).ok_or(Error::Broken("live seats are miscounted"))?;
    run.status.committed_seats = run.status.committed_seats.saturating_add(tasks);
    run.status.leases_committed = run.status.leases_committed.saturating_add(1);
    run.save(ctx)?;
    let mut worker = leases::worker(ctx, &lease)?;
    worker.live_leases = worker.live_leases.checked_sub(1).ok_or(Error::Broken("live leases are miscounted"))?;
    WORKERS.set(ctx, &(run.id, worker.number), &worker)?;
    let (lease, commitment, revealer) = (lease.id, lease.commitment, lease.revealer);
    ctx.emit(&EventLabelsCommitted { lease, job: run.id, annotator: msg.annotator.clone(), commitment, revealer });
    Ok(MsgCommitLabelsResponse {})
}

/// The first commitment is final: its holder learns so by a refusal of its own.
fn refuse_second(ctx: &Ctx, id: u64, annotator: &str) -> Result<()> {
    let lease = LEASES.get(ctx, &id)?.ok_or(Error::NoLease(id))?;
    if lease.annotator == annotator && lease.state() == LeaseState::Committed {
        return Err(Error::Committed(id).into());
    }
    Ok(())
}
