//! The queries, by what they are about.
mod accounts;
mod decisions;
mod drafts;
mod jobs;
mod labels;
mod leases;
mod pairs;
mod qualification;
mod sets;
mod standings;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    QueryAccessRequest, QueryAccessResponse, QueryAllowListRequest, QueryAllowListResponse, QueryAnnotatorRequest, QueryAnnotatorResponse,
    QueryBucketsRequest, QueryBucketsResponse, QueryClaimRequest, QueryClaimResponse, QueryDecisionsRequest, QueryDecisionsResponse,
    QueryDraftsRequest, QueryDraftsResponse, QueryEarningsRequest, QueryEarningsResponse, QueryExamBatchesRequest,
    QueryExamBatchesResponse, QueryGoldStateRequest, QueryGoldStateResponse, QueryJobProgressRequest, QueryJobProgressResponse,
    QueryJobRequest, QueryJobResponse, QueryJobsRequest, QueryJobsResponse, QueryLabelsRequest, QueryLabelsResponse, QueryLeaseRequest,
    QueryLeaseResponse, QueryLeasesRequest, QueryLeasesResponse, QueryPairsRequest, QueryPairsResponse, QueryParamsRequest,
    QueryParamsResponse, QueryQualificationRequest, QueryQualificationResponse, QueryRankingRequest, QueryRankingResponse, QueryServer,
    QueryStandingRequest, QueryStandingResponse, QueryStandingsRequest, QueryStandingsResponse, QueryTasksRequest, QueryTasksResponse,
    QueryWorkerRequest, QueryWorkerResponse, QueryWorkersRequest, QueryWorkersResponse,
};

use crate::{Annotation, state};

impl QueryServer for Annotation {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(state::params(ctx)?) })
    }
    fn job(&self, ctx: &Ctx, query: QueryJobRequest) -> Result<QueryJobResponse> {
        jobs::job(ctx, query.job)
    }
    fn jobs(&self, ctx: &Ctx, query: QueryJobsRequest) -> Result<QueryJobsResponse> {
        jobs::jobs(ctx, query)
    }
    fn job_progress(&self, ctx: &Ctx, query: QueryJobProgressRequest) -> Result<QueryJobProgressResponse> {
        jobs::progress(ctx, query.job)
    }
    fn buckets(&self, ctx: &Ctx, query: QueryBucketsRequest) -> Result<QueryBucketsResponse> {
        jobs::buckets(ctx, query)
    }
    fn gold_state(&self, ctx: &Ctx, query: QueryGoldStateRequest) -> Result<QueryGoldStateResponse> {
        jobs::gold_state(ctx, query.job)
    }
    fn tasks(&self, ctx: &Ctx, query: QueryTasksRequest) -> Result<QueryTasksResponse> {
        labels::tasks(ctx, &query)
    }
    fn labels(&self, ctx: &Ctx, query: QueryLabelsRequest) -> Result<QueryLabelsResponse> {
        labels::labels(ctx, &query)
    }
    fn pairs(&self, ctx: &Ctx, query: QueryPairsRequest) -> Result<QueryPairsResponse> {
        pairs::pairs(ctx, &query)
    }
    fn drafts(&self, ctx: &Ctx, query: QueryDraftsRequest) -> Result<QueryDraftsResponse> {
        drafts::drafts(ctx, &query)
    }
    fn ranking(&self, ctx: &Ctx, query: QueryRankingRequest) -> Result<QueryRankingResponse> {
        pairs::ranking(ctx, &query)
    }
    fn worker(&self, ctx: &Ctx, query: QueryWorkerRequest) -> Result<QueryWorkerResponse> {
        accounts::worker(ctx, &query)
    }
    fn decisions(&self, ctx: &Ctx, query: QueryDecisionsRequest) -> Result<QueryDecisionsResponse> {
        decisions::decisions(ctx, query)
    }
    fn workers(&self, ctx: &Ctx, query: QueryWorkersRequest) -> Result<QueryWorkersResponse> {
        accounts::workers(ctx, query)
    }
    fn lease(&self, ctx: &Ctx, query: QueryLeaseRequest) -> Result<QueryLeaseResponse> {
        leases::lease(ctx, query.lease)
    }
    fn leases(&self, ctx: &Ctx, query: QueryLeasesRequest) -> Result<QueryLeasesResponse> {
        leases::leases(ctx, query)
    }
    fn claim(&self, ctx: &Ctx, query: QueryClaimRequest) -> Result<QueryClaimResponse> {
        leases::claim(ctx, &query)
    }
    fn access(&self, ctx: &Ctx, query: QueryAccessRequest) -> Result<QueryAccessResponse> {
        leases::access(ctx, &query)
    }
    fn annotator(&self, ctx: &Ctx, query: QueryAnnotatorRequest) -> Result<QueryAnnotatorResponse> {
        accounts::annotator(ctx, &query.address)
    }
    fn standing(&self, ctx: &Ctx, query: QueryStandingRequest) -> Result<QueryStandingResponse> {
        standings::standing(ctx, &query)
    }
    fn standings(&self, ctx: &Ctx, query: QueryStandingsRequest) -> Result<QueryStandingsResponse> {
        standings::standings(ctx, query)
    }
    fn qualification(&self, ctx: &Ctx, query: QueryQualificationRequest) -> Result<QueryQualificationResponse> {
        qualification::qualification(ctx, &query)
    }
    fn exam_batches(&self, ctx: &Ctx, query: QueryExamBatchesRequest) -> Result<QueryExamBatchesResponse> {
        qualification::exam_batches(ctx, query)
    }
    fn allow_list(&self, ctx: &Ctx, query: QueryAllowListRequest) -> Result<QueryAllowListResponse> {
        qualification::allow_list(ctx, query)
    }
    fn earnings(&self, ctx: &Ctx, query: QueryEarningsRequest) -> Result<QueryEarningsResponse> {
        accounts::earnings(ctx, &query.account)
    }
}
