//! Messages of `cosmos.distribution.v1beta1`.
use cairn_auth::{module_account_at, require_authority};
use cairn_bank as bank;
use cairn_kernel::{Address, Coins, Ctx, Result, sdk};
use cairn_proto::{
    coin,
    cosmos::{
        base::v1beta1::Coin as WireCoin,
        distribution::v1beta1::{
            MsgCommunityPoolSpend, MsgCommunityPoolSpendResponse, MsgDepositValidatorRewardsPool, MsgDepositValidatorRewardsPoolResponse,
            MsgFundCommunityPool, MsgFundCommunityPoolResponse, MsgServer, MsgSetWithdrawAddress, MsgSetWithdrawAddressResponse,
            MsgUpdateParams, MsgUpdateParamsResponse, MsgWithdrawDelegatorReward, MsgWithdrawDelegatorRewardResponse,
            MsgWithdrawValidatorCommission, MsgWithdrawValidatorCommissionResponse,
        },
    },
};
use cairn_staking::OPERATOR_PREFIX;

use crate::{ACCOUNT, DecCoins, Distribution, Error, allocate, f1, params, pool, state::PARAMS, state::WITHDRAW, withdraw};

fn operator(text: &str) -> Result<Address> {
    Address::parse_with(OPERATOR_PREFIX, text).map_err(|e| named("invalid validator address", e))
}

fn account(role: &str, text: &str) -> Result<Address> {
    Address::parse(text).map_err(|e| named(&format!("invalid {role} address"), e))
}

fn named(what: &str, mut error: cairn_kernel::Error) -> cairn_kernel::Error {
    error.log.insert_str(0, &format!("{what}: "));
    error
}

/// At least one coin; sorted, unique and positive.
fn some(amount: &[WireCoin]) -> Result<Coins> {
    let coins = coin::coins(amount)?;
    if coins.is_empty() { Err(sdk::invalid_coins("no coins")) } else { Ok(coins) }
}

/// Refuses accounts of modules that users may not pay.
fn open(ctx: &Ctx, to: &Address) -> Result<()> {
    match module_account_at(ctx, to) {
        Some(owner) if !owner.receives => Err(sdk::unauthorized(format!("{to} is not allowed to receive external funds"))),
        _ => Ok(()),
    }
}

impl MsgServer for Distribution {
    fn set_withdraw_address(&self, ctx: &mut Ctx, m: MsgSetWithdrawAddress) -> Result<MsgSetWithdrawAddressResponse> {
        let (delegator, to) = (account("delegator", &m.delegator_address)?, account("withdraw", &m.withdraw_address)?);
        open(ctx, &to)?;
        if !params::params(ctx)?.withdraw_addr_enabled {
            return Err(Error::WithdrawAddressDisabled.into());
        }
        WITHDRAW.set(ctx, &delegator, &to.as_bytes().to_vec())?;
        ctx.emit_raw("set_withdraw_address", &[("withdraw_address", &m.withdraw_address)]);
        Ok(MsgSetWithdrawAddressResponse {})
    }

    fn withdraw_delegator_reward(&self, ctx: &mut Ctx, m: MsgWithdrawDelegatorReward) -> Result<MsgWithdrawDelegatorRewardResponse> {
        let (operator, delegator) = (operator(&m.validator_address)?, account("delegator", &m.delegator_address)?);
        let validator = cairn_staking::validator(ctx, &operator)?.ok_or(Error::NoValidatorInfo)?;
        let delegation = cairn_staking::delegation(ctx, &delegator, &operator)?.ok_or(Error::NoDelegation)?;
        let paid = withdraw::rewards(ctx, &validator, &delegation, (&delegator, &operator))?;
        f1::start(ctx, &delegator, &operator)?;
        let mut amount = coin::to_proto(&paid);
        if amount.is_empty() {
            // As the SDK answers, so that there is something to show.
            amount.push(WireCoin { denom: cairn_staking::params(ctx)?.bond_denom, amount: "0".to_owned() });
        }
        Ok(MsgWithdrawDelegatorRewardResponse { amount })
    }

    fn withdraw_validator_commission(
        &self,
        ctx: &mut Ctx,
        m: MsgWithdrawValidatorCommission,
    ) -> Result<MsgWithdrawValidatorCommissionResponse> {
        let paid = withdraw::commission(ctx, &operator(&m.validator_address)?)?;
        Ok(MsgWithdrawValidatorCommissionResponse { amount: coin::to_proto(&paid) })
    }

    fn fund_community_pool(&self, ctx: &mut Ctx, m: MsgFundCommunityPool) -> Result<MsgFundCommunityPoolResponse> {
        let depositor = account("depositor", &m.depositor)?;
        pool::fund_community_pool(ctx, &depositor, &some(&m.amount)?.to_vec())?;
        Ok(MsgFundCommunityPoolResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let params = params::check(m.params.ok_or(Error::Params("s are missing"))?)?;
        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }

    fn community_pool_spend(&self, ctx: &mut Ctx, m: MsgCommunityPoolSpend) -> Result<MsgCommunityPoolSpendResponse> {
        require_authority(&m.authority)?;
        let (coins, to) = (some(&m.amount)?, account("recipient", &m.recipient)?);
        open(ctx, &to)?;
        pool::spend_community_pool(ctx, &to, &coins)?;
        Ok(MsgCommunityPoolSpendResponse {})
    }

    fn deposit_validator_rewards_pool(
        &self,
        ctx: &mut Ctx,
        m: MsgDepositValidatorRewardsPool,
    ) -> Result<MsgDepositValidatorRewardsPoolResponse> {
        let (depositor, operator) = (account("depositor", &m.depositor)?, operator(&m.validator_address)?);
        let coins = some(&m.amount)?;
        let validator = cairn_staking::validator(ctx, &operator)?.ok_or(Error::NoValidator(m.validator_address))?;
        for coin in coins.iter() {
            if !allocate::rewards_in(ctx, &coin.denom)? {
                return Err(Error::Denom(coin.denom).into());
            }
        }
        bank::send(ctx, &depositor, &ACCOUNT.address(), &coins.to_vec())?;
        allocate::to_validator(ctx, &validator, &DecCoins::from_coins(&coins))?;
        Ok(MsgDepositValidatorRewardsPoolResponse {})
    }
}
