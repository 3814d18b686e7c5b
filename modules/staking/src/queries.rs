//! Queries of `cosmos.staking.v1beta1`.
use cairn_kernel::{Address, Coin, Ctx, Page, PageRequest, Result, Set, key_prefix, sdk};
use cairn_proto::cosmos::{
    base::query::v1beta1::PageRequest as WirePageRequest,
    staking::v1beta1::{
        BondStatus, Delegation, DelegationResponse, Pool, QueryDelegationRequest, QueryDelegationResponse,
        QueryDelegatorDelegationsRequest, QueryDelegatorDelegationsResponse, QueryDelegatorUnbondingDelegationsRequest,
        QueryDelegatorUnbondingDelegationsResponse, QueryDelegatorValidatorRequest, QueryDelegatorValidatorResponse,
        QueryDelegatorValidatorsRequest, QueryDelegatorValidatorsResponse, QueryHistoricalInfoRequest, QueryHistoricalInfoResponse,
        QueryParamsRequest, QueryParamsResponse, QueryPoolRequest, QueryPoolResponse, QueryRedelegationsRequest,
        QueryRedelegationsResponse, QueryServer, QueryUnbondingDelegationRequest, QueryUnbondingDelegationResponse,
        QueryValidatorDelegationsRequest, QueryValidatorDelegationsResponse, QueryValidatorRequest, QueryValidatorResponse,
        QueryValidatorUnbondingDelegationsRequest, QueryValidatorUnbondingDelegationsResponse, QueryValidatorsRequest,
        QueryValidatorsResponse, Redelegation, RedelegationEntryResponse, RedelegationResponse, Validator,
    },
};
use prost::Message;

use crate::{
    Error, Stake, Staking,
    delegations::{delegation, worth},
    history, params, pools,
    redelegations::Key,
    state::{BY_SOURCE, DELEGATIONS, DELEGATORS, REDELEGATIONS, UNBONDERS, UNBONDINGS, VALIDATORS},
    validators::{self, OPERATOR_PREFIX, operator_text},
};

fn page(request: Option<WirePageRequest>) -> PageRequest {
    request.map(Into::into).unwrap_or_default()
}

fn delegator(text: &str) -> Result<Address> {
    if text.is_empty() { Err(sdk::invalid_request("delegator address cannot be empty")) } else { Address::parse(text) }
}

fn operator(text: &str) -> Result<Address> {
    if text.is_empty() {
        Err(sdk::invalid_request("validator address cannot be empty"))
    } else {
        Address::parse_with(OPERATOR_PREFIX, text)
    }
}

fn known(ctx: &Ctx, operator: &Address) -> Result<Validator> {
    validators::validator(ctx, operator)?.ok_or_else(|| sdk::key_not_found(format!("validator {} not found", operator_text(operator))))
}

fn with_balance(ctx: &Ctx, operator: &Address, delegation: Delegation) -> Result<DelegationResponse> {
    let balance = Coin::new(params(ctx)?.bond_denom, worth(&known(ctx, operator)?, &delegation)?);
    Ok(DelegationResponse { delegation: Some(delegation), balance: Some(balance.into()) })
}

fn with_balances(ctx: &Ctx, key: &(Address, Address), record: &Redelegation) -> Result<RedelegationResponse> {
    let (_, destination) = key;
    let stake = Stake::of(&known(ctx, destination)?)?;
    let entry = |entry: &cairn_proto::cosmos::staking::v1beta1::RedelegationEntry| {
        let shares = cairn_kernel::Dec::from_wire(&entry.shares_dst)?;
        let balance = if stake.shares.is_zero() { 0 } else { stake.worth(&shares)?.truncate()? };
        Ok(RedelegationEntryResponse { redelegation_entry: Some(entry.clone()), balance: balance.to_string() })
    };
    let entries = record.entries.iter().map(entry).collect::<Result<_>>()?;
    Ok(RedelegationResponse { redelegation: Some(Redelegation { entries: Vec::new(), ..record.clone() }), entries })
}

/// One page of an index by validator and delegator.
fn indexed(
    ctx: &Ctx,
    index: &Set<(Address, Address)>,
    validator: &Address,
    request: Option<WirePageRequest>,
) -> Result<(Vec<Address>, Page)> {
    let (keys, page) = index.page(ctx, &key_prefix(validator), &page(request))?;
    Ok((keys.into_iter().map(|(_, delegator)| delegator).collect(), page))
}

/// Looks a key of an index up, which must be there.
fn found<V: Message>(record: Option<V>) -> Result<V> {
    Ok(record.ok_or(Error::Corrupt("an index names what is not there"))?)
}

