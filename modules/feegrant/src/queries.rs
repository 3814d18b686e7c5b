//! Queries of `cosmos.feegrant.v1beta1`.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cosmos::feegrant::v1beta1::{
    QueryAllowanceRequest, QueryAllowanceResponse, QueryAllowancesByGranterRequest, QueryAllowancesByGranterResponse,
    QueryAllowancesRequest, QueryAllowancesResponse, QueryServer,
};

use crate::{
    Feegrant, not_found, of,
    state::{BY_GRANTER, GRANTS},
};

impl QueryServer for Feegrant {
    fn allowance(&self, ctx: &Ctx, q: QueryAllowanceRequest) -> Result<QueryAllowanceResponse> {
        let (granter, grantee) = (Address::parse(&q.granter)?, Address::parse(&q.grantee)?);
        let found = GRANTS.get(ctx, &(grantee, granter))?;
        Ok(QueryAllowanceResponse { allowance: Some(found.ok_or_else(not_found)?) })
    }

    fn allowances(&self, ctx: &Ctx, q: QueryAllowancesRequest) -> Result<QueryAllowancesResponse> {
        let grantee = Address::parse(&q.grantee)?;
        let (entries, page) = GRANTS.page(ctx, &of(&grantee), &q.pagination.unwrap_or_default().into())?;
        Ok(QueryAllowancesResponse { allowances: entries.into_iter().map(|(_, grant)| grant).collect(), pagination: Some(page.into()) })
    }

    fn allowances_by_granter(&self, ctx: &Ctx, q: QueryAllowancesByGranterRequest) -> Result<QueryAllowancesByGranterResponse> {
        let granter = Address::parse(&q.granter)?;
        let (entries, page) = BY_GRANTER.page(ctx, &of(&granter), &q.pagination.unwrap_or_default().into())?;
        let mut allowances = Vec::with_capacity(entries.len());
        for (granter, grantee) in entries {
            allowances.extend(GRANTS.get(ctx, &(grantee, granter))?);
        }
        Ok(QueryAllowancesByGranterResponse { allowances, pagination: Some(page.into()) })
    }
}
