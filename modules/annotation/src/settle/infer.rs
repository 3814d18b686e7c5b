//! INFER: gold is judged, the truth inferred and the workers scored, by the cursor of `cairn_truth`.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventGoldJudged, EventTruthInferred, GoldVerdict, SettleStep};
use cairn_truth::{Gold, Inference};

use super::sets;
use crate::{Error, job::Running, labels, lifecycle, state::INFERENCES, types};

/// Works on chunks until `budget` label visits are spent.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    if types::gives_sets(run.job.r#type()) {
        return sets::infer(ctx, run, budget);
    }
    let mut inference = match INFERENCES.get(ctx, &run.id)? {
        Some(bytes) => Inference::decode(&bytes).map_err(Error::Truth)?,
        None => Inference::open(run.truth_params(gold(run))?).map_err(Error::Truth)?,
    };
    let progress = inference.step(&mut labels::JobPages::new(ctx, run.id), budget).map_err(labels::failed)?;
    INFERENCES.set(ctx, &run.id, &inference.encode())?;
    let cursor = inference.cursor();
    let settlement = run.settlement()?;
    settlement.position = cursor.next.into();
    settlement.passes = cursor.passes.into();
    if progress.done {
        finish(ctx, run, &inference)?;
    }
    Ok(progress.spent)
}

/// Whether the job's gold was opened in time.
pub(super) fn gold(run: &Running) -> Gold {
    if lifecycle::is_gold_opened(run) { Gold::Opened } else { Gold::Unopened }
}

fn finish(ctx: &mut Ctx, run: &mut Running, inference: &Inference) -> Result<()> {
    let outcome = inference.outcome().ok_or(Error::Broken("an inference that ended has no outcome"))?;
    let found = Found {
        is_gold_false: outcome.gold.is_false(),
        void: outcome.gold.void,
        model: outcome.model.name().to_owned(),
        passes: outcome.passes.into(),
        digest: outcome.digest.to_vec(),
    };
    found.tell(ctx, run)
}

/// What an inference of classes or of sets found.
pub(super) struct Found {
    pub(super) is_gold_false: bool,
    pub(super) void: u32,
    pub(super) model: String,
    pub(super) passes: u32,
    pub(super) digest: Vec<u8>,
}

impl Found {
    /// Notes it in the settlement, which goes on to pay.
    pub(super) fn tell(self, ctx: &mut Ctx, run: &mut Running) -> Result<()> {
        let verdict = match gold(run) {
            Gold::Unopened | Gold::None => GoldVerdict::Unopened,
            Gold::Opened if self.is_gold_false => GoldVerdict::False,
            Gold::Opened => GoldVerdict::Sound,
        };
        let Self { void, model, passes, digest, .. } = self;
        let (job, opened) = (run.id, run.status.gold_opened);
        let settlement = run.settlement()?;
        settlement.set_gold(verdict);
        settlement.gold_void = void;
        settlement.model.clone_from(&model);
        settlement.passes = passes;
        settlement.digest.clone_from(&digest);
        ctx.emit(&EventGoldJudged { job, verdict: verdict.into(), opened, void });
        ctx.emit(&EventTruthInferred { job, model, passes, digest });
        super::go_on(run, SettleStep::Pay)
    }
}
