//! What must hold after every block: a check a job over its books, and one over the money of all.
use std::collections::{BTreeMap, BTreeSet};

use cairn_bank as bank;
use cairn_kernel::{Ctx, Error as KernelError, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{Bucket, JobState, Lease, LeaseState, Worker};

use crate::{
    escrow::{ACCOUNT, add, number},
    formats,
    given::{Class, Set, Value},
    job::{Running, is_final},
    labels::{self, Staged},
    late, rules,
    sets::StagedSet,
    state::{BUCKETS, CLAIM_GROUPS, CLAIMABLE, CLAIMANTS, CLAIMS, FREE_BUCKETS, FREE_PLACES, JOBS, LEASES, LEASES_BY_JOB, WORKERS},
    types,
};

type Check = Result<(), String>;

/// A job with all of its leases and annotators, read once for all checks.
pub(crate) struct Books {
    run: Running,
    leases: Vec<Lease>,
    workers: Vec<Worker>,
}

impl Books {
    pub(crate) fn load(ctx: &Ctx, id: u64) -> Result<Self, String> {
        let workers = WORKERS.range(ctx, &key_prefix(&id)).map(|entry| entry.map(|(_, worker)| worker));
        Ok(Self {
            run: Running::load(ctx, id).map_err(text)?,
            leases: job_leases(ctx, id)?,
            workers: workers.collect::<Result<_>>().map_err(text)?,
        })
    }
    /// Live and committed leases.
    fn standing(&self) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(|lease| stands(lease))
    }
}

fn text(error: KernelError) -> String {
    error.to_string()
}

/// A check over each job.
pub(crate) fn each_job(ctx: &Ctx, check: fn(&Ctx, &Books) -> Check) -> Check {
    for entry in JOBS.range(ctx, &[]) {
        let (id, _) = entry.map_err(text)?;
        check(ctx, &Books::load(ctx, id)?).map_err(|what| format!("job {id}: {what}"))?;
    }
    Ok(())
}

fn equal<T: PartialEq + std::fmt::Display>(what: &str, expected: T, found: T) -> Check {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
}

fn stands(lease: &Lease) -> bool {
    matches!(lease.state(), LeaseState::Live | LeaseState::Committed)
}

fn job_leases(ctx: &Ctx, job: u64) -> Result<Vec<Lease>, String> {
    let ids = LEASES_BY_JOB.range(ctx, &key_prefix(&job));
    ids.map(|id| LEASES.get(ctx, &id.map_err(text)?.1).map_err(text)?.ok_or_else(|| "an indexed lease is missing".to_owned())).collect()
}

/// Every check of one job.
#[cfg(test)]
pub(crate) fn job(ctx: &Ctx, books: &Books) -> Check {
    let checks = [escrow, reserves, partner_reserves, loans, seats, parties, verifiers, lists];
    checks.into_iter().try_for_each(|check| check(ctx, books).map_err(|what| format!("job {}: {what}", books.run.id)))
}

/// Per job: what came in = what is in buckets + what went out; a closed job holds nothing.
pub(crate) fn escrow(_: &Ctx, Books { run, .. }: &Books) -> Check {
    let inside = run.money.buckets().map_err(text)?;
    equal("money in", run.money.in_total, add(inside, run.money.out().map_err(text)?).map_err(text)?)?;
    let (partners, in_total, out) = match &run.partner {
        Some(partner) => (partner.money.buckets().map_err(text)?, partner.money.in_total, partner.money.out().map_err(text)?),
        None => (0, 0, 0),
    };
    equal("partner's money in", in_total, add(partners, out).map_err(text)?)?;
    if is_final(run.status.state()) { equal("left after the end", 0, add(inside, partners).map_err(text)?) } else { Ok(()) }
}

/// Per denomination: the module's balance = buckets of all jobs + claimable + bonds of standing leases and waiting claims, lent ones too.
pub(crate) fn solvency(ctx: &Ctx) -> Check {
    let ids = JOBS.range(ctx, &[]).map(|entry| entry.map(|(id, _)| id)).collect::<Result<Vec<_>>>().map_err(text)?;
    covers(ctx, ids.into_iter().map(|id| Books::load(ctx, id)))
}

