//! Failures contained: a step that failed is undone, its job waits for a retry, and when nobody makes it succeed the innocent are paid.
use cairn_kernel::{Ctx, Error as KernelError, Gas, Result};
use cairn_proto::cairn::annotation::v1::{EventJobQuarantined, EventJobRetried, FailedStep, JobState, SettleStep};

use crate::{
    Error,
    job::{Running, is_final},
    queues::{self, Kind},
    settle,
    state::SETTLING,
};

/// Most bytes of a failure's text that are kept.
const REASON_MAX: usize = 200;
/// Gas of a retry: the step runs outside of the transaction's meter, as it does at the end of a block.
const RETRY_GAS: u64 = 1_000_000;

/// Puts a job into quarantine after `error`. Where not even that can be written, the job leaves the settlement's queue and the event is all
/// that remains: other jobs go on.
pub(crate) fn contain(ctx: &mut Ctx, job: u64, kind: u8, item: u64, error: &KernelError) -> Result<()> {
    let reason: String = error.log.chars().take(REASON_MAX).collect();
    let contained = ctx.atomic(|ctx| {
        let mut run = Running::load(ctx, job)?;
        if is_final(run.status.state()) {
            return Ok(());
        }
        enter(ctx, &mut run, FailedStep { kind: kind.into(), item, reason: reason.clone() })?;
        run.save(ctx)
    });
    if contained.is_err() {
        SETTLING.remove(ctx, &job)?;
        ctx.emit(&EventJobQuarantined { job, reason, deadline: 0 });
    }
    Ok(())
}

fn enter(ctx: &mut Ctx, run: &mut Running, failed: FailedStep) -> Result<()> {
    let from = run.status.state();
    if from != JobState::Quarantine {
        run.status.set_quarantined_from(from);
        run.enter(ctx, JobState::Quarantine)?;
    }
    let deadline = ctx.block().height.saturating_add(run.rules.quarantine_window);
    run.status.quarantine_deadline = deadline;
    ctx.emit(&EventJobQuarantined { job: run.id, reason: failed.reason.clone(), deadline });
    run.status.failed = Some(failed);
    SETTLING.remove(ctx, &run.id)?;
    queues::schedule(ctx, deadline, Kind::QuarantineEnd, run.id, 0)
}

/// Runs the failed step again. It must succeed; then the job goes on where it stood.
pub(crate) fn retry(ctx: &mut Ctx, job: u64, sender: String) -> Result<()> {
    let mut run = Running::load(ctx, job)?;
    run.require(JobState::Quarantine)?;
    let (deadline, height) = (run.status.quarantine_deadline, ctx.block().height);
    if height > deadline || is_releasing(&run) {
        return Err(Error::RetryTooLate { job, deadline, height }.into());
    }
    ctx.gas().consume(RETRY_GAS)?;
    let failed = run.status.failed.take().ok_or(Error::Broken("a job in quarantine has no failed step"))?;
    let from = run.status.quarantined_from();
    run.status.set_quarantined_from(JobState::Unspecified);
    run.status.quarantine_deadline = 0;
    run.enter(ctx, from)?;
    run.save(ctx)?;
    ctx.metered(&Gas::unlimited(), |ctx| redo(ctx, job, &failed))?;
    queues::recall(ctx, job)?;
    ctx.emit(&EventJobRetried { job, sender });
    Ok(())
}

fn redo(ctx: &mut Ctx, job: u64, failed: &FailedStep) -> Result<()> {
    let kind = u8::try_from(failed.kind).ok().and_then(Kind::of);
    match kind {
        Some(kind) => queues::handle(ctx, kind, job, failed.item, 1).map(drop)?,
        None => settle::step(ctx, job, 1).map(drop)?,
    }
    // Whichever step failed, a settlement that had begun goes on.
    let run = Running::load(ctx, job)?;
    let waits = |step| matches!(step, SettleStep::AwaitGold | SettleStep::AwaitLate | SettleStep::AwaitAppeals);
    let settles = run.status.settlement.as_ref().is_some_and(|settlement| !waits(settlement.step()));
    if settles && !is_final(run.status.state()) { SETTLING.insert(ctx, &job) } else { Ok(()) }
}

/// Whether the exit from quarantine has begun.
fn is_releasing(run: &Running) -> bool {
    run.status.settlement.as_ref().is_some_and(|settlement| is_exit(settlement.step()))
}

/// Whether the step is one of the exit from quarantine. A job that failed in AWARD or CLOSE has nothing to release.
fn is_exit(step: SettleStep) -> bool {
    matches!(step, SettleStep::ReleaseLeases | SettleStep::ReleasePay)
}

/// The quarantine window is over: standing leases are released, accepted unpaid labels paid in full, the rest is refunded, by a cursor.
pub(crate) fn reach_end(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if run.status.state() != JobState::Quarantine || ctx.block().height < run.status.quarantine_deadline {
        return Ok(()); // retried with success, or failed again since
    }
    let mut settlement = run.status.settlement.take().unwrap_or_default();
    if !is_exit(settlement.step()) {
        settlement.set_step(SettleStep::ReleaseLeases);
        settlement.position = 0;
    }
    run.status.settlement = Some(settlement);
    SETTLING.insert(ctx, &run.id)
}
