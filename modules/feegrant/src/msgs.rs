//! Messages of `cosmos.feegrant.v1beta1`.
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::cosmos::feegrant::v1beta1::{
    MsgGrantAllowance, MsgGrantAllowanceResponse, MsgPruneAllowances, MsgPruneAllowancesResponse, MsgRevokeAllowance,
    MsgRevokeAllowanceResponse, MsgServer,
};

use crate::{Error, Feegrant, allowance::Allowance, emit, insert, prune, remove, state::GRANTS};

/// Allowances that one `MsgPruneAllowances` removes, as in the Cosmos SDK.
const PRUNED_AT_ONCE: usize = 75;

impl MsgServer for Feegrant {
    fn grant_allowance(&self, ctx: &mut Ctx, m: MsgGrantAllowance) -> Result<MsgGrantAllowanceResponse> {
        let (granter, grantee) = (Address::parse(&m.granter)?, Address::parse(&m.grantee)?);
        if granter == grantee {
            return Err(sdk::invalid_address("cannot self-grant fee authorization"));
        }
        if GRANTS.has(ctx, &(grantee, granter))? {
            return Err(sdk::invalid_request("fee allowance already exists"));
        }
        let allowance = Allowance::read(&m.allowance.ok_or(Error::NoAllowance)?)?;
        if allowance.expires().is_some_and(|end| end < ctx.block().instant()) {
            return Err(sdk::invalid_request("expiration is before current block time"));
        }

        cairn_auth::get_or_create(ctx, &grantee)?;
        insert(ctx, &granter, &grantee, &allowance)?;
        emit(ctx, "set_feegrant", &granter, &grantee);
        Ok(MsgGrantAllowanceResponse {})
    }

    fn revoke_allowance(&self, ctx: &mut Ctx, m: MsgRevokeAllowance) -> Result<MsgRevokeAllowanceResponse> {
        let (granter, grantee) = (Address::parse(&m.granter)?, Address::parse(&m.grantee)?);
        if granter == grantee {
            return Err(sdk::invalid_address("addresses must be different"));
        }

        remove(ctx, &granter, &grantee)?;
        emit(ctx, "revoke_feegrant", &granter, &grantee);
        Ok(MsgRevokeAllowanceResponse {})
    }

    fn prune_allowances(&self, ctx: &mut Ctx, m: MsgPruneAllowances) -> Result<MsgPruneAllowancesResponse> {
        let pruner = Address::parse(&m.pruner)?;

        prune(ctx, PRUNED_AT_ONCE)?;
        ctx.emit_raw("prune_feegrant", &[("pruner", &pruner.to_string())]);
        Ok(MsgPruneAllowancesResponse {})
    }
}
