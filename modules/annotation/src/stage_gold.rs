//! The gold of a stage whose drafts are told in the clear: the parent's truths are opened, and the right verdict on each draft of a gold task
//! follows from how well it agrees with the truth.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result, merkle::Hash};
use cairn_proto::cairn::annotation::v1::{GoldChunk, Label, MsgOpenGold, MsgOpenGoldResponse};
use cairn_truth::Draft;

use crate::{
    Error,
    answers::Answer,
    drafts, formats, gold,
    job::Running,
    labels::{JobPages, failed},
    stage,
    state::GOLD,
    types,
};

/// Gas of a label visit's worth of comparing.
const COST_GAS: u64 = 10;

/// Opens a chunk of the parent's gold for its stage, which is in its gold window.
pub(crate) fn open(ctx: &mut Ctx, run: Running, msg: &MsgOpenGold, seed: &Hash) -> Result<MsgOpenGoldResponse> {
    let parent = Running::load(ctx, run.job.stage.map_or(0, |stage| stage.parent))?;
    let truths = gold::read_truths(&parent, msg.chunk, &msg.truths)?;
    gold::check_root(ctx, &parent, seed, msg.chunk, &truths, &msg.path)?;
    gold::check_counts(ctx, &parent, msg.chunk, &truths)?;

    GOLD.set(ctx, &(parent.id, msg.chunk), &GoldChunk { truths: msg.truths.clone() })?;
    let verdicts = verdicts(ctx, &parent, &truths)?;
    let gold = verdicts.len();
    write(ctx, &run, verdicts)?;
    gold::count_opened(ctx, run, msg, gold)
}

/// The right verdict on each draft of the gold tasks, by task of the stage.
fn verdicts(ctx: &Ctx, parent: &Running, truths: &BTreeMap<u32, Answer>) -> Result<BTreeMap<u32, u16>> {
    let mut verdicts = BTreeMap::new();
    for (task, truth) in truths {
        let Answer::Shapes(bytes) = truth else { return Err(Error::Broken("a truth is no draft").into()) };
        let bucket = parent.buckets.of(*task).ok_or(Error::Broken("a task without a bucket"))?;
        for draft in drafts::load(ctx, parent.id, bucket)?.iter().filter(|draft| draft.task == *task) {
            let good = agrees(ctx, parent, &drafts::shapes(ctx, parent.id, bucket, draft)?, bytes)?;
            verdicts.insert(drafts::stage_task(draft, parent.job.tasks)?, u16::from(good));
        }
    }
    Ok(verdicts)
}

/// Whether a draft in the clear agrees with a truth as well as the producing job asks for; both were checked when they came in.
pub(crate) fn agrees(ctx: &Ctx, run: &Running, draft: &[u8], truth: &[u8]) -> Result<bool> {
    let kind = types::draws(run.job.r#type()).ok_or(Error::Broken("a job without drafts in the clear"))?;
    let read = |bytes: &[u8]| Draft::decode(kind, bytes).map_err(|_| Error::Broken("a draft cannot be read"));
    let (draft, truth) = (read(draft)?, read(truth)?);
    ctx.gas().consume(cairn_truth::cost(&draft, &truth).saturating_mul(COST_GAS))?;
    let least = stage::verification(run)?.iou_bps;
    Ok(cairn_truth::agrees(&draft, &truth, least).map_err(|_| Error::Broken("drafts cannot be compared"))?)
}

/// Adds verdicts to the gold of the stage's chunks.
fn write(ctx: &mut Ctx, run: &Running, verdicts: BTreeMap<u32, u16>) -> Result<()> {
    let mut chunks = BTreeMap::<u32, BTreeMap<u32, u16>>::new();
    for (task, verdict) in verdicts {
        chunks.entry(task / formats::CHUNK).or_default().insert(task, verdict);
    }
    for (chunk, mut gold) in chunks {
        gold.extend(gold::opened(ctx, run.id, chunk)?);
        let truths = gold.iter().map(|(task, class)| Label { task: *task, class: (*class).into(), ..Label::default() }).collect();
        GOLD.set(ctx, &(run.id, chunk), &GoldChunk { truths })?;
        let answers: Vec<_> = gold.into_iter().collect();
        let (tasks, classes) = (run.job.tasks, run.classes()?);
        cairn_truth::write_gold(&mut JobPages::new(ctx, run.id), tasks, classes, chunk, &answers).map_err(failed)?;
    }
    Ok(())
}
