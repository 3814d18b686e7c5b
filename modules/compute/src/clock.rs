//! What goes on by itself at the end of a block: jobs at their heights, bonds that return. Bounded a block; each step is all or nothing, and one that
//! fails is tried again later.
use cairn_dispute as dispute;
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::compute::v1::{JobOutcome, JobState};

use crate::{
    Error, auction, audit, jobs, providers, redundant, referee,
    rules::RETRY_BLOCKS,
    settle,
    state::{DUE, LEAVING, PROVIDERS},
};

/// Handles what is due, at most so many items.
pub(crate) fn run(ctx: &mut Ctx, most: u32) -> Result<()> {
    let height = ctx.block().height;
    for _ in 0..most {
        let first = DUE.range(ctx, &[]).next().transpose()?;
        let Some((_, id)) = first.filter(|(due, _)| *due <= height) else { break };
        if ctx.atomic(|ctx| go_on(ctx, id)).is_err() {
            let mut job = jobs::load(ctx, id)?;
            let again = jobs::after(ctx, RETRY_BLOCKS)?;
            jobs::save(ctx, &mut job, again)?;
        }
    }
    for _ in 0..most {
        let first = LEAVING.range(ctx, &[]).next().transpose()?;
        let Some((due, account)) = first.filter(|(due, _)| *due <= height) else { break };
        if ctx.atomic(|ctx| providers::release(ctx, &account)).is_err() {
            LEAVING.remove(ctx, &(due, account))?;
            let mut provider = providers::load(ctx, &account)?;
            provider.leaves = jobs::after(ctx, RETRY_BLOCKS)?;
            PROVIDERS.set(ctx, &account, &provider)?;
            LEAVING.insert(ctx, &(provider.leaves, account))?;
        }
    }
    Ok(())
}

fn go_on(ctx: &mut Ctx, id: u64) -> Result<()> {
    let mut job = jobs::load(ctx, id)?;
    if job.redundancy > 0 {
        return redundant::go_on(ctx, job);
    }
    match job.state() {
        // Its auction has not ended: it does so by itself, and then the job has a provider or can expire.
        JobState::Auction if auction::bids(ctx, &job)? => {
            let again = jobs::after(ctx, RETRY_BLOCKS)?;
            jobs::save(ctx, &mut job, again)
        }
        JobState::Auction => settle::refund(ctx, job, JobOutcome::Expired),
        JobState::Open => settle::refund(ctx, job, JobOutcome::Expired),
        JobState::Running => settle::late(ctx, job),
        // Its audit has last heights of its own; until then the result may be contested.
        JobState::Window if audit::pending(ctx, id)? => {
            let again = jobs::after(ctx, RETRY_BLOCKS)?;
            jobs::save(ctx, &mut job, again)
        }
        JobState::Window => settle::pay(ctx, job, false),
        JobState::Contested => match dispute::ending(ctx, job.case_id)? {
            Some(ending) => referee::conclude(ctx, &ending),
            None => Err(Error::State(id).into()),
        },
        JobState::Commit | JobState::Reveal | JobState::Deliver | JobState::Closed | JobState::Unspecified => {
            Err(Error::Broken("a clock that nobody set").into())
        }
    }
}
