//! The draw: which claims get which buckets. Claims are closed at their height q and served from quick(q) on: oldest height first, within
//! a height in an order drawn from the beacon, each a random bucket that it may have.
use std::collections::{BTreeMap, BTreeSet};

use cairn_beacon::{self as beacon, Draw};
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{Bucket, Claim, EventLeaseGranted, JobState, Lease, LeaseState, Worker};

use crate::{
    Error, accounts, buckets, claims,
    escrow::{self, shift},
    job::Running,
    quarantine,
    queues::{self, Kind},
    rules, standing,
    state::{CLAIM_GROUPS, DRAW_CURSOR, FREE_BUCKETS, LEASE_IDS, LEASES, LEASES_BY_ANNOTATOR, LEASES_BY_JOB, WORKERS},
};

/// Purpose of the lease draw in the beacon's streams.
const PURPOSE: u8 = 1;
/// Claims that are refused without a look at a bucket, for the price of one for which buckets are looked at.
const REFUSED_AT_ONCE: u32 = 8;

/// Draws for the jobs that have claims, in turn, trying at most `budget` claims.
pub(crate) fn run(ctx: &mut Ctx, budget: u32) -> Result<()> {
    let start = DRAW_CURSOR.get(ctx)?.unwrap_or(0);
    let (mut last, mut wrapped, mut left) = (start, false, budget);
    while left > 0 {
        let Some(job) = next_job(ctx, last)? else {
            if wrapped {
                break;
            }
            (last, wrapped) = (0, true);
            continue;
        };
        if wrapped && job > start {
            break;
        }
        last = job;
        let spent = match ctx.atomic(|ctx| draw_job(ctx, job, left)) {
            Ok(spent) => spent,
            Err(error) => {
                quarantine::contain(ctx, job, Kind::Draw.number(), 0, &error)?;
                1
            }
        };
        left = left.saturating_sub(spent.max(1));
    }
    DRAW_CURSOR.set(ctx, &last)
}

/// The newest height, from that of the oldest claim on, whose claims are closed, and the seed, where this block's beacon is its quick seed.
/// Later heights have no seed yet; where the newest seed came before this block, no draw falls into it.
fn closed(ctx: &Ctx, oldest: u64) -> Result<Option<(u64, [u8; 32])>> {
    let height = ctx.block().height;
    for asked in (oldest..=height.saturating_sub(rules::QUICK_LAG)).rev() {
        if let Some(seed) = beacon::quick(ctx, asked)? {
            return Ok((seed.height == height).then_some((asked, seed.bytes)));
        }
    }
    Ok(None)
}

/// The first job above `last` with waiting claims.
fn next_job(ctx: &Ctx, last: u64) -> Result<Option<u64>> {
    let from = key_prefix(&(last.saturating_add(1), 0_u64));
    Ok(CLAIM_GROUPS.range_from(ctx, &[], &from).next().transpose()?.map(|((job, _), _)| job))
}

/// Draws for one job. Gives how many claims were tried.
fn draw_job(ctx: &mut Ctx, job: u64, budget: u32) -> Result<u32> {
    let mut run = Running::load(ctx, job)?;
    let in_time = ctx.block().height.saturating_add(run.rules.lease_blocks) <= run.job.commit_deadline;
    if run.status.state() != JobState::Open || run.status.stopped_since > 0 || !in_time {
        return Ok(1); // the claims wait, and get NO_SEAT when their time is over
    }
    let groups = CLAIM_GROUPS.range(ctx, &key_prefix(&job)).map(|group| group.map(|((_, height), count)| (height, count)));
    let groups = groups.collect::<Result<Vec<_>>>()?;
    let Some((oldest, _)) = groups.first() else { return Ok(1) };
    let Some((newest, seed)) = closed(ctx, *oldest)? else { return Ok(1) };
    buckets::open_more(ctx, &mut run)?;
    let mut session = Session {
        draw: Draw::new(&seed, PURPOSE, job),
        seats: Urn::new(run.status.buckets_free),
        full: Vec::new(),
        seated_everywhere: BTreeSet::new(),
    };
    // Counted in refusals at once.
    let (mut spent, most) = (0_u32, budget.saturating_mul(REFUSED_AT_ONCE));
    for (height, count) in groups.into_iter().filter(|(height, _)| *height <= newest) {
        let mut order = Urn::new(count);
        let mut served = Vec::new();
        while spent < most && !session.seats.is_empty() {
            let Some(place) = order.draw(&mut session.draw)? else { break };
            let (annotator, claim) = claims::claimant(ctx, job, height, place)?;
            let answer = session.serve(ctx, &mut run, &annotator, &claim)?;
            spent = spent.saturating_add(if answer == Answer::RefusedAtOnce { 1 } else { REFUSED_AT_ONCE });
            if answer == Answer::Served {
                served.push(place);
            }
        }
        claims::dequeue(ctx, &mut run, height, served)?;
    }
    session.full.iter().try_for_each(|bucket| buckets::unlist(ctx, &mut run, *bucket))?;
    run.save(ctx)?;
    Ok(spent.div_ceil(REFUSED_AT_ONCE))
}

