//! Queries of `cosmos.bank.v1beta1`.
use cairn_kernel::{Address, Coin, Ctx, PageRequest, Result, check_denom, key_prefix, sdk};
use cairn_proto::cosmos::{
    bank::v1beta1::{
        DenomOwner, Metadata, QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceRequest, QueryBalanceResponse,
        QueryDenomMetadataByQueryStringRequest, QueryDenomMetadataByQueryStringResponse, QueryDenomMetadataRequest,
        QueryDenomMetadataResponse, QueryDenomOwnersByQueryRequest, QueryDenomOwnersByQueryResponse, QueryDenomOwnersRequest,
        QueryDenomOwnersResponse, QueryDenomsMetadataRequest, QueryDenomsMetadataResponse, QueryParamsRequest, QueryParamsResponse,
        QuerySendEnabledRequest, QuerySendEnabledResponse, QueryServer, QuerySpendableBalanceByDenomRequest,
        QuerySpendableBalanceByDenomResponse, QuerySpendableBalancesRequest, QuerySpendableBalancesResponse, QuerySupplyOfRequest,
        QuerySupplyOfResponse, QueryTotalSupplyRequest, QueryTotalSupplyResponse, SendEnabled,
    },
    base::{
        query::v1beta1::{PageRequest as WirePageRequest, PageResponse},
        v1beta1::Coin as WireCoin,
    },
};

use crate::{
    Bank, DEFAULT_PARAMS, balance, metadata, spendable,
    state::{BALANCES, METADATA, OWNERS, PARAMS, SEND_ENABLED, SUPPLY},
    supply,
};

/// Denominations that one request may name.
const MAX_DENOMS: usize = 100;

fn page(request: Option<WirePageRequest>) -> PageRequest {
    request.map(Into::into).unwrap_or_default()
}

fn one_balance(ctx: &Ctx, address: &str, denom: &str) -> Result<WireCoin> {
    check_denom(denom)?;
    let address = Address::parse(address)?;
    Ok(Coin::new(denom, balance(ctx, &address, denom)?).into())
}

fn balances(ctx: &Ctx, address: &str, request: Option<WirePageRequest>) -> Result<(Vec<WireCoin>, PageResponse)> {
    let address = Address::parse(address)?;
    let (entries, page) = BALANCES.page(ctx, &key_prefix(&address), &page(request))?;
    let coins = entries.into_iter().map(|((_, denom), amount)| WireCoin { denom, amount }).collect();
    Ok((coins, page.into()))
}

fn known_metadata(ctx: &Ctx, denom: &str) -> Result<Metadata> {
    check_denom(denom)?;
    metadata(ctx, denom)?.ok_or_else(|| sdk::key_not_found(format!("client metadata for denom {denom}")))
}

fn owners(ctx: &Ctx, denom: String, request: Option<WirePageRequest>) -> Result<(Vec<DenomOwner>, PageResponse)> {
    check_denom(&denom)?;
    let (entries, page) = OWNERS.page(ctx, &key_prefix(&denom), &page(request))?;
    let mut owners = Vec::new();
    for (denom, address) in entries {
        let held = Coin::new(&denom, balance(ctx, &address, &denom)?);
        owners.push(DenomOwner { address: address.to_string(), balance: Some(held.into()) });
    }
    Ok((owners, page.into()))
}

impl QueryServer for Bank {
    fn balance(&self, ctx: &Ctx, q: QueryBalanceRequest) -> Result<QueryBalanceResponse> {
        Ok(QueryBalanceResponse { balance: Some(one_balance(ctx, &q.address, &q.denom)?) })
    }

    fn all_balances(&self, ctx: &Ctx, q: QueryAllBalancesRequest) -> Result<QueryAllBalancesResponse> {
        let (mut balances, pagination) = balances(ctx, &q.address, q.pagination)?;
        if q.resolve_denom {
            for coin in &mut balances {
                if let Some(described) = metadata(ctx, &coin.denom)? {
                    coin.denom = described.display;
                }
            }
        }
        Ok(QueryAllBalancesResponse { balances, pagination: Some(pagination) })
    }

    fn spendable_balances(&self, ctx: &Ctx, q: QuerySpendableBalancesRequest) -> Result<QuerySpendableBalancesResponse> {
        let (mut balances, pagination) = balances(ctx, &q.address, q.pagination)?;
        let locked = cairn_auth::vesting::locked(ctx, &Address::parse(&q.address)?)?;
        for coin in &mut balances {
            let free = Coin::try_from(&*coin)?.amount.saturating_sub(locked.amount_of(&coin.denom));
            coin.amount = free.to_string();
        }
        balances.retain(|coin| coin.amount != "0");
        Ok(QuerySpendableBalancesResponse { balances, pagination: Some(pagination) })
    }

