//! Grants from and to the genesis file.
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::cosmos::authz::v1beta1::{GenesisState, Grant, GrantAuthorization};

use crate::{authorization::Authorization, insert, state::GRANTS};

/// Fills an empty store. Grants that have ended go with the first blocks.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    for GrantAuthorization { granter, grantee, authorization, expiration } in genesis.authorization {
        let authorization = authorization.unwrap_or_default();
        let key = (Address::parse(&granter)?, Address::parse(&grantee)?, Authorization::read(&authorization)?.message());
        if GRANTS.has(ctx, &key)? {
            return Err(sdk::invalid_request(format!("genesis lists the grant of {granter} to {grantee} for {} twice", key.2)));
        }
        insert(ctx, &key, &Grant { authorization: Some(authorization), expiration })?;
    }
    Ok(())
}

/// Every grant, by granter.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let show = |entry: Result<(crate::Key, Grant)>| {
        let ((granter, grantee, _), Grant { authorization, expiration }) = entry?;
        Ok(GrantAuthorization { granter: granter.to_string(), grantee: grantee.to_string(), authorization, expiration })
    };
    Ok(GenesisState { authorization: GRANTS.range(ctx, &[]).map(show).collect::<Result<_>>()? })
}
