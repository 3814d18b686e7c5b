//! What falls due at a height. Queues are worked off in order, a bounded number of items a block; what is left carries over. An item that
//! fails is undone and puts its job into quarantine; the others go on.
use cairn_kernel::{Ctx, Error as KernelError, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::JobState;

use crate::{
    Error, appeals, buckets, claims,
    job::{Running, is_final},
    leases, lifecycle, quarantine,
    state::{CHECKS, DUE, PUT_OFF},
};

/// What falls due. The numbers are keys of state; items of one height are handled in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A lease reaches its last height. Item: the lease.
    LeaseEnd = 1,
    /// A bucket has waited long enough for its free seats. Item: the bucket.
    BucketWait = 2,
    /// A lease reaches the last height for its reveal. Item: the lease.
    RevealEnd = 3,
    /// Claims have waited long enough. Item: the height of the claims.
    ClaimsEnd = 4,
    /// The commit deadline of a job. Item: the next bucket to look at.
    CommitDeadline = 5,
    /// The last height for opening gold. Item: 0.
    GoldEnd = 6,
    /// The last height for retrying a failed step. Item: 0.
    QuarantineEnd = 7,
    /// Not in this queue: the draw of a job's claims. Item: 0.
    Draw = 8,
    /// Not in this queue: a bucket looked at for its R. Item: the bucket.
    Check = 9,
    /// Items of a job that were put off have their turn. Item: 0.
    Recall = 10,
    /// The commit window of a late round is over. Item: 0.
    LateEnd = 50,
    /// The appeal window of a job is over, or it looks at its cases again. Item: 0.
    AppealsEnd = 51,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::LeaseEnd,
        Self::BucketWait,
        Self::RevealEnd,
        Self::ClaimsEnd,
        Self::CommitDeadline,
        Self::GoldEnd,
        Self::QuarantineEnd,
        Self::Draw,
        Self::Check,
        Self::Recall,
        Self::LateEnd,
        Self::AppealsEnd,
    ];
    /// Its number in keys and in `FailedStep`.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }
    /// The kind with a number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// Lets an item fall due at the end of the block of `height`.
pub(crate) fn schedule(ctx: &mut Ctx, height: u64, kind: Kind, job: u64, item: u64) -> Result<()> {
    DUE.insert(ctx, &(height, kind.number(), job, item))
}

/// Puts an item off until its job recalls it.
pub(crate) fn put_off(ctx: &mut Ctx, kind: Kind, job: u64, item: u64) -> Result<()> {
    PUT_OFF.insert(ctx, &(job, kind.number(), item))
}

/// Lets the items that a job put off have their turn.
pub(crate) fn recall(ctx: &mut Ctx, job: u64) -> Result<()> {
    schedule(ctx, ctx.block().height, Kind::Recall, job, 0)
}

/// Moves items that were put off to what is due, at most `budget` of them; the rest comes with the next block.
fn bring_back(ctx: &mut Ctx, job: u64, budget: u32) -> Result<u32> {
    let most = usize::try_from(budget).map_err(|_| Error::Overflow)?;
    let keys = PUT_OFF.range(ctx, &key_prefix(&job)).take(most).collect::<Result<Vec<_>>>()?;
    for key in &keys {
        PUT_OFF.remove(ctx, key)?;
        DUE.insert(ctx, &(ctx.block().height, key.1, job, key.2))?;
    }
    if keys.len() >= most {
        recall(ctx, job)?;
    }
    Ok(u32::try_from(keys.len()).map_err(|_| Error::Overflow)?)
}

/// Handles what is due, at most `budget` items, those that fall due in doing so included.
pub(crate) fn run_due(ctx: &mut Ctx, budget: u32) -> Result<()> {
    let mut left = budget;
    loop {
        let due = due(ctx, left)?;
        if due.is_empty() {
            return Ok(());
        }
        for key in due {
            if left == 0 {
                return Ok(());
            }
            DUE.remove(ctx, &key)?;
            left = left.saturating_sub(run_item(ctx, key, left)?);
        }
    }
}

