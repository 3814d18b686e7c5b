//! What must hold after every block.
use std::collections::{BTreeMap, BTreeSet};

use cairn_bank as bank;
use cairn_kernel::{Ctx, Error as KernelError, key_prefix};
use cairn_proto::cairn::annotation::v1::{JobState, Lease, LeaseState};

use crate::{
    escrow::{ACCOUNT, add, number},
    job::{Running, is_final},
    late, rules,
    state::{BUCKETS, CLAIM_GROUPS, CLAIMABLE, CLAIMANTS, CLAIMS, FREE_BUCKETS, FREE_PLACES, JOBS, LEASES, LEASES_BY_JOB, WORKERS},
};

type Check = Result<(), String>;

fn text(error: KernelError) -> String {
    error.to_string()
}

fn each_job(ctx: &Ctx, mut check: impl FnMut(&Running) -> Check) -> Check {
    for entry in JOBS.range(ctx, &[]) {
        let (id, _) = entry.map_err(text)?;
        let run = Running::load(ctx, id).map_err(text)?;
        check(&run).map_err(|what| format!("job {id}: {what}"))?;
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

/// Per job: what came in = what is in buckets + what went out; a closed job holds nothing.
pub(crate) fn escrow(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
        let inside = run.money.buckets().map_err(text)?;
        equal("money in", run.money.in_total, add(inside, run.money.out().map_err(text)?).map_err(text)?)?;
        let (partners, in_total, out) = match &run.partner {
            Some(partner) => (partner.money.buckets().map_err(text)?, partner.money.in_total, partner.money.out().map_err(text)?),
            None => (0, 0, 0),
        };
        equal("partner's money in", in_total, add(partners, out).map_err(text)?)?;
        if is_final(run.status.state()) { equal("left after the end", 0, add(inside, partners).map_err(text)?) } else { Ok(()) }
    })
}

/// Per denomination: the module's balance = buckets of all jobs + claimable + bonds of standing leases and waiting claims.
pub(crate) fn solvency(ctx: &Ctx) -> Check {
    let mut owed = BTreeMap::<String, u128>::new();
    let mut owe = |denom: &str, amount: u128| {
        let sum = owed.entry(denom.to_owned()).or_default();
        *sum = add(*sum, amount).map_err(text)?;
        Ok::<(), String>(())
    };
    each_job(ctx, |run| {
        owe(&run.denom, run.money.buckets().map_err(text)?)?;
        if let Some(partner) = &run.partner {
            owe(&partner.denom, partner.money.buckets().map_err(text)?)?;
        }
        for lease in job_leases(ctx, run.id)?.iter().filter(|lease| stands(lease)) {
            owe(&run.denom, number(&lease.bond).map_err(text)?)?;
        }
        for entry in CLAIMS.range(ctx, &key_prefix(&run.id)) {
            owe(&run.denom, number(&entry.map_err(text)?.1.bond).map_err(text)?)?;
        }
        Ok(())
    })?;
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

/// Per job: reserved = price * (tasks of standing leases + accepted unpaid labels), and the counters agree with the leases.
pub(crate) fn reserves(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
        let (mut live, mut committed, mut waiting) = (0_u64, 0_u64, 0_u64);
        for lease in job_leases(ctx, run.id)? {
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
        for entry in WORKERS.range(ctx, &key_prefix(&run.id)) {
            let (_, worker) = entry.map_err(text)?;
            labels = labels.saturating_add(worker.labels);
            late_labels = late_labels.saturating_add(worker.late_labels);
            unpaid = unpaid.saturating_add(if worker.result.is_none() { worker.labels } else { 0 }).saturating_add(late::unpaid(&worker));
            let most = worker.result.as_ref().map_or(0, |result| result.late_limit);
            if worker.late_promised > most {
                return Err(format!("{} promised {} late labels of {most}", worker.annotator, worker.late_promised));
            }
        }
        equal("accepted late labels", late_labels, run.status.late_labels)?;
        equal("accepted labels", labels, run.status.labels)?;
        let seats = live.saturating_add(committed).saturating_add(unpaid);
        equal("reserved", run.labels_price(seats).map_err(text)?, run.money.reserved)
    })
}

