//! `MsgResumeJob`: a job whose content is served again grants leases again.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventJobResumed, JobState, MsgResumeJob, MsgResumeJobResponse};

use crate::{Error, job::Running, queues};

pub(super) fn resume_job(ctx: &mut Ctx, msg: &MsgResumeJob) -> Result<MsgResumeJobResponse> {
    let requester = Address::parse(&msg.requester)?;
    let mut run = Running::load(ctx, msg.job)?;
    run.require_requester(&requester)?;
    if run.status.state() != JobState::Late {
        run.require(JobState::Open)?;
    }
    if run.status.stopped_since == 0 {
        return Err(Error::NotStopped(run.id).into());
    }
    let height = ctx.block().height;
    let stopped = height.saturating_sub(run.status.stopped_since);
    run.status.stopped_blocks = run.status.stopped_blocks.saturating_add(stopped);
    run.status.stopped_since = 0;
    run.status.reports_from = height.saturating_add(1);
    run.save(ctx)?;
    queues::recall(ctx, run.id)?;
    ctx.emit(&EventJobResumed { job: run.id, stopped_blocks: stopped });
    Ok(MsgResumeJobResponse {})
}
