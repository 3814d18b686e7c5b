//! Queries of `cairn.beacon.v1`.
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::cairn::beacon::v1::{
    QueryBeaconRequest, QueryBeaconResponse, QueryLatestRequest, QueryLatestResponse, QueryParamsRequest, QueryParamsResponse,
    QueryRegisteredKeyRequest, QueryRegisteredKeyResponse, QuerySeedRequest, QuerySeedResponse, QueryServer, QueryValidatorsRequest,
    QueryValidatorsResponse, Seed as WireSeed, SeedKind,
};

use crate::{
    Beacon, Seed,
    keys::settled,
    params, quick, seed,
    state::{LATEST, REGISTERED, VALIDATORS},
    strong,
};

impl QueryServer for Beacon {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(params(ctx)?) })
    }

    fn beacon(&self, ctx: &Ctx, q: QueryBeaconRequest) -> Result<QueryBeaconResponse> {
        let latest = LATEST.get(ctx)?.filter(|latest| q.height <= *latest);
        latest.ok_or_else(|| sdk::key_not_found(format!("no beacon of height {} yet", q.height)))?;
        Ok(QueryBeaconResponse { beacon: Some(seed::get(ctx, q.height)?) })
    }

    fn latest(&self, ctx: &Ctx, _: QueryLatestRequest) -> Result<QueryLatestResponse> {
        let latest = LATEST.get(ctx)?.ok_or_else(|| sdk::key_not_found("no beacon yet"))?;
        Ok(QueryLatestResponse { beacon: Some(seed::get(ctx, latest)?) })
    }

    fn seed(&self, ctx: &Ctx, q: QuerySeedRequest) -> Result<QuerySeedResponse> {
        let found = match SeedKind::try_from(q.kind) {
            Ok(SeedKind::Quick) => quick(ctx, q.asked)?,
            Ok(SeedKind::Strong) => strong(ctx, q.asked)?,
            Ok(SeedKind::Unspecified) | Err(_) => return Err(sdk::invalid_request("kind of seed must be quick or strong")),
        };
        let missing = || sdk::key_not_found(format!("the seed asked for at height {} has not come yet", q.asked));
        let Seed { bytes, height, weak } = found.ok_or_else(missing)?;
        Ok(QuerySeedResponse { seed: Some(WireSeed { kind: q.kind, asked: q.asked, height, value: bytes.to_vec(), weak }) })
    }

    fn validators(&self, ctx: &Ctx, q: QueryValidatorsRequest) -> Result<QueryValidatorsResponse> {
        let request = q.pagination.map(Into::into).unwrap_or_default();
        let (entries, page) = VALIDATORS.page(ctx, &[], &request)?;
        let height = ctx.block().height;
        let validators = entries.into_iter().map(|(_, validator)| settled(validator, height)).collect();
        Ok(QueryValidatorsResponse { validators, pagination: Some(page.into()) })
    }

    fn registered_key(&self, ctx: &Ctx, q: QueryRegisteredKeyRequest) -> Result<QueryRegisteredKeyResponse> {
        let named = REGISTERED.get(ctx, &Address::parse(&q.operator)?)?;
        let key = named.ok_or_else(|| sdk::not_found(format!("{} has named no key for a validator to come", q.operator)))?;
        Ok(QueryRegisteredKeyResponse { key: Some(key) })
    }
}
