//! Answers of MULTI_LABEL jobs: sets of labels, staged by bucket until they are packed.
use borsh::{BorshDeserialize, BorshSerialize};
use cairn_kernel::{Ctx, Result};
use cairn_truth::SetParams;

use crate::{Error, job::Running, state::STAGED_SETS};

/// A set given to a task of a bucket; bit l tells whether label l is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(crate) struct StagedSet {
    pub(crate) task: u32,
    pub(crate) worker: u32,
    pub(crate) set: u64,
}

/// The sets of a bucket so far, by task and worker.
pub(crate) fn staged(ctx: &Ctx, job: u64, bucket: u32) -> Result<Vec<StagedSet>> {
    match STAGED_SETS.get(ctx, &(job, bucket))? {
        Some(bytes) => Ok(borsh::from_slice(&bytes).map_err(|_| Error::Broken("the sets of a bucket cannot be read"))?),
        None => Ok(Vec::new()),
    }
}

/// Adds sets to a bucket.
pub(crate) fn stage(ctx: &mut Ctx, job: u64, bucket: u32, sets: &[StagedSet]) -> Result<()> {
    let mut all = staged(ctx, job, bucket)?;
    all.extend(sets);
    all.sort_unstable();
    let bytes = borsh::to_vec(&all).map_err(|_| Error::Broken("sets cannot be written"))?;
    STAGED_SETS.set(ctx, &(job, bucket), &bytes)
}

/// Takes a bucket's sets out, to be packed.
pub(crate) fn unstage(ctx: &mut Ctx, job: u64, bucket: u32) -> Result<Vec<StagedSet>> {
    let sets = staged(ctx, job, bucket)?;
    STAGED_SETS.remove(ctx, &(job, bucket))?;
    Ok(sets)
}

/// What the inference of sets runs under.
pub(crate) fn params(run: &Running, gold: cairn_truth::Gold) -> Result<SetParams> {
    Ok(SetParams {
        tasks: run.job.tasks,
        labels: run.classes()?,
        workers: run.status.workers,
        target_bps: run.job.kappa_target_bps,
        gate_bits: run.job.gate_bits,
        gold,
    })
}

/// A set as the bytes of commitments, leaves and messages.
pub(crate) fn bytes(run: &Running, set: u64) -> Result<Vec<u8>> {
    Ok(cairn_truth::set_to_bytes(run.classes()?, set).map_err(Error::Truth)?)
}
