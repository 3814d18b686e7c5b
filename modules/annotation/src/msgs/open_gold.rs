//! `MsgOpenGold`: the gold of a chunk is proved to be what the job was posted with.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{GoldChunk, JobState, MsgOpenGold, MsgOpenGoldResponse};

use super::{check_list, hash};
use crate::{Error, formats, gold, job::Running, stage, stage_gold, state::GOLD, types};

pub(super) fn open_gold(ctx: &mut Ctx, msg: &MsgOpenGold) -> Result<MsgOpenGoldResponse> {
    Address::parse(&msg.sender)?;
    let seed = hash("seed", &msg.seed)?;
    check_list("truths", msg.truths.len(), 0, usize::try_from(formats::CHUNK).map_err(|_| Error::Overflow)?)?;
    let run = Running::load(ctx, msg.job)?;
    check_window(ctx, &run, msg.chunk)?;
    if !run.status.gold_seed.is_empty() && run.status.gold_seed != msg.seed {
        return Err(Error::OtherSeed.into());
    }
    if run.job.stage.is_some_and(|stage| stage.parents_gold) {
        return stage_gold::open(ctx, run, msg, &seed);
    }
    let truths = gold::read_truths(&run, msg.chunk, &msg.truths)?;
    gold::check_root(ctx, &run, &seed, msg.chunk, &truths, &msg.path)?;
    gold::check_counts(ctx, &run, msg.chunk, &truths)?;

    GOLD.set(ctx, &(run.id, msg.chunk), &GoldChunk { truths: msg.truths.clone() })?;
    let gold = truths.len();
    gold::write(ctx, &run, msg.chunk, truths)?;
    gold::count_opened(ctx, run, msg, gold)
}

/// In the gold window, a chunk of the job that was not opened.
fn check_window(ctx: &Ctx, run: &Running, chunk: u32) -> Result<()> {
    run.require(JobState::Gold)?;
    let (deadline, height) = (run.status.gold_deadline, ctx.block().height);
    if height > deadline {
        return Err(Error::GoldTooLate { job: run.id, deadline, height }.into());
    }
    if run.job.gold_root.is_empty() {
        return Err(types::Error::NoGold(run.id).into());
    }
    let chunks = formats::chunks(stage::gold_tasks(run));
    if chunk >= chunks {
        return Err(Error::NoChunk { chunks, found: chunk }.into());
    }
    let owner = run.job.stage.filter(|stage| stage.parents_gold).map_or(run.id, |stage| stage.parent);
    if GOLD.has(ctx, &(owner, chunk))? {
        return Err(Error::ChunkOpened(chunk).into());
    }
    Ok(())
}
