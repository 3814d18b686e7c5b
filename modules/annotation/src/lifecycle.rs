//! From state to state: what ends each of them.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{JobState, SettleStep, Settlement};

use crate::{
    Error, buckets, formats,
    job::Running,
    late,
    queues::{self, Kind},
    stage,
    state::SETTLING,
    types,
};

/// Goes on as far as the counters allow: to REVEALING when every bucket had its R, to GOLD (C) when nothing is left to reveal,
/// on from the late round when it is over.
pub(crate) fn advance(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if run.status.state() == JobState::Open && run.status.buckets_revealing == run.buckets.count() {
        run.enter(ctx, JobState::Revealing)?;
    }
    if run.status.state() == JobState::Revealing && run.status.leases_committed == 0 {
        close_reveals(ctx, run)?;
    }
    late::advance(ctx, run)
}

/// C: all blind reveals are closed. The gold window opens and the labels are packed; where there are none, nothing is left to judge.
fn close_reveals(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let height = ctx.block().height;
    run.status.reveals_closed = height;
    if types::produces(run.job.r#type()) {
        run.enter(ctx, JobState::Verifying)?;
        let step = if run.status.labels == 0 { SettleStep::Close } else { SettleStep::Stage };
        run.status.settlement = Some(Settlement { step: step.into(), ..Settlement::default() });
        return SETTLING.insert(ctx, &run.id);
    }
    run.enter(ctx, JobState::Gold)?;
    run.status.gold_deadline = height.saturating_add(run.rules.gold_window);
    let step = if run.status.labels == 0 { SettleStep::Close } else { SettleStep::Pack };
    run.status.settlement = Some(Settlement { step: step.into(), ..Settlement::default() });
    SETTLING.insert(ctx, &run.id)?;
    queues::schedule(ctx, run.status.gold_deadline, Kind::GoldEnd, run.id, 0)
}

/// The commit deadline: every bucket is looked at for its R, from `first` on, a bounded number a block. Those never opened have no seats.
pub(crate) fn reach_deadline(ctx: &mut Ctx, run: &mut Running, first: u32, budget: u32) -> Result<u32> {
    let opened = run.status.buckets_opened;
    let end = first.saturating_add(budget.max(1)).min(opened);
    for number in first..end {
        buckets::check(ctx, run, number)?;
    }
    if end < opened {
        // At the same height, so that it comes first again in the next block.
        queues::schedule(ctx, run.job.commit_deadline, Kind::CommitDeadline, run.id, end.into())?;
    } else {
        let never = run.buckets.count().saturating_sub(opened);
        run.status.buckets_revealing = run.status.buckets_revealing.checked_add(never).ok_or(Error::Overflow)?;
    }
    Ok(end.saturating_sub(first))
}

/// Whether all gold of the job was opened.
pub(crate) fn is_gold_opened(run: &Running) -> bool {
    run.status.gold_chunks == formats::chunks(stage::gold_tasks(run))
}

/// Whether there is nothing left to open: gold, and the pairs of a ranked job.
pub(crate) fn is_all_opened(run: &Running) -> bool {
    is_gold_opened(run) && (run.job.contestants == 0 || are_pairs_opened(run))
}

/// Whether all pairs of a ranked job were opened.
pub(crate) fn are_pairs_opened(run: &Running) -> bool {
    run.job.contestants > 0 && run.status.pairs_chunks == formats::chunks(run.job.tasks)
}

/// The gold window is over, or all gold was opened: once the labels are packed, the inference begins.
pub(crate) fn end_gold(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let waits = run.settlement()?.step() == SettleStep::AwaitGold;
    if run.status.state() == JobState::Gold && waits {
        run.settlement()?.set_step(SettleStep::Infer);
        run.enter(ctx, JobState::Infer)?;
        SETTLING.insert(ctx, &run.id)?;
    }
    Ok(())
}

/// The last height for opening gold.
pub(crate) fn reach_gold_end(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    match run.status.state() {
        JobState::Gold => end_gold(ctx, run),
        JobState::Verifying => stage::reach_verdict_gold_end(ctx, run),
        _ => Ok(()),
    }
}

/// Whether nothing can be opened any more.
pub(crate) fn is_gold_over(ctx: &Ctx, run: &Running) -> bool {
    is_all_opened(run) || run.job.gold_root.is_empty() || ctx.block().height >= run.status.gold_deadline
}
