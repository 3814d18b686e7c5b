//! Queries about standings.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{QueryStandingRequest, QueryStandingResponse, QueryStandingsRequest, QueryStandingsResponse};

use crate::{
    rules,
    standing::{self, Standing},
    state::STANDINGS,
};

pub(super) fn standing(ctx: &Ctx, query: &QueryStandingRequest) -> Result<QueryStandingResponse> {
    standing::check_skill(&query.skill)?;
    Ok(show(standing::of(ctx, &Address::parse(&query.account)?, &query.skill)?))
}

pub(super) fn standings(ctx: &Ctx, query: QueryStandingsRequest) -> Result<QueryStandingsResponse> {
    let account = Address::parse(&query.account)?;
    let request = query.pagination.unwrap_or_default().into();
    let (entries, page) = STANDINGS.page(ctx, &key_prefix(&account), &request)?;
    Ok(QueryStandingsResponse { standings: entries.into_iter().map(|(_, found)| show(found)).collect(), pagination: Some(page.into()) })
}

fn show(standing: Standing) -> QueryStandingResponse {
    let mean_kappa_ppm = standing::mean_kappa_ppm(&standing);
    let lease_buckets = rules::lease_buckets(standing.settled_labels, mean_kappa_ppm);
    QueryStandingResponse { mean_kappa_ppm, gold_ppm: standing::gold_ppm(&standing), lease_buckets, standing: Some(standing) }
}
