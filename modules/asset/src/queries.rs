//! Queries of `cairn.asset.v1`.
use cairn_bank as bank;
use cairn_kernel::{Address, Ctx, PageRequest, Result, key_prefix, merkle};
use cairn_proto::{
    cairn::asset::v1::{
        Holding, IncomeStream, IncomeTotals, QueryAncestorsRequest, QueryAncestorsResponse, QueryAssetRequest, QueryAssetResponse,
        QueryAssetsRequest, QueryAssetsResponse, QueryClaimPoolRequest, QueryClaimPoolResponse, QueryClaimableRequest,
        QueryClaimableResponse, QueryClaimedRequest, QueryClaimedResponse, QueryDescendantsRequest, QueryDescendantsResponse,
        QueryHoldersRequest, QueryHoldersResponse, QueryIncomeRequest, QueryIncomeResponse, QueryItemProofRequest, QueryItemProofResponse,
        QueryParamsRequest, QueryParamsResponse, QueryPortfolioRequest, QueryPortfolioResponse, QueryServer, QueryVersionRequest,
        QueryVersionResponse, QueryVersionsRequest, QueryVersionsResponse, Royalty, Settlements, Version,
    },
    cosmos::base::query::v1beta1 as proto,
};

use crate::{
    Asset, Error, check, income, register, share_denom,
    state::{self, ASSETS, BY_KIND, BY_OWNER, CHILDREN, CLAIM_POOLS, CLAIMED, DESCENDANTS, HOLDERS, HOLDINGS, VERSIONS},
    version, wide,
};

impl QueryServer for Asset {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(state::params(ctx)?) })
    }

    fn asset(&self, ctx: &Ctx, q: QueryAssetRequest) -> Result<QueryAssetResponse> {
        Ok(QueryAssetResponse { asset: Some(state::asset(ctx, q.asset_id)?) })
    }

    fn assets(&self, ctx: &Ctx, q: QueryAssetsRequest) -> Result<QueryAssetsResponse> {
        let request = page(q.pagination);
        let (ids, page) = match (q.owner.as_str(), q.kind, q.parent) {
            ("", 0, 0) => {
                let (entries, page) = ASSETS.page(ctx, &[], &request)?;
                let assets = entries.into_iter().map(|(_, asset)| asset).collect();
                return Ok(QueryAssetsResponse { assets, pagination: Some(page.into()) });
            }
            (owner, 0, 0) => seconds(BY_OWNER.page(ctx, &key_prefix(&Address::parse(owner)?), &request)?),
            ("", kind, 0) => {
                check::kind(kind)?;
                seconds(BY_KIND.page(ctx, &key_prefix(&register::kind_key(kind)?), &request)?)
            }
            ("", 0, parent) => seconds(CHILDREN.page(ctx, &key_prefix(&parent), &request)?),
            _ => return Err(Error::Filter.into()),
        };
        let assets = ids.into_iter().map(|id| state::asset(ctx, id)).collect::<Result<_>>()?;
        Ok(QueryAssetsResponse { assets, pagination: Some(page.into()) })
    }

    fn version(&self, ctx: &Ctx, q: QueryVersionRequest) -> Result<QueryVersionResponse> {
        Ok(QueryVersionResponse { version: Some(find_version(ctx, q.asset_id, q.number)?) })
    }

    fn versions(&self, ctx: &Ctx, q: QueryVersionsRequest) -> Result<QueryVersionsResponse> {
        state::asset(ctx, q.asset_id)?;
        let (entries, page) = VERSIONS.page(ctx, &key_prefix(&q.asset_id), &page(q.pagination))?;
        let versions = entries.into_iter().map(|(_, version)| version).collect();
        Ok(QueryVersionsResponse { versions, pagination: Some(page.into()) })
    }

    fn ancestors(&self, ctx: &Ctx, q: QueryAncestorsRequest) -> Result<QueryAncestorsResponse> {
        Ok(QueryAncestorsResponse { ancestors: state::asset(ctx, q.asset_id)?.stack })
    }

    fn descendants(&self, ctx: &Ctx, q: QueryDescendantsRequest) -> Result<QueryDescendantsResponse> {
        state::asset(ctx, q.asset_id)?;
        let (entries, page) = DESCENDANTS.page(ctx, &key_prefix(&q.asset_id), &page(q.pagination))?;
        let descendants = entries.into_iter().map(|((_, asset_id), bps)| Royalty { asset_id, bps }).collect();
        Ok(QueryDescendantsResponse { descendants, pagination: Some(page.into()) })
    }

    fn holders(&self, ctx: &Ctx, q: QueryHoldersRequest) -> Result<QueryHoldersResponse> {
        let streams = state::income(ctx, q.asset_id)?.streams;
        let (entries, page) = HOLDERS.page(ctx, &key_prefix(&q.asset_id), &page(q.pagination))?;
        let holding = |((_, holder), settlements): ((u64, Address), Settlements)| holding(ctx, q.asset_id, &streams, &holder, &settlements);
        let holders = entries.into_iter().map(holding).collect::<Result<_>>()?;
        Ok(QueryHoldersResponse { holders, pagination: Some(page.into()) })
    }

    fn claimable(&self, ctx: &Ctx, q: QueryClaimableRequest) -> Result<QueryClaimableResponse> {
        let holder = Address::parse(&q.holder)?;
        Ok(QueryClaimableResponse { holding: Some(find_holding(ctx, q.asset_id, &holder)?) })
    }

    fn portfolio(&self, ctx: &Ctx, q: QueryPortfolioRequest) -> Result<QueryPortfolioResponse> {
        let holder = Address::parse(&q.holder)?;
        let (ids, page) = seconds(HOLDINGS.page(ctx, &key_prefix(&holder), &page(q.pagination))?);
        let holdings = ids.into_iter().map(|id| find_holding(ctx, id, &holder)).collect::<Result<_>>()?;
        Ok(QueryPortfolioResponse { holdings, pagination: Some(page.into()) })
    }

    fn income(&self, ctx: &Ctx, q: QueryIncomeRequest) -> Result<QueryIncomeResponse> {
        let totals = state::income(ctx, q.asset_id)?.streams.iter().map(totals).collect::<Result<_>>()?;
        Ok(QueryIncomeResponse { totals })
    }

    fn claim_pool(&self, ctx: &Ctx, q: QueryClaimPoolRequest) -> Result<QueryClaimPoolResponse> {
        let pool = CLAIM_POOLS.get(ctx, &q.asset_id)?.ok_or(Error::NoClaimTree(q.asset_id))?;
        Ok(QueryClaimPoolResponse { pool: Some(pool) })
    }

    fn claimed(&self, ctx: &Ctx, q: QueryClaimedRequest) -> Result<QueryClaimedResponse> {
        let pool = CLAIM_POOLS.get(ctx, &q.asset_id)?.ok_or(Error::NoClaimTree(q.asset_id))?;
        if q.index >= pool.leaves {
            return Err(Error::ClaimIndex { last: pool.leaves.saturating_sub(1), found: q.index }.into());
        }
        Ok(QueryClaimedResponse { claimed: CLAIMED.has(ctx, &(q.asset_id, q.index))? })
    }

    fn item_proof(&self, ctx: &Ctx, q: QueryItemProofRequest) -> Result<QueryItemProofResponse> {
        let content = find_version(ctx, q.asset_id, q.number)?.content.ok_or(Error::NoContent)?;
        let leaf = check::hash("leaf", &q.leaf)?;
        let path = merkle::read_path(&q.path).ok_or(Error::BadPath)?;
        let root = check::hash("manifest root", &content.manifest_root)?;
        let included = merkle::verify(&root, &leaf, q.index, content.items, &path);
        Ok(QueryItemProofResponse { included, manifest_root: content.manifest_root, items: content.items })
    }
}

