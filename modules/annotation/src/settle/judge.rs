//! JUDGE: what the verification stage found of each draft is written down, a bucket at a time, with the tree of paid drafts; then producers
//! are paid by the mean of what their drafts earn.
use std::collections::{BTreeMap, btree_map::Entry};

use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Draft, DraftState, JobState, SettleStep, Worker};
use cairn_truth::{Basis, DraftKind, Gold, ONE, Posteriors, WHOLE, WorkerResult};

use super::{pay::Sheet, record};
use crate::{
    Error, drafts, formats,
    job::Running,
    labels::{PagesView, failed},
    stage,
    state::WORKERS,
    types,
};

/// Label visits of a draft (its leaf is hashed, its producer read once a bucket), and of a page of posteriors.
const DRAFT_VISITS: u64 = 200;
const PAGE_VISITS: u64 = 1_000;
/// The class of a draft that is good.
const ACCEPT: usize = 1;
/// Workers paid in one step.
pub(super) const SHEET: u32 = 256;

/// What a stage has to tell.
enum Found {
    /// Posteriors of its tasks.
    Posteriors(Box<Running>),
    /// There were no verdicts.
    Nothing,
    /// Its settlement failed.
    Failed,
}

/// Judges the drafts of buckets until `budget` is spent, at least of one.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    let mut next = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a bucket's number is too large"))?;
    let found = found(ctx, run.status.stage)?;
    let mut visits = 0_u64;
    while next < run.status.buckets_opened && (visits == 0 || visits < budget) {
        let mut page = drafts::load(ctx, run.id, next)?;
        let pages = judge(ctx, run, &found, &mut page)?;
        let paid = record_paid(ctx, run, &page)?;
        let settlement = run.settlement()?;
        settlement.paid_labels = settlement.paid_labels.saturating_add(paid);
        let drafts = u64::try_from(page.len()).map_err(|_| Error::Overflow)?;
        visits =
            visits.saturating_add(drafts.saturating_mul(DRAFT_VISITS)).saturating_add(pages.saturating_add(1).saturating_mul(PAGE_VISITS));
        if !page.is_empty() {
            drafts::save(ctx, run.id, next, page)?;
        }
        next = next.saturating_add(1);
    }
    run.settlement()?.position = next.into();
    if next >= run.status.buckets_opened {
        record::seal(run)?;
        super::go_on(run, SettleStep::Pay)?;
    }
    Ok(visits)
}

fn found(ctx: &Ctx, stage: u64) -> Result<Found> {
    let stage = Running::load(ctx, stage)?;
    let settlement = stage.status.settlement.as_ref();
    let inferred = settlement.is_some_and(|settlement| !settlement.digest.is_empty());
    let released = stage.status.quarantined_from() != JobState::Unspecified; // it never left quarantine but by its exit
    Ok(match (inferred, released) {
        (true, _) => Found::Posteriors(Box::new(stage)),
        (false, true) => Found::Failed,
        (false, false) => Found::Nothing,
    })
}

/// Gives each draft its state and each task its result. Gives how many pages of posteriors were read.
fn judge(ctx: &Ctx, run: &Running, found: &Found, page: &mut [Draft]) -> Result<u64> {
    let verification = stage::verification(run)?;
    let (accept, examined) = (u64::from(verification.accept_bps), verification.exam.is_some());
    let mut read = BTreeMap::new();
    for draft in page.iter_mut().filter(|draft| drafts::is_verified(draft)) {
        match found {
            Found::Nothing => draft.set_state(unjudged(examined)),
            Found::Failed => draft.set_state(DraftState::Released),
            Found::Posteriors(stage) => {
                let probability = probability(ctx, stage, &mut read, drafts::stage_task(draft, run.job.tasks)?)?;
                draft.probability = probability.into();
                draft.set_state(judged(probability, accept, examined));
            }
        }
    }
    let read = u64::try_from(read.len()).map_err(|_| Error::Overflow)?;
    match types::draws(run.job.r#type()) {
        Some(kind) => Ok(read.saturating_add(choose_medoids(ctx, run, kind, page)?)),
        None => {
            choose(page);
            Ok(read)
        }
    }
}

/// The result of each task: the accepted draft that agrees most with the other accepted ones, of equal ones that of the lowest producer.
/// Gives what that cost, in pages.
fn choose_medoids(ctx: &Ctx, run: &Running, kind: DraftKind, page: &mut [Draft]) -> Result<u64> {
    let mut visits = 0_u64;
    for of_task in page.chunk_by_mut(|a, b| a.task == b.task) {
        let mut accepted: Vec<&mut Draft> = of_task.iter_mut().filter(|draft| draft.state() == DraftState::Accepted).collect();
        let mut shapes = Vec::with_capacity(accepted.len());
        for draft in &accepted {
            let bucket = run.buckets.of(draft.task).ok_or(Error::Broken("a task without a bucket"))?;
            let bytes = drafts::shapes(ctx, run.id, bucket, draft)?;
            let read = cairn_truth::Draft::decode(kind, &bytes).map_err(|_| Error::Broken("a draft cannot be read"))?;
            visits =
                shapes.iter().fold(visits.saturating_add(PAGE_VISITS), |sum, other| sum.saturating_add(cairn_truth::cost(&read, other)));
            shapes.push(read);
        }
        let best = cairn_truth::medoid(&shapes).map_err(|_| Error::Broken("drafts cannot be compared"))?;
        if let Some(draft) = best.and_then(|best| accepted.get_mut(best)) {
            draft.chosen = true;
        }
    }
    Ok(visits.div_ceil(PAGE_VISITS))
}

