//! PACK: the labels of the buckets go into chunks of 1,024 tasks.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{JobState, SettleStep};

use crate::{
    Error,
    job::Running,
    labels::{self, Staged},
    lifecycle,
    sets::StagedSet,
    state::SETTLING,
    types,
};

/// Label visits of packing a label, and of reading a bucket.
const LABEL_VISITS: u64 = 8;
const BUCKET_VISITS: u64 = 600;

/// Packs buckets until `budget` is spent, at least a chunk's worth of them.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    let first = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a bucket's number is too large"))?;
    let mut next = first;
    let gives_sets = types::gives_sets(run.job.r#type());
    let (mut visits, mut answers, mut given) = (0_u64, Vec::new(), Vec::new());
    // The end of a chunk is a good place to stop: its page is then written once.
    while next < run.status.buckets_opened && (visits < budget || !ends_chunk(run, next)) {
        let before = answers.len().saturating_add(given.len());
        if gives_sets {
            given.extend(labels::unstage(ctx, run.id, next)?.into_iter().map(|answer: StagedSet| (answer.task, answer.worker, answer.set)));
        } else {
            answers.extend(labels::unstage(ctx, run.id, next)?.into_iter().map(|label: Staged| (label.task, label.worker, label.class)));
        }
        let packed = answers.len().saturating_add(given.len()).saturating_sub(before);
        let work = u64::try_from(packed).map_err(|_| Error::Overflow)?.saturating_mul(LABEL_VISITS);
        visits = visits.saturating_add(work).saturating_add(BUCKET_VISITS);
        next = next.saturating_add(1);
    }
    let (tasks, classes) = (run.job.tasks, run.classes()?);
    let mut pages = labels::JobPages::new(ctx, run.id);
    if gives_sets {
        cairn_truth::add_all_sets(&mut pages, tasks, classes, &given).map_err(labels::failed)?;
    } else {
        cairn_truth::add_all(&mut pages, tasks, classes, &answers).map_err(labels::failed)?;
    }
    run.settlement()?.position = next.into();
    if next >= run.status.buckets_opened {
        finish(ctx, run)?;
    }
    Ok(visits)
}

/// Whether the bucket before `next` was the last one of a chunk, or there is none before it.
fn ends_chunk(run: &Running, next: u32) -> bool {
    let (before, after) = (run.buckets.tasks(next.saturating_sub(1)), run.buckets.tasks(next));
    next == 0 || before.end / cairn_truth::CHUNK != after.end / cairn_truth::CHUNK
}

/// All labels are packed: the inference begins when the gold window is over.
fn finish(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if lifecycle::is_gold_over(ctx, run) {
        super::go_on(run, SettleStep::Infer)?;
        return run.enter(ctx, JobState::Infer);
    }
    super::go_on(run, SettleStep::AwaitGold)?;
    SETTLING.remove(ctx, &run.id)
}
