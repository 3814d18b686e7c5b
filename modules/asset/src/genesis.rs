//! The module's part of the genesis file.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::asset::v1::{ClaimedLeaf, Genesis, HolderIncome, Income, Settlements};

use crate::{
    Error, check, register,
    state::{self, ASSETS, CLAIM_POOLS, CLAIMED, HOLDERS, HOLDINGS, IDS, INCOMES, PARAMS, VERSIONS},
    wide,
};

/// Fills an empty store. Indexes are rebuilt; the invariants tell whether the rest agrees with bank.
pub(crate) fn init(ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
    if let Some(params) = &genesis.params {
        check::params(params)?;
        PARAMS.set(ctx, params)?;
    }
    for asset in &genesis.assets {
        let expected = IDS.next(ctx)?;
        if asset.id != expected {
            return Err(Error::Genesis(format!("asset {} stands where {expected} is expected", asset.id)).into());
        }
        if let Some(parent) =
            asset.parents.iter().map(|p| p.asset_id).chain(asset.stack.iter().map(|r| r.asset_id)).find(|p| *p >= asset.id)
        {
            return Err(Error::Genesis(format!("asset {} names {parent}, which is not before it", asset.id)).into());
        }
        check::kind(asset.kind)?;
        ASSETS.set(ctx, &asset.id, asset)?;
        register::index(ctx, asset, &Address::parse(&asset.owner)?)?;
    }
    for version in &genesis.versions {
        state::asset(ctx, version.asset_id)?;
        VERSIONS.set(ctx, &(version.asset_id, version.number), version)?;
    }
    for income in &genesis.incomes {
        state::asset(ctx, income.asset_id)?;
        check_streams(income)?;
        INCOMES.set(ctx, &income.asset_id, income)?;
    }
    if genesis.incomes.len() != genesis.assets.len() {
        return Err(Error::Genesis(format!("{} assets, but {} incomes", genesis.assets.len(), genesis.incomes.len())).into());
    }
    genesis.holders.into_iter().try_for_each(|holder| init_holder(ctx, holder))?;
    for pool in &genesis.claim_pools {
        state::asset(ctx, pool.asset_id)?;
        check::hash("claim root", &pool.root)?;
        CLAIM_POOLS.set(ctx, &pool.asset_id, pool)?;
    }
    genesis.claimed.iter().try_for_each(|leaf| CLAIMED.insert(ctx, &(leaf.asset_id, leaf.index)))
}

fn check_streams(income: &Income) -> Result<()> {
    for s in &income.streams {
        let wides = [&s.accumulator, &s.remainder, &s.paid, &s.royalties, &s.passed_on, &s.shared, &s.to_owner, &s.withdrawn];
        wides.into_iter().try_for_each(|bytes| wide::load(bytes).map(drop))?;
    }
    Ok(())
}

fn init_holder(ctx: &mut Ctx, holder: HolderIncome) -> Result<()> {
    let address = Address::parse(&holder.holder)?;
    let streams = state::income(ctx, holder.asset_id)?.streams.len();
    if holder.settled.len() > streams {
        return Err(Error::Genesis(format!("{address} has more settlements than asset {} has streams", holder.asset_id)).into());
    }
    for entry in &holder.settled {
        wide::load(&entry.owed)?;
        wide::load(&entry.index)?;
    }
    HOLDINGS.insert(ctx, &(address, holder.asset_id))?;
    HOLDERS.set(ctx, &(holder.asset_id, address), &Settlements { settled: holder.settled })
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    let holders = HOLDERS
        .range(ctx, &[])
        .map(|entry| entry.map(|((asset_id, holder), s)| HolderIncome { asset_id, holder: holder.to_string(), settled: s.settled }));
    let claimed = CLAIMED.range(ctx, &[]).map(|key| key.map(|(asset_id, index)| ClaimedLeaf { asset_id, index }));
    Ok(Genesis {
        params: Some(state::params(ctx)?),
        assets: ASSETS.range(ctx, &[]).map(|e| e.map(|(_, asset)| asset)).collect::<Result<_>>()?,
        versions: VERSIONS.range(ctx, &[]).map(|e| e.map(|(_, version)| version)).collect::<Result<_>>()?,
        incomes: INCOMES.range(ctx, &[]).map(|e| e.map(|(_, income)| income)).collect::<Result<_>>()?,
        holders: holders.collect::<Result<_>>()?,
        claim_pools: CLAIM_POOLS.range(ctx, &[]).map(|e| e.map(|(_, pool)| pool)).collect::<Result<_>>()?,
        claimed: claimed.collect::<Result<_>>()?,
    })
}