    fn spendable_balance_by_denom(
        &self,
        ctx: &Ctx,
        q: QuerySpendableBalanceByDenomRequest,
    ) -> Result<QuerySpendableBalanceByDenomResponse> {
        // The address is looked at first here, unlike in Balance, as in the SDK.
        let holder = Address::parse(&q.address)?;
        check_denom(&q.denom)?;
        let free = spendable(ctx, &holder, &q.denom)?;
        Ok(QuerySpendableBalanceByDenomResponse { balance: Some(Coin::new(q.denom, free).into()) })
    }

    fn total_supply(&self, ctx: &Ctx, q: QueryTotalSupplyRequest) -> Result<QueryTotalSupplyResponse> {
        let (entries, page) = SUPPLY.page(ctx, &[], &page(q.pagination))?;
        let supply = entries.into_iter().map(|(denom, amount)| WireCoin { denom, amount }).collect();
        Ok(QueryTotalSupplyResponse { supply, pagination: Some(page.into()) })
    }

    fn supply_of(&self, ctx: &Ctx, q: QuerySupplyOfRequest) -> Result<QuerySupplyOfResponse> {
        check_denom(&q.denom)?;
        let there = supply(ctx, &q.denom)?;
        Ok(QuerySupplyOfResponse { amount: Some(Coin::new(q.denom, there).into()) })
    }

    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(PARAMS.get(ctx)?.unwrap_or(DEFAULT_PARAMS)) })
    }

    fn denom_metadata(&self, ctx: &Ctx, q: QueryDenomMetadataRequest) -> Result<QueryDenomMetadataResponse> {
        Ok(QueryDenomMetadataResponse { metadata: Some(known_metadata(ctx, &q.denom)?) })
    }

    fn denom_metadata_by_query_string(
        &self,
        ctx: &Ctx,
        q: QueryDenomMetadataByQueryStringRequest,
    ) -> Result<QueryDenomMetadataByQueryStringResponse> {
        Ok(QueryDenomMetadataByQueryStringResponse { metadata: Some(known_metadata(ctx, &q.denom)?) })
    }

    fn denoms_metadata(&self, ctx: &Ctx, q: QueryDenomsMetadataRequest) -> Result<QueryDenomsMetadataResponse> {
        let (entries, page) = METADATA.page(ctx, &[], &page(q.pagination))?;
        let metadatas = entries.into_iter().map(|(_, described)| described).collect();
        Ok(QueryDenomsMetadataResponse { metadatas, pagination: Some(page.into()) })
    }

    fn denom_owners(&self, ctx: &Ctx, q: QueryDenomOwnersRequest) -> Result<QueryDenomOwnersResponse> {
        let (denom_owners, pagination) = owners(ctx, q.denom, q.pagination)?;
        Ok(QueryDenomOwnersResponse { denom_owners, pagination: Some(pagination) })
    }

    fn denom_owners_by_query(&self, ctx: &Ctx, q: QueryDenomOwnersByQueryRequest) -> Result<QueryDenomOwnersByQueryResponse> {
        let (denom_owners, pagination) = owners(ctx, q.denom, q.pagination)?;
        Ok(QueryDenomOwnersByQueryResponse { denom_owners, pagination: Some(pagination) })
    }

    fn send_enabled(&self, ctx: &Ctx, q: QuerySendEnabledRequest) -> Result<QuerySendEnabledResponse> {
        if q.denoms.is_empty() {
            let (entries, page) = SEND_ENABLED.page(ctx, &[], &page(q.pagination))?;
            let send_enabled = entries.into_iter().map(|(denom, enabled)| SendEnabled { denom, enabled }).collect();
            return Ok(QuerySendEnabledResponse { send_enabled, pagination: Some(page.into()) });
        }
        if q.denoms.len() > MAX_DENOMS {
            return Err(sdk::invalid_request(format!("at most {MAX_DENOMS} denominations can be asked for, found {}", q.denoms.len())));
        }
        let mut send_enabled = Vec::new();
        for denom in q.denoms {
            if let Some(enabled) = SEND_ENABLED.get(ctx, &denom)? {
                send_enabled.push(SendEnabled { denom, enabled });
            }
        }
        Ok(QuerySendEnabledResponse { send_enabled, pagination: None })
    }
}
