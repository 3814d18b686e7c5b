//! Messages of `cairn.rewards.v1`.
use cairn_auth as auth;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::rewards::v1::{MsgClaimReward, MsgClaimRewardResponse, MsgServer, MsgUpdateParams, MsgUpdateParamsResponse};

use crate::{Error, Rewards, check_params, epochs, state::PARAMS};

impl MsgServer for Rewards {
    fn claim_reward(&self, ctx: &mut Ctx, m: MsgClaimReward) -> Result<MsgClaimRewardResponse> {
        let contributor = Address::parse(&m.contributor)?;
        let (total, epochs) = epochs::claim(ctx, &contributor)?;
        Ok(MsgClaimRewardResponse { amount: Some(Coin::base(total).into()), epochs })
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        auth::require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParams)?;
        check_params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
