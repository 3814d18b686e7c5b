//! What asset stores.
use cairn_kernel::{Address, Ctx, Item, Map, Result, Sequence, Set};
use cairn_proto::cairn::asset::v1::{self as wire, ClaimPool, Income, Params, Settlements, Version};

use crate::Error;

cairn_kernel::state! { "asset";
    /// Limits; the defaults where never set.
    PARAMS: Item<Params> = 1;
    /// Numbers assets.
    IDS: Sequence = 2;
    /// Assets by id.
    ASSETS: Map<u64, wire::Asset> = 3;
    /// Versions by asset and number.
    VERSIONS: Map<(u64, u64), Version> = 4;
    /// Accumulators by asset; one entry for each asset.
    INCOMES: Map<u64, Income> = 5;
    /// Settlements by asset and holder: everyone who holds shares or is owed something, fractions included.
    HOLDERS: Map<(u64, Address), Settlements> = 6;
    /// Shares set aside for claims, by asset.
    CLAIM_POOLS: Map<u64, ClaimPool> = 7;
    /// Leaves handed out, by asset and index.
    CLAIMED: Set<(u64, u32)> = 8;
    /// Assets by owner.
    BY_OWNER: Set<(Address, u64)> = 9;
    /// Assets by kind.
    BY_KIND: Set<(u32, u64)> = 10;
    /// Assets by parent.
    CHILDREN: Set<(u64, u64)> = 11;
    /// Assets by ancestor, with the royalty that the ancestor gets in basis points.
    DESCENDANTS: Map<(u64, u64), u32> = 12;
    /// The keys of HOLDERS by holder.
    HOLDINGS: Set<(Address, u64)> = 13;
}

/// The limits in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or(crate::DEFAULT_PARAMS))
}

/// The asset, or a refusal.
pub(crate) fn asset(ctx: &Ctx, id: u64) -> Result<wire::Asset> {
    Ok(ASSETS.get(ctx, &id)?.ok_or(Error::NoAsset(id))?)
}

/// The asset's accumulators, or a refusal.
pub(crate) fn income(ctx: &Ctx, id: u64) -> Result<Income> {
    Ok(INCOMES.get(ctx, &id)?.ok_or(Error::NoAsset(id))?)
}

/// The asset, if `signer` owns it.
pub(crate) fn owned(ctx: &Ctx, id: u64, signer: &str) -> Result<wire::Asset> {
    let asset = asset(ctx, id)?;
    if asset.owner == signer { Ok(asset) } else { Err(Error::NotOwner { asset: id, signer: signer.to_owned() }.into()) }
}
