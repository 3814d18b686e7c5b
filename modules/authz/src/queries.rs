//! Queries of `cosmos.authz.v1beta1`.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cosmos::authz::v1beta1::{
    Grant, GrantAuthorization, QueryGranteeGrantsRequest, QueryGranteeGrantsResponse, QueryGranterGrantsRequest,
    QueryGranterGrantsResponse, QueryGrantsRequest, QueryGrantsResponse, QueryServer,
};

use crate::{
    Authz, Error,
    state::{BY_GRANTEE, GRANTS},
};

fn show(granter: Address, grantee: Address, Grant { authorization, expiration }: Grant) -> GrantAuthorization {
    GrantAuthorization { granter: granter.to_string(), grantee: grantee.to_string(), authorization, expiration }
}

impl QueryServer for Authz {
    fn grants(&self, ctx: &Ctx, q: QueryGrantsRequest) -> Result<QueryGrantsResponse> {
        let (granter, grantee) = (Address::parse(&q.granter)?, Address::parse(&q.grantee)?);
        if !q.msg_type_url.is_empty() {
            let shown: String = q.msg_type_url.chars().take(128).collect();
            let missing = || Error::NotFound(format!("authorization not found for {shown} type"));
            let grant = GRANTS.get(ctx, &(granter, grantee, q.msg_type_url))?.ok_or_else(missing)?;
            return Ok(QueryGrantsResponse { grants: vec![grant], pagination: None });
        }
        let prefix = key_prefix(&(granter, grantee));
        let (entries, page) = GRANTS.page(ctx, &prefix, &q.pagination.unwrap_or_default().into())?;
        Ok(QueryGrantsResponse { grants: entries.into_iter().map(|(_, grant)| grant).collect(), pagination: Some(page.into()) })
    }

    fn granter_grants(&self, ctx: &Ctx, q: QueryGranterGrantsRequest) -> Result<QueryGranterGrantsResponse> {
        let granter = Address::parse(&q.granter)?;
        let (entries, page) = GRANTS.page(ctx, &key_prefix(&granter), &q.pagination.unwrap_or_default().into())?;
        let grants = entries.into_iter().map(|((granter, grantee, _), grant)| show(granter, grantee, grant)).collect();
        Ok(QueryGranterGrantsResponse { grants, pagination: Some(page.into()) })
    }

    fn grantee_grants(&self, ctx: &Ctx, q: QueryGranteeGrantsRequest) -> Result<QueryGranteeGrantsResponse> {
        let grantee = Address::parse(&q.grantee)?;
        let (entries, page) = BY_GRANTEE.page(ctx, &key_prefix(&grantee), &q.pagination.unwrap_or_default().into())?;
        let mut grants = Vec::with_capacity(entries.len());
        for (grantee, granter, url) in entries {
            grants.extend(GRANTS.get(ctx, &(granter, grantee, url))?.map(|grant| show(granter, grantee, grant)));
        }
        Ok(QueryGranteeGrantsResponse { grants, pagination: Some(page.into()) })
    }
}
