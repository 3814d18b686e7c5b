//! The end of a job: who gets which money.
use cairn_asset as asset;
use cairn_bank as bank;
use cairn_kernel::{Address, BPS, Coin, Ctx, Result};
use cairn_proto::cairn::{
    compute::v1::{EventJobClosed, EventJobFailed, EventResultSubmitted, Job, JobOutcome, JobState},
    rewards::v1::ContributionKind,
};
use cairn_rewards as rewards;

use crate::{
    ACCOUNT, Error,
    audit::{self, Verdict},
    jobs, programs,
    providers::{self, End, coin},
    rules,
};

/// Of a slash for a wrong result, what finders get, in basis points, and what the fund of audits gets.
const FINDERS_BPS: u32 = 3_500;
const FUND_BPS: u32 = 1_500;
/// Of other slashes, the part that is burnt.
const HALF_BPS: u32 = 5_000;

/// Pays a job whose result was checked as it was delivered.
pub(crate) fn pay_at_once(ctx: &mut Ctx, mut job: Job, outputs: Vec<Vec<u8>>) -> Result<()> {
    job.outputs = outputs;
    ctx.emit(&EventResultSubmitted {
        job_id: job.id,
        provider: job.provider.clone(),
        trace_root: Vec::new(),
        contest_until: 0,
        trust: job.trust,
    });
    pay(ctx, job, false)
}

/// Pays a result that stands: the fee, the program's owner or asset, the provider. Its bond is free again, unless it sent a malformed leaf.
pub(crate) fn pay(ctx: &mut Ctx, mut job: Job, struck: bool) -> Result<()> {
    let (price, provider) = (jobs::price(&job)?, Address::parse(&job.provider)?);
    let locked = jobs::locked(&job)?;
    audit::conclude(ctx, &job, Verdict::Stands)?;
    let (lost, end) = if struck { (locked, End::Wrong) } else { (0, End::Paid) };
    providers::unlock(ctx, job.id, &provider, locked, lost, end)?;
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(lost), HALF_BPS)?;

    let fee = rules::part(price, rules::of_job(&job)?.fee_bps)?;
    rewards::take_fee(ctx, &ACCOUNT.address(), &Coin::base(fee), ContributionKind::Compute, &[(provider, 1)])?;
    let audits = rules::part(price, rules::of_job(&job)?.audit_fee_bps)?;
    audit::fill(ctx, audits)?;
    let rest = price.checked_sub(fee).and_then(|rest| rest.checked_sub(audits)).ok_or(Error::Overflow)?;
    let program = programs::load(ctx, &job.program_id)?;
    let model = rules::part(rest, program.model_bps)?;
    pay_model(ctx, program.asset_id, &Address::parse(&program.owner)?, model)?;
    let surplus = jobs::surplus(&job)?;
    if surplus > 0 {
        rewards::fund_pool(ctx, &ACCOUNT.address(), &[Coin::base(surplus)])?;
    }
    let paid = rest.checked_sub(model).ok_or(Error::Overflow)?;
    bank::send(ctx, &ACCOUNT.address(), &provider, &[Coin::base(paid)])?;
    close(ctx, &mut job, JobOutcome::Paid, paid, model)
}

/// Pays for the use of a model: its asset, and so its ancestors and shareholders; its owner where there is none, or where it takes no income.
pub(crate) fn pay_model(ctx: &mut Ctx, asset_id: u64, owner: &Address, amount: u128) -> Result<()> {
    if amount == 0 {
        return Ok(());
    }
    let coins = [Coin::base(amount)];
    if asset_id > 0 && ctx.atomic(|ctx| asset::pay(ctx, asset_id, &ACCOUNT.address(), &coins)).is_ok() {
        return Ok(());
    }
    bank::send(ctx, &ACCOUNT.address(), owner, &coins)
}

/// Slashes a provider whose result was wrong, and refunds.
pub(crate) fn wrong(ctx: &mut Ctx, job: Job, finders: &[Address]) -> Result<()> {
    let locked = jobs::locked(&job)?;
    audit::conclude(ctx, &job, Verdict::Fell(finders))?;
    providers::unlock(ctx, job.id, &Address::parse(&job.provider)?, locked, locked, End::Wrong)?;
    split_wrong(ctx, locked, finders)?;
    refund(ctx, job, JobOutcome::Wrong)
}

