//! Messages of `cosmos.staking.v1beta1`.
use cairn_auth::require_authority;
use cairn_kernel::{Address, Coin, Ctx, Dec, Result, sdk};
use cairn_proto::cosmos::staking::v1beta1::{
    BondStatus, MsgBeginRedelegate, MsgBeginRedelegateResponse, MsgCancelUnbondingDelegation, MsgCancelUnbondingDelegationResponse,
    MsgCreateValidator, MsgCreateValidatorResponse, MsgDelegate, MsgDelegateResponse, MsgEditValidator, MsgEditValidatorResponse,
    MsgServer, MsgUndelegate, MsgUndelegateResponse, MsgUpdateParams, MsgUpdateParamsResponse, Validator,
};

use crate::{
    Error, Staking, check,
    delegations::{self, Source, delegate},
    hooks, params, redelegations,
    stake::amount,
    state::PARAMS,
    time::{rfc3339, timestamp},
    unbonding,
    validators::{self, OPERATOR_PREFIX, operator_text},
};

fn operator(text: &str) -> Result<Address> {
    Address::parse_with(OPERATOR_PREFIX, text)
}

/// Base units of the staked denomination as events show them.
fn shown(ctx: &Ctx, tokens: u128) -> Result<Coin> {
    Ok(Coin::new(params(ctx)?.bond_denom, tokens))
}

/// A validator as its message makes it, before anything is delegated to it.
fn new_validator(ctx: &Ctx, operator: &Address, m: MsgCreateValidator) -> Result<Validator> {
    let commission = check::commission(ctx, m.commission)?;
    validators::read_key(m.pubkey.as_ref())?;
    Ok(Validator {
        operator_address: operator_text(operator),
        consensus_pubkey: m.pubkey,
        status: BondStatus::Unbonded.into(),
        tokens: "0".to_owned(),
        delegator_shares: Dec::zero().to_wire(),
        description: Some(check::description(m.description)?),
        unbonding_time: Some(timestamp(0)),
        commission: Some(commission),
        min_self_delegation: check::min_self_delegation(&m.min_self_delegation)?.to_string(),
        ..Validator::default()
    })
}

impl MsgServer for Staking {
    fn create_validator(&self, ctx: &mut Ctx, m: MsgCreateValidator) -> Result<MsgCreateValidatorResponse> {
        let operator = operator(&m.validator_address)?;
        let tokens = check::tokens(ctx, m.value.as_ref(), "delegation amount")?;
        let validator = new_validator(ctx, &operator, m)?;
        if tokens < amount(&validator.min_self_delegation)? {
            return Err(Error::SelfDelegation.into());
        }
        if validators::validator(ctx, &operator)?.is_some() {
            return Err(Error::OperatorTaken.into());
        }
        if validators::by_consensus(ctx, &validators::consensus_address(&validator)?)?.is_some() {
            return Err(Error::KeyTaken.into());
        }

        validators::insert(ctx, &validator)?;
        hooks::each(ctx, |hook, ctx| hook.after_validator_created(ctx, &operator))?;
        delegate(ctx, &operator, &operator, tokens, Source::Account)?;
        let coin = shown(ctx, tokens)?.to_string();
        ctx.emit_raw("create_validator", &[("validator", &validator.operator_address), ("amount", &coin)]);
        Ok(MsgCreateValidatorResponse {})
    }

    fn edit_validator(&self, ctx: &mut Ctx, m: MsgEditValidator) -> Result<MsgEditValidatorResponse> {
        let operator = operator(&m.validator_address)?;
        let before = validators::need(ctx, &operator)?;
        let mut after = before.clone();
        after.description = Some(check::redescribe(before.description.clone().unwrap_or_default(), m.description)?);
        if !m.commission_rate.is_empty() {
            let commission = before.commission.as_ref().ok_or(Error::Corrupt("a commission"))?;
            after.commission = Some(check::recommission(ctx, commission, &m.commission_rate)?);
            hooks::each(ctx, |hook, ctx| hook.before_validator_modified(ctx, &operator))?;
        }
        if !m.min_self_delegation.is_empty() {
            let promised = check::min_self_delegation(&m.min_self_delegation)?;
            if promised <= amount(&before.min_self_delegation)? {
                return Err(Error::MinSelfDelegation.into());
            }
            if promised > amount(&before.tokens)? {
                return Err(Error::SelfDelegation.into());
            }
            after.min_self_delegation = promised.to_string();
        }
        validators::replace(ctx, &before, &after)?;
        let rates = after.commission.and_then(|c| c.commission_rates).ok_or(Error::Corrupt("a commission"))?;
        let rate = Dec::from_wire(&rates.rate)?.to_string();
        ctx.emit_raw("edit_validator", &[("commission_rate", &rate), ("min_self_delegation", &after.min_self_delegation)]);
        Ok(MsgEditValidatorResponse {})
    }