/// What became of a claim in a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It has its lease.
    Served,
    /// Buckets were looked at and none was found.
    Waits,
    /// No bucket was looked at.
    RefusedAtOnce,
}

/// One job's draw in one block.
struct Session {
    draw: Draw,
    /// Places in the list of buckets with free seats that may still give one in this block.
    seats: Urn,
    /// Buckets that gave their last seat; they leave that list after the draw, so that places stay true during it.
    full: Vec<u32>,
    /// Parties that had a seat in every bucket which is left. Their claims are refused at once, or a crowd of one cluster would use up the
    /// draws of everybody else.
    seated_everywhere: BTreeSet<u32>,
}

impl Session {
    /// Tries to answer a claim with a lease.
    fn serve(&mut self, ctx: &mut Ctx, run: &mut Running, annotator: &Address, claim: &Claim) -> Result<Answer> {
        let worker = accounts::worker(ctx, run.id, annotator)?;
        let (held, paused) = worker.as_ref().map_or((0, 0), |worker| (worker.seats, worker.paused_until));
        let standing = standing::lease_buckets(ctx, annotator, &standing::skill(&run.job))?;
        let wanted = claim.buckets.min(standing).min(run.seat_cap().saturating_sub(held));
        if wanted == 0 || ctx.block().height < paused {
            return Ok(Answer::RefusedAtOnce);
        }
        let parties = accounts::known_parties(ctx, run.id, annotator)?;
        if parties.iter().any(|party| self.seated_everywhere.contains(party)) {
            return Ok(Answer::RefusedAtOnce);
        }
        let picked = self.pick(ctx, run, wanted, &parties)?;
        if picked.is_empty() {
            return Ok(Answer::Waits);
        }
        let lease = grant(ctx, run, annotator, claim, picked, worker)?;
        self.full.extend(lease.into_iter().filter(|bucket| bucket.free_seats == 0).map(|bucket| bucket.number));
        Ok(Answer::Served)
    }
    /// Picks up to `wanted` different buckets at random that gave no seat within the seat gap, never had one of `parties`, and that the
    /// job's free money pays.
    fn pick(&mut self, ctx: &Ctx, run: &Running, wanted: u32, parties: &[u32]) -> Result<Vec<Bucket>> {
        let wanted = usize::try_from(wanted).map_err(|_| Error::Overflow)?;
        let (mut picked, mut refused, mut price) = (Vec::new(), Vec::new(), 0_u128);
        let mut everywhere = parties.to_vec();
        for _ in 0..rules::TRIES {
            if picked.len() >= wanted {
                break;
            }
            let Some(place) = self.seats.draw(&mut self.draw)? else { break };
            let number =
                FREE_BUCKETS.get(ctx, &(run.id, place.saturating_add(1)))?.ok_or(Error::Broken("the list of free buckets has a hole"))?;
            let bucket = buckets::load(ctx, run.id, number)?;
            let rested = bucket.last_granted == 0 || bucket.last_granted.saturating_add(run.rules.seat_gap) <= ctx.block().height;
            if !rested {
                continue; // it gives no seat to anybody in this block
            }
            let tasks = u64::try_from(run.buckets.tasks(number).len()).map_err(|_| Error::Overflow)?;
            let total = escrow::add(price, run.labels_price(tasks)?)?;
            everywhere.retain(|party| bucket.parties.contains(party));
            if total > run.money.free || bucket.parties.iter().any(|party| parties.contains(party)) {
                refused.push(place);
                continue;
            }
            price = total;
            picked.push(bucket);
        }
        if self.seats.is_empty() {
            self.seated_everywhere.extend(everywhere);
        }
        refused.into_iter().for_each(|place| self.seats.put(place));
        Ok(picked)
    }
}

