//! `MsgSkipTasks`: a whole lease is given back before its end.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{EventJobStopped, LeaseState, MsgSkipTasks, MsgSkipTasksResponse, SkipReason, Worker};

use crate::{
    Error, caps,
    job::Running,
    leases, rules,
    state::{REPORTS, WORKERS},
};

pub(super) fn skip_tasks(ctx: &mut Ctx, msg: &MsgSkipTasks) -> Result<MsgSkipTasksResponse> {
    let annotator = Address::parse(&msg.annotator)?;
    if msg.reason() == SkipReason::Unspecified {
        return Err(Error::SkipReason(msg.reason).into());
    }
    let (mut run, lease) = leases::load_live(ctx, msg.lease, &annotator)?;
    let (number, wanted, lent) = (lease.worker, lease.tasks, lease.lent);
    let left = run.skip_budget().saturating_sub(leases::worker(ctx, &lease)?.skips);
    if wanted > left {
        return Err(Error::SkipBudget { left, wanted }.into());
    }
    if msg.reason() == SkipReason::Unavailable {
        caps::uncount(ctx, &run, &lease)?;
    }
    leases::end(ctx, &mut run, lease, LeaseState::Returned)?;

    let mut worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
    // Who stakes nothing stops no job: accounts without money cost nothing, and a lent bond can be had again and again.
    if msg.reason() == SkipReason::Unavailable && !lent {
        report(ctx, &mut run, &mut worker)?;
    }
    run.save(ctx)?;
    Ok(MsgSkipTasksResponse { paused_until: worker.paused_until })
}

/// Notes that the content is not served. Where enough accounts say so within 1,000 blocks, the job grants no leases until its requester
/// resumes it, and live ones become longer.
fn report(ctx: &mut Ctx, run: &mut Running, worker: &mut Worker) -> Result<()> {
    let height = ctx.block().height;
    if worker.unavailable_height > 0 {
        REPORTS.remove(ctx, &(run.id, worker.unavailable_height, worker.number))?;
    }
    worker.unavailable_height = height;
    WORKERS.set(ctx, &(run.id, worker.number), worker)?;
    REPORTS.insert(ctx, &(run.id, height, worker.number))?;
    let part = u64::from(run.status.workers).saturating_mul(rules::REPORTS_BPS).div_ceil(cairn_kernel::BPS.into());
    let needed = u32::try_from(part).unwrap_or(u32::MAX).max(rules::REPORTS_LEAST);
    let since = height.saturating_sub(rules::REPORTS_BLOCKS).max(run.status.reports_from);
    let reports = count_reports(ctx, run.id, since, needed)?;
    if run.status.stopped_since == 0 && reports >= needed {
        run.status.stopped_since = height;
        ctx.emit(&EventJobStopped { job: run.id, reports });
    }
    Ok(())
}

/// Accounts that reported since a height, counted up to `most`: the newest reports first, one an account.
fn count_reports(ctx: &Ctx, job: u64, since: u64, most: u32) -> Result<u32> {
    let most = usize::try_from(most).map_err(|_| Error::Overflow)?;
    let newest = REPORTS.range_reverse(ctx, &key_prefix(&job)).take(most);
    let counted = newest.take_while(|report| report.as_ref().map_or(true, |(_, height, _)| *height >= since));
    let counted = counted.collect::<Result<Vec<_>>>()?;
    Ok(u32::try_from(counted.len()).map_err(|_| Error::Overflow)?)
}
