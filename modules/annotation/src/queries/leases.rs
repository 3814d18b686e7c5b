//! Queries about leases, claims, and who may see what.
use cairn_kernel::{Address, Ctx, Page, PageRequest, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{
    Lease, LeaseState, QueryAccessRequest, QueryAccessResponse, QueryClaimRequest, QueryClaimResponse, QueryLeaseResponse,
    QueryLeasesRequest, QueryLeasesResponse, Visibility,
};

use crate::{
    Error, accounts, buckets,
    job::Running,
    leases::{commit_until, tasks},
    state::{BUCKETS, CLAIMS, LEASES, LEASES_BY_ANNOTATOR, LEASES_BY_JOB},
};

pub(super) fn lease(ctx: &Ctx, id: u64) -> Result<QueryLeaseResponse> {
    let lease = LEASES.get(ctx, &id)?.ok_or(Error::NoLease(id))?;
    show(ctx, lease)
}

fn show(ctx: &Ctx, lease: Lease) -> Result<QueryLeaseResponse> {
    let run = Running::load(ctx, lease.job)?;
    let (tasks, until) = (tasks(ctx, &run, &lease)?, commit_until(&run, &lease, ctx.block().height));
    Ok(QueryLeaseResponse { lease: Some(lease), tasks, commit_until: until })
}

pub(super) fn leases(ctx: &Ctx, query: QueryLeasesRequest) -> Result<QueryLeasesResponse> {
    let request: PageRequest = query.pagination.clone().unwrap_or_default().into();
    let (ids, page) = match (query.annotator.as_str(), query.job) {
        ("", 0) => return Err(Error::LeasesOfNobody.into()),
        ("", job) => by_job(ctx, job, query.state(), &request)?,
        (annotator, job) => by_annotator(ctx, &Address::parse(annotator)?, job, query.state(), &request)?,
    };
    let leases = ids.into_iter().map(|id| lease(ctx, id)).collect::<Result<_>>()?;
    Ok(QueryLeasesResponse { leases, pagination: Some(page.into()) })
}

fn by_job(ctx: &Ctx, job: u64, state: LeaseState, request: &PageRequest) -> Result<(Vec<u64>, Page)> {
    let (keys, page) = LEASES_BY_JOB.page_filtered(ctx, &key_prefix(&job), request, |(_, id)| is_in(ctx, *id, state))?;
    Ok((keys.into_iter().map(|(_, id)| id).collect(), page))
}

fn by_annotator(ctx: &Ctx, annotator: &Address, job: u64, state: LeaseState, request: &PageRequest) -> Result<(Vec<u64>, Page)> {
    let prefix = if job > 0 { key_prefix(&(*annotator, job)) } else { key_prefix(annotator) };
    let (keys, page) = LEASES_BY_ANNOTATOR.page_filtered(ctx, &prefix, request, |(_, _, id)| is_in(ctx, *id, state))?;
    Ok((keys.into_iter().map(|(_, _, id)| id).collect(), page))
}

fn is_in(ctx: &Ctx, id: u64, state: LeaseState) -> Result<bool> {
    if state == LeaseState::Unspecified {
        return Ok(true);
    }
    Ok(LEASES.get(ctx, &id)?.ok_or(Error::Broken("an indexed lease is missing"))?.state() == state)
}

pub(super) fn claim(ctx: &Ctx, query: &QueryClaimRequest) -> Result<QueryClaimResponse> {
    let annotator = Address::parse(&query.annotator)?;
    let run = Running::load(ctx, query.job)?;
    let claim = CLAIMS.get(ctx, &(run.id, annotator))?;
    let worker = accounts::worker(ctx, run.id, &annotator)?;
    let (nonce, last_lease, paused_until) = worker.map_or((0, 0, 0), |worker| (worker.nonce, worker.last_lease, worker.paused_until));
    Ok(QueryClaimResponse { claim, nonce, last_lease, paused_until })
}

pub(super) fn access(ctx: &Ctx, query: &QueryAccessRequest) -> Result<QueryAccessResponse> {
    let account = Address::parse(&query.account)?;
    let run = Running::load(ctx, query.job)?;
    let bucket = run.buckets.of(query.task).ok_or(Error::NoTask { job: run.id, tasks: run.job.tasks, found: query.task })?;
    if run.job.visibility() == Visibility::Public || run.requester == account {
        return Ok(QueryAccessResponse { allowed: true, lease: 0, until: 0 });
    }
    if let Some((lease, until)) = holds(ctx, &run, bucket, &account)? {
        return Ok(QueryAccessResponse { allowed: true, lease, until });
    }
    // Who verifies a draft of the task sees the task too.
    if run.status.stage > 0 {
        let stage = Running::load(ctx, run.status.stage)?;
        for slot in 0..run.status.draft_slots {
            let bucket = run.buckets.count().checked_mul(slot).and_then(|first| first.checked_add(bucket)).ok_or(Error::Overflow)?;
            if let Some((lease, until)) = holds(ctx, &stage, bucket, &account)? {
                return Ok(QueryAccessResponse { allowed: true, lease, until });
            }
        }
    }
    Ok(QueryAccessResponse { allowed: false, lease: 0, until: 0 })
}

/// The standing lease of a bucket that an account holds, and the height up to which it gives access.
fn holds(ctx: &Ctx, run: &Running, bucket: u32, account: &Address) -> Result<Option<(u64, u64)>> {
    if !BUCKETS.has(ctx, &(run.id, bucket))? {
        return Ok(None);
    }
    let (holder, height) = (account.to_string(), ctx.block().height);
    for id in buckets::load(ctx, run.id, bucket)?.leases {
        let lease = LEASES.get(ctx, &id)?.ok_or(Error::Broken("a bucket's lease is missing"))?;
        if lease.annotator != holder {
            continue;
        }
        let until = match lease.state() {
            // Who has committed may look at the tasks again until the reveal is over.
            LeaseState::Committed if lease.reveal_until > 0 => lease.reveal_until,
            LeaseState::Committed => run.job.commit_deadline,
            _ => commit_until(run, &lease, height),
        };
        if height <= until {
            return Ok(Some((id, until)));
        }
    }
    Ok(None)
}
