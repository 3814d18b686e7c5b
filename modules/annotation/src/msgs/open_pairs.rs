//! `MsgOpenPairs`: who was compared in the tasks of a chunk is proved to be what the job was posted with.
use cairn_kernel::{Address, Ctx, Result, merkle};
use cairn_proto::cairn::annotation::v1::{EventPairsOpened, JobState, MsgOpenPairs, MsgOpenPairsResponse, PairsChunk};

use super::{check_list, hash};
use crate::{
    Error, formats, gold,
    job::Running,
    labels::{JobPages, failed},
    lifecycle,
    state::PAIRS,
    types,
};

/// Gas of one pair: its bytes hashed and stored.
const PAIR_GAS: u64 = 20;

pub(super) fn open_pairs(ctx: &mut Ctx, msg: &MsgOpenPairs) -> Result<MsgOpenPairsResponse> {
    Address::parse(&msg.sender)?;
    let seed = hash("seed", &msg.seed)?;
    check_list("pairs", msg.pairs.len(), 1, usize::try_from(formats::CHUNK).map_err(|_| Error::Overflow)?)?;
    let mut run = Running::load(ctx, msg.job)?;
    check_window(ctx, &run, msg)?;
    let pairs = read_pairs(&run, msg)?;
    check_root(ctx, &run, &seed, msg, &pairs)?;

    PAIRS.set(ctx, &(run.id, msg.chunk), &PairsChunk { pairs: msg.pairs.clone() })?;
    let (tasks, items) = (run.job.tasks, run.job.contestants);
    cairn_truth::write_pairs(&mut JobPages::new(ctx, run.id), tasks, items, msg.chunk, &pairs).map_err(failed)?;
    run.status.gold_seed.clone_from(&msg.seed);
    run.status.pairs_chunks = run.status.pairs_chunks.saturating_add(1);
    let chunks_left = formats::chunks(run.job.tasks).saturating_sub(run.status.pairs_chunks);
    ctx.emit(&EventPairsOpened { job: run.id, chunk: msg.chunk, chunks_left });
    if lifecycle::is_all_opened(&run) {
        lifecycle::end_gold(ctx, &mut run)?;
    }
    run.save(ctx)?;
    Ok(MsgOpenPairsResponse { chunks_left })
}

/// In the gold window of a ranked job, under the gold's seed, a chunk that was not opened.
fn check_window(ctx: &Ctx, run: &Running, msg: &MsgOpenPairs) -> Result<()> {
    if run.job.contestants == 0 {
        return Err(types::Error::NotRanked(run.id).into());
    }
    run.require(JobState::Gold)?;
    let (deadline, height) = (run.status.gold_deadline, ctx.block().height);
    if height > deadline {
        return Err(Error::GoldTooLate { job: run.id, deadline, height }.into());
    }
    let chunks = formats::chunks(run.job.tasks);
    if msg.chunk >= chunks {
        return Err(Error::NoChunk { chunks, found: msg.chunk }.into());
    }
    if PAIRS.has(ctx, &(run.id, msg.chunk))? {
        return Err(types::Error::PairsOpened(msg.chunk).into());
    }
    if !run.status.gold_seed.is_empty() && run.status.gold_seed != msg.seed {
        return Err(Error::OtherSeed.into());
    }
    Ok(())
}

/// One pair of two different contestants for each task of the chunk.
fn read_pairs(run: &Running, msg: &MsgOpenPairs) -> Result<Vec<(u32, u32)>> {
    let tasks = formats::chunk_tasks(run.job.tasks, msg.chunk);
    if tasks.len() != msg.pairs.len() {
        return Err(types::Error::PairCount { chunk: msg.chunk, expected: tasks.len(), found: msg.pairs.len() }.into());
    }
    let contestants = run.job.contestants;
    for (task, pair) in tasks.zip(&msg.pairs) {
        let (left, right) = (pair.left, pair.right);
        if left >= contestants || right >= contestants || left == right {
            return Err(types::Error::Pair { task, contestants, left, right }.into());
        }
    }
    Ok(msg.pairs.iter().map(|pair| (pair.left, pair.right)).collect())
}

/// Refuses pairs that do not lead to the root that the job was posted with.
fn check_root(ctx: &Ctx, run: &Running, seed: &merkle::Hash, msg: &MsgOpenPairs, pairs: &[(u32, u32)]) -> Result<()> {
    let path = merkle::read_path(&msg.path).ok_or(Error::GoldPath(msg.path.len()))?;
    ctx.gas().consume(PAIR_GAS.saturating_mul(u64::try_from(pairs.len()).map_err(|_| Error::Overflow)?))?;
    let chain = formats::chain32(&ctx.block().chain_id);
    let found = formats::pairs_leaf(&chain, &gold::hash(&run.job.manifest_root)?, seed, msg.chunk, pairs);
    let root = gold::hash(&run.job.pairs_root)?;
    if merkle::verify(&root, &found, msg.chunk.into(), formats::chunks(run.job.tasks).into(), &path) {
        return Ok(());
    }
    Err(types::Error::PairsRoot { chunk: msg.chunk, expected: gold::hex(&root), found: gold::hex(&found) }.into())
}
