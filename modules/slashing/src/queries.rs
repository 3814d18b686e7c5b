//! Queries of `cosmos.slashing.v1beta1`.
use cairn_kernel::{Address, Ctx, PageRequest, Result, sdk};
use cairn_proto::cosmos::slashing::v1beta1::{
    QueryParamsRequest, QueryParamsResponse, QueryServer, QuerySigningInfoRequest, QuerySigningInfoResponse, QuerySigningInfosRequest,
    QuerySigningInfosResponse,
};
use cairn_staking::CONSENSUS_PREFIX;

use crate::{Slashing, params::params, state::INFOS};

impl QueryServer for Slashing {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(params(ctx)?) })
    }

    fn signing_info(&self, ctx: &Ctx, q: QuerySigningInfoRequest) -> Result<QuerySigningInfoResponse> {
        let address = Address::parse_with(CONSENSUS_PREFIX, &q.cons_address)?;
        let missing = || sdk::key_not_found(format!("SigningInfo not found for validator {}", q.cons_address));
        Ok(QuerySigningInfoResponse { val_signing_info: Some(INFOS.get(ctx, &address)?.ok_or_else(missing)?) })
    }

    fn signing_infos(&self, ctx: &Ctx, q: QuerySigningInfosRequest) -> Result<QuerySigningInfosResponse> {
        let request: PageRequest = q.pagination.map(Into::into).unwrap_or_default();
        let (entries, page) = INFOS.page(ctx, &[], &request)?;
        Ok(QuerySigningInfosResponse { info: entries.into_iter().map(|(_, info)| info).collect(), pagination: Some(page.into()) })
    }
}