    fn delegate(&self, ctx: &mut Ctx, m: MsgDelegate) -> Result<MsgDelegateResponse> {
        let (delegator, operator) = (Address::parse(&m.delegator_address)?, operator(&m.validator_address)?);
        let tokens = check::tokens(ctx, m.amount.as_ref(), "delegation amount")?;
        let issued = delegate(ctx, &delegator, &operator, tokens, Source::Account)?.to_string();
        let coin = shown(ctx, tokens)?.to_string();
        let pairs =
            [("validator", m.validator_address.as_str()), ("delegator", &m.delegator_address), ("amount", &coin), ("new_shares", &issued)];
        ctx.emit_raw("delegate", &pairs);
        Ok(MsgDelegateResponse {})
    }

    fn begin_redelegate(&self, ctx: &mut Ctx, m: MsgBeginRedelegate) -> Result<MsgBeginRedelegateResponse> {
        let (source, destination) = (operator(&m.validator_src_address)?, operator(&m.validator_dst_address)?);
        let delegator = Address::parse(&m.delegator_address)?;
        let tokens = check::tokens(ctx, m.amount.as_ref(), "shares amount")?;
        let shares = delegations::shares_for(ctx, &delegator, &source, tokens)?;
        let completion = redelegations::begin(ctx, &(delegator, source, destination), &shares)?;
        let (coin, completion_text) = (shown(ctx, tokens)?.to_string(), rfc3339(completion));
        let pairs = [
            ("source_validator", m.validator_src_address.as_str()),
            ("destination_validator", &m.validator_dst_address),
            ("amount", &coin),
            ("completion_time", &completion_text),
        ];
        ctx.emit_raw("redelegate", &pairs);
        Ok(MsgBeginRedelegateResponse { completion_time: Some(timestamp(completion)) })
    }

    fn undelegate(&self, ctx: &mut Ctx, m: MsgUndelegate) -> Result<MsgUndelegateResponse> {
        let (delegator, operator) = (Address::parse(&m.delegator_address)?, operator(&m.validator_address)?);
        let tokens = check::tokens(ctx, m.amount.as_ref(), "shares amount")?;
        let shares = delegations::shares_for(ctx, &delegator, &operator, tokens)?;
        let (completion, tokens) = unbonding::undelegate(ctx, &delegator, &operator, &shares)?;
        let coin = shown(ctx, tokens)?;
        let (coin_text, completion_text) = (coin.to_string(), rfc3339(completion));
        let pairs = [
            ("validator", m.validator_address.as_str()),
            ("delegator", &m.delegator_address),
            ("amount", &coin_text),
            ("completion_time", &completion_text),
        ];
        ctx.emit_raw("unbond", &pairs);
        Ok(MsgUndelegateResponse { completion_time: Some(timestamp(completion)), amount: Some(coin.into()) })
    }

    fn cancel_unbonding_delegation(&self, ctx: &mut Ctx, m: MsgCancelUnbondingDelegation) -> Result<MsgCancelUnbondingDelegationResponse> {
        let (delegator, operator) = (Address::parse(&m.delegator_address)?, operator(&m.validator_address)?);
        let tokens = check::tokens(ctx, m.amount.as_ref(), "amount")?;
        if m.creation_height <= 0 {
            return Err(sdk::invalid_request("invalid height"));
        }
        unbonding::cancel(ctx, &delegator, &operator, tokens, m.creation_height)?;
        let (coin, created) = (shown(ctx, tokens)?.to_string(), m.creation_height.to_string());
        let pairs = [
            ("amount", coin.as_str()),
            ("validator", &m.validator_address),
            ("delegator", &m.delegator_address),
            ("creation_height", &created),
        ];
        ctx.emit_raw("cancel_unbonding_delegation", &pairs);
        Ok(MsgCancelUnbondingDelegationResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let new = m.params.ok_or(Error::Params("s are missing"))?;
        params::check(&new)?;
        if new.bond_denom != params(ctx)?.bond_denom {
            return Err(Error::Params("bond_denom cannot change: what is staked would lose its name").into());
        }
        PARAMS.set(ctx, &new)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
