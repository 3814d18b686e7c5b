//! STAGE: the drafts of a producing job are counted, copies marked and places in the verification stage given; then the stage opens.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventDraftsCounted, SettleStep};

use crate::{
    Error, drafts,
    job::Running,
    queues::{self, Kind},
    state::SETTLING,
    types,
};

/// Label visits of a draft, and of reading a bucket.
const DRAFT_VISITS: u64 = 16;
const BUCKET_VISITS: u64 = 1_000;

/// Arranges the drafts of buckets until `budget` is spent, at least of one.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    let mut next = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a bucket's number is too large"))?;
    let bound = types::draws(run.job.r#type()).is_none();
    let mut visits = 0_u64;
    while next < run.status.buckets_opened && (visits == 0 || visits < budget) {
        let mut page = drafts::load(ctx, run.id, next)?;
        let count = drafts::arrange(&mut page, bound)?;
        let work = u64::try_from(page.len()).map_err(|_| Error::Overflow)?.saturating_mul(DRAFT_VISITS);
        visits = visits.saturating_add(work).saturating_add(BUCKET_VISITS);
        if !page.is_empty() {
            drafts::save(ctx, run.id, next, page)?;
        }
        run.status.drafts = run.status.drafts.saturating_add(count.drafts.into());
        run.status.draft_copies = run.status.draft_copies.saturating_add(count.copies.into());
        run.status.draft_slots = run.status.draft_slots.max(count.slots);
        next = next.saturating_add(1);
    }
    run.settlement()?.position = next.into();
    if next >= run.status.buckets_opened {
        finish(ctx, run)?;
    }
    Ok(visits)
}

/// Where drafts are told in the clear the stage opens at once, under the gold of the job. Else the requester, who has seen the drafts, may
/// now commit to what is the right verdict on some of them.
fn finish(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if types::draws(run.job.r#type()).is_some() {
        let (drafts, copies) = (run.status.drafts, run.status.draft_copies);
        ctx.emit(&EventDraftsCounted { job: run.id, drafts, copies, gold_until: 0 });
        return crate::stage::open(ctx, run, None).map(drop);
    }
    let until = ctx.block().height.saturating_add(run.rules.gold_window);
    run.status.gold_deadline = until;
    super::go_on(run, SettleStep::AwaitVerdictGold)?;
    queues::schedule(ctx, until, Kind::GoldEnd, run.id, 0)?;
    let (drafts, copies) = (run.status.drafts, run.status.draft_copies);
    ctx.emit(&EventDraftsCounted { job: run.id, drafts, copies, gold_until: until });
    SETTLING.remove(ctx, &run.id)
}
