//! Bonds that a requester lends to newcomers, so that who has no money yet can begin. The money lies in the job's `lendable`; while a claim
//! or a lease stands on it, it is `on_loan`. It comes back with the lease, whatever its labels are worth, and is lost to the lender where
//! the lease's holder loses it. Nobody but the lender ever gets any of it: no reveal fee is taken of it, or accounts without money could
//! earn by taking bonds.
use cairn_kernel::{Address, Coded, Ctx, Module, Result};
use cairn_proto::cairn::annotation::v1::Worker;
use cairn_rewards::Split;

use crate::{
    Annotation, Error,
    escrow::{self, add, shift},
    job::{Running, is_final},
    state::ANNOTATORS,
};

/// Why a bond is not lent. Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say what each value is")]
pub enum LoanRefusal {
    /// More bonds than seats.
    #[error("lent_bonds must be 0 to {most}, the bucket seats of the blind round, found {found}")]
    TooMany { most: u64, found: u32 },
    /// The job lends none, or all are lent.
    #[error("job {job} has no bond left to lend: it lends {lent} in all")]
    NothingLeft { job: u64, lent: u32 },
    /// Not the first lease.
    #[error("a bond is lent for an account's first lease in the job; {0} had one")]
    NotFirst(String),
    /// No newcomer.
    #[error("a bond is lent to accounts without any settled label; {annotator} has {labels}")]
    NoNewcomer { annotator: String, labels: u64 },
}

impl Coded for LoanRefusal {
    const CODESPACE: &'static str = Annotation::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::TooMany { .. } => 230,
            Self::NothingLeft { .. } => 231,
            Self::NotFirst(_) => 232,
            Self::NoNewcomer { .. } => 233,
        }
    }
}

/// One bond that is lent: that of a lease of the largest bucket.
pub(crate) fn bond(run: &Running) -> Result<u128> {
    run.bond(run.buckets.largest())
}

/// Puts the bonds of a new job aside. Their money is paid in with its escrow.
pub(crate) fn put_aside(run: &mut Running) -> Result<()> {
    let (most, found) = (run.seats(), run.job.lent_bonds);
    if u64::from(found) > most {
        return Err(LoanRefusal::TooMany { most, found }.into());
    }
    let amount = bond(run)?.checked_mul(found.into()).ok_or(Error::Overflow)?;
    run.money.in_total = add(run.money.in_total, amount)?;
    run.money.lendable = add(run.money.lendable, amount)?;
    Ok(())
}

/// Lends a bond to a claim: to a newcomer that has nothing in the job but leases given back. Gives its amount.
pub(crate) fn lend(ctx: &Ctx, run: &mut Running, annotator: &Address, worker: Option<&Worker>) -> Result<u128> {
    let began = |worker: &&Worker| worker.seats > 0 || worker.labels > 0 || worker.expired > 0 || worker.unrevealed > 0;
    if worker.filter(began).is_some() {
        return Err(LoanRefusal::NotFirst(annotator.to_string()).into());
    }
    let labels = ANNOTATORS.get(ctx, annotator)?.map_or(0, |known| known.settled_labels);
    if labels > 0 {
        return Err(LoanRefusal::NoNewcomer { annotator: annotator.to_string(), labels }.into());
    }
    let amount = bond(run)?;
    if run.job.lent_bonds == 0 || run.money.lendable < amount {
        return Err(LoanRefusal::NothingLeft { job: run.id, lent: run.job.lent_bonds }.into());
    }
    shift(&mut run.money.lendable, &mut run.money.on_loan, amount, "lendable")?;
    Ok(amount)
}

/// A lent bond, or part of one, comes back: to be lent again, or to the lender where the job is over.
pub(crate) fn give_back(ctx: &mut Ctx, run: &mut Running, amount: u128) -> Result<()> {
    if !is_final(run.status.state()) {
        return shift(&mut run.money.on_loan, &mut run.money.lendable, amount, "on_loan");
    }
    shift(&mut run.money.on_loan, &mut run.money.refunded, amount, "on_loan")?;
    escrow::credit(ctx, &run.requester, &run.denom, amount)
}

/// A lent bond, or part of one, is lost, as it was divided.
pub(crate) fn lose(run: &mut Running, split: &Split) -> Result<()> {
    shift(&mut run.money.on_loan, &mut run.money.burnt, split.burnt, "on_loan")?;
    shift(&mut run.money.on_loan, &mut run.money.pool, split.pooled, "on_loan")
}
