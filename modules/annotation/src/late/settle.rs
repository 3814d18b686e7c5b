//! The end of the late round: its labels packed, inferred and paid.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{EventLateLabelsPaid, EventLateRoundEnded, JobState, SettleStep, Worker, WorkerResult};
use cairn_truth::{Inference, LateOutcome, LateRound, Progress, SetInference, SetLateRound};

use super::plan;
use crate::{
    Error, appeals,
    escrow::{self, shift},
    job::Running,
    labels::{self, InBucket, JobPages, Staged},
    partner,
    sets::StagedSet,
    settle::{go_on, read_share, take_fee},
    state::{INFERENCES, LATE_INFERENCES, SETTLING, WORKERS},
    types,
};

/// Buckets packed and workers passed in one step.
const BUCKETS_STEP: usize = 256;
const WORKERS_STEP: u32 = 256;
/// Label visits of packing a label, of reading a bucket, of passing a worker and of paying one.
const LABEL_VISITS: u64 = 8;
const BUCKET_VISITS: u64 = 600;
const WORKER_VISITS: u64 = 400;
const PAY_VISITS: u64 = 8_000;

/// A wave of the late round is over when its commit window is and nothing is left to reveal. One that brought no label is the last.
pub(crate) fn advance(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let stands = run.status.live_seats > 0 || run.status.leases_committed > 0;
    if run.status.state() != JobState::Late || stands || ctx.block().height < run.status.late_commit_until {
        return Ok(());
    }
    run.enter(ctx, JobState::Infer)?;
    match run.status.late_labels {
        0 => skip(ctx, run)?,
        all if all == run.status.late_labels_before => go_on(run, SettleStep::LateInfer)?,
        _ => go_on(run, SettleStep::LatePack)?,
    }
    SETTLING.insert(ctx, &run.id)
}

