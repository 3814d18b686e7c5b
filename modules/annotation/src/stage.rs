//! The verification stage: a job of type VERIFY that the module makes from the drafts and the escrow of a producing job. Bucket k*B + b of
//! the stage holds the k-th drafts of the tasks of the parent's bucket b of B, and nobody who ever had a seat there gets one in it.
use std::collections::BTreeSet;

use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    Bucket, EventStageOpened, GoldVerdict, Job, JobState, JobStatus, JobType, Publication, Qualification, SettleStep, Stage, Verification,
};

use crate::{
    Error, buckets, drafts,
    escrow::{add, shift},
    formats::Quote,
    gold,
    job::{Running, state_key},
    queues::{self, Kind},
    settle,
    state::{GOLD_ROOTS, JOB_IDS, JOBS, JOBS_BY_REQUESTER, JOBS_BY_STATE, SETTLING},
    types,
};

/// How the drafts of a producing job are verified.
pub(crate) fn verification(run: &Running) -> Result<&Verification> {
    Ok(run.job.verification.as_ref().ok_or(Error::Broken("a producing job has no verification"))?)
}

/// The job whose numbers of parties a job uses: a stage continues those of its parent, so that producers are known in it.
pub(crate) fn party_space(run: &Running) -> u64 {
    run.job.stage.map_or(run.id, |stage| stage.parent)
}

/// Verdicts a draft that the requester pays for.
pub(crate) fn verdicts(verification: &Verification) -> u32 {
    if verification.overlap_max == 0 { verification.overlap } else { verification.overlap_max }
}

/// Refuses what only the job of a requester can do.
pub(crate) fn refuse_stage(run: &Running) -> Result<()> {
    match run.job.stage {
        Some(stage) => Err(types::Error::IsStage { job: run.id, parent: stage.parent }.into()),
        None => Ok(()),
    }
}

/// Tasks that a job's gold tree has leaves for: of a stage under its parent's gold, those of the parent.
pub(crate) fn gold_tasks(run: &Running) -> u32 {
    let stage = run.job.stage.filter(|stage| stage.parents_gold);
    stage.and_then(|stage| run.job.tasks.checked_div(stage.slots)).unwrap_or(run.job.tasks)
}

/// Opens the stage of a producing job, whose drafts are counted, with the gold of `gold_root`, of the parent or with none. Gives its number.
pub(crate) fn open(ctx: &mut Ctx, parent: &mut Running, gold_root: Option<[u8; 32]>) -> Result<u64> {
    let id = JOB_IDS.next(ctx)?;
    let mut stage = Running::new(job(ctx, parent, id, gold_root)?, JobStatus { job: id, ..JobStatus::default() })?;
    stage.status.set_state(JobState::Open);
    stage.status.buckets = stage.buckets.count();
    stage.status.parties = parent.status.parties;
    fund(parent, &mut stage)?;
    JOBS.set(ctx, &id, &stage.job)?;
    JOBS_BY_STATE.insert(ctx, &(state_key(JobState::Open)?, id))?;
    JOBS_BY_REQUESTER.insert(ctx, &(stage.requester, id))?;
    if let Some(root) = gold_root {
        GOLD_ROOTS.insert(ctx, &root)?;
    }
    queues::schedule(ctx, stage.job.commit_deadline, Kind::CommitDeadline, id, 0)?;
    buckets::open_more(ctx, &mut stage)?;
    stage.save(ctx)?;

    parent.status.stage = id;
    settle::go_on(parent, SettleStep::AwaitVerdicts)?;
    SETTLING.remove(ctx, &parent.id)?;
    ctx.emit(&EventStageOpened {
        job: parent.id,
        stage: id,
        escrow: Some(stage.coin(stage.money.in_total)),
        commit_deadline: stage.job.commit_deadline,
    });
    Ok(id)
}

