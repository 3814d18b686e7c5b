//! Queries of `cosmos.distribution.v1beta1`. What a delegation could withdraw is what it would be paid now, before whole units are cut.
use cairn_kernel::{Address, Ctx, PageRequest, Result, key_prefix, sdk};
use cairn_proto::cosmos::{
    distribution::v1beta1::{
        DelegationDelegatorReward, QueryCommunityPoolRequest, QueryCommunityPoolResponse, QueryDelegationRewardsRequest,
        QueryDelegationRewardsResponse, QueryDelegationTotalRewardsRequest, QueryDelegationTotalRewardsResponse,
        QueryDelegatorValidatorsRequest, QueryDelegatorValidatorsResponse, QueryDelegatorWithdrawAddressRequest,
        QueryDelegatorWithdrawAddressResponse, QueryParamsRequest, QueryParamsResponse, QueryServer, QueryValidatorCommissionRequest,
        QueryValidatorCommissionResponse, QueryValidatorDistributionInfoRequest, QueryValidatorDistributionInfoResponse,
        QueryValidatorOutstandingRewardsRequest, QueryValidatorOutstandingRewardsResponse, QueryValidatorSlashesRequest,
        QueryValidatorSlashesResponse, ValidatorAccumulatedCommission, ValidatorOutstandingRewards,
    },
    staking::v1beta1::{Delegation, Validator},
};
use cairn_staking::{OPERATOR_PREFIX, Stake, operator_text};

use crate::{DecCoins, Distribution, Error, f1, params, pool, state, state::SLASHES, withdraw};

fn delegator(text: &str) -> Result<Address> {
    if text.is_empty() { Err(sdk::invalid_request("empty delegator address")) } else { Address::parse(text) }
}

fn operator(text: &str) -> Result<Address> {
    if text.is_empty() { Err(sdk::invalid_request("empty validator address")) } else { Address::parse_with(OPERATOR_PREFIX, text) }
}

/// The validator of a query, which must exist.
fn known(ctx: &Ctx, text: &str) -> Result<(Address, Validator)> {
    let operator = operator(text)?;
    let validator = cairn_staking::validator(ctx, &operator)?.ok_or_else(|| Error::NoValidator(operator_text(&operator)))?;
    Ok((operator, validator))
}

/// What a delegation earned so far.
fn earned(ctx: &Ctx, delegator: &Address, operator: &Address, validator: &Validator, delegation: &Delegation) -> Result<DecCoins> {
    let end = f1::end(ctx, operator, Stake::of(validator)?.tokens)?;
    f1::accrued(ctx, validator, delegation, (delegator, operator), &end)
}

fn of_delegation(ctx: &Ctx, delegator: &Address, operator: &Address, validator: &Validator) -> Result<DecCoins> {
    let delegation = cairn_staking::delegation(ctx, delegator, operator)?.ok_or(Error::NoSuchDelegation)?;
    earned(ctx, delegator, operator, validator, &delegation)
}