/// The same where all the other jobs are closed and own nothing.
pub(crate) fn covers(ctx: &Ctx, jobs: impl Iterator<Item = Result<Books, String>>) -> Check {
    let mut owed = BTreeMap::<String, u128>::new();
    let mut owe = |denom: &str, amount: u128| {
        let sum = owed.entry(denom.to_owned()).or_default();
        *sum = add(*sum, amount).map_err(text)?;
        Ok::<(), String>(())
    };
    for books in jobs {
        let books = books?;
        owe(&books.run.denom, books.run.money.buckets().map_err(text)?)?;
        if let Some(partner) = &books.run.partner {
            owe(&partner.denom, partner.money.buckets().map_err(text)?)?;
        }
        for lease in books.standing() {
            owe(&books.run.denom, number(&lease.bond).map_err(text)?)?;
        }
    }
    for entry in CLAIMS.range(ctx, &[]) {
        let ((job, _), claim) = entry.map_err(text)?;
        owe(&Running::load(ctx, job).map_err(text)?.denom, number(&claim.bond).map_err(text)?)?;
    }
    for entry in CLAIMABLE.range(ctx, &[]) {
        let ((_, denom), amount) = entry.map_err(text)?;
        owe(&denom, number(&amount).map_err(text)?)?;
    }
    for (denom, expected) in owed {
        let found = bank::balance(ctx, &ACCOUNT.address(), &denom).map_err(text)?;
        equal(&denom, expected, found)?;
    }
    Ok(())
}

/// Per job: what is lent = bonds of waiting claims and standing leases that were lent.
pub(crate) fn loans(ctx: &Ctx, books: &Books) -> Check {
    let mut lent = 0;
    for lease in books.standing().filter(|lease| lease.lent) {
        lent = add(lent, number(&lease.bond).map_err(text)?).map_err(text)?;
    }
    if books.run.job.lent_bonds > 0 {
        for entry in CLAIMS.range(ctx, &key_prefix(&books.run.id)) {
            let (_, claim) = entry.map_err(text)?;
            lent = add(lent, if claim.lent { number(&claim.bond).map_err(text)? } else { 0 }).map_err(text)?;
        }
    }
    equal("on loan", lent, books.run.money.on_loan)
}

/// Per job: reserved = price * (tasks of standing leases + accepted unpaid labels), and the counters agree with the leases.
pub(crate) fn reserves(_: &Ctx, books: &Books) -> Check {
    let run = &books.run;
    let (mut live, mut committed, mut waiting) = (0_u64, 0_u64, 0_u64);
    for lease in &books.leases {
        match lease.state() {
            LeaseState::Live => live = live.saturating_add(lease.tasks.into()),
            LeaseState::Committed => {
                committed = committed.saturating_add(lease.tasks.into());
                waiting = waiting.saturating_add(1);
            }
            _ => {}
        }
    }
    equal("live seats", live, run.status.live_seats)?;
    equal("committed seats", committed, run.status.committed_seats)?;
    equal("committed leases", waiting, run.status.leases_committed)?;
    let (mut labels, mut late_labels, mut unpaid) = (0_u64, 0_u64, 0_u64);
    for worker in &books.workers {
        labels = labels.saturating_add(worker.labels);
        late_labels = late_labels.saturating_add(worker.late_labels);
        unpaid = unpaid.saturating_add(if worker.result.is_none() { worker.labels } else { 0 }).saturating_add(late::unpaid(worker));
        let most = worker.result.as_ref().map_or(0, |result| result.late_limit);
        if worker.late_promised > most {
            return Err(format!("{} promised {} late labels of {most}", worker.annotator, worker.late_promised));
        }
    }
    equal("accepted late labels", late_labels, run.status.late_labels)?;
    equal("accepted labels", labels, run.status.labels)?;
    let seats = live.saturating_add(committed).saturating_add(unpaid);
    equal("reserved", run.labels_price(seats).map_err(text)?, run.money.reserved)
}

