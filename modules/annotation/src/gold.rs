//! Gold: what an opening must prove, and what opened gold says.
use std::{collections::BTreeMap, ops::Range};

use cairn_kernel::{
    Ctx, Result,
    merkle::{self, Hash},
};
use cairn_proto::cairn::annotation::v1::{EventGoldOpened, GoldChunk, Label, MsgOpenGold, MsgOpenGoldResponse};

use crate::{
    Error,
    answers::{self, Answer},
    formats,
    job::Running,
    labels::{JobPages, failed},
    lifecycle, stage,
    state::GOLD,
    types,
};

/// Gas of one leaf of the gold tree: salt, leaf and node, about six blocks of SHA-256.
const LEAF_GAS: u64 = 60;

/// The truths of an opening: ascending, of the chunk, of the job's classes.
pub(crate) fn read_truths(run: &Running, chunk: u32, truths: &[Label]) -> Result<BTreeMap<u32, Answer>> {
    let tasks = formats::chunk_tasks(run.job.tasks, chunk);
    let mut out = BTreeMap::new();
    let mut last = None;
    for truth in truths {
        let task = truth.task;
        if let Some(last) = last.filter(|last| *last >= task) {
            return Err(Error::TruthOrder { last, found: task }.into());
        }
        if !tasks.contains(&task) {
            let (first, last) = (tasks.start, tasks.end.saturating_sub(1));
            return Err(Error::TruthOutside { chunk, first, last, found: task }.into());
        }
        out.insert(task, read_truth(run, truth)?);
        last = Some(task);
    }
    Ok(out)
}

/// A truth of the job's type.
fn read_truth(run: &Running, truth: &Label) -> Result<Answer> {
    if types::gives_sets(run.job.r#type()) {
        return Ok(Answer::Set(answers::set(run, truth)?));
    }
    if let Some(kind) = types::draws(run.job.r#type()) {
        return Ok(Answer::Shapes(answers::shapes(run, kind, truth)?));
    }
    let classes = run.job.classes.len();
    let class = u16::try_from(truth.class).ok().filter(|class| usize::from(*class) < classes);
    Ok(Answer::Class(class.ok_or(Error::TruthClass { task: truth.task, classes, found: truth.class })?))
}

/// Writes the opened truths of a chunk for the inference.
pub(crate) fn write(ctx: &mut Ctx, run: &Running, chunk: u32, truths: BTreeMap<u32, Answer>) -> Result<()> {
    let (tasks, classes) = (run.job.tasks, run.classes()?);
    let (mut of_classes, mut of_sets) = (Vec::new(), Vec::new());
    for (task, truth) in truths {
        match truth {
            Answer::Class(class) => of_classes.push((task, class)),
            Answer::Set(set) => of_sets.push((task, set)),
            Answer::Skipped | Answer::Draft(_) | Answer::Shapes(_) => return Err(Error::Broken("a truth is no answer").into()),
        }
    }
    let mut pages = JobPages::new(ctx, run.id);
    if types::gives_sets(run.job.r#type()) {
        return cairn_truth::write_gold_sets(&mut pages, tasks, classes, chunk, &of_sets).map_err(failed);
    }
    cairn_truth::write_gold(&mut pages, tasks, classes, chunk, &of_classes).map_err(failed)
}

/// Refuses an opening that does not lead to the root that the job was posted with: all leaves of the chunk are made anew from the seed and
/// the truths, so that no leaf stays unknown.
pub(crate) fn check_root(
    ctx: &Ctx,
    run: &Running,
    seed: &Hash,
    chunk: u32,
    truths: &BTreeMap<u32, Answer>,
    path: &[Vec<u8>],
) -> Result<()> {
    let path = merkle::read_path(path).ok_or(Error::GoldPath(path.len()))?;
    let tasks = formats::chunk_tasks(run.job.tasks, chunk);
    ctx.gas().consume(LEAF_GAS.saturating_mul(tasks.len() as u64))?;
    let manifest = hash(&run.job.manifest_root)?;
    let chain = formats::chain32(&ctx.block().chain_id);
    let payloads = truths.iter().map(|(task, truth)| Ok((*task, truth.payload(run)?))).collect::<Result<BTreeMap<_, _>>>()?;
    let found = formats::gold_payload_chunk(&chain, &manifest, seed, tasks, |task| payloads.get(&task).map(Vec::as_slice));
    let root = hash(&run.job.gold_root)?;
    if merkle::verify(&root, &found, chunk.into(), formats::chunks(run.job.tasks).into(), &path) {
        return Ok(());
    }
    Err(Error::GoldRoot { chunk, expected: hex(&root), found: hex(&found) }.into())
}

