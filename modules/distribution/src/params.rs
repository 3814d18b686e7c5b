//! The rules that governance may change.
use cairn_kernel::{Ctx, Dec, Result, sdk};
use cairn_proto::cosmos::distribution::v1beta1::Params;

use crate::{Error, state::PARAMS};

/// What a chain starts with, as in the Cosmos SDK: 2 % of fees and issuance to the community pool.
#[must_use]
#[expect(deprecated, reason = "the retired fields are part of the message")]
pub fn default_params() -> Params {
    Params {
        community_tax: Dec::with_places(2, 2).unwrap_or_default().to_wire(),
        base_proposer_reward: Dec::zero().to_wire(),
        bonus_proposer_reward: Dec::zero().to_wire(),
        withdraw_addr_enabled: true,
    }
}

/// The rules in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(default_params))
}

/// The part of fees and issuance that goes to the community pool.
pub(crate) fn community_tax(ctx: &Ctx) -> Result<Dec> {
    Dec::from_wire(&params(ctx)?.community_tax)
}

/// Refuses rules outside of their bounds; gives them with the retired rewards of proposers as zero.
#[expect(deprecated, reason = "the retired fields are part of the message")]
pub(crate) fn check(mut params: Params) -> Result<Params> {
    match Dec::from_wire(&params.community_tax) {
        Ok(tax) if tax <= Dec::one() => {}
        _ => return Err(Error::Params("community_tax must be from 0 to 1").into()),
    }
    for retired in [&mut params.base_proposer_reward, &mut params.bonus_proposer_reward] {
        if !retired.is_empty() && Dec::from_wire(retired).ok().is_none_or(|reward| !reward.is_zero()) {
            return Err(sdk::invalid_request("cannot update base or bonus proposer reward because these are deprecated fields"));
        }
        *retired = Dec::zero().to_wire();
    }
    Ok(params)
}