/// Per bucket: free, standing and revealed seats never exceed the overlap; its standing leases are those that name it.
pub(crate) fn seats(ctx: &Ctx, books: &Books) -> Check {
    let run = &books.run;
    if is_left(run) {
        return Ok(());
    }
    let mut standing = BTreeMap::<u32, BTreeSet<u64>>::new();
    for lease in books.standing() {
        for bucket in &lease.buckets {
            standing.entry(*bucket).or_default().insert(lease.id);
        }
    }
    let given = late_labels(ctx, books)?;
    for entry in BUCKETS.range(ctx, &key_prefix(&run.id)) {
        let (_, bucket) = entry.map_err(text)?;
        let found = standing.remove(&bucket.number).unwrap_or_default();
        let listed: BTreeSet<u64> = bucket.leases.iter().copied().collect();
        if found != listed {
            return Err(format!("bucket {}: leases {found:?} stand, it lists {listed:?}", bucket.number));
        }
        equal("live and committed", listed.len() as u64, u64::from(bucket.live).saturating_add(bucket.committed.into()))?;
        let seats = bucket.free_seats.saturating_add(bucket.live).saturating_add(bucket.committed).saturating_add(bucket.revealed);
        let late = !bucket.late_tasks.is_empty();
        let wanted = bucket.late_wanted.iter().copied().max().unwrap_or(0);
        if late && run.status.state() == JobState::Late && wanted != bucket.free_seats {
            return Err(format!("bucket {}: {} free late seats, {wanted} are wanted", bucket.number, bucket.free_seats));
        }
        let most = run.job.overlap_min;
        if !late && seats > most {
            return Err(format!("bucket {}: {seats} seats for an overlap of {most}", bucket.number));
        }
        late_seats(run, &bucket, &given)?;
        if !late && bucket.revealing > 0 && (bucket.free_seats > 0 || bucket.live > 0) {
            return Err(format!("bucket {}: revealing with free or live seats", bucket.number));
        }
    }
    if standing.is_empty() { Ok(()) } else { Err(format!("leases stand in unopened buckets {:?}", standing.keys())) }
}

/// Late labels promised by standing leases and accepted, by task.
fn late_labels(ctx: &Ctx, books: &Books) -> Result<BTreeMap<u32, u32>, String> {
    let run = &books.run;
    let mut labels = BTreeMap::<u32, u32>::new();
    if run.status.late_wave == 0 {
        return Ok(labels);
    }
    let mut count = |task: u32| {
        let labels = labels.entry(task).or_default();
        *labels = labels.saturating_add(1);
    };
    for lease in books.standing() {
        lease.late_tasks.iter().copied().for_each(&mut count);
    }
    for bucket in 0..run.buckets.count() {
        labels::staged::<Staged>(ctx, run.id, bucket).map_err(text)?.iter().for_each(|label| count(label.task));
        labels::staged::<StagedSet>(ctx, run.id, bucket).map_err(text)?.iter().for_each(|answer| count(answer.task));
    }
    for chunk in 0..formats::chunks(run.job.tasks) {
        let first = chunk.saturating_mul(formats::CHUNK);
        if types::gives_sets(run.job.r#type()) {
            Set::late(ctx, run, chunk).map_err(text)?.iter().for_each(|given| count(first.saturating_add(given.task.into())));
        } else {
            Class::late(ctx, run, chunk).map_err(text)?.iter().for_each(|given| count(first.saturating_add(given.task.into())));
        }
    }
    Ok(labels)
}

/// Per task of a bucket in the late round: blind seats, late labels and free late seats are at most 2 above the most overlap.
fn late_seats(run: &Running, bucket: &Bucket, given: &BTreeMap<u32, u32>) -> Check {
    let most = run.job.overlap_max.saturating_add(rules::EXTRA_OVERLAP);
    for (task, wanted) in bucket.late_tasks.iter().zip(&bucket.late_wanted) {
        let labels = bucket.revealed.saturating_add(*wanted).saturating_add(given.get(task).copied().unwrap_or(0));
        if labels > most {
            return Err(format!("task {task}: {labels} labels for an overlap of {most}"));
        }
    }
    Ok(())
}

