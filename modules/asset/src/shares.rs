//! Shares: minted once at tokenization, allotted by weight, claimed by Merkle proof, and settled whenever they move.
use std::collections::BTreeMap;

use cairn_auth as auth;
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result, merkle};
use cairn_proto::{
    cairn::asset::v1::{self as wire, ClaimPool, ClaimTree, EventAssetTokenized, EventSharesClaimed},
    cosmos::bank::v1beta1::{DenomUnit, Metadata},
};

use crate::{
    Error, MINTER, SHARE_PREFIX, check, income, share_denom,
    state::{self, ASSETS, CLAIM_POOLS, CLAIMED},
};

/// Least and most base units of shares.
const SUPPLY: std::ops::RangeInclusive<u64> = 1_000_000..=1_000_000_000_000_000;

/// What the leaves of a claim tree begin with.
const CLAIM_TAG: &[u8; 16] = b"cairn.claim.v1\0\0";

/// Splits `supply` by `weights`, exactly: each gets the floor of its quota, then the largest remainders one more, the earlier first where
/// equal.
///
/// # Errors
/// Where the weights are all zero.
pub fn allot(supply: u64, weights: &[u64]) -> Result<Vec<u64>> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = supply;
    for (i, weight) in weights.iter().enumerate() {
        let quota = u128::from(supply).checked_mul(u128::from(*weight)).ok_or(Error::Overflow)?;
        let part = quota.checked_div(total).and_then(|part| u64::try_from(part).ok()).ok_or(Error::ZeroWeight)?;
        left = left.checked_sub(part).ok_or(Error::Overflow)?;
        remainders.push((std::cmp::Reverse(quota.checked_rem(total).ok_or(Error::ZeroWeight)?), i));
        parts.push(part);
    }
    if parts.is_empty() {
        return Err(Error::ZeroWeight.into());
    }
    remainders.sort_unstable();
    let extra = usize::try_from(left).map_err(|_| Error::Overflow)?;
    for (_, i) in remainders.into_iter().take(extra) {
        let part = parts.get_mut(i).ok_or(Error::Overflow)?;
        *part = part.checked_add(1).ok_or(Error::Overflow)?;
    }
    Ok(parts)
}

/// The hash of leaf `index` of a claim tree.
#[must_use]
pub fn claim_leaf(index: u32, holder: &Address, shares: u64) -> merkle::Hash {
    let address = holder.as_bytes();
    let mut leaf = CLAIM_TAG.to_vec();
    leaf.extend(index.to_be_bytes());
    leaf.push(u8::try_from(address.len()).unwrap_or(u8::MAX)); // at most 32 by construction
    leaf.extend(address);
    leaf.extend(shares.to_be_bytes());
    merkle::leaf_hash(&leaf)
}

/// Whether `address` may hold shares: the income of a module's account would be nobody's.
pub(crate) fn may_hold(ctx: &Ctx, address: &Address) -> bool {
    auth::module_account_at(ctx, address).is_none()
}

/// Mints `supply` shares of `asset` and allots them among `holders`, given with their weights, and a claim tree.
pub(crate) fn tokenize(
    ctx: &mut Ctx,
    mut asset: wire::Asset,
    supply: u64,
    holders: &[(Address, u64)],
    claims: Option<&ClaimTree>,
) -> Result<()> {
    check_tokenization(ctx, &asset, supply, holders, claims)?;
    let weights: Vec<u64> = holders.iter().map(|(_, weight)| *weight).chain(claims.map(|tree| tree.weight)).collect();
    let parts = allot(supply, &weights)?;
    let id = asset.id;
    asset.share_supply = supply;
    ASSETS.set(ctx, &id, &asset)?;
    let denom = share_denom(id);
    bank::mint(ctx, &MINTER, &[Coin::new(denom.clone(), u128::from(supply))])?;
    bank::set_metadata(ctx, &description(&asset))?;
    let mut given = 0_u32;
    for ((holder, _), part) in holders.iter().zip(&parts).filter(|(_, part)| **part > 0) {
        bank::send(ctx, &MINTER.address(), holder, &[Coin::new(denom.clone(), u128::from(*part))])?;
        given = given.checked_add(1).ok_or(Error::Overflow)?;
    }
    let claimable = if claims.is_some() { parts.last().copied().unwrap_or(0) } else { 0 };
    if let Some(tree) = claims {
        let pool = ClaimPool { asset_id: id, root: tree.root.clone(), leaves: tree.leaves, shares: claimable, unclaimed: claimable };
        CLAIM_POOLS.set(ctx, &id, &pool)?;
    }
    ctx.emit(&EventAssetTokenized { asset_id: id, supply, holders: given, claimable });
    Ok(())
}

/// How wallets show the shares of `asset`: with 6 decimals.
fn description(asset: &wire::Asset) -> Metadata {
    let (base, display) = (share_denom(asset.id), format!("SHARE/{}", asset.id));
    let unit = |denom: &str, exponent| DenomUnit { denom: denom.to_owned(), exponent, aliases: vec![] };
    Metadata {
        description: format!("Shares in the income of asset {}", asset.id),
        denom_units: vec![unit(&base, 0), unit(&display, 6)],
        name: format!("Shares of asset {}", asset.id),
        symbol: format!("SHARE{}", asset.id),
        base,
        display,
        ..Metadata::default()
    }
}

