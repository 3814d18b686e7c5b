//! Queries about annotators and what they earned.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{
    Annotator, JobType, QueryAnnotatorResponse, QueryEarningsResponse, QueryWorkerRequest, QueryWorkerResponse, QueryWorkersRequest,
    QueryWorkersResponse,
};

use crate::{
    Error, accounts, clusters, escrow,
    job::Running,
    standing,
    state::{ANNOTATORS, CLUSTERS, JOBS, WORKERS},
};

/// Denominations of earnings that an answer lists at the most.
const DENOMS_MAX: usize = 1_000;

pub(super) fn worker(ctx: &Ctx, query: &QueryWorkerRequest) -> Result<QueryWorkerResponse> {
    let annotator = Address::parse(&query.annotator)?;
    let run = Running::load(ctx, query.job)?;
    let worker = accounts::worker(ctx, run.id, &annotator)?;
    let worker = worker.ok_or_else(|| Error::NoWorker { job: run.id, annotator: annotator.to_string() })?;
    let seats_left = run.seat_cap().saturating_sub(worker.seats);
    let skips_left = run.skip_budget().saturating_sub(worker.skips);
    Ok(QueryWorkerResponse { worker: Some(worker), seats_left, skips_left })
}

pub(super) fn workers(ctx: &Ctx, query: QueryWorkersRequest) -> Result<QueryWorkersResponse> {
    if !JOBS.has(ctx, &query.job)? {
        return Err(Error::NoJob(query.job).into());
    }
    let request = query.pagination.unwrap_or_default().into();
    let (entries, page) = WORKERS.page(ctx, &key_prefix(&query.job), &request)?;
    Ok(QueryWorkersResponse { workers: entries.into_iter().map(|(_, worker)| worker).collect(), pagination: Some(page.into()) })
}

pub(super) fn annotator(ctx: &Ctx, address: &str) -> Result<QueryAnnotatorResponse> {
    let address = Address::parse(address)?;
    let record = ANNOTATORS.get(ctx, &address)?;
    let record = record.unwrap_or_else(|| Annotator { address: address.to_string(), ..Annotator::default() });
    let cluster = if CLUSTERS.has(ctx, &address)? { clusters::head(ctx, &address)?.to_string() } else { String::new() };
    let lease_buckets = standing::lease_buckets(ctx, &address, &standing::default_skill(JobType::Classify))?;
    Ok(QueryAnnotatorResponse { annotator: Some(record), cluster, lease_buckets })
}

pub(super) fn earnings(ctx: &Ctx, account: &str) -> Result<QueryEarningsResponse> {
    let coins = escrow::earnings(ctx, &Address::parse(account)?, DENOMS_MAX)?;
    Ok(QueryEarningsResponse { claimable: coins.iter().map(Into::into).collect() })
}