/// What a lie cost: 50 burnt, 15 to the fund of audits, 35 to finders in equal parts; burnt where there are none.
pub(crate) fn split_wrong(ctx: &mut Ctx, locked: u128, finders: &[Address]) -> Result<()> {
    let count = u128::try_from(finders.len()).map_err(|_| Error::Overflow)?;
    let fee = rules::part(locked, FINDERS_BPS)?.checked_div(count).unwrap_or(0);
    for finder in finders {
        bank::send(ctx, &ACCOUNT.address(), finder, &[Coin::base(fee)])?;
    }
    let funded = rules::part(locked, FUND_BPS)?;
    audit::fill(ctx, funded)?;
    let paid = fee.checked_mul(count).and_then(|fees| fees.checked_add(funded)).ok_or(Error::Overflow)?;
    let burnt = locked.checked_sub(paid).ok_or(Error::Overflow)?;
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(burnt), BPS)?;
    Ok(())
}

/// Slashes a provider that was silent together with its rival: half burnt, half to rewards' pool; and refunds.
pub(crate) fn both_late(ctx: &mut Ctx, job: Job) -> Result<()> {
    let locked = jobs::locked(&job)?;
    audit::conclude(ctx, &job, Verdict::Unknown)?;
    providers::unlock(ctx, job.id, &Address::parse(&job.provider)?, locked, locked, End::Wrong)?;
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(locked), HALF_BPS)?;
    refund(ctx, job, JobOutcome::Wrong)
}

/// A provider delivered nothing in time: it loses a part of the price, and the job is open again, or closed as poison.
pub(crate) fn late(ctx: &mut Ctx, mut job: Job) -> Result<()> {
    let (locked, params) = (jobs::locked(&job)?, rules::of_job(&job)?.clone());
    // What was locked tells what the provider was trusted with: the price, or, after an auction, the ceiling of its ask.
    let stake = locked.checked_div(rules::bond_multiple(&job)?.into()).ok_or(Error::Broken("a bond times nothing"))?;
    let lost = rules::part(stake, params.late_bps)?.min(locked);
    let provider = Address::parse(&job.provider)?;
    providers::unlock(ctx, job.id, &provider, locked, lost, End::Late)?;
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(lost), HALF_BPS)?;
    ctx.emit(&EventJobFailed { job_id: job.id, provider: job.provider.clone() });
    job.failed.push(std::mem::take(&mut job.provider));
    job.locked = Some(coin(0));
    // Whoever takes it next gets all that the requester pays.
    let price = jobs::price(&job)?.checked_add(jobs::surplus(&job)?).ok_or(Error::Overflow)?;
    (job.price, job.surplus) = (Some(coin(price)), Some(coin(0)));
    if u32::try_from(job.failed.len()).map_err(|_| Error::Overflow)? >= params.max_failures {
        return refund(ctx, job, JobOutcome::Poison);
    }
    jobs::reopen(ctx, &mut job)
}

/// Returns the price to the requester, and what it paid above it.
pub(crate) fn refund(ctx: &mut Ctx, mut job: Job, outcome: JobOutcome) -> Result<()> {
    let price = jobs::price(&job)?.checked_add(jobs::surplus(&job)?).ok_or(Error::Overflow)?;
    bank::send(ctx, &ACCOUNT.address(), &Address::parse(&job.requester)?, &[Coin::base(price)])?;
    close(ctx, &mut job, outcome, 0, 0)
}

/// Ends a job.
pub(crate) fn close(ctx: &mut Ctx, job: &mut Job, outcome: JobOutcome, paid: u128, model: u128) -> Result<()> {
    job.set_state(JobState::Closed);
    job.set_outcome(outcome);
    jobs::save(ctx, job, 0)?;
    ctx.emit(&EventJobClosed {
        job_id: job.id,
        outcome: outcome.into(),
        paid: Some(coin(paid)),
        model: Some(coin(model)),
        trust: job.trust,
    });
    Ok(())
}