/// The probability of being good of a task of the stage.
fn probability(ctx: &Ctx, stage: &Running, read: &mut BTreeMap<u32, Posteriors>, task: u32) -> Result<u16> {
    let chunk = task / formats::CHUNK;
    let posteriors = match read.entry(chunk) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            let settlement = stage.status.settlement.as_ref().ok_or(Error::Broken("a stage has no settlement"))?;
            let (params, model) = (stage.truth_params(Gold::None)?, record::model(&settlement.model)?);
            new.insert(cairn_truth::read_posteriors(&PagesView::new(ctx, stage.id), &params, model, chunk).map_err(failed)?)
        }
    };
    let local = u16::try_from(task % formats::CHUNK).map_err(|_| Error::Overflow)?;
    Ok(*posteriors.task(local).get(ACCEPT).ok_or(Error::Broken("a task of a stage has no posterior"))?)
}

/// A draft without a verdict that counts: half of the price. Where an exam decides who may judge, it is not the producer's fault that nobody
/// did, and an exam that nobody passes must not make drafts cheaper: all of it.
fn unjudged(examined: bool) -> DraftState {
    if examined { DraftState::Released } else { DraftState::Unjudged }
}

/// Equal shares are those of a task without a verdict that counts.
fn judged(probability: u16, accept_bps: u64, examined: bool) -> DraftState {
    if probability == WHOLE / 2 {
        return unjudged(examined);
    }
    let good = u64::from(probability).saturating_mul(cairn_kernel::BPS.into()) >= accept_bps.saturating_mul(WHOLE.into());
    if good { DraftState::Accepted } else { DraftState::Rejected }
}

/// The result of each task: its most probable accepted draft, of equal ones that of the lowest producer.
fn choose(page: &mut [Draft]) {
    for of_task in page.chunk_by_mut(|a, b| a.task == b.task) {
        let accepted = of_task.iter_mut().filter(|draft| draft.state() == DraftState::Accepted);
        if let Some(best) = accepted.max_by_key(|draft| (draft.probability, std::cmp::Reverse(draft.worker))) {
            best.chosen = true;
        }
    }
}

/// What a draft earns, in units of 1/65,535 of the price.
fn units(draft: &Draft) -> u64 {
    match draft.state() {
        DraftState::Unspecified | DraftState::Copied | DraftState::Rejected => 0,
        DraftState::Accepted => draft.probability.into(),
        DraftState::Unjudged => (WHOLE / 2).into(),
        DraftState::Released => WHOLE.into(),
    }
}

/// Adds what the drafts earn to their producers and appends the leaves of those that earn something. Gives the number of leaves.
fn record_paid(ctx: &mut Ctx, run: &mut Running, page: &[Draft]) -> Result<u64> {
    let chain = formats::chain32(&ctx.block().chain_id);
    let mut workers = BTreeMap::<u32, Worker>::new();
    let mut tree = record::frontier(&run.settlement()?.frontier)?;
    let before = tree.size();
    for draft in page.iter().filter(|draft| units(draft) > 0) {
        let worker = match workers.remove(&draft.worker) {
            Some(worker) => worker,
            None => WORKERS.get(ctx, &(run.id, draft.worker))?.ok_or(Error::Broken("a worker is missing"))?,
        };
        let address = Address::parse(&worker.annotator)?;
        tree.push(formats::paid_payload_leaf(&chain, run.id, draft.task, &address, &draft.payload).ok_or(Error::Overflow)?);
        let draft_units = worker.draft_units.checked_add(units(draft)).ok_or(Error::Overflow)?;
        workers.insert(draft.worker, Worker { draft_units, ..worker });
    }
    run.settlement()?.frontier = tree.to_bytes();
    for (number, worker) in workers {
        WORKERS.set(ctx, &(run.id, number), &worker)?;
    }
    count_tasks(run, page)?;
    Ok(tree.size().saturating_sub(before))
}

/// Counts the tasks that have a result by its probability.
fn count_tasks(run: &mut Running, page: &[Draft]) -> Result<()> {
    let settlement = run.settlement()?;
    for draft in page.iter().filter(|draft| draft.chosen) {
        record::count(settlement, u16::try_from(draft.probability).map_err(|_| Error::Overflow)?)?;
    }
    Ok(())
}

/// What the producers of a sheet are paid by: s_w is the mean of what their drafts earn, copies included.
pub(super) fn results(ctx: &Ctx, run: &Running, sheet: u32) -> Result<Sheet> {
    let first = sheet.saturating_mul(SHEET);
    let mut out = Vec::new();
    for number in first..first.saturating_add(SHEET).min(run.status.workers) {
        let worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
        let whole = u128::from(worker.labels).checked_mul(WHOLE.into()).ok_or(Error::Overflow)?;
        let scaled = u128::from(worker.draft_units).checked_mul(ONE.into()).ok_or(Error::Overflow)?;
        let share = u64::try_from(scaled.checked_div(whole).unwrap_or(0)).map_err(|_| Error::Overflow)?;
        let labels = u32::try_from(worker.labels).map_err(|_| Error::Overflow)?;
        // No kappa is measured, so that standing counts the drafts and nothing else.
        let basis = if labels == 0 { Basis::Idle } else { Basis::Silence };
        out.push(WorkerResult { labels, scored: 0, kappa: 0, share, basis });
    }
    Ok((first, run.status.workers.div_ceil(SHEET), out))
}
