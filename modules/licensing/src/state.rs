//! What licensing stores.
use cairn_kernel::{Address, Ctx, Item, Map, Result, Sequence, Set};
use cairn_proto::cairn::licensing::v1::{License, Params, Terms};

use crate::Error;

cairn_kernel::state! { "licensing";
    /// Settings; the defaults where never set.
    PARAMS: Item<Params> = 1;
    /// Numbers licences.
    IDS: Sequence = 2;
    /// Terms by the hash of their content.
    TERMS: Map<[u8; 32], Terms> = 3;
    /// Licences by id.
    LICENSES: Map<u64, License> = 4;
    /// Terms by asset, with the height of their retirement or 0.
    TERMS_BY_ASSET: Map<(u64, [u8; 32]), u64> = 5;
    /// Licences by licensee.
    BY_LICENSEE: Set<(Address, u64)> = 6;
    /// Licences by asset.
    BY_ASSET: Set<(u64, u64)> = 7;
    /// Seats by user and asset, the longest licence first: user, asset, rank (see [`rank`]), licence.
    SEATS: Set<(Address, u64, u64, u64)> = 8;
}

/// The settings in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or(crate::DEFAULT_PARAMS))
}

/// The terms with that id, or a refusal.
pub(crate) fn terms(ctx: &Ctx, id: &str) -> Result<([u8; 32], Terms)> {
    let unknown = || Error::NoTerms(id.chars().take(80).collect());
    let mut key = [0; 32];
    hex::decode_to_slice(id, &mut key).map_err(|_| unknown())?;
    let terms = TERMS.get(ctx, &key)?.filter(|terms| terms.id == id).ok_or_else(unknown)?;
    Ok((key, terms))
}

/// Writes terms and their entry in the index.
pub(crate) fn set_terms(ctx: &mut Ctx, key: [u8; 32], asset: u64, terms: &Terms) -> Result<()> {
    TERMS_BY_ASSET.set(ctx, &(asset, key), &terms.retired_height)?;
    TERMS.set(ctx, &key, terms)
}

/// The licence, or a refusal.
pub(crate) fn license(ctx: &Ctx, id: u64) -> Result<License> {
    Ok(LICENSES.get(ctx, &id)?.ok_or(Error::NoLicense(id))?)
}

/// Orders seats: the later a licence expires the lower, 0 for one that never does.
pub(crate) fn rank(expires: u64) -> u64 {
    if expires == 0 { 0 } else { !expires }
}

/// The inverse of [`rank`].
pub(crate) fn expiry(rank: u64) -> u64 {
    if rank == 0 { 0 } else { !rank }
}

/// Whether a licence with that expiry is valid at `height`: the height of its expiry is the first at which it is not.
pub(crate) fn is_valid(expires: u64, height: u64) -> bool {
    expires == 0 || height < expires
}

/// Everyone who may use a licence.
fn seated(license: &License) -> Result<Vec<Address>> {
    std::iter::once(&license.licensee).chain(&license.users).map(|text| Address::parse(text)).collect()
}

/// Enters or takes away a licence's seats, as they stand in it.
pub(crate) fn seat(ctx: &mut Ctx, license: &License, present: bool) -> Result<()> {
    for user in seated(license)? {
        let key = (user, license.asset_id, rank(license.expires), license.id);
        if present { SEATS.insert(ctx, &key)? } else { SEATS.remove(ctx, &key)? }
    }
    Ok(())
}

/// Replaces a licence whose seats or expiry change.
pub(crate) fn reseat(ctx: &mut Ctx, before: &License, after: &License) -> Result<()> {
    seat(ctx, before, false)?;
    seat(ctx, after, true)?;
    LICENSES.set(ctx, &after.id, after)
}
