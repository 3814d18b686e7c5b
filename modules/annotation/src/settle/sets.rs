//! The steps of a MULTI_LABEL job: each label is inferred by itself, each worker has one result.
use cairn_kernel::{Ctx, Result};
use cairn_truth::{Model, SetAnswer, SetInference};

use super::{
    infer::{self, Found},
    pay::Sheet,
    record::{self, Workers},
};
use crate::{
    Error, formats, gold,
    job::Running,
    labels::{JobPages, PagesView, failed},
    sets,
    state::INFERENCES,
};

/// Label visits of one set (its leaf is hashed, its worker read once a chunk), and of the posteriors of a label in a chunk.
const SET_VISITS: u64 = 64;
const LABEL_VISITS: u64 = 4_096;

/// INFER: works on chunks until `budget` label visits are spent.
pub(super) fn infer(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    let mut inference = match INFERENCES.get(ctx, &run.id)? {
        Some(bytes) => SetInference::decode(&bytes).map_err(Error::Truth)?,
        None => SetInference::open(sets::params(run, infer::gold(run))?).map_err(Error::Truth)?,
    };
    let progress = inference.step(&mut JobPages::new(ctx, run.id), budget).map_err(failed)?;
    INFERENCES.set(ctx, &run.id, &inference.encode())?;
    if let Some((_, cursor)) = inference.cursor() {
        let settlement = run.settlement()?;
        settlement.position = cursor.next.into();
        settlement.passes = cursor.passes.into();
    }
    if progress.done {
        finish(ctx, run, &inference)?;
    }
    Ok(progress.spent)
}

fn finish(ctx: &mut Ctx, run: &mut Running, inference: &SetInference) -> Result<()> {
    let outcome = inference.outcome().ok_or(Error::Broken("an inference that ended has no outcome"))?;
    let models: Vec<&str> = outcome.labels.iter().map(|label| label.model.name()).collect();
    let found = Found {
        is_gold_false: outcome.is_gold_false(),
        void: outcome.labels.iter().map(|label| label.gold.void).max().unwrap_or(0),
        model: models.join(","),
        passes: outcome.labels.iter().map(|label| u32::from(label.passes)).max().unwrap_or(0),
        digest: outcome.digest.to_vec(),
    };
    found.tell(ctx, run)
}

/// The models of the labels, by their names in a settlement.
pub(crate) fn models(names: &str) -> Result<Vec<Model>> {
    names.split(',').map(record::model).collect()
}

/// PAY: what the workers of a sheet are paid by, for sets.
pub(super) fn results(ctx: &Ctx, run: &Running, sheet: u32) -> Result<Sheet> {
    let params = sets::params(run, infer::gold(run))?;
    let results = cairn_truth::read_set_results(&PagesView::new(ctx, run.id), &params, sheet).map_err(failed)?;
    Ok((sheet.saturating_mul(params.sheet_workers()), params.sheets(), results))
}

/// What the inference found of one worker.
pub(super) fn result(ctx: &Ctx, run: &Running, worker: u32) -> Result<cairn_truth::WorkerResult> {
    let params = sets::params(run, infer::gold(run))?;
    cairn_truth::read_set_result(&PagesView::new(ctx, run.id), &params, worker).map_err(failed)
}

/// RECORD: one chunk.
pub(super) fn record(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let chunk = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a chunk's number is too large"))?;
    let (tasks, labels) = (run.job.tasks, run.classes()?);
    let found = cairn_truth::read_sets(&PagesView::new(ctx, run.id), tasks, labels, chunk).map_err(failed)?;
    let mut workers = Workers::default();
    grow(ctx, run, &mut workers, chunk, found.all())?;
    histogram(ctx, run, chunk, found.by_task().count())?;
    count_gold(ctx, run, &mut workers, chunk, found.by_task())?;
    let counted = workers.save(ctx, run)?;
    let work = u64::try_from(found.all().len()).map_err(|_| Error::Overflow)?.saturating_mul(SET_VISITS);
    let read = u64::from(labels).saturating_mul(LABEL_VISITS);
    record::next(run, chunk)?;
    Ok(work.saturating_add(read).saturating_add(record::standing_visits(counted)))
}

