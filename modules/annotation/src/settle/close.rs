//! PUBLISH: the result becomes a data set. CLOSE: the gold bond is slashed where the gold was bad, and what is left goes back to the requester.
use cairn_asset as asset;
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventDatasetPublished, EventGoldBondSlashed, EventJobClosed, GoldVerdict, JobState};

use super::{sets, shares};
use crate::{
    Error, appeals,
    escrow::{self, shift},
    gold,
    job::Running,
    partner, queues, rules,
    state::{INFERENCES, LATE_INFERENCES, SETTLING},
    types,
};

/// Label visits of closing a job; of publishing it, where up to 500 holders are written, and of looking whether a worker is one.
const CLOSE_VISITS: u64 = 20_000;
const VISITS: u64 = 100_000;
const WORKER_VISITS: u64 = 1_000;

/// F: publishes the result; then the job waits for its appeals.
pub(super) fn publish_step(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    publish(ctx, run)?;
    appeals::wait(ctx, run)?;
    let workers = u64::from(run.status.workers.min(rules::INLINE_WORKERS));
    Ok(VISITS.saturating_add(workers.saturating_mul(WORKER_VISITS)))
}

/// Closes the job. One that leaves quarantine may have money that an item which cannot be read reserves: it goes back with the rest.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let stands = run.money.reserved > 0 || run.status.live_seats > 0 || run.status.committed_seats > 0;
    if stands && run.status.state() != JobState::Quarantine {
        return Err(Error::Broken("a job closes with reserved money").into());
    }
    if run.status.pay_height > 0 {
        judge(ctx, run)?;
    }
    finish(ctx, run)?;
    Ok(CLOSE_VISITS)
}

/// Registers the result as a data set of the requester, its shares with requester and annotators.
fn publish(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let paid_labels = run.settlement()?.paid_labels;
    if paid_labels == 0 || !run.job.publication.is_some_and(|rule| rule.publish) {
        return Ok(());
    }
    let shares::Allotment { holders, claims } = shares::allotment(ctx, run)?;
    let contributors_root = gold::hash(&run.settlement()?.contributors_root)?;
    let result = asset::JobResult {
        owner: run.requester,
        job: run.id,
        title: run.job.title.clone(),
        metadata: None,
        parents: Vec::new(),
        income_denoms: Vec::new(),
        content: run.content(),
        contributors_root,
        supply: rules::SHARE_SUPPLY,
        holders,
        claims,
    };
    let asset_id = asset::publish_from_job(ctx, result)?;
    run.status.asset_id = asset_id;
    ctx.emit(&EventDatasetPublished { job: run.id, asset_id, contributors_root: contributors_root.to_vec(), paid_labels });
    Ok(())
}

/// What bad gold costs its requester.
fn judge(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    slash(ctx, run)?;
    give_back_held(ctx, run)
}

/// The gold bond: min(1, 2v) of it where a void share v makes the gold false, all of it for gold that was not opened; half burnt, half to the pool.
fn slash(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let (bond, opened) = (run.money.gold_bond, run.status.gold_opened);
    if bond == 0 {
        return Ok(()); // that of a producing job went into its stage
    }
    let (verdict, void) = (run.settlement()?.gold(), run.settlement()?.gold_void);
    let lost = match verdict {
        GoldVerdict::Pending | GoldVerdict::Sound => 0,
        GoldVerdict::False if types::gives_sets(run.job.r#type()) => sets::slash(ctx, run, bond)?,
        GoldVerdict::False => cairn_truth::GoldVerdict { opened, void }.slash(bond).map_err(Error::Truth)?,
        GoldVerdict::Unopened => bond,
    };
    if lost == 0 {
        return Ok(());
    }
    let split = escrow::forfeit(ctx, &run.denom, lost, rules::SLASH_BURN_BPS)?;
    shift(&mut run.money.gold_bond, &mut run.money.burnt, split.burnt, "gold_bond")?;
    shift(&mut run.money.gold_bond, &mut run.money.pool, split.pooled, "gold_bond")?;
    ctx.emit(&EventGoldBondSlashed { job: run.id, burnt: Some(run.coin(split.burnt)), pool: Some(run.coin(split.pooled)) });
    Ok(())
}

/// Unearned money that is still held goes back, but to the pool where the gold was false or not opened.
fn give_back_held(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    if matches!(run.settlement()?.gold(), GoldVerdict::Pending | GoldVerdict::Sound) {
        return Ok(());
    }
    let held = run.money.held;
    escrow::fund_pool(ctx, &run.denom, held)?;
    partner::forfeit_held(ctx, run)?;
    shift(&mut run.money.held, &mut run.money.pool, held, "held")
}

/// Refunds every bucket and closes the job.
fn finish(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let rest = run.money.buckets()?;
    let money = &mut run.money;
    for (bucket, what) in [
        (&mut money.free, "free"),
        (&mut money.reserved, "reserved"),
        (&mut money.extra, "extra"),
        (&mut money.held, "held"),
        (&mut money.fee_held, "fee_held"),
        (&mut money.gold_bond, "gold_bond"),
        (&mut money.lendable, "lendable"),
    ] {
        let amount = *bucket;
        shift(bucket, &mut money.refunded, amount, what)?;
    }
    escrow::credit(ctx, &run.requester, &run.denom, rest)?;
    partner::refund(ctx, run)?;
    run.enter(ctx, JobState::Closed)?;
    queues::recall(ctx, run.id)?; // nothing is left to be done for what was put off
    SETTLING.remove(ctx, &run.id)?;
    INFERENCES.remove(ctx, &run.id)?;
    LATE_INFERENCES.remove(ctx, &run.id)?;
    ctx.emit(&EventJobClosed {
        job: run.id,
        paid: Some(run.coin(run.money.claimable)),
        refunded: Some(run.coin(run.money.refunded)),
        burnt: Some(run.coin(run.money.burnt)),
        pool: Some(run.coin(run.money.pool)),
    });
    Ok(())
}