fn page(request: Option<proto::PageRequest>) -> PageRequest {
    request.unwrap_or_default().into()
}

/// The second parts of a page's keys.
fn seconds<A, B, P>((keys, page): (Vec<(A, B)>, P)) -> (Vec<B>, P) {
    (keys.into_iter().map(|(_, second)| second).collect(), page)
}

/// The version with that number, or the newest for 0.
fn find_version(ctx: &Ctx, asset: u64, number: u64) -> Result<Version> {
    let newest = state::asset(ctx, asset)?.versions;
    match (number, newest) {
        (0, 0) => Err(Error::NotPublished(asset).into()),
        (0, newest) => version(ctx, asset, newest),
        (number, _) => version(ctx, asset, number),
    }
}

fn find_holding(ctx: &Ctx, asset: u64, holder: &Address) -> Result<Holding> {
    let streams = state::income(ctx, asset)?.streams;
    let settlements = HOLDERS.get(ctx, &(asset, *holder))?.unwrap_or_default();
    holding(ctx, asset, &streams, holder, &settlements)
}

fn holding(ctx: &Ctx, asset_id: u64, streams: &[IncomeStream], holder: &Address, settlements: &Settlements) -> Result<Holding> {
    let shares = bank::balance(ctx, holder, &share_denom(asset_id))?;
    let settled = income::settle(settlements, streams, shares)?;
    let claimable = income::claimable(&settled, streams)?.iter().map(Into::into).collect();
    Ok(Holding { asset_id, holder: holder.to_string(), shares: u64::try_from(shares).map_err(|_| Error::Overflow)?, claimable })
}

fn totals(stream: &IncomeStream) -> Result<IncomeTotals> {
    let text = |bytes: &[u8]| Ok::<_, cairn_kernel::Error>(wide::load(bytes)?.to_string());
    Ok(IncomeTotals {
        denom: stream.denom.clone(),
        paid: text(&stream.paid)?,
        royalties: text(&stream.royalties)?,
        passed_on: text(&stream.passed_on)?,
        shared: text(&stream.shared)?,
        to_owner: text(&stream.to_owner)?,
        withdrawn: text(&stream.withdrawn)?,
    })
}
