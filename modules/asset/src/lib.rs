//! Assets: data sets, models, agents and code with their versions and lineage, the shares that carry the right to their income, and that
//! income.
mod check;
mod error;
mod genesis;
mod income;
mod invariants;
mod lineage;
mod msgs;
mod queries;
mod register;
mod shares;
mod state;
#[cfg(test)]
mod tests;
mod wide;

use std::{collections::BTreeMap, sync::Arc};

use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cairn::asset::v1::{
    self as wire, AssetKind, ClaimTree, Genesis, Metadata, Params, Parent, VersionContent, msg_routes, query_routes,
};

pub use error::Error;
pub use shares::{allot, claim_leaf};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Asset;

/// Mints shares; keeps unclaimed shares and the income that holders have not withdrawn.
pub const MINTER: ModuleAccount = ModuleAccount::new("asset").mints();

/// The limits that a chain starts with, on a test network and on the main one.
pub const DEFAULT_PARAMS: Params =
    Params { max_parents: 8, max_stack: 64, max_royalty_bps: 5_000, max_income_denoms: 8, max_inline_holders: 500 };

/// What the denominations of shares begin with.
pub const SHARE_PREFIX: &str = "share/";

/// The denomination of an asset's shares.
#[must_use]
pub fn share_denom(asset: u64) -> String {
    format!("{SHARE_PREFIX}{asset}")
}

/// The asset.
///
/// # Errors
/// [`Error::NoAsset`].
pub fn asset(ctx: &Ctx, id: u64) -> Result<wire::Asset> {
    state::asset(ctx, id)
}

/// One version of an asset.
///
/// # Errors
/// [`Error::NoVersion`].
pub fn version(ctx: &Ctx, asset: u64, number: u64) -> Result<wire::Version> {
    Ok(state::VERSIONS.get(ctx, &(asset, number))?.ok_or(Error::NoVersion { asset, number })?)
}

/// Pays `coins` of `from` to an asset: royalties to its ancestors, each of the whole payment, the rest to its shareholders, or to its owner
/// where there are no shares. The one way in for income. A part of a royalty below one base unit stays with the asset.
///
/// # Errors
/// [`Error::NoAsset`], [`Error::IncomeDenom`] for a denomination that the asset or an ancestor does not accept, `sdk/10` for a coin of
/// zero, `sdk/5` where `from` holds less. State may be half changed then.
pub fn pay(ctx: &mut Ctx, id: u64, from: &Address, coins: &[Coin]) -> Result<()> {
    coins.iter().try_for_each(|coin| income::pay(ctx, id, from, coin))
}

/// Lets an asset take income in `denom` from now on; nothing changes where it does already. The caller has checked that its owner wants it.
///
/// # Errors
/// [`Error::NoAsset`], [`Error::ShareIncome`], [`Error::TooManyDenoms`], [`Error::AncestorDenom`], `sdk/10` for what is no denomination.
pub fn allow_income(ctx: &mut Ctx, id: u64, denom: &str) -> Result<()> {
    let asset = state::asset(ctx, id)?;
    income::allow(ctx, &asset, denom)
}

/// Whether `address` may hold shares: accounts of modules may not, since their income would be nobody's.
pub fn may_hold(ctx: &Ctx, address: &Address) -> Result<bool> {
    Ok(shares::may_hold(ctx, address))
}

/// Refuses a title or a content that [`publish_from_job`] would refuse, so that a job can be refused before anybody works on it.
///
/// # Errors
/// What registration and publication refuse of them.
pub fn check_publishable(title: &str, content: &VersionContent) -> Result<()> {
    check::title(title)?;
    check::content(content)?;
    Ok(())
}

/// What higher modules have to say about assets.
pub trait Hooks: Send + Sync {
    /// As `owner` registers an asset with these parents, which exist and stay within the limits. Not called for assets that jobs make.
    fn on_registration(&self, ctx: &mut Ctx, owner: &Address, parents: &[Parent]) -> Result<()>;
}

/// A data set that a settled annotation job made.
#[derive(Debug, Clone)]
pub struct JobResult {
    /// The requester: owner of the asset.
    pub owner: Address,
    /// The job's number.
    pub job: u64,
    /// Name for people; 1 to 128 bytes.
    pub title: String,
    /// The describing document.
    pub metadata: Option<Metadata>,
    /// What the items came from.
    pub parents: Vec<Parent>,
    /// Denominations accepted as income beside `ucairn`.
    pub income_denoms: Vec<String>,
    /// Version 1.
    pub content: VersionContent,
    /// RFC 6962 root over every paid label.
    pub contributors_root: [u8; 32],
    /// Base units of shares, 10^6 to 10^15.
    pub supply: u64,
    /// Who receives shares at once, with weights; equal addresses are merged, weights of zero left out.
    pub holders: Vec<(Address, u64)>,
    /// Further holders, who claim theirs: leaves by [`claim_leaf`], amounts by [`allot`] of what the tree's weight gives it.
    pub claims: Option<ClaimTree>,
}

/// Registers a job's result as a data set, publishes its first version and mints its shares; all or nothing. Gives the asset's id.
///
/// # Errors
/// What registration, publication and tokenization refuse; see [`may_hold`] for whom shares may go to.
pub fn publish_from_job(ctx: &mut Ctx, result: JobResult) -> Result<u64> {
    let mut merged = BTreeMap::<Address, u64>::new();
    for (holder, weight) in result.holders.iter().filter(|(_, weight)| *weight > 0) {
        let sum = merged.entry(*holder).or_insert(0);
        *sum = sum.checked_add(*weight).ok_or(Error::Overflow)?;
    }
    let holders: Vec<(Address, u64)> = merged.into_iter().collect();
    let new = register::NewAsset {
        owner: result.owner,
        kind: AssetKind::Dataset,
        title: result.title,
        metadata: result.metadata,
        parents: result.parents,
        income_denoms: result.income_denoms,
        source_job: result.job,
    };
    let source = register::Source { job: result.job, contributors_root: result.contributors_root.to_vec() };
    ctx.atomic(|ctx| {
        let asset = register::register(ctx, new)?;
        let asset = register::publish(ctx, asset, result.content, source)?;
        let id = asset.id;
        shares::tokenize(ctx, asset, result.supply, &holders, result.claims.as_ref())?;
        Ok(id)
    })
}

impl Module for Asset {
    const NAME: &'static str = "asset";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(MINTER);
        router.hook::<Arc<dyn bank::Hooks>>(Arc::new(shares::SettleShares));
    }
    fn default_genesis(&self) -> Genesis {
        Genesis { params: Some(DEFAULT_PARAMS), ..Genesis::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<Genesis> {
        genesis::export(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("income is neither lost nor made", invariants::income),
            ("the module holds what it owes", invariants::solvency),
            ("shares are all somewhere", invariants::shares),
            ("lineage falls and adds up", invariants::lineage),
        ]
    }
}