/// Per bucket: free, standing and revealed seats never exceed the overlap; its standing leases are those that name it.
pub(crate) fn seats(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
        if is_left(run) {
            return Ok(());
        }
        let mut standing = BTreeMap::<u32, BTreeSet<u64>>::new();
        for lease in job_leases(ctx, run.id)?.into_iter().filter(stands) {
            for bucket in &lease.buckets {
                standing.entry(*bucket).or_default().insert(lease.id);
            }
        }
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
            let seats = seats.saturating_add(bucket.late_revealed);
            let most = if late { run.job.overlap_max.saturating_add(rules::EXTRA_OVERLAP) } else { run.job.overlap_min };
            let wanted = bucket.late_wanted.iter().copied().max().unwrap_or(0);
            if late && run.status.state() == JobState::Late && wanted != bucket.free_seats {
                return Err(format!("bucket {}: {} free late seats, {wanted} are wanted", bucket.number, bucket.free_seats));
            }
            if seats > most {
                return Err(format!("bucket {}: {seats} seats for an overlap of {most}", bucket.number));
            }
            if !late && bucket.revealing > 0 && (bucket.free_seats > 0 || bucket.live > 0) {
                return Err(format!("bucket {}: revealing with free or live seats", bucket.number));
            }
        }
        if standing.is_empty() { Ok(()) } else { Err(format!("leases stand in unopened buckets {:?}", standing.keys())) }
    })
}

/// Per bucket: one account has had one lease in it, ever, whatever became of it.
pub(crate) fn parties(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
        let mut accounts = BTreeSet::new();
        for lease in job_leases(ctx, run.id)? {
            for bucket in &lease.buckets {
                if !accounts.insert((*bucket, lease.worker)) {
                    return Err(format!("{} has had two seats in bucket {bucket}", lease.annotator));
                }
            }
        }
        Ok(())
    })
}

/// Per verification stage: no account has had a seat in a bucket with drafts of a bucket that it had a seat in, nor of one that another of
/// its cluster had, as the clusters stood when seats were granted: buckets remember both.
pub(crate) fn verifiers(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
        let Some(stage) = run.job.stage else { return Ok(()) };
        let count = Running::load(ctx, stage.parent).map_err(text)?.buckets.count();
        let mut producers = BTreeSet::new();
        for lease in job_leases(ctx, stage.parent)? {
            producers.extend(lease.buckets.into_iter().map(|bucket| (bucket, lease.annotator.clone())));
        }
        for lease in job_leases(ctx, run.id)? {
            for bucket in &lease.buckets {
                let source = bucket.checked_rem(count).unwrap_or(0);
                if producers.contains(&(source, lease.annotator.clone())) {
                    return Err(format!("{} verifies bucket {bucket} with drafts of its own", lease.annotator));
                }
            }
        }
        Ok(())
    })
}

/// Lists and what they count agree.
pub(crate) fn lists(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
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
    })
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
pub(crate) fn partner_reserves(ctx: &Ctx) -> Check {
    each_job(ctx, |run| {
        let Some(partner) = &run.partner else { return Ok(()) };
        let standing = job_leases(ctx, run.id)?;
        // Late labels that are not paid are counted too.
        let mut labels = standing.iter().filter(|lease| stands(lease) && lease.partner).map(|lease| u64::from(lease.tasks)).sum::<u64>();
        for entry in WORKERS.range(ctx, &key_prefix(&run.id)) {
            let (_, worker) = entry.map_err(text)?;
            labels = labels.saturating_add(if worker.result.is_none() { worker.partner_labels } else { 0 });
            labels = labels.saturating_add(if late::unpaid(&worker) > 0 { worker.partner_late_labels } else { 0 });
        }
        equal("reserved of the partner reward", partner.labels_reward(labels).map_err(text)?, partner.money.reserved)
    })
}
