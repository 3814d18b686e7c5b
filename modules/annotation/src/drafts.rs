//! Drafts of a producing job, a page a bucket, and their places in its verification stage.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Draft, DraftPage, DraftState};

use crate::{
    Error,
    state::{DRAFTS, SHAPES},
};

/// The drafts of a bucket, by task and producer.
pub(crate) fn load(ctx: &Ctx, job: u64, bucket: u32) -> Result<Vec<Draft>> {
    Ok(DRAFTS.get(ctx, &(job, bucket))?.unwrap_or_default().drafts)
}

/// Writes the drafts of a bucket.
pub(crate) fn save(ctx: &mut Ctx, job: u64, bucket: u32, drafts: Vec<Draft>) -> Result<()> {
    DRAFTS.set(ctx, &(job, bucket), &DraftPage { drafts })
}

/// Adds drafts to a bucket.
pub(crate) fn add(ctx: &mut Ctx, job: u64, bucket: u32, drafts: Vec<Draft>) -> Result<()> {
    let mut all = load(ctx, job, bucket)?;
    all.extend(drafts);
    all.sort_by_key(|draft| (draft.task, draft.worker));
    save(ctx, job, bucket, all)
}

/// What was counted in a bucket.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) drafts: u32,
    pub(crate) copies: u32,
    /// Most drafts of one task.
    pub(crate) slots: u32,
}

/// Marks copies and numbers the other drafts of each task. Of equal payloads in one task the one that was committed first stands (of equal
/// heights, the lower number of producer), where payloads are `bound` to their producers: then only copying makes two of them equal. Of
/// drafts in the clear equal ones agree.
pub(crate) fn arrange(drafts: &mut [Draft], bound: bool) -> Result<Count> {
    let mut count = Count::default();
    for of_task in drafts.chunk_by_mut(|a, b| a.task == b.task) {
        let mut first = BTreeMap::<Vec<u8>, (u64, u32)>::new();
        for draft in of_task.iter() {
            let age = (draft.committed_height, draft.worker);
            let oldest = first.entry(draft.payload.clone()).or_insert(age);
            *oldest = age.min(*oldest);
        }
        let mut slot = 0_u32;
        for draft in of_task {
            if !bound || first.get(&draft.payload) == Some(&(draft.committed_height, draft.worker)) {
                draft.slot = slot;
                slot = slot.checked_add(1).ok_or(Error::Overflow)?;
            } else {
                draft.set_state(DraftState::Copied);
                count.copies = count.copies.saturating_add(1);
            }
        }
        count.drafts = count.drafts.saturating_add(slot);
        count.slots = count.slots.max(slot);
    }
    Ok(count)
}

/// A draft of a bucket that was told in the clear.
pub(crate) fn shapes(ctx: &Ctx, job: u64, bucket: u32, draft: &Draft) -> Result<Vec<u8>> {
    let page = SHAPES.get(ctx, &(job, bucket, draft.worker))?.unwrap_or_default().drafts;
    Ok(page.into_iter().find(|found| found.task == draft.task).map(|found| found.shapes).unwrap_or_default())
}

/// The number of a draft's task in the stage of a job of `tasks` tasks.
pub(crate) fn stage_task(draft: &Draft, tasks: u32) -> Result<u32> {
    let first = draft.slot.checked_mul(tasks).ok_or(Error::Overflow)?;
    Ok(first.checked_add(draft.task).ok_or(Error::Overflow)?)
}

/// Whether a draft is to be verified.
pub(crate) fn is_verified(draft: &Draft) -> bool {
    draft.state() != DraftState::Copied
}
