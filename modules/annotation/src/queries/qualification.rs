//! Queries about who may lease in a job.
use cairn_kernel::{Address, Ctx, Module, Result, Status, key_prefix};
use cairn_proto::cairn::annotation::v1::{
    QueryAllowListRequest, QueryAllowListResponse, QueryExamBatchesRequest, QueryExamBatchesResponse, QueryQualificationRequest,
    QueryQualificationResponse,
};

use crate::{
    Annotation, exam,
    job::Running,
    qualification,
    state::{ALLOWED, CANDIDATES, EXAM_BATCHES},
};

pub(super) fn qualification(ctx: &Ctx, query: &QueryQualificationRequest) -> Result<QueryQualificationResponse> {
    let account = Address::parse(&query.account)?;
    let run = Running::load(ctx, query.job)?;
    let (code, reason) = match qualification::check(ctx, &run, &account) {
        Ok(()) => (0, String::new()),
        Err(refusal) if refusal.codespace == Annotation::NAME && refusal.status == Status::InvalidArgument => (refusal.code, refusal.log),
        Err(fault) => return Err(fault),
    };
    let candidate = CANDIDATES.get(ctx, &(run.id, account))?;
    let batch = match (&candidate, run.job.qualification.as_ref().and_then(|asked| asked.exam.as_ref())) {
        (Some(candidate), _) => Some(exam::load(ctx, run.id, candidate.batch)?),
        (None, Some(exam)) => exam::current(ctx, &run, exam)?,
        (None, None) => None,
    };
    Ok(QueryQualificationResponse { qualified: code == 0, code, reason, candidate, batch })
}

pub(super) fn exam_batches(ctx: &Ctx, query: QueryExamBatchesRequest) -> Result<QueryExamBatchesResponse> {
    let request = query.pagination.unwrap_or_default().into();
    Running::load(ctx, query.job)?;
    let (entries, page) = EXAM_BATCHES.page(ctx, &key_prefix(&query.job), &request)?;
    Ok(QueryExamBatchesResponse { batches: entries.into_iter().map(|(_, batch)| batch).collect(), pagination: Some(page.into()) })
}

pub(super) fn allow_list(ctx: &Ctx, query: QueryAllowListRequest) -> Result<QueryAllowListResponse> {
    let request = query.pagination.unwrap_or_default().into();
    Running::load(ctx, query.job)?;
    let (keys, page) = ALLOWED.page(ctx, &key_prefix(&query.job), &request)?;
    Ok(QueryAllowListResponse {
        accounts: keys.into_iter().map(|(_, account)| account.to_string()).collect(),
        pagination: Some(page.into()),
    })
}