impl QueryServer for Distribution {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(params::params(ctx)?) })
    }

    fn validator_distribution_info(
        &self,
        ctx: &Ctx,
        q: QueryValidatorDistributionInfoRequest,
    ) -> Result<QueryValidatorDistributionInfoResponse> {
        let (operator, validator) = known(ctx, &q.validator_address)?;
        Ok(QueryValidatorDistributionInfoResponse {
            operator_address: operator.to_string(),
            self_bond_rewards: of_delegation(ctx, &operator, &operator, &validator)?.to_wire(),
            commission: state::commission(ctx, &operator)?.to_wire(),
        })
    }

    fn validator_outstanding_rewards(
        &self,
        ctx: &Ctx,
        q: QueryValidatorOutstandingRewardsRequest,
    ) -> Result<QueryValidatorOutstandingRewardsResponse> {
        let (operator, _) = known(ctx, &q.validator_address)?;
        let rewards = state::outstanding(ctx, &operator)?.to_wire();
        Ok(QueryValidatorOutstandingRewardsResponse { rewards: Some(ValidatorOutstandingRewards { rewards }) })
    }

    fn validator_commission(&self, ctx: &Ctx, q: QueryValidatorCommissionRequest) -> Result<QueryValidatorCommissionResponse> {
        let (operator, _) = known(ctx, &q.validator_address)?;
        let commission = state::commission(ctx, &operator)?.to_wire();
        Ok(QueryValidatorCommissionResponse { commission: Some(ValidatorAccumulatedCommission { commission }) })
    }

    fn validator_slashes(&self, ctx: &Ctx, q: QueryValidatorSlashesRequest) -> Result<QueryValidatorSlashesResponse> {
        let operator = operator(&q.validator_address)?;
        let (first, last) = (q.starting_height, q.ending_height);
        if last < first {
            return Err(sdk::invalid_request(format!("starting height greater than ending height ({first} > {last})")));
        }
        let request: PageRequest = q.pagination.map(Into::into).unwrap_or_default();
        let within = |key: &(Address, u64, u64), _: &_| Ok((first..=last).contains(&key.2));
        let (slashes, page) = SLASHES.page_filtered(ctx, &key_prefix(&operator), &request, within)?;
        let slashes = slashes.into_iter().map(|(_, slash)| slash).collect();
        Ok(QueryValidatorSlashesResponse { slashes, pagination: Some(page.into()) })
    }

    fn delegation_rewards(&self, ctx: &Ctx, q: QueryDelegationRewardsRequest) -> Result<QueryDelegationRewardsResponse> {
        let delegator = delegator(&q.delegator_address)?;
        let (operator, validator) = known(ctx, &q.validator_address)?;
        Ok(QueryDelegationRewardsResponse { rewards: of_delegation(ctx, &delegator, &operator, &validator)?.to_wire() })
    }

    fn delegation_total_rewards(&self, ctx: &Ctx, q: QueryDelegationTotalRewardsRequest) -> Result<QueryDelegationTotalRewardsResponse> {
        let delegator = delegator(&q.delegator_address)?;
        let (mut rewards, mut total) = (Vec::new(), DecCoins::default());
        for delegation in cairn_staking::delegations_of(ctx, &delegator) {
            let (operator, delegation) = delegation?;
            let validator = cairn_staking::validator(ctx, &operator)?.ok_or(Error::Corrupt("a delegation to nobody"))?;
            let reward = earned(ctx, &delegator, &operator, &validator, &delegation)?;
            total = total.add(&reward)?;
            rewards.push(DelegationDelegatorReward { validator_address: delegation.validator_address, reward: reward.to_wire() });
        }
        Ok(QueryDelegationTotalRewardsResponse { rewards, total: total.to_wire() })
    }

    fn delegator_validators(&self, ctx: &Ctx, q: QueryDelegatorValidatorsRequest) -> Result<QueryDelegatorValidatorsResponse> {
        let delegator = delegator(&q.delegator_address)?;
        let names = cairn_staking::delegations_of(ctx, &delegator).map(|entry| entry.map(|(operator, _)| operator_text(&operator)));
        Ok(QueryDelegatorValidatorsResponse { validators: names.collect::<Result<_>>()? })
    }

    fn delegator_withdraw_address(
        &self,
        ctx: &Ctx,
        q: QueryDelegatorWithdrawAddressRequest,
    ) -> Result<QueryDelegatorWithdrawAddressResponse> {
        let to = withdraw::withdraw_address(ctx, &delegator(&q.delegator_address)?)?;
        Ok(QueryDelegatorWithdrawAddressResponse { withdraw_address: to.to_string() })
    }

    fn community_pool(&self, ctx: &Ctx, _: QueryCommunityPoolRequest) -> Result<QueryCommunityPoolResponse> {
        Ok(QueryCommunityPoolResponse { pool: pool::community_pool(ctx)?.to_wire() })
    }
}
