//! Allowances from and to the genesis file.
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::cosmos::feegrant::v1beta1::GenesisState;

use crate::{allowance::Allowance, insert, state::GRANTS};

/// Fills an empty store. Allowances that have ended go with the first blocks.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    for grant in genesis.allowances {
        let (granter, grantee) = (Address::parse(&grant.granter)?, Address::parse(&grant.grantee)?);
        if GRANTS.has(ctx, &(grantee, granter))? {
            return Err(sdk::invalid_request(format!("genesis lists the allowance of {granter} to {grantee} twice")));
        }
        insert(ctx, &granter, &grantee, &Allowance::read(&grant.allowance.unwrap_or_default())?)?;
    }
    Ok(())
}

/// Every allowance, by grantee.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let allowances = GRANTS.range(ctx, &[]).map(|entry| entry.map(|(_, grant)| grant));
    Ok(GenesisState { allowances: allowances.collect::<Result<_>>()? })
}