/// Per bucket: one account has had one lease in it, ever, whatever became of it.
pub(crate) fn parties(_: &Ctx, books: &Books) -> Check {
    let mut accounts = BTreeSet::new();
    for lease in &books.leases {
        for bucket in &lease.buckets {
            if !accounts.insert((*bucket, lease.worker)) {
                return Err(format!("{} has had two seats in bucket {bucket}", lease.annotator));
            }
        }
    }
    Ok(())
}

/// Per verification stage: no account has had a seat in a bucket with drafts of a bucket that it had a seat in, nor of one that another of
/// its cluster had, as the clusters stood when seats were granted: buckets remember both.
pub(crate) fn verifiers(ctx: &Ctx, books: &Books) -> Check {
    let run = &books.run;
    let Some(stage) = run.job.stage else { return Ok(()) };
    let count = Running::load(ctx, stage.parent).map_err(text)?.buckets.count();
    let mut producers = BTreeSet::new();
    for lease in job_leases(ctx, stage.parent)? {
        producers.extend(lease.buckets.into_iter().map(|bucket| (bucket, lease.annotator.clone())));
    }
    for lease in &books.leases {
        for bucket in &lease.buckets {
            let source = bucket.checked_rem(count).unwrap_or(0);
            if producers.contains(&(source, lease.annotator.clone())) {
                return Err(format!("{} verifies bucket {bucket} with drafts of its own", lease.annotator));
            }
        }
    }
    Ok(())
}

/// Lists and what they count agree.
pub(crate) fn lists(ctx: &Ctx, books: &Books) -> Check {
    let run = &books.run;
    waiting(ctx, run)?;
    if is_left(run) {
        return Ok(());
    }
    let mut places = 0_u32;
    for entry in FREE_BUCKETS.range(ctx, &key_prefix(&run.id)) {
        let ((_, place), bucket) = entry.map_err(text)?;
        places = places.saturating_add(1);
        equal("place in the list of free buckets", places, place)?;
        equal("place of a free bucket", place, FREE_PLACES.get(ctx, &(run.id, bucket)).map_err(text)?.unwrap_or(0))?;
        let free = BUCKETS.get(ctx, &(run.id, bucket)).map_err(text)?.map_or(0, |bucket| bucket.free_seats);
        if free == 0 {
            return Err(format!("bucket {bucket} is listed as free and is full"));
        }
    }
    equal("free buckets", places, run.status.buckets_free)
}

fn waiting(ctx: &Ctx, run: &Running) -> Check {
    let mut waiting = 0_u32;
    for entry in CLAIM_GROUPS.range(ctx, &key_prefix(&run.id)) {
        let ((_, height), count) = entry.map_err(text)?;
        waiting = waiting.saturating_add(count);
        let found = CLAIMANTS.range(ctx, &key_prefix(&(run.id, height))).count();
        equal("claims of a height", u64::from(count), found as u64)?;
    }
    equal("waiting claims", waiting, run.status.claims_waiting)?;
    equal("claims", u64::from(waiting), CLAIMS.range(ctx, &key_prefix(&run.id)).count() as u64)
}

/// Whether the job's buckets matter no more: the exit from quarantine leaves them as they are, since one of them may be what failed.
fn is_left(run: &Running) -> bool {
    matches!(run.status.state(), JobState::Quarantine | JobState::Closed)
}

/// Per job with a partner reward: what is reserved of it = reward * (tasks of standing leases that carry it + accepted unpaid labels that do).
pub(crate) fn partner_reserves(_: &Ctx, books: &Books) -> Check {
    let run = &books.run;
    let Some(partner) = &run.partner else { return Ok(()) };
    let mut labels = books.standing().filter(|lease| lease.partner).map(|lease| u64::from(lease.tasks)).sum::<u64>();
    for worker in &books.workers {
        labels = labels.saturating_add(if worker.result.is_none() { worker.partner_labels } else { 0 });
        labels = labels.saturating_add(if late::unpaid(worker) > 0 { worker.partner_late_labels } else { 0 });
    }
    equal("reserved of the partner reward", partner.labels_reward(labels).map_err(text)?, partner.money.reserved)
}
