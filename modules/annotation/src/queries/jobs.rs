//! Queries about jobs.
use cairn_kernel::{Address, Ctx, Page, PageRequest, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{
    GoldVerdict, JobState, QueryBucketsRequest, QueryBucketsResponse, QueryGoldStateResponse, QueryJobProgressResponse, QueryJobResponse,
    QueryJobsRequest, QueryJobsResponse, SettleStep, Settlement,
};

use crate::{
    Error, formats,
    job::{Running, state_key},
    settle, stage,
    state::{BUCKETS, GOLD, INFERENCES, JOBS, JOBS_BY_REQUESTER, JOBS_BY_STATE, STATUS},
};

pub(super) fn job(ctx: &Ctx, id: u64) -> Result<QueryJobResponse> {
    let job = JOBS.get(ctx, &id)?.ok_or(Error::NoJob(id))?;
    Ok(QueryJobResponse { job: Some(job), status: STATUS.get(ctx, &id)? })
}

pub(super) fn jobs(ctx: &Ctx, query: QueryJobsRequest) -> Result<QueryJobsResponse> {
    let state = query.state();
    let request: PageRequest = query.pagination.clone().unwrap_or_default().into();
    let (ids, page) = if query.requester.is_empty() {
        by_state(ctx, state, &request)?
    } else {
        by_requester(ctx, &Address::parse(&query.requester)?, state, &request)?
    };
    let jobs = ids.into_iter().map(|id| job(ctx, id)).collect::<Result<_>>()?;
    Ok(QueryJobsResponse { jobs, pagination: Some(page.into()) })
}

fn by_state(ctx: &Ctx, state: JobState, request: &PageRequest) -> Result<(Vec<u64>, Page)> {
    if state == JobState::Unspecified {
        let (entries, page) = STATUS.page(ctx, &[], request)?;
        return Ok((entries.into_iter().map(|(id, _)| id).collect(), page));
    }
    let (keys, page) = JOBS_BY_STATE.page(ctx, &key_prefix(&state_key(state)?), request)?;
    Ok((keys.into_iter().map(|(_, id)| id).collect(), page))
}

fn by_requester(ctx: &Ctx, requester: &Address, state: JobState, request: &PageRequest) -> Result<(Vec<u64>, Page)> {
    let wanted = |(_, id): &(Address, u64)| {
        let found = STATUS.get(ctx, id)?.ok_or(Error::Broken("a job has no status"))?.state();
        Ok(state == JobState::Unspecified || state == found)
    };
    let (keys, page) = JOBS_BY_REQUESTER.page_filtered(ctx, &key_prefix(requester), request, wanted)?;
    Ok((keys.into_iter().map(|(_, id)| id).collect(), page))
}

pub(super) fn progress(ctx: &Ctx, id: u64) -> Result<QueryJobProgressResponse> {
    let run = Running::load(ctx, id)?;
    let status = &run.status;
    let settlement = status.settlement.clone().unwrap_or_default();
    let (step_done, step_total) = step_progress(ctx, &run, &settlement)?;
    Ok(QueryJobProgressResponse {
        state: status.state,
        labels_wanted: u64::from(run.job.tasks).saturating_mul(run.job.overlap_min.into()),
        labels_leased: status.live_seats,
        labels_committed: status.committed_seats,
        labels_accepted: status.labels,
        labels_skipped: status.skipped,
        buckets: run.buckets.count(),
        buckets_opened: status.buckets_opened,
        buckets_revealing: status.buckets_revealing,
        workers: status.workers,
        claims_waiting: status.claims_waiting,
        paid: Some(run.coin(run.money.claimable)),
        reserved: Some(run.coin(run.money.reserved)),
        free: Some(run.coin(run.money.free)),
        state_ends: state_ends(&run),
        step: settlement.step,
        step_done,
        step_total,
        posterior_histogram: settlement.posterior_histogram,
        labels_late: status.late_labels,
    })
}

/// The height at which the state is left at the latest; 0 where work of the chain alone decides.
fn state_ends(run: &Running) -> u64 {
    match run.status.state() {
        JobState::Open => run.job.commit_deadline,
        JobState::Revealing => run.status.reveals_until,
        JobState::Gold => run.status.gold_deadline,
        JobState::Quarantine => run.status.quarantine_deadline,
        JobState::Late => run.status.late_reveal_until,
        JobState::Appeal if run.status.appeals_open == 0 => run.status.appeal_deadline,
        JobState::Verifying if run.status.stage == 0 => run.status.gold_deadline,
        JobState::Verifying | JobState::Unspecified | JobState::Infer | JobState::Appeal | JobState::Closed | JobState::Cancelled => 0,
    }
}

fn step_progress(ctx: &Ctx, run: &Running, settlement: &Settlement) -> Result<(u64, u64)> {
    let chunks = u64::from(formats::chunks(run.job.tasks));
    Ok(match settlement.step() {
        SettleStep::Unspecified
        | SettleStep::Rank
        | SettleStep::AwaitGold
        | SettleStep::AwaitLate
        | SettleStep::LatePack
        | SettleStep::LateInfer
        | SettleStep::AwaitVerdictGold
        | SettleStep::AwaitVerdicts
        | SettleStep::Publish
        | SettleStep::AwaitAppeals
        | SettleStep::Award
        | SettleStep::Close => (0, 0),
        SettleStep::Pack | SettleStep::Stage | SettleStep::Judge => (settlement.position, run.status.buckets_opened.into()),
        SettleStep::Infer => {
            let most = chunks.saturating_mul(cairn_truth::MOST_PASSES.into());
            let passes = if INFERENCES.has(ctx, &run.id)? { u64::from(settlement.passes) } else { 0 };
            (chunks.saturating_mul(passes).saturating_add(settlement.position).min(most), most)
        }
        SettleStep::Pay => {
            let workers = u64::from(run.status.workers);
            (settlement.position.saturating_mul(settle::sheet_workers(run)?.into()).min(workers), workers)
        }
        SettleStep::Record | SettleStep::LatePlan => (settlement.position, chunks),
        SettleStep::Shares | SettleStep::LatePay | SettleStep::ReleasePay => (settlement.position, run.status.workers.into()),
        SettleStep::ReleaseLeases => (settlement.position, 0),
    })
}

pub(super) fn buckets(ctx: &Ctx, query: QueryBucketsRequest) -> Result<QueryBucketsResponse> {
    if !JOBS.has(ctx, &query.job)? {
        return Err(Error::NoJob(query.job).into());
    }
    let request = query.pagination.unwrap_or_default().into();
    let (entries, page) = BUCKETS.page(ctx, &key_prefix(&query.job), &request)?;
    Ok(QueryBucketsResponse { buckets: entries.into_iter().map(|(_, bucket)| bucket).collect(), pagination: Some(page.into()) })
}

pub(super) fn gold_state(ctx: &Ctx, id: u64) -> Result<QueryGoldStateResponse> {
    let run = Running::load(ctx, id)?;
    let owner = run.job.stage.filter(|stage| stage.parents_gold).map_or(id, |stage| stage.parent);
    let opened = GOLD.range(ctx, &key_prefix(&owner)).map(|entry| entry.map(|((_, chunk), _)| chunk));
    let opened_chunks = opened.collect::<Result<Vec<_>>>()?;
    let (verdict, void) =
        run.status.settlement.as_ref().map_or((GoldVerdict::Pending, 0), |settlement| (settlement.gold(), settlement.gold_void));
    Ok(QueryGoldStateResponse {
        root: run.job.gold_root.clone(),
        gold_per_bucket: run.job.gold_per_bucket,
        chunks: formats::chunks(stage::gold_tasks(&run)),
        opened_chunks,
        opened: run.status.gold_opened,
        void,
        verdict: verdict.into(),
        deadline: run.status.gold_deadline,
        bond: Some(run.coin(run.money.gold_bond)),
    })
}
