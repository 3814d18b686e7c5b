//! Messages of `cosmos.slashing.v1beta1`.
use cairn_auth::require_authority;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cosmos::slashing::v1beta1::{MsgServer, MsgUnjail, MsgUnjailResponse, MsgUpdateParams, MsgUpdateParamsResponse};
use cairn_staking::{
    OPERATOR_PREFIX,
    time::{moment, now},
};

use crate::{
    Error, Slashing, liveness, params,
    state::{INFOS, PARAMS},
};

impl MsgServer for Slashing {
    fn unjail(&self, ctx: &mut Ctx, m: MsgUnjail) -> Result<MsgUnjailResponse> {
        let operator = Address::parse_with(OPERATOR_PREFIX, &m.validator_addr)?;
        let validator = cairn_staking::validator(ctx, &operator)?.ok_or(cairn_staking::Error::NoValidator)?;
        let own = cairn_staking::delegation(ctx, &operator, &operator)?.ok_or(cairn_staking::Error::NoDelegation)?;
        let found = cairn_staking::worth(&validator, &own)?;
        let promised = validator.min_self_delegation.parse().map_err(|_| Error::Corrupt("a promise of self-delegation"))?;
        if found < promised {
            return Err(Error::SelfDelegation { found, promised: validator.min_self_delegation }.into());
        }
        if !validator.jailed {
            return Err(Error::NotJailed.into());
        }
        let address = cairn_staking::consensus_address(&validator)?;
        // One that was jailed before it ever validated has no info, and nothing to wait for.
        let held = match INFOS.get(ctx, &address)? {
            Some(info) => info.tombstoned || now(ctx) < moment(info.jailed_until.as_ref())?,
            None => false,
        };
        if held {
            return Err(Error::Jailed.into());
        }
        cairn_staking::unjail(ctx, &address)?;
        Ok(MsgUnjailResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let new = m.params.ok_or(Error::Params("s are missing"))?;
        params::check(&new)?;
        if new.signed_blocks_window != params::params(ctx)?.signed_blocks_window {
            liveness::restart(ctx)?;
        }
        PARAMS.set(ctx, &new)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
