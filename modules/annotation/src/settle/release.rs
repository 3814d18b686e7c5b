//! The exit from quarantine: whoever holds a lease gets the bond back, whoever has accepted unpaid labels is paid in full, and the rest is
//! refunded. An item that cannot even be read is passed over; its money goes back with the rest.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{LeaseState, PayReason, SettleStep, WorkerResult};

use super::pay;
use crate::{
    Error, appeals,
    escrow::{self, shift},
    job::Running,
    late, leases, partner,
    state::{LEASES, LEASES_BY_JOB, WORKERS},
};

/// Items handled in one step, and label visits of one.
const ITEMS: usize = 256;
const ITEM_VISITS: u64 = 4_000;

/// Releases the leases that still stand, in the order of their numbers.
pub(super) fn leases(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let next = run.settlement()?.position.saturating_add(1);
    let (prefix, from) = (key_prefix(&run.id), key_prefix(&(run.id, next)));
    let ids = LEASES_BY_JOB.range_from(ctx, &prefix, &from).take(ITEMS).collect::<Result<Vec<_>>>()?;
    for (_, id) in &ids {
        attempt(ctx, run, |ctx, run| {
            let lease = LEASES.get(ctx, id)?.ok_or(Error::NoLease(*id))?;
            let stands = matches!(lease.state(), LeaseState::Live | LeaseState::Committed);
            if stands { leases::end(ctx, run, lease, LeaseState::Released) } else { Ok(()) }
        });
        run.settlement()?.position = *id;
    }
    if ids.len() < ITEMS {
        super::go_on(run, SettleStep::ReleasePay)?;
    }
    cost(ids.len())
}

/// Pays the workers that have no result, in the order of their numbers, then refunds what is left.
pub(super) fn pay(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let first = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a worker's number is too large"))?;
    let end = first.saturating_add(u32::try_from(ITEMS).map_err(|_| Error::Overflow)?).min(run.status.workers);
    for number in first..end {
        attempt(ctx, run, |ctx, run| pay_in_full(ctx, run, number));
    }
    run.settlement()?.position = end.into();
    if end >= run.status.workers {
        if run.status.pay_height > 0 {
            late::end_extra(ctx, run)?;
        }
        if appeals::released(ctx, run)? {
            super::go_on(run, SettleStep::Award)?;
        }
    }
    cost(usize::try_from(end.saturating_sub(first)).map_err(|_| Error::Overflow)?)
}

fn pay_in_full(ctx: &mut Ctx, run: &mut Running, number: u32) -> Result<()> {
    let mut worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
    if late::unpaid(&worker) > 0 {
        return late::pay_worker(ctx, run, worker, cairn_truth::ONE, false);
    }
    if worker.result.is_some() || worker.labels == 0 {
        return Ok(());
    }
    let amount = run.labels_price(worker.labels)?;
    shift(&mut run.money.reserved, &mut run.money.claimable, amount, "reserved")?;
    escrow::credit(ctx, &Address::parse(&worker.annotator)?, &run.denom, amount)?;
    let partner_pay = partner::pay(ctx, run, &worker, cairn_truth::ONE)?;
    worker.result = Some(WorkerResult {
        partner_pay,
        score_q32: cairn_truth::ONE,
        reason: PayReason::Quarantine.into(),
        pay: Some(run.coin(amount)),
        unearned: Some(run.coin(0)),
        fee: Some(run.coin(0)),
        ..WorkerResult::default()
    });
    WORKERS.set(ctx, &(run.id, number), &worker)?;
    pay::announce(ctx, worker);
    Ok(())
}

/// Runs `f`, and undoes it, in the job's memory too, where it fails.
fn attempt(ctx: &mut Ctx, run: &mut Running, f: impl FnOnce(&mut Ctx, &mut Running) -> Result<()>) {
    let mut changed = run.clone();
    if ctx.atomic(|ctx| f(ctx, &mut changed)).is_ok() {
        *run = changed;
    }
}

fn cost(items: usize) -> Result<u64> {
    Ok(u64::try_from(items).map_err(|_| Error::Overflow)?.saturating_mul(ITEM_VISITS))
}
