//! What must hold of compute after every block.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_dispute as dispute;
use cairn_kernel::{BASE_DENOM, Ctx, Result, report};
use cairn_proto::cairn::compute::v1::JobState;

use crate::{
    ACCOUNT, Error, auction, audit, jobs, providers, referee,
    state::{AUCTIONS, AUDIT_DUE, AUDITS, DUE, JOBS, LEAVING, OFFERS, PROVIDERS},
};

/// The module's account holds the prices of jobs that are not closed, the bonds of providers, the deposits of offers, the fund of audits and
/// what running ones are paid, and nothing else.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut owed = 0_u128;
        for entry in JOBS.range(ctx, &[]) {
            let (_, job) = entry?;
            if job.state() != JobState::Closed {
                let all = jobs::price(&job)?.checked_add(jobs::surplus(&job)?).ok_or(Error::Overflow)?;
                owed = owed.checked_add(all).ok_or(Error::Overflow)?;
            }
        }
        owed = owed.checked_add(audit::held(ctx)?).ok_or(Error::Overflow)?;
        for entry in AUDITS.range(ctx, &[]) {
            owed = owed.checked_add(audit::stakes(&entry?.1)?.0).ok_or(Error::Overflow)?;
        }
        for entry in OFFERS.range(ctx, &[]) {
            owed = owed.checked_add(auction::amount(entry?.1.deposit.as_ref())?).ok_or(Error::Overflow)?;
        }
        for entry in PROVIDERS.range(ctx, &[]) {
            owed = owed.checked_add(providers::bonded(&entry?.1)?).ok_or(Error::Overflow)?;
        }
        let held = bank::balance(ctx, &ACCOUNT.address(), BASE_DENOM)?;
        Ok((held != owed).then(|| format!("the module holds {held}{BASE_DENOM} and owes {owed}{BASE_DENOM}")))
    })())
}

/// What is locked of a provider's bond is the sum of what its running jobs, its asks and its audits have locked, and not more than the bond.
pub(crate) fn locks(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut locked = BTreeMap::<String, u128>::new();
        for entry in JOBS.range(ctx, &[]) {
            let (_, job) = entry?;
            if job.state() != JobState::Closed {
                for member in &job.members {
                    let sum = locked.entry(member.provider.clone()).or_default();
                    *sum = sum.checked_add(jobs::locked(&job)?).ok_or(Error::Overflow)?;
                }
            }
            if matches!(job.state(), JobState::Running | JobState::Window | JobState::Contested) {
                let amount = jobs::locked(&job)?;
                let sum = locked.entry(job.provider).or_default();
                *sum = sum.checked_add(amount).ok_or(Error::Overflow)?;
            }
        }
        for entry in AUDITS.range(ctx, &[]) {
            let (_, audit) = entry?;
            let amount = audit::stakes(&audit)?.1;
            if amount > 0 {
                let sum = locked.entry(audit.auditor).or_default();
                *sum = sum.checked_add(amount).ok_or(Error::Overflow)?;
            }
        }
        for entry in OFFERS.range(ctx, &[]) {
            let (_, offer) = entry?;
            let amount = auction::amount(offer.reserve.as_ref())?;
            if offer.job_id == 0 {
                let sum = locked.entry(offer.account).or_default();
                *sum = sum.checked_add(amount).ok_or(Error::Overflow)?;
            }
        }
        for entry in PROVIDERS.range(ctx, &[]) {
            let (_, provider) = entry?;
            let (found, expected) = (providers::locked(&provider)?, locked.remove(&provider.account).unwrap_or(0));
            if found != expected || found > providers::bonded(&provider)? {
                return Ok(Some(format!("of the bond of {} {found} are locked, jobs lock {expected}", provider.account)));
            }
        }
        Ok(locked.into_keys().next().map(|account| format!("{account} has a job and is no provider")))
    })())
}

/// A job that is not closed has a height, or an open case; leaving providers have a height; nothing else stands in a queue.
pub(crate) fn clocks(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let (mut due, mut leaving) = (0_usize, 0_usize);
        for entry in JOBS.range(ctx, &[]) {
            let (id, job) = entry?;
            let waits = job.state() != JobState::Closed;
            due = due.saturating_add(usize::from(waits));
            let contested = job.state() == JobState::Contested;
            if waits != (job.due > 0) || (waits && !DUE.has(ctx, &(job.due, id))?) {
                return Ok(Some(format!("job {id} has no height, or one too many")));
            }
            if contested && dispute::case_about(ctx, &referee::subject(id))?.is_none() {
                return Ok(Some(format!("job {id} is contested without a case")));
            }
        }
        for entry in PROVIDERS.range(ctx, &[]) {
            let (account, provider) = entry?;
            let leaves = provider.leaves > 0;
            leaving = leaving.saturating_add(usize::from(leaves));
            if leaves && !LEAVING.has(ctx, &(provider.leaves, account))? {
                return Ok(Some(format!("{account} leaves at no height")));
            }
        }
        let found = (DUE.range(ctx, &[]).count(), LEAVING.range(ctx, &[]).count());
        Ok((found != (due, leaving)).then(|| format!("queues hold {found:?}, {:?} are expected", (due, leaving))))
    })())
}

/// An offer lies where it belongs, in an auction that runs, and a bid is of a job that waits for it.
pub(crate) fn offers(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        for entry in OFFERS.range(ctx, &[]) {
            let (place, offer) = entry?;
            let waits = offer.job_id == 0 || jobs::load(ctx, offer.job_id)?.state() == JobState::Auction;
            if place != auction::key_of(&offer)? || !AUCTIONS.has(ctx, &offer.class_id)? || !waits {
                return Ok(Some(format!("offer {} is of no auction, or of no job that waits for one", offer.number)));
            }
        }
        Ok(None)
    })())
}

/// An audit that is not opened has a height, one that is has none; nothing else stands in the queue.
pub(crate) fn audits(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut due = 0_usize;
        for entry in AUDITS.range(ctx, &[]) {
            let (id, audit) = entry?;
            let waits = audit::pending(ctx, id)?;
            due = due.saturating_add(usize::from(waits));
            let queued = audit.until > 0 && AUDIT_DUE.has(ctx, &(audit.until, id))?;
            let delivered = matches!(jobs::load(ctx, id)?.state(), JobState::Window | JobState::Contested);
            if waits != queued || !delivered {
                return Ok(Some(format!("the audit of job {id} has no height, one too many, or no result")));
            }
        }
        let found = AUDIT_DUE.range(ctx, &[]).count();
        Ok((found != due).then(|| format!("the queue of audits holds {found}, {due} are expected")))
    })())
}
