//! PAY: every worker gets floor(price * labels * score), in the order of their numbers.
use cairn_kernel::{Address, Coin, Ctx, Result, bps};
use cairn_proto::cairn::{
    annotation::v1::{EventWorkerPaid, PayReason, Worker, WorkerResult},
    rewards::v1::ContributionKind,
};
use cairn_rewards as rewards;
use cairn_truth::{Basis, Gold};

use super::{infer, judge, sets};
use crate::{
    Error, accounts,
    escrow::{self, ACCOUNT, shift},
    job::Running,
    labels, late, partner, standing,
    state::WORKERS,
    types,
};

/// Label visits of paying one worker: some twenty reads and writes of state.
const WORKER_VISITS: u64 = 8_000;

/// Its first worker, the number of sheets, the results of its workers.
pub(super) type Sheet = (u32, u32, Vec<cairn_truth::WorkerResult>);

/// Pays the workers of one sheet of results.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let sheet = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a sheet's number is too large"))?;
    let produces = types::produces(run.job.r#type());
    let (first, sheets, results) = if produces { judge::results(ctx, run, sheet)? } else { inferred(ctx, run, sheet)? };
    let workers = u64::try_from(results.len()).map_err(|_| Error::Overflow)?;
    for (number, result) in (first..).zip(results) {
        pay(ctx, run, number, &result)?;
    }
    let next = sheet.saturating_add(1);
    run.settlement()?.position = next.into();
    if next >= sheets {
        divide_unearned(run)?;
        partner::divide_unearned(run)?;
        late::begin(ctx, run)?;
    }
    Ok(workers.saturating_mul(WORKER_VISITS))
}

/// First worker of a sheet of the inference, how many sheets there are, and what is on this one.
fn inferred(ctx: &Ctx, run: &Running, sheet: u32) -> Result<Sheet> {
    if types::gives_sets(run.job.r#type()) {
        return sets::results(ctx, run, sheet);
    }
    let params = run.truth_params(infer::gold(run))?;
    let results = cairn_truth::read_results(&labels::PagesView::new(ctx, run.id), &params, sheet).map_err(labels::failed)?;
    Ok((sheet.saturating_mul(params.sheet_workers()), params.sheets(), results))
}

fn pay(ctx: &mut Ctx, run: &mut Running, number: u32, result: &cairn_truth::WorkerResult) -> Result<()> {
    let mut worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
    if worker.labels != u64::from(result.labels) {
        return Err(Error::Broken("the inference counted other labels than were accepted").into());
    }
    let account = Address::parse(&worker.annotator)?;
    let full = run.labels_price(worker.labels)?;
    let pay = result.earned(run.price).map_err(Error::Truth)?;
    let unearned = full.checked_sub(pay).ok_or(Error::Broken("pay is above the price"))?;
    shift(&mut run.money.reserved, &mut run.money.claimable, pay, "reserved")?;
    shift(&mut run.money.reserved, &mut run.money.held, unearned, "reserved")?;
    escrow::credit(ctx, &account, &run.denom, pay)?;
    let fee = take_fee(ctx, run, &account, pay)?;
    let partner_pay = partner::pay(ctx, run, &worker, result.share)?;
    let settlement = run.settlement()?;
    settlement.paid = escrow::add(escrow::number(&settlement.paid)?, pay)?.to_string();
    settlement.unearned = escrow::add(escrow::number(&settlement.unearned)?, unearned)?.to_string();
    settlement.workers_paid = settlement.workers_paid.saturating_add(u32::from(pay > 0));
    settlement.workers_gated = settlement.workers_gated.saturating_add(u32::from(result.basis == Basis::Excluded));
    if worker.labels > 0 {
        accounts::settled(ctx, &account, if result.share > 0 { worker.labels } else { 0 })?;
        standing::settle(ctx, &account, &standing::skill(&run.job), result, ppm(result.kappa)?)?;
    }
    worker.result = Some(WorkerResult {
        scored: result.scored,
        kappa_ppm: ppm(result.kappa)?,
        score_q32: result.share,
        reason: reason(run, result.basis, result.share).into(),
        pay: Some(run.coin(pay)),
        unearned: Some(run.coin(unearned)),
        fee: Some(run.coin(fee)),
        late_limit: result.late_limit(),
        partner_pay,
        ..WorkerResult::default()
    });
    WORKERS.set(ctx, &(run.id, number), &worker)?;
    announce(ctx, worker);
    Ok(())
}

/// floor(pay * fee / 10^4) out of what the requester put aside for it; what of it is burnt counts as the worker's contribution.
pub(crate) fn take_fee(ctx: &mut Ctx, run: &mut Running, account: &Address, pay: u128) -> Result<u128> {
    if pay == 0 {
        return Ok(0);
    }
    let fee = bps(pay, run.rules.fee_bps).ok_or(Error::Overflow)?;
    let coin = Coin::new(run.denom.clone(), fee);
    let split = rewards::take_fee(ctx, &ACCOUNT.address(), &coin, ContributionKind::Labels, &[(*account, 1)])?;
    shift(&mut run.money.fee_held, &mut run.money.burnt, split.burnt, "fee_held")?;
    shift(&mut run.money.fee_held, &mut run.money.pool, split.pooled, "fee_held")?;
    Ok(fee)
}

/// Half of what was not earned may buy extra overlap in the late round. The other half stays held.
fn divide_unearned(run: &mut Running) -> Result<()> {
    let half = escrow::number(&run.settlement()?.unearned)? / 2;
    shift(&mut run.money.held, &mut run.money.extra, half, "held")
}

/// What the inference found of one worker.
pub(crate) fn read_share(ctx: &Ctx, run: &Running, worker: u32) -> Result<cairn_truth::WorkerResult> {
    if types::gives_sets(run.job.r#type()) {
        return sets::result(ctx, run, worker);
    }
    let params = run.truth_params(infer::gold(run))?;
    cairn_truth::read_result(&labels::PagesView::new(ctx, run.id), &params, worker).map_err(labels::failed)
}

/// Parts per million of a kappa in Q32, rounded down.
fn ppm(kappa: i64) -> Result<i64> {
    let scaled = i128::from(kappa).checked_mul(1_000_000).ok_or(Error::Overflow)? >> 32;
    Ok(i64::try_from(scaled).map_err(|_| Error::Overflow)?)
}

fn reason(run: &Running, basis: Basis, share: u64) -> PayReason {
    match basis {
        Basis::Idle => PayReason::NoLabels,
        _ if types::produces(run.job.r#type()) => PayReason::Drafts,
        Basis::Excluded => PayReason::Gated,
        Basis::Silence => PayReason::SilentPeers,
        _ if infer::gold(run) == Gold::Unopened && share > 0 => PayReason::GoldUnopened,
        Basis::Kappa => PayReason::Skill,
        Basis::Gold => PayReason::GoldSkill,
        Basis::OneClass => PayReason::OneClass,
    }
}

/// The event of a worker's result.
pub(super) fn announce(ctx: &mut Ctx, worker: Worker) {
    let result = worker.result.unwrap_or_default();
    ctx.emit(&EventWorkerPaid {
        job: worker.job,
        annotator: worker.annotator,
        labels: worker.labels,
        kappa_ppm: result.kappa_ppm,
        score_q32: result.score_q32,
        reason: result.reason,
        pay: result.pay,
        unearned: result.unearned,
        fee: result.fee,
        partner_pay: result.partner_pay,
    });
}
