//! Queries of `cairn.rewards.v1`.
use cairn_kernel::{Address, Coin, Ctx, Result, key_prefix};
use cairn_proto::cairn::rewards::v1::{
    Contribution, QueryAccountRequest, QueryAccountResponse, QueryClaimableRequest, QueryClaimableResponse, QueryContributionsRequest,
    QueryContributionsResponse, QueryEpochRequest, QueryEpochResponse, QueryEpochsRequest, QueryEpochsResponse, QueryParamsRequest,
    QueryParamsResponse, QueryPoolRequest, QueryPoolResponse, QueryServer, QueryTotalsRequest, QueryTotalsResponse,
};

use crate::{
    Rewards, amount, epochs,
    state::{self, CONTRIBUTIONS, CURRENT, EPOCHS, POOL},
};

impl QueryServer for Rewards {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(state::params(ctx)?) })
    }

    fn epoch(&self, ctx: &Ctx, q: QueryEpochRequest) -> Result<QueryEpochResponse> {
        let number = if q.number == 0 { CURRENT.get(ctx)?.unwrap_or(0) } else { q.number };
        Ok(QueryEpochResponse { epoch: Some(state::epoch(ctx, number)?) })
    }

    fn epochs(&self, ctx: &Ctx, q: QueryEpochsRequest) -> Result<QueryEpochsResponse> {
        let (entries, page) = EPOCHS.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
        Ok(QueryEpochsResponse { epochs: entries.into_iter().map(|(_, epoch)| epoch).collect(), pagination: Some(page.into()) })
    }

    fn contributions(&self, ctx: &Ctx, q: QueryContributionsRequest) -> Result<QueryContributionsResponse> {
        let address = Address::parse(&q.contributor)?;
        let (entries, page) = CONTRIBUTIONS.page(ctx, &key_prefix(&address), &q.pagination.unwrap_or_default().into())?;
        let named = |((_, epoch), stored)| Contribution { contributor: address.to_string(), epoch, ..stored };
        Ok(QueryContributionsResponse { contributions: entries.into_iter().map(named).collect(), pagination: Some(page.into()) })
    }

    fn account(&self, ctx: &Ctx, q: QueryAccountRequest) -> Result<QueryAccountResponse> {
        Ok(QueryAccountResponse { totals: Some(state::account(ctx, &Address::parse(&q.contributor)?)?) })
    }

    fn claimable(&self, ctx: &Ctx, q: QueryClaimableRequest) -> Result<QueryClaimableResponse> {
        let (total, epochs) = epochs::sum(&epochs::due(ctx, &Address::parse(&q.contributor)?)?)?;
        Ok(QueryClaimableResponse { amount: Some(Coin::base(total).into()), epochs })
    }

    fn totals(&self, ctx: &Ctx, _: QueryTotalsRequest) -> Result<QueryTotalsResponse> {
        Ok(QueryTotalsResponse { totals: Some(state::totals(ctx)?) })
    }

    fn pool(&self, ctx: &Ctx, _: QueryPoolRequest) -> Result<QueryPoolResponse> {
        let mut pool = Vec::new();
        for entry in POOL.range(ctx, &[]) {
            let (denom, held) = entry?;
            pool.push(Coin { denom, amount: amount::read(&held)? }.into());
        }
        Ok(QueryPoolResponse { pool })
    }
}
