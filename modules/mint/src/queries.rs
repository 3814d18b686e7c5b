//! Queries of `cosmos.mint.v1beta1`. Its answers carry decimals as bytes that hold the text of the scaled integer.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cosmos::mint::v1beta1::{
    QueryAnnualProvisionsRequest, QueryAnnualProvisionsResponse, QueryInflationRequest, QueryInflationResponse, QueryParamsRequest,
    QueryParamsResponse, QueryServer,
};

use crate::{Mint, minter, params};

impl QueryServer for Mint {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(params(ctx)?) })
    }
    fn inflation(&self, ctx: &Ctx, _: QueryInflationRequest) -> Result<QueryInflationResponse> {
        Ok(QueryInflationResponse { inflation: minter(ctx)?.inflation.into_bytes() })
    }
    fn annual_provisions(&self, ctx: &Ctx, _: QueryAnnualProvisionsRequest) -> Result<QueryAnnualProvisionsResponse> {
        Ok(QueryAnnualProvisionsResponse { annual_provisions: minter(ctx)?.annual_provisions.into_bytes() })
    }
}
