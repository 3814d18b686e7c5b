//! Queries of `cairn.compute.v1`.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::compute::v1::{
    QueryAuditRequest, QueryAuditResponse, QueryAuditsRequest, QueryAuditsResponse, QueryCircuitRequest, QueryCircuitResponse,
    QueryCircuitsRequest, QueryCircuitsResponse, QueryClassRequest, QueryClassResponse, QueryClassesRequest, QueryClassesResponse,
    QueryEnclaveRequest, QueryEnclaveResponse, QueryEnclavesRequest, QueryEnclavesResponse, QueryJobRequest, QueryJobResponse,
    QueryJobsRequest, QueryJobsResponse, QueryOffersRequest, QueryOffersResponse, QueryParamsRequest, QueryParamsResponse,
    QueryProgramRequest, QueryProgramResponse, QueryProgramsRequest, QueryProgramsResponse, QueryProviderRequest, QueryProviderResponse,
    QueryProvidersRequest, QueryProvidersResponse, QueryServer,
};

use crate::{
    Compute, Error, auction, audit, circuits, enclaves, jobs, programs, providers, rules,
    state::{AUCTIONS, AUDITS, BY_STATE, CIRCUITS, CLASSES, ENCLAVES, JOBS, OFFERS, PROGRAMS, PROVIDERS},
};

/// The place of a program that is named in hexadecimal, or not named.
fn program_place(text: &str) -> Result<[u8; 32]> {
    let bytes = hex::decode(text).map_err(|_| Error::NoProgram(text.chars().take(64).collect()))?;
    Ok(circuits::place(&bytes)?)
}

impl QueryServer for Compute {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(rules::params(ctx)?) })
    }

    fn program(&self, ctx: &Ctx, q: QueryProgramRequest) -> Result<QueryProgramResponse> {
        let id = hex::decode(&q.program_id).map_err(|_| Error::NoProgram(q.program_id.chars().take(64).collect()))?;
        Ok(QueryProgramResponse { program: Some(programs::load(ctx, &id)?) })
    }

    fn programs(&self, ctx: &Ctx, q: QueryProgramsRequest) -> Result<QueryProgramsResponse> {
        let (entries, page) = PROGRAMS.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        Ok(QueryProgramsResponse { programs: entries.into_iter().map(|(_, program)| program).collect(), pagination: Some(page.into()) })
    }

    fn circuit(&self, ctx: &Ctx, q: QueryCircuitRequest) -> Result<QueryCircuitResponse> {
        let unknown = || Error::NoCircuit(q.key_id.chars().take(64).collect());
        let id = hex::decode(&q.key_id).map_err(|_| unknown())?;
        let key = (program_place(&q.program_id)?, programs::hash(&id)?);
        Ok(QueryCircuitResponse { circuit: Some(circuits::load(ctx, &key)?) })
    }

    fn circuits(&self, ctx: &Ctx, q: QueryCircuitsRequest) -> Result<QueryCircuitsResponse> {
        let prefix = if q.program_id.is_empty() { Vec::new() } else { key_prefix(&program_place(&q.program_id)?) };
        let (entries, page) = CIRCUITS.page(ctx, &prefix, &q.pagination.unwrap_or_default().into())?;
        Ok(QueryCircuitsResponse { circuits: entries.into_iter().map(|(_, circuit)| circuit).collect(), pagination: Some(page.into()) })
    }

    fn enclave(&self, ctx: &Ctx, q: QueryEnclaveRequest) -> Result<QueryEnclaveResponse> {
        let unknown = || Error::NoEnclave(q.enclave_id.chars().take(64).collect());
        let id = hex::decode(&q.enclave_id).map_err(|_| unknown())?;
        let key = (program_place(&q.program_id)?, programs::hash(&id)?);
        Ok(QueryEnclaveResponse { enclave: Some(enclaves::load(ctx, &key)?) })
    }

    fn enclaves(&self, ctx: &Ctx, q: QueryEnclavesRequest) -> Result<QueryEnclavesResponse> {
        let prefix = if q.program_id.is_empty() { Vec::new() } else { key_prefix(&program_place(&q.program_id)?) };
        let (entries, page) = ENCLAVES.page(ctx, &prefix, &q.pagination.unwrap_or_default().into())?;
        Ok(QueryEnclavesResponse { enclaves: entries.into_iter().map(|(_, enclave)| enclave).collect(), pagination: Some(page.into()) })
    }

    fn provider(&self, ctx: &Ctx, q: QueryProviderRequest) -> Result<QueryProviderResponse> {
        Ok(QueryProviderResponse { provider: Some(providers::load(ctx, &Address::parse(&q.account)?)?) })
    }

    fn providers(&self, ctx: &Ctx, q: QueryProvidersRequest) -> Result<QueryProvidersResponse> {
        let (entries, page) = PROVIDERS.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        Ok(QueryProvidersResponse { providers: entries.into_iter().map(|(_, provider)| provider).collect(), pagination: Some(page.into()) })
    }

    fn classes(&self, ctx: &Ctx, q: QueryClassesRequest) -> Result<QueryClassesResponse> {
        let (entries, page) = CLASSES.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        Ok(QueryClassesResponse { classes: entries.into_iter().map(|(_, class)| class).collect(), pagination: Some(page.into()) })
    }

    fn class(&self, ctx: &Ctx, q: QueryClassRequest) -> Result<QueryClassResponse> {
        let class = Some(auction::class(ctx, q.class_id)?);
        Ok(QueryClassResponse { class, auction: AUCTIONS.get(ctx, &q.class_id)? })
    }

    fn offers(&self, ctx: &Ctx, q: QueryOffersRequest) -> Result<QueryOffersResponse> {
        let (entries, page) = OFFERS.page(ctx, &key_prefix(&q.class_id), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryOffersResponse { offers: entries.into_iter().map(|(_, offer)| offer).collect(), pagination: Some(page.into()) })
    }

    fn audits(&self, ctx: &Ctx, q: QueryAuditsRequest) -> Result<QueryAuditsResponse> {
        let (entries, page) = AUDITS.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        let (audits, fund) = (entries.into_iter().map(|(_, audit)| audit).collect(), Some(providers::coin(audit::held(ctx)?)));
        Ok(QueryAuditsResponse { audits, pagination: Some(page.into()), fund })
    }

    fn audit(&self, ctx: &Ctx, q: QueryAuditRequest) -> Result<QueryAuditResponse> {
        Ok(QueryAuditResponse { audit: Some(audit::load(ctx, q.job_id)?) })
    }

    fn job(&self, ctx: &Ctx, q: QueryJobRequest) -> Result<QueryJobResponse> {
        Ok(QueryJobResponse { job: Some(jobs::load(ctx, q.job_id)?) })
    }

    fn jobs(&self, ctx: &Ctx, q: QueryJobsRequest) -> Result<QueryJobsResponse> {
        let page = q.pagination.unwrap_or_default().into();
        if q.state == 0 {
            let (entries, page) = JOBS.page(ctx, &[], &page)?;
            return Ok(QueryJobsResponse { jobs: entries.into_iter().map(|(_, job)| job).collect(), pagination: Some(page.into()) });
        }
        let (keys, page) = BY_STATE.page(ctx, &key_prefix(&q.state.unsigned_abs()), &page)?;
        let jobs = keys.into_iter().map(|(_, id)| jobs::load(ctx, id)).collect::<Result<_>>()?;
        Ok(QueryJobsResponse { jobs, pagination: Some(page.into()) })
    }
}