/// Answers a claim with a lease of the picked buckets. Gives them back as they stand afterwards.
fn grant(
    ctx: &mut Ctx,
    run: &mut Running,
    annotator: &Address,
    claim: &Claim,
    mut picked: Vec<Bucket>,
    worker: Option<Worker>,
) -> Result<Vec<Bucket>> {
    picked.sort_by_key(|bucket| bucket.number);
    let height = ctx.block().height;
    let id = LEASE_IDS.next(ctx)?;
    let mut worker = match worker {
        Some(worker) => worker,
        None => accounts::new_worker(ctx, run, annotator)?,
    };
    let tasks = picked.iter().map(|bucket| run.buckets.tasks(bucket.number).len()).sum::<usize>();
    let tasks = u32::try_from(tasks).map_err(|_| Error::Overflow)?;
    let bond = take_bond(ctx, run, annotator, claim, tasks)?;
    let price = run.labels_price(tasks.into())?;
    shift(&mut run.money.free, &mut run.money.reserved, price, "free")?;
    let parties = accounts::parties(ctx, run, annotator)?;
    picked.iter_mut().try_for_each(|bucket| buckets::seat(ctx, bucket, id, &parties))?;
    let seats = u32::try_from(picked.len()).map_err(|_| Error::Overflow)?;
    run.status.live_seats = run.status.live_seats.saturating_add(tasks.into());
    run.status.leases = run.status.leases.saturating_add(1);
    worker.seats = worker.seats.saturating_add(seats);
    worker.leases = worker.leases.saturating_add(1);
    worker.live_leases = worker.live_leases.saturating_add(1);
    (worker.nonce, worker.last_lease) = (claim.nonce, id);
    WORKERS.set(ctx, &(run.id, worker.number), &worker)?;
    let mut lease = Lease {
        id,
        job: run.id,
        annotator: annotator.to_string(),
        worker: worker.number,
        buckets: picked.iter().map(|bucket| bucket.number).collect(),
        tasks,
        granted_height: height,
        end_height: height.saturating_add(run.rules.lease_blocks),
        bond: bond.to_string(),
        nonce: claim.nonce,
        buckets_waiting: seats,
        stopped_blocks: run.status.stopped_blocks,
        ..Lease::default()
    };
    lease.set_state(LeaseState::Live);
    record(ctx, run, annotator, &lease, bond)?;
    Ok(picked)
}

/// Writes a new lease with its indexes and its end.
fn record(ctx: &mut Ctx, run: &Running, annotator: &Address, lease: &Lease, bond: u128) -> Result<()> {
    LEASES.set(ctx, &lease.id, lease)?;
    LEASES_BY_JOB.insert(ctx, &(run.id, lease.id))?;
    LEASES_BY_ANNOTATOR.insert(ctx, &(*annotator, run.id, lease.id))?;
    queues::schedule(ctx, lease.end_height, Kind::LeaseEnd, run.id, lease.id)?;
    ctx.emit(&EventLeaseGranted {
        lease: lease.id,
        job: run.id,
        annotator: lease.annotator.clone(),
        nonce: lease.nonce,
        buckets: lease.buckets.clone(),
        tasks: lease.tasks,
        end_height: lease.end_height,
        bond: Some(run.coin(bond)),
    });
    Ok(())
}

/// The part of the claim's bond that the lease needs; the rest can be withdrawn.
fn take_bond(ctx: &mut Ctx, run: &Running, annotator: &Address, claim: &Claim, tasks: u32) -> Result<u128> {
    let (paid, bond) = (escrow::number(&claim.bond)?, run.bond(tasks)?);
    let rest = paid.checked_sub(bond).ok_or(Error::Broken("a claim's bond is too small"))?;
    escrow::credit(ctx, annotator, &run.denom, rest)?;
    Ok(bond)
}

/// Numbers from 0 that are drawn without putting back, in memory proportional to the draws (a sparse Fisher-Yates shuffle).
pub(crate) struct Urn {
    left: u32,
    /// Where another number than its own lies.
    moved: BTreeMap<u32, u32>,
}

impl Urn {
    /// The numbers below `count`.
    pub(crate) fn new(count: u32) -> Self {
        Self { left: count, moved: BTreeMap::new() }
    }
    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.left == 0
    }
    /// Draws one number; `None` where nothing is left.
    pub(crate) fn draw(&mut self, draw: &mut Draw) -> Result<Option<u32>> {
        let Some(last) = self.left.checked_sub(1) else { return Ok(None) };
        let place = u32::try_from(draw.below(self.left.into())?).map_err(|_| Error::Overflow)?;
        let number = self.at(place);
        let moved = self.at(last);
        self.moved.insert(place, moved);
        self.moved.remove(&last);
        self.left = last;
        Ok(Some(number))
    }
    /// Puts a drawn number back.
    pub(crate) fn put(&mut self, number: u32) {
        self.moved.insert(self.left, number);
        self.left = self.left.saturating_add(1);
    }
    fn at(&self, place: u32) -> u32 {
        self.moved.get(&place).copied().unwrap_or(place)
    }
}
