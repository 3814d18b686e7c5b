//! `MsgClaimTasks`: a claim waits for its draw.
use cairn_asset as asset;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Claim, EventTasksClaimed, JobState, MsgClaimTasks, MsgClaimTasksResponse};

use crate::{
    Error, accounts, caps, claims, clusters, escrow,
    job::Running,
    late, lent, qualification, rules, stage, standing,
    state::{self, CLAIMS},
};

pub(super) fn claim_tasks(ctx: &mut Ctx, msg: &MsgClaimTasks) -> Result<MsgClaimTasksResponse> {
    let annotator = Address::parse(&msg.annotator)?;
    if !(1..=rules::LEASE_BUCKETS_MAX).contains(&msg.buckets) {
        return Err(Error::ClaimSize { most: rules::LEASE_BUCKETS_MAX, found: msg.buckets }.into());
    }
    let mut run = Running::load(ctx, msg.job)?;
    if let Some(answer) = answered(ctx, &run, &annotator, msg.nonce)? {
        return Ok(answer);
    }
    check_job(ctx, &run)?;
    check_annotator(ctx, &run, &annotator)?;
    let most = state::params(ctx)?.claims_waiting_max;
    if run.status.claims_waiting >= most {
        return Err(Error::ClaimsFull { most }.into());
    }
    let (buckets, bond) = bond(ctx, &mut run, &annotator, msg)?;

    let (height, nonce, lent) = (ctx.block().height, msg.nonce, msg.lent_bond);
    let claim = Claim { job: run.id, annotator: msg.annotator.clone(), height, buckets, nonce, bond: bond.to_string(), lent };
    claims::enqueue(ctx, &mut run, &annotator, &claim)?;
    run.save(ctx)?;
    ctx.emit(&EventTasksClaimed { job: run.id, annotator: claim.annotator, nonce, buckets, bond: Some(run.coin(bond)), lent });
    let bond = Some(run.coin(if lent { 0 } else { bond }));
    Ok(MsgClaimTasksResponse { height, expires: height.saturating_add(rules::CLAIM_BLOCKS), lease: 0, bond })
}

/// How many buckets a claim may get, and the bond of the largest lease with them: the annotator's, or lent and then of one bucket.
fn bond(ctx: &mut Ctx, run: &mut Running, annotator: &Address, msg: &MsgClaimTasks) -> Result<(u32, u128)> {
    if msg.lent_bond {
        let worker = accounts::worker(ctx, run.id, annotator)?;
        return Ok((1, lent::lend(ctx, run, annotator, worker.as_ref())?));
    }
    let standing = standing::lease_buckets(ctx, annotator, &standing::skill(&run.job))?;
    let buckets = msg.buckets.min(standing);
    let bond = run.bond(buckets.saturating_mul(run.buckets.largest()))?;
    escrow::collect(ctx, annotator, &run.denom, bond)?;
    Ok((buckets, bond))
}

/// A claim sent again: the one that waits, or the lease that answered it. Refused: another one while one waits, an older one.
fn answered(ctx: &Ctx, run: &Running, annotator: &Address, nonce: u64) -> Result<Option<MsgClaimTasksResponse>> {
    let nothing = Some(run.coin(0));
    if let Some(claim) = CLAIMS.get(ctx, &(run.id, *annotator))? {
        if claim.nonce != nonce {
            return Err(Error::ClaimWaiting { job: run.id, height: claim.height }.into());
        }
        let expires = claim.height.saturating_add(rules::CLAIM_BLOCKS);
        return Ok(Some(MsgClaimTasksResponse { height: claim.height, expires, lease: 0, bond: nothing }));
    }
    let worker = accounts::worker(ctx, run.id, annotator)?;
    let (last, lease) = worker.map_or((0, 0), |worker| (worker.nonce, worker.last_lease));
    if lease > 0 && nonce == last {
        return Ok(Some(MsgClaimTasksResponse { height: 0, expires: 0, lease, bond: nothing }));
    }
    if nonce <= last {
        return Err(Error::Nonce { least: last.saturating_add(1), found: nonce }.into());
    }
    Ok(None)
}

fn check_job(ctx: &Ctx, run: &Running) -> Result<()> {
    let late = run.status.state() == JobState::Late;
    if !late {
        run.require(JobState::Open)?;
    }
    if run.status.stopped_since > 0 {
        return Err(Error::Stopped { job: run.id, since: run.status.stopped_since }.into());
    }
    let (earliest, mut deadline) = (ctx.block().height.saturating_add(rules::QUICK_LAG), run.job.commit_deadline);
    let mut least = run.rules.lease_blocks;
    if late {
        (least, deadline) = (1, run.status.late_commit_until); // a late lease ends with the round at the latest
    }
    if earliest.saturating_add(least) > deadline {
        return Err(Error::TooLate { earliest, deadline }.into());
    }
    Ok(())
}

/// Refuses whom the job never gives a lease.
pub(super) fn check_independent(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<()> {
    clusters::refuse_requesters_cluster(ctx, annotator, run)?;
    if stage::is_funder(ctx, run, annotator)? {
        return Err(Error::FunderOfJob.into());
    }
    if !asset::may_hold(ctx, annotator)? {
        return Err(Error::ModuleAccount(annotator.to_string()).into());
    }
    Ok(())
}

fn check_annotator(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<()> {
    check_independent(ctx, run, annotator)?;
    qualification::check(ctx, run, annotator)?;
    caps::check(ctx, run, annotator)?;
    let (worker, late) = (accounts::worker(ctx, run.id, annotator)?, run.status.state() == JobState::Late);
    if late {
        late::quota(worker.as_ref())?;
    }
    let Some(worker) = worker else { return Ok(()) };
    let height = ctx.block().height;
    if height < worker.paused_until {
        return Err(Error::Paused { until: worker.paused_until, height }.into());
    }
    let (budget, most) = (run.skip_budget(), run.seat_cap());
    if worker.skips >= budget {
        return Err(Error::SkipBudgetSpent { budget, used: worker.skips }.into());
    }
    if worker.seats >= most && !late {
        return Err(Error::SeatCap { most }.into());
    }
    Ok(())
}