/// Refuses buckets without exactly their gold. A bucket that reaches into the chunk before or after is counted when both are open.
pub(crate) fn check_counts(ctx: &Ctx, run: &Running, chunk: u32, truths: &BTreeMap<u32, Answer>) -> Result<()> {
    let tasks = formats::chunk_tasks(run.job.tasks, chunk);
    let last_task = tasks.end.saturating_sub(1);
    let (Some(first), Some(last)) = (run.buckets.of(tasks.start), run.buckets.of(last_task)) else {
        return Err(Error::Broken("a chunk without tasks").into());
    };
    for bucket in first..=last {
        let whole = run.buckets.tasks(bucket);
        let inside = whole.start.max(tasks.start)..whole.end.min(tasks.end);
        let mut found = truths.range(inside.clone()).count();
        let (mut complete, outside) =
            (true, [(whole.start..inside.start, chunk.checked_sub(1)), (inside.end..whole.end, chunk.checked_add(1))]);
        for (part, neighbour) in outside {
            if let (false, Some(neighbour)) = (part.is_empty(), neighbour) {
                match GOLD.get(ctx, &(run.id, neighbour))? {
                    Some(opened) => found = found.saturating_add(count(&opened, &part)),
                    None => complete = false,
                }
            }
        }
        let (expected, found) = (run.job.gold_per_bucket, u32::try_from(found).map_err(|_| Error::Overflow)?);
        if found > expected || (complete && found < expected) {
            return Err(Error::GoldCount { bucket, expected, found }.into());
        }
    }
    Ok(())
}

fn count(gold: &GoldChunk, tasks: &Range<u32>) -> usize {
    gold.truths.iter().filter(|truth| tasks.contains(&truth.task)).count()
}

/// The opened gold of a chunk by task; none where it is not opened.
pub(crate) fn opened(ctx: &Ctx, job: u64, chunk: u32) -> Result<BTreeMap<u32, u16>> {
    let gold = GOLD.get(ctx, &(job, chunk))?.unwrap_or_default();
    let truth = |truth: &Label| Ok((truth.task, u16::try_from(truth.class).map_err(|_| Error::Broken("a truth is no class"))?));
    gold.truths.iter().map(truth).collect()
}

/// The same of a MULTI_LABEL job.
pub(crate) fn opened_sets(ctx: &Ctx, run: &Running, chunk: u32) -> Result<BTreeMap<u32, u64>> {
    let gold = GOLD.get(ctx, &(run.id, chunk))?.unwrap_or_default();
    gold.truths.iter().map(|truth| Ok((truth.task, answers::set(run, truth)?))).collect()
}

/// Counts a chunk of gold as opened, `gold` being the tasks of the job that it gave an answer to; with the last one the job goes on.
pub(crate) fn count_opened(ctx: &mut Ctx, mut run: Running, msg: &MsgOpenGold, gold: usize) -> Result<MsgOpenGoldResponse> {
    let gold = u32::try_from(gold).map_err(|_| Error::Overflow)?;
    run.status.gold_seed.clone_from(&msg.seed);
    run.status.gold_chunks = run.status.gold_chunks.saturating_add(1);
    run.status.gold_opened = run.status.gold_opened.saturating_add(gold);
    let chunks_left = formats::chunks(stage::gold_tasks(&run)).saturating_sub(run.status.gold_chunks);
    ctx.emit(&EventGoldOpened { job: run.id, chunk: msg.chunk, gold, chunks_left });
    if lifecycle::is_all_opened(&run) {
        lifecycle::end_gold(ctx, &mut run)?;
    }
    run.save(ctx)?;
    Ok(MsgOpenGoldResponse { chunks_left })
}

/// 32 bytes of state.
pub(crate) fn hash(bytes: &[u8]) -> Result<Hash> {
    Ok(Hash::try_from(bytes).map_err(|_| Error::Broken("a hash has not 32 bytes"))?)
}

/// Bytes for texts.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