/// A redelegation under its key.
type Found = (Key, Redelegation);

/// Redelegations by all three names, by source, or by delegator, as the Cosmos SDK chooses.
fn redelegations(ctx: &Ctx, q: &QueryRedelegationsRequest) -> Result<(Vec<Found>, Option<Page>)> {
    let [by_delegator, by_source, by_destination] =
        [&q.delegator_addr, &q.src_validator_addr, &q.dst_validator_addr].map(|name| !name.is_empty());
    if by_delegator && by_source && by_destination {
        let key = (delegator(&q.delegator_addr)?, operator(&q.src_validator_addr)?, operator(&q.dst_validator_addr)?);
        let missing = || {
            let (delegator, source) = (&q.delegator_addr, &q.src_validator_addr);
            sdk::key_not_found(format!("redelegation not found for delegator address {delegator} from validator address {source}"))
        };
        let record = REDELEGATIONS.get(ctx, &key)?.ok_or_else(missing)?;
        return Ok((vec![(key, record)], None));
    }
    let request = page(q.pagination.clone());
    if by_source && !by_delegator && !by_destination {
        let (keys, page) = BY_SOURCE.page(ctx, &key_prefix(&operator(&q.src_validator_addr)?), &request)?;
        let mut records = Vec::new();
        for (source, delegator, destination) in keys {
            let key = (delegator, source, destination);
            records.push((key, found(REDELEGATIONS.get(ctx, &key)?)?));
        }
        return Ok((records, Some(page)));
    }
    let (records, page) = REDELEGATIONS.page(ctx, &key_prefix(&delegator(&q.delegator_addr)?), &request)?;
    Ok((records, Some(page)))
}

impl QueryServer for Staking {
    fn validators(&self, ctx: &Ctx, q: QueryValidatorsRequest) -> Result<QueryValidatorsResponse> {
        let status = match q.status.as_str() {
            "" => None,
            name => match BondStatus::from_str_name(name).filter(|status| *status != BondStatus::Unspecified) {
                Some(status) => Some(status),
                None => {
                    return Err(sdk::invalid_request(format!("invalid validator status {}", name.chars().take(40).collect::<String>())));
                }
            },
        };
        let keep = |_: &Address, validator: &Validator| Ok(status.is_none_or(|status| validator.status() == status));
        let (entries, page) = VALIDATORS.page_filtered(ctx, &[], &page(q.pagination), keep)?;
        let validators = entries.into_iter().map(|(_, validator)| validator).collect();
        Ok(QueryValidatorsResponse { validators, pagination: Some(page.into()) })
    }

    fn validator(&self, ctx: &Ctx, q: QueryValidatorRequest) -> Result<QueryValidatorResponse> {
        Ok(QueryValidatorResponse { validator: Some(known(ctx, &operator(&q.validator_addr)?)?) })
    }

    fn validator_delegations(&self, ctx: &Ctx, q: QueryValidatorDelegationsRequest) -> Result<QueryValidatorDelegationsResponse> {
        let operator = operator(&q.validator_addr)?;
        let (delegators, page) = indexed(ctx, &DELEGATORS, &operator, q.pagination)?;
        let mut delegation_responses = Vec::new();
        for delegator in delegators {
            delegation_responses.push(with_balance(ctx, &operator, found(delegation(ctx, &delegator, &operator)?)?)?);
        }
        Ok(QueryValidatorDelegationsResponse { delegation_responses, pagination: Some(page.into()) })
    }

    fn validator_unbonding_delegations(
        &self,
        ctx: &Ctx,
        q: QueryValidatorUnbondingDelegationsRequest,
    ) -> Result<QueryValidatorUnbondingDelegationsResponse> {
        let operator = operator(&q.validator_addr)?;
        let (delegators, page) = indexed(ctx, &UNBONDERS, &operator, q.pagination)?;
        let unbonding_responses = delegators.iter().map(|d| found(UNBONDINGS.get(ctx, &(*d, operator))?)).collect::<Result<_>>()?;
        Ok(QueryValidatorUnbondingDelegationsResponse { unbonding_responses, pagination: Some(page.into()) })
    }

    fn delegation(&self, ctx: &Ctx, q: QueryDelegationRequest) -> Result<QueryDelegationResponse> {
        let (delegator, operator) = (delegator(&q.delegator_addr)?, operator(&q.validator_addr)?);
        let missing = || {
            let (delegator, validator) = (&q.delegator_addr, &q.validator_addr);
            sdk::key_not_found(format!("delegation with delegator {delegator} not found for validator {validator}"))
        };
        let held = delegation(ctx, &delegator, &operator)?.ok_or_else(missing)?;
        Ok(QueryDelegationResponse { delegation_response: Some(with_balance(ctx, &operator, held)?) })
    }

