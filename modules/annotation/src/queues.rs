//! What falls due at a height. Queues are worked off in order, a bounded number of items a block; what is left carries over. An item that
//! fails is undone and puts its job into quarantine; the others go on.
use cairn_kernel::{Ctx, Error as KernelError, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::JobState;

use crate::{
    Error, buckets, claims,
    job::{Running, is_final},
    leases, lifecycle, quarantine,
    state::{CHECKS, DUE},
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
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::LeaseEnd,
        Self::BucketWait,
        Self::RevealEnd,
        Self::ClaimsEnd,
        Self::CommitDeadline,
        Self::GoldEnd,
        Self::QuarantineEnd,
        Self::Draw,
        Self::Check,
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

/// Most items of one kind that a retry brings back to their turn.
const RECALLED: usize = 2_000;

/// Lets a job's items that its quarantine put off until `height` fall due now.
pub(crate) fn recall(ctx: &mut Ctx, job: u64, height: u64) -> Result<()> {
    let now = ctx.block().height;
    for kind in Kind::ALL {
        let prefix = key_prefix(&(height, kind.number(), job));
        for key in DUE.range(ctx, &prefix).take(RECALLED).collect::<Result<Vec<_>>>()? {
            DUE.remove(ctx, &key)?;
            schedule(ctx, now, kind, job, key.3)?;
        }
    }
    Ok(())
}

/// Handles what is due, at most `budget` items.
pub(crate) fn run_due(ctx: &mut Ctx, budget: u32) -> Result<()> {
    let height = ctx.block().height;
    let most = usize::try_from(budget).map_err(|_| Error::Overflow)?;
    let due = DUE.range(ctx, &[]).take(most).take_while(|item| item.as_ref().map_or(true, |(at, ..)| *at <= height));
    let due = due.collect::<Result<Vec<_>>>()?;
    let mut left = budget;
    for key in due {
        if left == 0 {
            break;
        }
        let (_, number, job, item) = key;
        DUE.remove(ctx, &key)?;
        let done = match Kind::of(number) {
            Some(kind) => ctx.atomic(|ctx| handle(ctx, kind, job, item, left)).map_err(|error| (kind, error)),
            None => Ok(1), // nothing writes such a key
        };
        let spent = match done {
            Ok(spent) => spent.max(1),
            Err((kind, error)) => contain(ctx, kind, job, item, &error)?,
        };
        left = left.saturating_sub(spent);
    }
    Ok(())
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
    let mut run = Running::load(ctx, job)?;
    let state = run.status.state();
    if is_final(state) {
        return Ok(1);
    }
    if state == JobState::Quarantine && kind != Kind::QuarantineEnd {
        // Its time comes again when the quarantine is over, one way or the other.
        schedule(ctx, run.status.quarantine_deadline.saturating_add(1), kind, job, item)?;
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
        Kind::Draw | Kind::ClaimsEnd => {}
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