/// Appends the leaves of the sets whose workers were paid.
fn grow(ctx: &Ctx, run: &mut Running, workers: &mut Workers, chunk: u32, answers: &[SetAnswer]) -> Result<()> {
    let chain = formats::chain32(&ctx.block().chain_id);
    let first = chunk.saturating_mul(formats::CHUNK);
    let mut tree = record::frontier(&run.settlement()?.frontier)?;
    let before = tree.size();
    for answer in answers {
        let met = workers.get(ctx, run.id, answer.worker)?;
        if met.is_paid() {
            let (task, payload) = (first.saturating_add(answer.task.into()), sets::bytes(run, answer.set)?);
            tree.push(formats::paid_payload_leaf(&chain, run.id, task, &met.address, &payload).ok_or(Error::Overflow)?);
        }
    }
    let settlement = run.settlement()?;
    settlement.frontier = tree.to_bytes();
    settlement.paid_labels = settlement.paid_labels.saturating_add(tree.size().saturating_sub(before));
    Ok(())
}

/// Counts the chunk's tasks by how certain the least certain of their labels is.
fn histogram(ctx: &Ctx, run: &mut Running, chunk: u32, labelled: usize) -> Result<()> {
    let (params, models) = (sets::params(run, infer::gold(run))?, models(&run.settlement()?.model)?);
    let posteriors = cairn_truth::read_set_posteriors(&PagesView::new(ctx, run.id), &params, &models, chunk).map_err(failed)?;
    let tasks = params.tasks_in(chunk);
    let settlement = run.settlement()?;
    for task in 0..tasks {
        let shares = posteriors.task(u16::try_from(task).map_err(|_| Error::Overflow)?);
        let certain = shares.iter().map(|share| (*share).max(cairn_truth::WHOLE.saturating_sub(*share))).min();
        record::count(settlement, certain.unwrap_or(0))?;
    }
    let unlabelled = u64::from(tasks).saturating_sub(u64::try_from(labelled).map_err(|_| Error::Overflow)?);
    settlement.tasks_without_label = settlement.tasks_without_label.saturating_add(unlabelled);
    Ok(())
}

/// Counts the workers' answers to the chunk's gold: right is the same set. Gold that two thirds of at least three void with one other set
/// counts for nobody.
fn count_gold<'a>(ctx: &Ctx, run: &Running, workers: &mut Workers, chunk: u32, tasks: impl Iterator<Item = &'a [SetAnswer]>) -> Result<()> {
    let truths = gold::opened_sets(ctx, run, chunk)?;
    let first = chunk.saturating_mul(formats::CHUNK);
    for answers in tasks {
        let task = answers.first().map(|answer| first.saturating_add(answer.task.into()));
        let Some(truth) = task.and_then(|task| truths.get(&task).copied()) else { continue };
        if cairn_truth::is_void(answers.iter().map(|answer| answer.set), truth) {
            continue;
        }
        for answer in answers {
            workers.get(ctx, run.id, answer.worker)?.meet_gold(answer.set == truth);
        }
    }
    Ok(())
}

/// What of the gold bond is lost for false gold: each label bears an equal part.
pub(super) fn slash(ctx: &Ctx, run: &Running, bond: u128) -> Result<u128> {
    let bytes = INFERENCES.get(ctx, &run.id)?.ok_or(Error::Broken("a settled job has no inference"))?;
    let outcome = SetInference::decode(&bytes).map_err(Error::Truth)?.outcome();
    Ok(outcome.ok_or(Error::Broken("an inference that ended has no outcome"))?.slash(bond).map_err(Error::Truth)?)
}