    fn unbonding_delegation(&self, ctx: &Ctx, q: QueryUnbondingDelegationRequest) -> Result<QueryUnbondingDelegationResponse> {
        let key = (delegator(&q.delegator_addr)?, operator(&q.validator_addr)?);
        let missing = || {
            let (delegator, validator) = (&q.delegator_addr, &q.validator_addr);
            sdk::key_not_found(format!("unbonding delegation with delegator {delegator} not found for validator {validator}"))
        };
        Ok(QueryUnbondingDelegationResponse { unbond: Some(UNBONDINGS.get(ctx, &key)?.ok_or_else(missing)?) })
    }

    fn delegator_delegations(&self, ctx: &Ctx, q: QueryDelegatorDelegationsRequest) -> Result<QueryDelegatorDelegationsResponse> {
        let (entries, page) = DELEGATIONS.page(ctx, &key_prefix(&delegator(&q.delegator_addr)?), &page(q.pagination))?;
        let delegation_responses =
            entries.into_iter().map(|((_, operator), held)| with_balance(ctx, &operator, held)).collect::<Result<_>>()?;
        Ok(QueryDelegatorDelegationsResponse { delegation_responses, pagination: Some(page.into()) })
    }

    fn delegator_unbonding_delegations(
        &self,
        ctx: &Ctx,
        q: QueryDelegatorUnbondingDelegationsRequest,
    ) -> Result<QueryDelegatorUnbondingDelegationsResponse> {
        let (entries, page) = UNBONDINGS.page(ctx, &key_prefix(&delegator(&q.delegator_addr)?), &page(q.pagination))?;
        let unbonding_responses = entries.into_iter().map(|(_, record)| record).collect();
        Ok(QueryDelegatorUnbondingDelegationsResponse { unbonding_responses, pagination: Some(page.into()) })
    }

    fn redelegations(&self, ctx: &Ctx, q: QueryRedelegationsRequest) -> Result<QueryRedelegationsResponse> {
        let (records, page) = redelegations(ctx, &q)?;
        let show = |((_, source, destination), record): &Found| with_balances(ctx, &(*source, *destination), record);
        let redelegation_responses = records.iter().map(show).collect::<Result<_>>()?;
        Ok(QueryRedelegationsResponse { redelegation_responses, pagination: page.map(Into::into) })
    }

    fn delegator_validators(&self, ctx: &Ctx, q: QueryDelegatorValidatorsRequest) -> Result<QueryDelegatorValidatorsResponse> {
        let (entries, page) = DELEGATIONS.page(ctx, &key_prefix(&delegator(&q.delegator_addr)?), &page(q.pagination))?;
        let validators = entries.iter().map(|((_, operator), _)| known(ctx, operator)).collect::<Result<_>>()?;
        Ok(QueryDelegatorValidatorsResponse { validators, pagination: Some(page.into()) })
    }

    fn delegator_validator(&self, ctx: &Ctx, q: QueryDelegatorValidatorRequest) -> Result<QueryDelegatorValidatorResponse> {
        let (delegator, operator) = (delegator(&q.delegator_addr)?, operator(&q.validator_addr)?);
        delegation(ctx, &delegator, &operator)?.ok_or(Error::NoDelegation)?;
        Ok(QueryDelegatorValidatorResponse { validator: Some(known(ctx, &operator)?) })
    }

    fn historical_info(&self, ctx: &Ctx, q: QueryHistoricalInfoRequest) -> Result<QueryHistoricalInfoResponse> {
        let height = u64::try_from(q.height).map_err(|_| sdk::invalid_request("height cannot be negative"))?;
        let missing = || sdk::key_not_found(format!("historical info for height {height} not found"));
        Ok(QueryHistoricalInfoResponse { hist: Some(history::info(ctx, height)?.ok_or_else(missing)?) })
    }

    fn pool(&self, ctx: &Ctx, _: QueryPoolRequest) -> Result<QueryPoolResponse> {
        let not_bonded_tokens = pools::held(ctx, &pools::NOT_BONDED_POOL)?.to_string();
        let bonded_tokens = pools::held(ctx, &pools::BONDED_POOL)?.to_string();
        Ok(QueryPoolResponse { pool: Some(Pool { not_bonded_tokens, bonded_tokens }) })
    }

    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(params(ctx)?) })
    }
}
