//! Appeals: decisions that annotators bring before a jury of the module `dispute`, between P and the end of the appeal window. The job stays
//! open until its last case has ended; then what was won is credited, before the gold bond is slashed and anything is refunded.
//!
//! ```text
//! SHARES -> PUBLISH (F) -> (AWAIT_APPEALS: the state APPEAL) -> AWARD -> CLOSE
//! ```
mod award;
mod court;
mod voided;

pub(crate) use award::{award, recount, unearned};
pub(crate) use court::Court;

use cairn_dispute::{self as dispute, Subject};
use cairn_kernel::{Ctx, Module, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{AppealSubject, JobState, SettleStep};

use crate::{
    Annotation, Error,
    job::Running,
    queues::{self, Kind},
    settle::go_on,
    state::{APPEALS, SETTLING},
};

/// Cases that are looked at when a job asks which of its cases have ended.
const LOOKED_AT: usize = 200;

/// The subject of a case about a job.
pub(crate) fn subject(job: u64, kind: AppealSubject, item: u64) -> Subject {
    Subject { module: Annotation::NAME.into(), kind: i32::from(kind).unsigned_abs(), id: job, item }
}

/// P: from now on decisions can be appealed.
pub(crate) fn begin(ctx: &Ctx, run: &mut Running) {
    let height = ctx.block().height;
    run.status.pay_height = height;
    run.status.appeal_deadline = height.saturating_add(run.rules.appeal_window);
}

/// Refuses appeals outside of the window.
pub(crate) fn check_window(ctx: &Ctx, run: &Running) -> Result<()> {
    let (from, until, height) = (run.status.pay_height, run.status.appeal_deadline, ctx.block().height);
    let is_open = from > 0 && run.rules.appeal_window > 0 && height <= until && !crate::job::is_final(run.status.state());
    if is_open { Ok(()) } else { Err(Error::AppealWindow { job: run.id, from, until, height }.into()) }
}

/// Remembers a case about the job.
pub(crate) fn note(ctx: &mut Ctx, run: &mut Running, case: u64) -> Result<()> {
    if !APPEALS.has(ctx, &(run.id, case))? {
        APPEALS.insert(ctx, &(run.id, case))?;
        run.status.appeals_open = run.status.appeals_open.checked_add(1).ok_or(Error::Overflow)?;
    }
    Ok(())
}

/// Forgets a case that has ended. `false` where it was forgotten before.
fn forget(ctx: &mut Ctx, run: &mut Running, case: u64) -> Result<bool> {
    if !APPEALS.has(ctx, &(run.id, case))? {
        return Ok(false);
    }
    APPEALS.remove(ctx, &(run.id, case))?;
    run.status.appeals_open = run.status.appeals_open.checked_sub(1).ok_or(Error::Broken("appeals are miscounted"))?;
    Ok(true)
}

/// Whether nothing can be appealed any more and no case is open.
fn is_over(ctx: &Ctx, run: &Running) -> bool {
    run.status.appeals_open == 0 && (run.rules.appeal_window == 0 || ctx.block().height >= run.status.appeal_deadline)
}

/// The result is published: the job closes, or waits for its appeals.
pub(crate) fn wait(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if is_over(ctx, run) {
        return go_on(run, SettleStep::Award);
    }
    go_on(run, SettleStep::AwaitAppeals)?;
    run.enter(ctx, JobState::Appeal)?;
    SETTLING.remove(ctx, &run.id)?;
    look_again(ctx, run, Kind::AppealsEnd)
}

/// At the end of the window, or an appeal window from now, the job looks at its cases again: no verdict that got lost keeps it open.
fn look_again(ctx: &mut Ctx, run: &Running, kind: Kind) -> Result<()> {
    let height = ctx.block().height;
    let next = height.saturating_add(run.rules.appeal_window.max(1));
    let deadline = run.status.appeal_deadline;
    queues::schedule(ctx, if height < deadline { deadline } else { next }, kind, run.id, 0)
}

/// The window is over, or it is time to look at the cases again.
pub(crate) fn reach_end(ctx: &mut Ctx, run: &mut Running) -> Result<u32> {
    if run.status.state() != JobState::Appeal {
        return Ok(1);
    }
    let looked = sweep(ctx, run)?;
    if is_over(ctx, run) {
        resume(ctx, run)?
    } else {
        look_again(ctx, run, Kind::AppealsEnd)?
    }
    Ok(looked)
}

/// A job on its way out of quarantine waits for its cases too. `false` while one is open.
pub(crate) fn released(ctx: &mut Ctx, run: &mut Running) -> Result<bool> {
    sweep(ctx, run)?;
    if run.status.appeals_open == 0 {
        return Ok(true);
    }
    SETTLING.remove(ctx, &run.id)?;
    look_again(ctx, run, Kind::QuarantineEnd)?;
    Ok(false)
}

/// Forgets cases that ended without a verdict: `dispute` goes on without a court that failed too often.
fn sweep(ctx: &mut Ctx, run: &mut Running) -> Result<u32> {
    let cases = APPEALS.range(ctx, &key_prefix(&run.id)).take(LOOKED_AT).collect::<Result<Vec<_>>>()?;
    for (_, id) in &cases {
        if dispute::case(ctx, *id)?.closed > 0 {
            forget(ctx, run, *id)?;
        }
    }
    Ok(u32::try_from(cases.len()).map_err(|_| Error::Overflow)?.max(1))
}

/// After a verdict: the job goes on if that was its last case and the window is over.
fn resume(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if run.status.state() != JobState::Appeal || !is_over(ctx, run) {
        return Ok(());
    }
    go_on(run, SettleStep::Award)?;
    SETTLING.insert(ctx, &run.id)
}