/// Packs the late labels of some buckets; after the last the next wave is planned, or the second inference begins.
pub(crate) fn pack(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let gives_sets = types::gives_sets(run.job.r#type());
    let buckets = if gives_sets { waiting::<StagedSet>(ctx, run)? } else { waiting::<Staged>(ctx, run)? };
    let (tasks, classes) = (run.job.tasks, run.classes()?);
    let packed = if gives_sets {
        let answers = take::<StagedSet>(ctx, run, &buckets)?;
        let answers: Vec<_> = answers.iter().map(|answer| (answer.task, answer.worker, answer.set)).collect();
        cairn_truth::add_all_late_sets(&mut JobPages::new(ctx, run.id), tasks, classes, &answers).map_err(labels::failed)?;
        answers.len()
    } else {
        let answers = take::<Staged>(ctx, run, &buckets)?;
        let answers: Vec<_> = answers.iter().map(|label| (label.task, label.worker, label.class)).collect();
        cairn_truth::add_all_late(&mut JobPages::new(ctx, run.id), tasks, classes, &answers).map_err(labels::failed)?;
        answers.len()
    };
    if buckets.len() < BUCKETS_STEP {
        plan::next(run)?;
    }
    let count = |items: usize| u64::try_from(items).map_err(|_| Error::Overflow);
    Ok(count(packed)?.saturating_mul(LABEL_VISITS).saturating_add(count(buckets.len())?.saturating_mul(BUCKET_VISITS)))
}

/// The first buckets with answers that are not packed.
fn waiting<T: InBucket>(ctx: &Ctx, run: &Running) -> Result<Vec<u32>> {
    let keys = T::TABLE.range(ctx, &key_prefix(&run.id)).take(BUCKETS_STEP);
    keys.map(|entry| entry.map(|((_, bucket), _)| bucket)).collect()
}

/// Takes the answers of buckets out, to be packed.
fn take<T: InBucket>(ctx: &mut Ctx, run: &Running, buckets: &[u32]) -> Result<Vec<T>> {
    let mut answers = Vec::new();
    for bucket in buckets {
        answers.extend(labels::unstage::<T>(ctx, run.id, *bucket)?);
    }
    Ok(answers)
}

/// The second inference: posteriors only.
pub(crate) fn infer(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    if types::gives_sets(run.job.r#type()) {
        go_on_with::<SetLateRound>(ctx, run, budget)
    } else {
        go_on_with::<LateRound>(ctx, run, budget)
    }
}

/// A second inference, of classes or of sets.
trait Round: Sized {
    fn open(first: &[u8]) -> Result<Self, cairn_truth::Error>;
    fn read(bytes: &[u8]) -> Result<Self, cairn_truth::Error>;
    fn bytes(&self) -> Vec<u8>;
    fn go_on(&mut self, pages: &mut JobPages<'_, '_>, budget: u64) -> Result<Progress>;
    fn found(&self) -> Option<LateOutcome>;
}

/// `$round` goes on from what `$first` found.
macro_rules! round {
    ($round:ty, $first:ty) => {
        impl Round for $round {
            fn open(first: &[u8]) -> Result<Self, cairn_truth::Error> {
                Self::open(&<$first>::decode(first)?)
            }
            fn read(bytes: &[u8]) -> Result<Self, cairn_truth::Error> {
                Self::decode(bytes)
            }
            fn bytes(&self) -> Vec<u8> {
                self.encode()
            }
            fn go_on(&mut self, pages: &mut JobPages<'_, '_>, budget: u64) -> Result<Progress> {
                self.step(pages, budget).map_err(labels::failed)
            }
            fn found(&self) -> Option<LateOutcome> {
                self.outcome()
            }
        }
    };
}
round!(LateRound, Inference);
round!(SetLateRound, SetInference);

fn go_on_with<R: Round>(ctx: &mut Ctx, run: &mut Running, budget: u64) -> Result<u64> {
    let mut round = match LATE_INFERENCES.get(ctx, &run.id)? {
        Some(bytes) => R::read(&bytes).map_err(Error::Truth)?,
        None => {
            let first = INFERENCES.get(ctx, &run.id)?.ok_or(Error::Broken("a job's first inference is missing"))?;
            R::open(&first).map_err(Error::Truth)?
        }
    };
    let progress = round.go_on(&mut JobPages::new(ctx, run.id), budget)?;
    LATE_INFERENCES.set(ctx, &run.id, &round.bytes())?;
    if progress.done {
        let outcome = round.found().ok_or(Error::Broken("a late inference that ended has no outcome"))?;
        run.settlement()?.late_digest = outcome.digest.to_vec();
        go_on(run, SettleStep::LatePay)?;
    }
    Ok(progress.spent)
}

/// Pays the late labels of some workers, in the order of their numbers.
pub(crate) fn pay(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let first = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a worker's number is too large"))?;
    let end = first.saturating_add(WORKERS_STEP).min(run.status.workers);
    let mut visits = u64::from(end.saturating_sub(first)).saturating_mul(WORKER_VISITS);
    for number in first..end {
        let worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
        if unpaid(&worker) > 0 {
            let results = read_share(ctx, run, number)?;
            pay_worker(ctx, run, worker, results.share, true)?;
            visits = visits.saturating_add(PAY_VISITS);
        }
    }
    run.settlement()?.position = end.into();
    if end >= run.status.workers {
        let half = escrow::number(&run.settlement()?.late_unearned)? / 2;
        shift(&mut run.money.held, &mut run.money.extra, half, "held")?;
        skip(ctx, run)?;
    }
    Ok(visits)
}

/// A worker's late labels that are accepted and not paid.
pub(crate) fn unpaid(worker: &Worker) -> u64 {
    let paid = worker.result.as_ref().is_some_and(|result| !result.late_pay.is_empty());
    if paid { 0 } else { worker.late_labels }
}

/// Credits price and partner reward of a worker's late labels by `share`; the rest is unearned.
pub(crate) fn pay_worker(ctx: &mut Ctx, run: &mut Running, mut worker: Worker, share: u64, with_fee: bool) -> Result<()> {
    let (full, amount) = (run.labels_price(worker.late_labels)?, partner::earned(run.price, worker.late_labels, share)?);
    let unearned = full.checked_sub(amount).ok_or(Error::Broken("late pay is above the price"))?;
    let account = Address::parse(&worker.annotator)?;
    shift(&mut run.money.reserved, &mut run.money.claimable, amount, "reserved")?;
    shift(&mut run.money.reserved, &mut run.money.held, unearned, "reserved")?;
    escrow::credit(ctx, &account, &run.denom, amount)?;
    let fee = if with_fee { take_fee(ctx, run, &account, amount)? } else { 0 };
    let settlement = run.settlement()?;
    settlement.paid = escrow::add(escrow::number(&settlement.paid)?, amount)?.to_string();
    settlement.unearned = escrow::add(escrow::number(&settlement.unearned)?, unearned)?.to_string();
    settlement.late_unearned = escrow::add(escrow::number(&settlement.late_unearned)?, unearned)?.to_string();
    let partner_pay = partner::pay_late(ctx, run, &worker, share)?;
    let before = worker.clone();
    let result = worker.result.get_or_insert_with(WorkerResult::default);
    result.late_partner_pay = partner_pay.as_ref().map_or_else(String::new, |coin| coin.amount.to_string());
    (result.late_pay, result.late_unearned, result.late_fee) = (amount.to_string(), unearned.to_string(), fee.to_string());
    appeals::recount(run, &before, &worker)?;
    WORKERS.set(ctx, &(run.id, worker.number), &worker)?;
    ctx.emit(&EventLateLabelsPaid {
        job: run.id,
        annotator: worker.annotator,
        labels: worker.late_labels,
        pay: Some(run.coin(amount)),
        unearned: Some(run.coin(unearned)),
        fee: Some(run.coin(fee)),
        partner_pay: partner_pay.map(Into::into),
    });
    Ok(())
}

/// The late round is over, or there is none: what it did not spend goes to the pool, and the posteriors are final.
pub(super) fn skip(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let pool = end_extra(ctx, run)?;
    let (labels, digest) = (run.status.late_labels, run.settlement()?.late_digest.clone());
    ctx.emit(&EventLateRoundEnded { job: run.id, labels, digest, pool: Some(run.coin(pool)) });
    go_on(run, SettleStep::Record)
}

/// Extra money never goes back to the requester, or false gold would pay.
pub(crate) fn end_extra(ctx: &mut Ctx, run: &mut Running) -> Result<u128> {
    let extra = run.money.extra;
    escrow::fund_pool(ctx, &run.denom, extra)?;
    shift(&mut run.money.extra, &mut run.money.pool, extra, "extra")?;
    Ok(extra)
}
