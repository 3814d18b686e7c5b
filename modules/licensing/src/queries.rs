//! Queries of `cairn.licensing.v1`.
use cairn_asset as asset;
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::licensing::v1::{
    Access, License, QueryCheckAccessRequest, QueryCheckAccessResponse, QueryKeyDepositRequest, QueryKeyDepositResponse,
    QueryLicenseKeysRequest, QueryLicenseKeysResponse, QueryLicenseRequest, QueryLicenseResponse, QueryLicensesByAssetRequest,
    QueryLicensesByAssetResponse, QueryLicensesByHolderRequest, QueryLicensesByHolderResponse, QueryOpenSessionsRequest,
    QueryOpenSessionsResponse, QueryParamsRequest, QueryParamsResponse, QueryServer, QuerySessionRequest, QuerySessionResponse,
    QueryTermsByAssetRequest, QueryTermsByAssetResponse, QueryTermsRequest, QueryTermsResponse,
};

use crate::{
    Error, Grant, Licensing, access, deposits,
    state::{self, BY_ASSET, BY_LICENSEE, OPEN_SESSIONS, TERMS, TERMS_BY_ASSET},
    version_keys,
};

impl QueryServer for Licensing {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(state::params(ctx)?) })
    }

    fn terms(&self, ctx: &Ctx, q: QueryTermsRequest) -> Result<QueryTermsResponse> {
        Ok(QueryTermsResponse { terms: Some(state::terms(ctx, &q.terms_id)?.1) })
    }

    fn terms_by_asset(&self, ctx: &Ctx, q: QueryTermsByAssetRequest) -> Result<QueryTermsByAssetResponse> {
        asset::asset(ctx, q.asset_id)?;
        let wanted = |_: &(u64, [u8; 32]), retired: &u64| Ok(!q.open || *retired == 0);
        let request = q.pagination.unwrap_or_default().into();
        let (entries, page) = TERMS_BY_ASSET.page_filtered(ctx, &key_prefix(&q.asset_id), &request, wanted)?;
        let find = |((_, key), _): ((u64, [u8; 32]), u64)| Ok(TERMS.get(ctx, &key)?.ok_or_else(|| Error::NoTerms(hex::encode(key)))?);
        let terms = entries.into_iter().map(find).collect::<Result<_>>()?;
        Ok(QueryTermsByAssetResponse { terms, pagination: Some(page.into()) })
    }

    fn license(&self, ctx: &Ctx, q: QueryLicenseRequest) -> Result<QueryLicenseResponse> {
        Ok(QueryLicenseResponse { license: Some(state::license(ctx, q.license_id)?) })
    }

    fn licenses_by_holder(&self, ctx: &Ctx, q: QueryLicensesByHolderRequest) -> Result<QueryLicensesByHolderResponse> {
        let prefix = key_prefix(&Address::parse(&q.licensee)?);
        let (keys, page) = BY_LICENSEE.page(ctx, &prefix, &q.pagination.unwrap_or_default().into())?;
        Ok(QueryLicensesByHolderResponse { licenses: find(ctx, keys)?, pagination: Some(page.into()) })
    }

    fn licenses_by_asset(&self, ctx: &Ctx, q: QueryLicensesByAssetRequest) -> Result<QueryLicensesByAssetResponse> {
        let licensed = asset::asset(ctx, q.asset_id)?;
        let wanted = |(_, id): &(u64, u64)| Ok(!q.key_due || version_keys::owes(ctx, &licensed, &state::license(ctx, *id)?));
        let request = q.pagination.unwrap_or_default().into();
        let (keys, page) = BY_ASSET.page_filtered(ctx, &key_prefix(&q.asset_id), &request, wanted)?;
        Ok(QueryLicensesByAssetResponse { licenses: find(ctx, keys)?, pagination: Some(page.into()) })
    }

    fn license_keys(&self, ctx: &Ctx, q: QueryLicenseKeysRequest) -> Result<QueryLicenseKeysResponse> {
        Ok(QueryLicenseKeysResponse { keys: version_keys::list(ctx, &state::license(ctx, q.license_id)?)? })
    }

    fn session(&self, ctx: &Ctx, q: QuerySessionRequest) -> Result<QuerySessionResponse> {
        Ok(QuerySessionResponse { session: Some(state::session(ctx, q.session_id)?) })
    }

    fn open_sessions(&self, ctx: &Ctx, q: QueryOpenSessionsRequest) -> Result<QueryOpenSessionsResponse> {
        state::license(ctx, q.license_id)?;
        let find = |key: Result<(u64, u64)>| state::session(ctx, key?.1);
        let sessions = OPEN_SESSIONS.range(ctx, &key_prefix(&q.license_id)).map(find).collect::<Result<_>>()?;
        Ok(QueryOpenSessionsResponse { sessions })
    }

    fn key_deposit(&self, ctx: &Ctx, q: QueryKeyDepositRequest) -> Result<QueryKeyDepositResponse> {
        let owner = Address::parse(&q.owner)?;
        Ok(QueryKeyDepositResponse { deposit: Some(deposits::record(&owner, deposits::of(ctx, &owner)?)) })
    }

    fn check_access(&self, ctx: &Ctx, q: QueryCheckAccessRequest) -> Result<QueryCheckAccessResponse> {
        let address = Address::parse(&q.address)?;
        let grant = access(ctx, &address, q.asset_id, q.version, &q.scope.unwrap_or_default())?;
        let (access, license_id, expires) = match grant {
            None => (Access::None, 0, 0),
            Some(Grant::Owner) => (Access::Owner, 0, 0),
            Some(Grant::License { id, expires }) => (Access::License, id, expires),
        };
        Ok(QueryCheckAccessResponse { access: access.into(), license_id, expires })
    }
}

/// The licences of a page of an index.
fn find<A>(ctx: &Ctx, keys: Vec<(A, u64)>) -> Result<Vec<License>> {
    keys.into_iter().map(|(_, id)| state::license(ctx, id)).collect()
}