fn check_tokenization(ctx: &Ctx, asset: &wire::Asset, supply: u64, holders: &[(Address, u64)], claims: Option<&ClaimTree>) -> Result<()> {
    if asset.versions == 0 {
        return Err(Error::NotPublished(asset.id).into());
    }
    if asset.share_supply > 0 {
        return Err(Error::AlreadyTokenized(asset.id).into());
    }
    if !SUPPLY.contains(&supply) {
        return Err(Error::Supply(supply).into());
    }
    let max = state::params(ctx)?.max_inline_holders;
    let least = usize::from(claims.is_none());
    if !(least..=usize::try_from(max).map_err(|_| Error::Overflow)?).contains(&holders.len()) {
        return Err(Error::Holders { max, found: holders.len() }.into());
    }
    let mut seen = BTreeMap::new();
    for (holder, weight) in holders {
        if seen.insert(*holder, ()).is_some() {
            return Err(Error::RepeatedHolder(holder.to_string()).into());
        }
        if *weight == 0 {
            return Err(Error::ZeroWeight.into());
        }
        if !may_hold(ctx, holder) {
            return Err(Error::ModuleHolder(holder.to_string()).into());
        }
    }
    let Some(tree) = claims else { return Ok(()) };
    check::hash("claim root", &tree.root)?;
    match (tree.leaves, tree.weight) {
        (0, _) => Err(Error::EmptyClaimTree.into()),
        (_, 0) => Err(Error::ZeroWeight.into()),
        _ => Ok(()),
    }
}

/// One leaf of a claim tree as its claimant presents it.
pub(crate) struct Claim {
    /// The leaf's place.
    pub(crate) index: u32,
    /// Who the leaf is for.
    pub(crate) holder: Address,
    /// How many shares.
    pub(crate) shares: u64,
    /// The way to the root.
    pub(crate) path: Vec<Vec<u8>>,
}

/// Hands a leaf's shares out, with their income since tokenization.
pub(crate) fn claim(ctx: &mut Ctx, id: u64, claim: &Claim) -> Result<()> {
    let mut pool = CLAIM_POOLS.get(ctx, &id)?.ok_or(Error::NoClaimTree(id))?;
    if claim.index >= pool.leaves {
        return Err(Error::ClaimIndex { last: pool.leaves.saturating_sub(1), found: claim.index }.into());
    }
    if CLAIMED.has(ctx, &(id, claim.index))? {
        return Err(Error::AlreadyClaimed(claim.index).into());
    }
    let path = merkle::read_path(&claim.path).ok_or(Error::BadPath)?;
    ctx.gas().hash(path.len().saturating_add(1).saturating_mul(65))?;
    let leaf = claim_leaf(claim.index, &claim.holder, claim.shares);
    let root = check::hash("claim root", &pool.root)?;
    if !merkle::verify(&root, &leaf, u64::from(claim.index), u64::from(pool.leaves), &path) {
        return Err(Error::ClaimProof.into());
    }
    let left = pool.unclaimed.checked_sub(claim.shares).filter(|_| claim.shares > 0);
    pool.unclaimed = left.ok_or(Error::ClaimTooLarge { claimed: claim.shares, left: pool.unclaimed })?;

    CLAIM_POOLS.set(ctx, &id, &pool)?;
    CLAIMED.insert(ctx, &(id, claim.index))?;
    let coin = Coin::new(share_denom(id), u128::from(claim.shares));
    bank::send(ctx, &MINTER.address(), &claim.holder, &[coin])?;
    income::back_pay(ctx, id, &claim.holder, claim.shares)?;
    let (index, holder, shares) = (claim.index, claim.holder.to_string(), claim.shares);
    ctx.emit(&EventSharesClaimed { asset_id: id, index, holder, shares });
    Ok(())
}

/// Settles both sides before shares move.
pub(crate) struct SettleShares;

impl bank::Hooks for SettleShares {
    fn before_transfer(&self, ctx: &mut Ctx, from: &Address, to: &Address, coin: &Coin) -> Result<()> {
        let Some(id) = coin.denom.strip_prefix(SHARE_PREFIX) else { return Ok(()) };
        let id = id.parse().ok().filter(|id| share_denom(*id) == coin.denom);
        let id = id.ok_or_else(|| Error::UnknownShare(coin.denom.clone()))?;
        let income = state::INCOMES.get(ctx, &id)?.ok_or_else(|| Error::UnknownShare(coin.denom.clone()))?;
        if !may_hold(ctx, to) {
            return Err(Error::ModuleHolder(to.to_string()).into());
        }
        if from == to {
            return income::touch(ctx, id, &income.streams, from, 0);
        }
        // The module's own shares are those set aside for claims: they have no settlements, their index is 0 until they are claimed.
        if *from != MINTER.address() {
            income::touch(ctx, id, &income.streams, from, coin.amount)?;
        }
        income::touch(ctx, id, &income.streams, to, 0)
    }
}
