//! RANK: the contestants of a PAIRWISE job are ranked by what was inferred of their comparisons, by the cursor of `cairn_truth`.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventContestantsRanked, SettleStep};
use cairn_truth::{Ranking, RankingParams};

use super::record;
use crate::{
    Error,
    job::Running,
    labels::{JobPages, failed},
    state::RANKINGS,
};

/// What the ranking of a job runs under, once its model is known.
pub(crate) fn params(run: &Running) -> Result<RankingParams> {
    let settlement = run.status.settlement.as_ref().ok_or(Error::Broken("a job in settlement has none"))?;
    let model = record::model(&settlement.model)?;
    Ok(RankingParams { tasks: run.job.tasks, items: run.job.contestants, classes: run.classes()?, model })
}

/// Works on chunks until `budget` label visits are spent.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    let mut ranking = match RANKINGS.get(ctx, &run.id)? {
        Some(bytes) => Ranking::decode(&bytes).map_err(Error::Truth)?,
        None => Ranking::open(params(run)?).map_err(Error::Truth)?,
    };
    let progress = ranking.step(&mut JobPages::new(ctx, run.id), budget).map_err(failed)?;
    if !progress.done {
        RANKINGS.set(ctx, &run.id, &ranking.encode())?;
        return Ok(progress.spent);
    }
    let outcome = ranking.outcome().ok_or(Error::Broken("a ranking that ended has no outcome"))?;
    RANKINGS.remove(ctx, &run.id)?;
    let (digest, passes) = (outcome.digest.to_vec(), outcome.passes.into());
    run.settlement()?.ranking_digest.clone_from(&digest);
    ctx.emit(&EventContestantsRanked { job: run.id, contestants: run.job.contestants, passes, digest });
    super::go_on(run, SettleStep::Shares)?;
    Ok(progress.spent)
}