/// The first items that are due, at most `most` of them.
fn due(ctx: &Ctx, most: u32) -> Result<Vec<(u64, u8, u64, u64)>> {
    let (height, most) = (ctx.block().height, usize::try_from(most).map_err(|_| Error::Overflow)?);
    DUE.range(ctx, &[]).take(most).take_while(|item| item.as_ref().map_or(true, |(at, ..)| *at <= height)).collect()
}

/// Handles one item, contained. Gives what it costs of the budget, at least 1.
fn run_item(ctx: &mut Ctx, (_, number, job, item): (u64, u8, u64, u64), budget: u32) -> Result<u32> {
    let Some(kind) = Kind::of(number) else { return Ok(1) }; // nothing writes such a key
    match ctx.atomic(|ctx| handle(ctx, kind, job, item, budget)) {
        Ok(spent) => Ok(spent.max(1)),
        Err(error) => contain(ctx, kind, job, item, &error),
    }
}

/// Looks at buckets for their R, at most `budget` of them.
pub(crate) fn run_checks(ctx: &mut Ctx, budget: u32) -> Result<()> {
    let most = usize::try_from(budget).map_err(|_| Error::Overflow)?;
    let keys = CHECKS.range(ctx, &[]).take(most).collect::<Result<Vec<_>>>()?;
    for (job, bucket) in keys {
        CHECKS.remove(ctx, &(job, bucket))?;
        if let Err(error) = ctx.atomic(|ctx| handle(ctx, Kind::Check, job, bucket.into(), 1)) {
            contain(ctx, Kind::Check, job, bucket.into(), &error)?;
        }
    }
    Ok(())
}

/// Handles one item. Gives how many items' worth of work it was.
pub(crate) fn handle(ctx: &mut Ctx, kind: Kind, job: u64, item: u64, budget: u32) -> Result<u32> {
    if kind == Kind::ClaimsEnd {
        return claims::expire(ctx, job, item, budget);
    }
    if kind == Kind::Recall {
        return bring_back(ctx, job, budget);
    }
    let mut run = Running::load(ctx, job)?;
    let state = run.status.state();
    if is_final(state) {
        return Ok(1);
    }
    if state == JobState::Quarantine && kind != Kind::QuarantineEnd {
        put_off(ctx, kind, job, item)?;
        return Ok(1);
    }
    let bucket = || u32::try_from(item).map_err(|_| Error::Broken("a bucket's number is too large"));
    let mut spent = 1;
    match kind {
        Kind::LeaseEnd => leases::reach_end(ctx, &mut run, item)?,
        Kind::RevealEnd => leases::reach_reveal_end(ctx, &mut run, item)?,
        Kind::BucketWait => CHECKS.insert(ctx, &(job, bucket()?))?,
        Kind::Check => buckets::check(ctx, &mut run, bucket()?)?,
        Kind::CommitDeadline => spent = lifecycle::reach_deadline(ctx, &mut run, bucket()?, budget)?,
        Kind::GoldEnd => lifecycle::reach_gold_end(ctx, &mut run)?,
        Kind::QuarantineEnd => quarantine::reach_end(ctx, &mut run)?,
        Kind::AppealsEnd => spent = appeals::reach_end(ctx, &mut run)?,
        // The end of a late round is looked at after every item.
        Kind::LateEnd | Kind::Draw | Kind::ClaimsEnd | Kind::Recall => {}
    }
    lifecycle::advance(ctx, &mut run)?;
    run.save(ctx)?;
    Ok(spent)
}

/// Puts the job of a failed item into quarantine.
fn contain(ctx: &mut Ctx, kind: Kind, job: u64, item: u64, error: &KernelError) -> Result<u32> {
    quarantine::contain(ctx, job, kind.number(), item, error)?;
    Ok(1)
}
