//! Keys of the encrypted versions that a licence covers beside the one that its sale waited for: of older versions, granted before the licence
//! begins; of later ones, where the terms cover these; and all of them anew when a licence has changed hands.
use cairn_asset as asset;
use cairn_kernel::{Ctx, Result, key_prefix};
use cairn_proto::cairn::{
    asset::v1::Asset,
    licensing::v1::{EventVersionKeyGranted, KeyGrant, License, LicenseKey, LicenseStatus, MsgGrantVersionKey, VersionKey},
};

use crate::{
    Error, check, keys,
    state::{self, VERSION_KEYS},
};

/// Posts the wrapped key of one version.
pub(crate) fn grant(ctx: &mut Ctx, m: &MsgGrantVersionKey) -> Result<()> {
    let before = state::license(ctx, m.license_id)?;
    let key = before.key.clone().ok_or(Error::NoKeyDue(before.id))?;
    keys::check_granter(ctx, &before, &key, &m.owner)?;
    keys::check_wrapped(&m.wrapped_key)?;
    check_due(ctx, &before, &key, m.version)?;
    let granted = key.granted.checked_add(1).ok_or(Error::Overflow)?;

    let (public_key, wrapped_key) = (key.public_key.clone(), m.wrapped_key.clone());
    let record = VersionKey { version: m.version, public_key, wrapped_key, granted_height: ctx.block().height };
    VERSION_KEYS.set(ctx, &(before.id, m.version), &record)?;
    state::replace(ctx, &before, &License { key: Some(KeyGrant { granted, ..key }), ..before.clone() })?;
    let (owner, wrapped_key) = (m.owner.clone(), m.wrapped_key.clone());
    ctx.emit(&EventVersionKeyGranted { license_id: before.id, owner, version: m.version, wrapped_key });
    Ok(())
}

/// Refuses a version whose key the licensee is not owed now. While the sale waits, the newest version's key is for `GrantKey`, and later
/// versions are not in question yet: so what is counted is just what was covered at purchase.
fn check_due(ctx: &Ctx, license: &License, key: &KeyGrant, version: u64) -> Result<()> {
    let not_due = Error::VersionKeyNotDue { license: license.id, version };
    let waits = license.status() == LicenseStatus::Paid;
    if !waits {
        state::check_valid(ctx, license)?;
    }
    let content = state::content(ctx, license)?;
    let newest = asset::asset(ctx, license.asset_id)?.versions;
    let covered = (1..=newest).contains(&version) && (content.versions.is_empty() || content.versions.contains(&version));
    if !covered || (waits && version >= key.version) || by_owner(ctx, license, key, version)?.is_some() {
        return Err(not_due.into());
    }
    if check::is_encrypted(ctx, license.asset_id, version)? { Ok(()) } else { Err(not_due.into()) }
}

/// The key of a version as the owner wrapped it for the licence's present public key, with the height of the grant.
fn by_owner(ctx: &Ctx, license: &License, key: &KeyGrant, version: u64) -> Result<Option<(Vec<u8>, u64)>> {
    if version == key.version && key.granted_height > 0 {
        return Ok(Some((key.wrapped_key.clone(), key.granted_height)));
    }
    let found = VERSION_KEYS.get(ctx, &(license.id, version))?.filter(|found| found.public_key == key.public_key);
    Ok(found.map(|found| (found.wrapped_key, found.granted_height)))
}

/// The wrapped key of a version that was covered at purchase: these are what the price waits for, and what may be reported.
pub(crate) fn judged(ctx: &Ctx, license: &License, key: &KeyGrant, version: u64) -> Result<Vec<u8>> {
    let found = if version <= key.version { by_owner(ctx, license, key, version)? } else { None };
    Ok(found.map(|(wrapped_key, _)| wrapped_key).ok_or(Error::VersionKeyNotDue { license: license.id, version })?)
}

/// Whether the owner owes a licence any key, at once or, for versions that came later, at its leisure.
pub(crate) fn owes(ctx: &Ctx, licensed: &Asset, license: &License) -> bool {
    let Some(key) = &license.key else { return false };
    let covered = if key.updates { licensed.encrypted_versions } else { u64::from(key.required) };
    in_question(ctx, license) && u64::from(key.granted) < covered
}

/// Whether a licence is such that keys are owed to it.
fn in_question(ctx: &Ctx, license: &License) -> bool {
    license.status() == LicenseStatus::Paid || state::check_valid(ctx, license).is_ok()
}

/// How many keys of a licence lie here that were wrapped for a public key.
pub(crate) fn count(ctx: &Ctx, license: u64, public_key: &[u8]) -> Result<u32> {
    let mut count = 0_u32;
    for entry in VERSION_KEYS.range(ctx, &key_prefix(&license)) {
        count = count.saturating_add(u32::from(entry?.1.public_key == public_key));
    }
    Ok(count)
}

/// The encrypted versions that a licence covers, ascending, with their keys.
pub(crate) fn list(ctx: &Ctx, license: &License) -> Result<Vec<LicenseKey>> {
    let Some(key) = &license.key else { return Ok(vec![]) };
    let (licensed, content) = (asset::asset(ctx, license.asset_id)?, state::content(ctx, license)?);
    let mut listed = Vec::new();
    for version in check::encrypted(ctx, &licensed, &content)?.into_iter().rev() {
        let found = by_owner(ctx, license, key, version)?;
        let due = found.is_none() && in_question(ctx, license) && !(license.status() == LicenseStatus::Paid && version > key.version);
        // Where the owner has not wrapped it, what a licensee before did counts for what it is.
        let passed_on = || if version == key.version { key.wrapped_key.clone() } else { vec![] };
        let (wrapped_key, granted_height) = found.unwrap_or_else(|| (passed_on(), 0));
        listed.push(LicenseKey { version, wrapped_key, granted_height, due });
    }
    Ok(listed)
}