/// The stage as a job. Of annotators it asks the exam of its terms and nothing that the parent asks.
fn job(ctx: &Ctx, parent: &Running, id: u64, gold_root: Option<[u8; 32]>) -> Result<Job> {
    let (height, slots) = (ctx.block().height, parent.status.draft_slots);
    let verification = verification(parent)?;
    let mut rules = parent.rules;
    rules.lease_blocks = rules.lease_blocks.checked_div(types::lease_factor(parent.job.r#type())).ok_or(Error::Overflow)?;
    Ok(Job {
        id,
        requester: parent.job.requester.clone(),
        title: parent.job.title.clone(),
        description: parent.job.description.clone(),
        r#type: JobType::Verify.into(),
        item_kind: parent.job.item_kind,
        visibility: parent.job.visibility,
        classes: types::VERDICTS.map(str::to_owned).to_vec(),
        manifest_root: parent.job.manifest_root.clone(),
        tasks: parent.job.tasks.checked_mul(slots).ok_or(Error::Overflow)?,
        bytes: parent.job.bytes,
        media_type: parent.job.media_type.clone(),
        content_addresses: parent.job.content_addresses.clone(),
        price: verification.price.clone(),
        overlap_min: verification.overlap,
        overlap_max: verdicts(verification),
        posterior_bound_bps: verification.posterior_bound_bps,
        qualification: verification.exam.clone().map(|exam| Qualification { exam: Some(exam), ..Qualification::default() }),
        bucket_size: parent.job.bucket_size,
        gold_per_bucket: parent.job.gold_per_bucket,
        gold_root: gold_root.map_or_else(|| parent.job.gold_root.clone(), Vec::from), // the parent has one where drafts are in the clear
        kappa_target_bps: parent.job.kappa_target_bps,
        gate_bits: parent.job.gate_bits,
        publication: Some(Publication { publish: false, requester_bps: cairn_kernel::BPS }),
        posted_height: height,
        commit_deadline: height.checked_add(verification.duration).ok_or(Error::Overflow)?,
        rules: Some(rules),
        stage: Some(Stage { parent: parent.id, slots, parents_gold: types::draws(parent.job.r#type()).is_some() }),
        ..Job::default()
    })
}

/// Moves the price of all verdicts, their fee and the whole gold bond from the parent to the stage.
fn fund(parent: &mut Running, stage: &mut Running) -> Result<()> {
    let verdicts = parent.status.drafts.checked_mul(stage.job.overlap_max.into()).ok_or(Error::Overflow)?;
    let quote = Quote::of_labels(stage.labels_price(verdicts)?, stage.rules.fee_bps, 0).ok_or(Error::Overflow)?;
    let quote = Quote { gold_bond: parent.money.gold_bond, ..quote };
    let money = &mut parent.money;
    shift(&mut money.free, &mut money.staged, quote.labels, "free")?;
    shift(&mut money.fee_held, &mut money.staged, quote.fee, "fee_held")?;
    shift(&mut money.gold_bond, &mut money.staged, quote.gold_bond, "gold_bond")?;
    stage.fund(&quote)
}

/// Prepares a bucket of a stage before it is opened: parties of the parent's bucket are known in it, tasks without a draft are its holes.
pub(crate) fn seed(ctx: &Ctx, run: &Running, bucket: &mut Bucket) -> Result<()> {
    let Some(stage) = run.job.stage else { return Ok(()) };
    let parent = Running::load(ctx, stage.parent)?;
    let count = parent.buckets.count();
    let (slot, source) = (bucket.number.checked_div(count), bucket.number.checked_rem(count));
    let (Some(slot), Some(source)) = (slot, source) else { return Err(Error::Broken("a parent has no buckets").into()) };
    let page = drafts::load(ctx, stage.parent, source)?;
    let here = page.iter().filter(|draft| drafts::is_verified(draft) && draft.slot == slot);
    let tasks = here.map(|draft| drafts::stage_task(draft, parent.job.tasks)).collect::<Result<BTreeSet<u32>>>()?;
    bucket.holes = run.buckets.tasks(bucket.number).filter(|task| !tasks.contains(task)).collect();
    if source < parent.status.buckets_opened {
        bucket.parties = buckets::load(ctx, stage.parent, source)?.parties;
    }
    Ok(())
}

/// A stage has ended: its parent goes on with what it found.
pub(crate) fn ended(ctx: &mut Ctx, stage: &Running, parent: u64) -> Result<()> {
    let mut parent = Running::load(ctx, parent)?;
    if parent.status.state() != JobState::Verifying {
        return Err(Error::Broken("a stage ended whose parent does not wait for it").into());
    }
    let verdict = stage.status.settlement.as_ref().map_or(GoldVerdict::Pending, |settlement| settlement.gold());
    let settlement = parent.settlement()?;
    settlement.set_gold(verdict);
    settle::go_on(&mut parent, SettleStep::Judge)?;
    SETTLING.insert(ctx, &parent.id)?;
    parent.save(ctx)
}

/// The requester's commitment, or the end of its window: the stage opens.
pub(crate) fn reach_verdict_gold_end(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let waits = run.settlement()?.step() == SettleStep::AwaitVerdictGold;
    if waits { open(ctx, run, None).map(drop) } else { Ok(()) }
}

/// What a producing job must have in escrow: drafts, verdicts, and the parts of both that fee and gold bond are.
pub(crate) fn quote(run: &Running) -> Result<Quote> {
    let verification = verification(run)?;
    let verdict = Coin::try_from(verification.price.as_ref().ok_or(Error::Missing("verification.price"))?)?;
    let drafts = u64::from(run.job.tasks).checked_mul(run.job.overlap_max.into()).ok_or(Error::Overflow)?;
    let verdicts = u128::from(drafts).checked_mul(verdicts(verification).into()).and_then(|verdicts| verdicts.checked_mul(verdict.amount));
    let labels = add(run.labels_price(drafts)?, verdicts.ok_or(Error::Overflow)?)?;
    Ok(Quote::of_labels(labels, run.rules.fee_bps, run.rules.gold_bond_bps).ok_or(Error::Overflow)?)
}

/// Refuses annotators whom the parent refuses as funders.
pub(crate) fn is_funder(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<bool> {
    use crate::state::FUNDERS;
    if FUNDERS.has(ctx, &(run.id, *annotator))? {
        return Ok(true);
    }
    run.job.stage.map_or(Ok(false), |stage| FUNDERS.has(ctx, &(stage.parent, *annotator)))
}

/// A commitment to verdict gold: a root that no job used before.
pub(crate) fn check_gold_root(ctx: &Ctx, root: &[u8; 32]) -> Result<()> {
    if GOLD_ROOTS.has(ctx, root)? {
        return Err(Error::GoldRootUsed(gold::hex(root)).into());
    }
    Ok(())
}
