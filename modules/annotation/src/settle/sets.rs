//! The steps of a MULTI_LABEL job: each label is inferred by itself, each worker has one result.
use cairn_kernel::{Ctx, Result};
use cairn_truth::{Model, SetInference};

use super::{
    infer::{self, Found},
    pay::Sheet,
    record,
};
use crate::{
    Error,
    job::Running,
    labels::{JobPages, PagesView, failed},
    sets,
    state::INFERENCES,
};

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

/// What of the gold bond is lost for false gold: each label bears an equal part.
pub(super) fn slash(ctx: &Ctx, run: &Running, bond: u128) -> Result<u128> {
    let bytes = INFERENCES.get(ctx, &run.id)?.ok_or(Error::Broken("a settled job has no inference"))?;
    let outcome = SetInference::decode(&bytes).map_err(Error::Truth)?.outcome();
    Ok(outcome.ok_or(Error::Broken("an inference that ended has no outcome"))?.slash(bond).map_err(Error::Truth)?)
}
