//! Answers of MULTI_LABEL jobs: sets of labels, staged by bucket until they are packed.
use borsh::{BorshDeserialize, BorshSerialize};
use cairn_kernel::{Map, Result};
use cairn_truth::SetParams;

use crate::{Error, job::Running, labels::InBucket, state::STAGED_SETS};

/// A set given to a task of a bucket; bit l tells whether label l is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(crate) struct StagedSet {
    pub(crate) task: u32,
    pub(crate) worker: u32,
    pub(crate) set: u64,
}

impl InBucket for StagedSet {
    const TABLE: Map<(u64, u32), Vec<u8>> = STAGED_SETS;
    const UNREADABLE: &'static str = "the sets of a bucket cannot be read";
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
