//! The draw: which claims get which buckets. Claims are closed at their height q and served from quick(q) on: oldest height first, within
//! a height in an order drawn from the beacon, each a random bucket that it may have.
use std::collections::{BTreeMap, BTreeSet};

use cairn_beacon::{self as beacon, Draw};
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{Bucket, Claim, EventLeaseGranted, JobState, Lease, LeaseState, Worker};

use crate::{
    Error, accounts, buckets, caps, claims,
    escrow::{self, shift},
    job::Running,
    late, partner, quarantine,
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
    let height = ctx.block().height;
    let in_time = match run.status.state() {
        JobState::Open => height.saturating_add(run.rules.lease_blocks) <= run.job.commit_deadline,
        JobState::Late => height < run.status.late_commit_until,
        _ => false,
    };
    if run.status.stopped_since > 0 || !in_time {
        return Ok(1); // the claims wait, and get NO_SEAT when their time is over
    }
    let groups = CLAIM_GROUPS.range(ctx, &key_prefix(&job)).map(|group| group.map(|((_, height), count)| (height, count)));
    let groups = groups.collect::<Result<Vec<_>>>()?;
    let Some((oldest, _)) = groups.first() else { return Ok(1) };
    let Some((newest, seed)) = closed(ctx, *oldest)? else { return Ok(1) };
    if run.status.state() == JobState::Open {
        buckets::open_more(ctx, &mut run)?;
    }
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
        let paused = worker.as_ref().map_or(0, |worker| worker.paused_until);
        let wanted = Wanted::of(ctx, run, annotator, claim, worker.as_ref())?;
        if wanted.buckets == 0 || wanted.tasks == 0 || ctx.block().height < paused {
            return Ok(Answer::RefusedAtOnce);
        }
        let parties = accounts::known_parties(ctx, run, annotator)?;
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
    fn pick(&mut self, ctx: &Ctx, run: &Running, wanted: Wanted, parties: &[u32]) -> Result<Vec<Bucket>> {
        let (mut picked, mut refused, mut tasks) = (Vec::new(), Vec::new(), 0_usize);
        let mut everywhere = parties.to_vec();
        for _ in 0..rules::TRIES {
            if picked.len() >= wanted.buckets || tasks >= wanted.tasks {
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
            let more = tasks.saturating_add(seat_tasks(run, &bucket).len());
            everywhere.retain(|party| bucket.parties.contains(party));
            let taken = bucket.parties.iter().any(|party| parties.contains(party));
            if taken || more > wanted.tasks || !is_paid(run, more)? {
                refused.push(place);
                continue;
            }
            tasks = more;
            picked.push(bucket);
        }
        if self.seats.is_empty() {
            self.seated_everywhere.extend(everywhere);
        }
        refused.into_iter().for_each(|place| self.seats.put(place));
        Ok(picked)
    }
}

/// How much a claim may get at the most.
#[derive(Clone, Copy)]
struct Wanted {
    buckets: usize,
    tasks: usize,
}

impl Wanted {
    /// Blind leases are counted in buckets, against standing and the cap an account, and in tasks against that of a day; late ones in tasks,
    /// against the quarter of the annotator's blind labels, the bond of the claim and the cap of a day.
    fn of(ctx: &Ctx, run: &Running, annotator: &Address, claim: &Claim, worker: Option<&Worker>) -> Result<Self> {
        let number = |n: u32| usize::try_from(n).map_err(|_| Error::Overflow);
        let today = caps::left(ctx, run, annotator)?.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        if run.status.state() == JobState::Late {
            let bonded = claim.buckets.saturating_mul(run.buckets.largest());
            let tasks = number(worker.map_or(0, late::allowance).min(bonded))?.min(today);
            return Ok(Self { buckets: number(rules::TRIES)?, tasks });
        }
        let held = worker.map_or(0, |worker| worker.seats);
        let standing = standing::lease_buckets(ctx, annotator, &standing::skill(&run.job))?;
        let buckets = claim.buckets.min(standing).min(run.seat_cap().saturating_sub(held));
        let tasks = if today < number(run.buckets.smallest())? { 0 } else { today };
        Ok(Self { buckets: number(buckets)?, tasks })
    }
}

/// The tasks of a seat in the bucket, in the round that the job is in.
fn seat_tasks(run: &Running, bucket: &Bucket) -> Vec<u32> {
    if run.status.state() == JobState::Late { late::open_tasks(bucket) } else { buckets::tasks(run, bucket) }
}

/// Whether the job has the money for so many seats of a task.
fn is_paid(run: &Running, tasks: usize) -> Result<bool> {
    let price = run.labels_price(u64::try_from(tasks).map_err(|_| Error::Overflow)?)?;
    if run.status.state() == JobState::Late { late::affords(run, price) } else { Ok(price <= run.money.free) }
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
    let late = run.status.state() == JobState::Late;
    let all_tasks: Vec<u32> = picked.iter().flat_map(|bucket| seat_tasks(run, bucket)).collect();
    let tasks = u32::try_from(all_tasks.len()).map_err(|_| Error::Overflow)?;
    let bond = take_bond(ctx, run, annotator, claim, tasks)?;
    caps::count(ctx, run, annotator, tasks)?;
    let price = run.labels_price(tasks.into())?;
    let mut end_height = height.saturating_add(run.rules.lease_blocks);
    let mut from_extra = 0;
    if late {
        from_extra = late::reserve(run, price)?;
        end_height = end_height.min(run.status.late_commit_until);
        worker.late_promised = worker.late_promised.saturating_add(tasks);
    } else {
        shift(&mut run.money.free, &mut run.money.reserved, price, "free")?;
    }
    let partner = partner::reserve(run, tasks, late)?;
    let parties = accounts::parties(ctx, run, annotator)?;
    if late {
        picked.iter_mut().for_each(late::take);
    }
    picked.iter_mut().try_for_each(|bucket| buckets::seat(ctx, bucket, id, &parties))?;
    let seats = u32::try_from(picked.len()).map_err(|_| Error::Overflow)?;
    run.status.live_seats = run.status.live_seats.saturating_add(tasks.into());
    run.status.leases = run.status.leases.saturating_add(1);
    worker.seats = worker.seats.saturating_add(if late { 0 } else { seats });
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
        end_height,
        bond: bond.to_string(),
        nonce: claim.nonce,
        buckets_waiting: if late { 0 } else { seats },
        stopped_blocks: run.status.stopped_blocks,
        late,
        late_tasks: if late { all_tasks } else { Vec::new() },
        from_extra: if from_extra > 0 { from_extra.to_string() } else { String::new() },
        partner: partner.is_some(),
        partner_from_extra: partner.filter(|extra| *extra > 0).map_or_else(String::new, |extra| extra.to_string()),
        lent: claim.lent,
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
        late: lease.late,
        lent: lease.lent,
    });
    Ok(())
}

/// The part of the claim's bond that the lease needs; the rest goes back.
fn take_bond(ctx: &mut Ctx, run: &mut Running, annotator: &Address, claim: &Claim, tasks: u32) -> Result<u128> {
    let (paid, bond) = (escrow::number(&claim.bond)?, run.bond(tasks)?);
    let rest = paid.checked_sub(bond).ok_or(Error::Broken("a claim's bond is too small"))?;
    claims::give_back(ctx, run, annotator, claim, rest)?;
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
