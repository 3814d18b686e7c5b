//! Keys of encrypted versions: granted before a deadline under a bond, and judged by the chain itself when the licensee says that one is bad.
//!
//! A purchase waits as PAID until its key is granted, then as GRANTED through the window for faults. Only after it is the price income:
//! what went into an accumulator could not be called back.
use cairn_asset as asset;
use cairn_content::{PublicKey, WRAPPED_BYTES};
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::licensing::v1::{
    EventKeyFaultJudged, EventKeyGranted, KeyGrant, License, LicenseStatus, MsgGrantKey, MsgReportKeyFault, RefundReason, TermsContent,
};
use cairn_rewards as rewards;

use crate::{Error, check::Owed, deposits, escrow, sale, state, version_keys};

/// Gas of deriving a public key, agreeing on a secret, and opening 80 bytes: two multiplications on Curve25519 and hashes.
const OPEN_GAS: u64 = 5_000;
/// Gas of checking a public key: one multiplication.
const CHECK_GAS: u64 = 2_000;

/// What the sale of a licence to encrypted content must know of its key: checks the licensee's public key, locks the owner's bond.
pub(crate) fn prepare(ctx: &mut Ctx, owner: &str, owed: Owed, content: &TermsContent, public_key: &[u8]) -> Result<KeyGrant> {
    check_public(ctx, public_key)?;
    let owner = Address::parse(owner)?;
    let bond = content.key_bond.as_ref().ok_or(Error::KeyBond { least: 0, found: 0 })?;
    deposits::lock(ctx, &owner, deposits::base(Coin::try_from(bond)?)?)?;
    let params = state::params(ctx)?;
    Ok(KeyGrant {
        version: owed.newest,
        public_key: public_key.to_vec(),
        bond: Some(bond.clone()),
        bond_owner: owner.to_string(),
        grant_blocks: params.grant_blocks,
        fault_blocks: params.fault_blocks,
        complaint_bond: params.complaint_bond,
        wrapped_key: vec![],
        granted_height: 0,
        required: owed.required,
        granted: 0,
        updates: owed.updates,
    })
}

/// Refuses public keys of low order and bytes that are none.
pub(crate) fn check_public(ctx: &Ctx, public_key: &[u8]) -> Result<()> {
    ctx.gas().consume_at(CHECK_GAS, "X25519 public key")?;
    PublicKey::parse(public_key).map_err(|_| Error::PublicKey)?;
    Ok(())
}

/// From now on the key is due.
pub(crate) fn wait(ctx: &Ctx, license: License) -> Result<License> {
    let blocks = license.key.as_ref().map_or(0, |key| key.grant_blocks);
    let deadline = ctx.block().height.checked_add(blocks).ok_or(Error::Overflow)?;
    Ok(License { status: LicenseStatus::Paid.into(), deadline, ..license })
}

/// Posts a licensee's wrapped key; its term begins.
pub(crate) fn grant(ctx: &mut Ctx, m: &MsgGrantKey) -> Result<u64> {
    let before = state::license(ctx, m.license_id)?;
    let key = before.key.clone().ok_or(Error::NoKeyDue(before.id))?;
    check_granter(ctx, &before, &key, &m.owner)?;
    state::check_status(&before, LicenseStatus::Paid)?;
    check_wrapped(&m.wrapped_key)?;
    let granted = key.granted.checked_add(1).ok_or(Error::Overflow)?;
    if granted < key.required {
        return Err(Error::KeysMissing { license: before.id, required: key.required, granted: key.granted }.into());
    }
    let starts = ctx.block().height;
    let expires = sale::extend(starts, state::content(ctx, &before)?.term_blocks, before.periods)?;
    let deadline = starts.checked_add(key.fault_blocks).ok_or(Error::Overflow)?;

    let key = Some(KeyGrant { wrapped_key: m.wrapped_key.clone(), granted_height: starts, granted, ..key });
    let after = License { status: LicenseStatus::Granted.into(), starts, expires, deadline, key, ..before.clone() };
    state::replace(ctx, &before, &after)?;
    ctx.emit(&EventKeyGranted { license_id: before.id, owner: m.owner.clone(), wrapped_key: m.wrapped_key.clone(), deadline, expires });
    Ok(deadline)
}

/// Refuses whoever owes nobody a key of this licence.
pub(crate) fn check_granter(ctx: &Ctx, license: &License, key: &KeyGrant, signer: &str) -> Result<()> {
    if key.bond_owner != signer && asset::asset(ctx, license.asset_id)?.owner != signer {
        return Err(Error::NotOwner { asset: license.asset_id, signer: signer.to_owned() }.into());
    }
    Ok(())
}

/// Judges a granted key by the licensee's private key. Gives whether it is bad.
pub(crate) fn report(ctx: &mut Ctx, m: &MsgReportKeyFault) -> Result<bool> {
    let licensee = Address::parse(&m.licensee)?;
    let before = state::license(ctx, m.license_id)?;
    if before.licensee != m.licensee {
        return Err(Error::NotLicensee { license: before.id, signer: m.licensee.clone() }.into());
    }
    state::check_status(&before, LicenseStatus::Granted)?;
    let key = before.key.as_ref().ok_or(Error::NoKeyDue(before.id))?;
    let bond = bond_of(&key.complaint_bond)?;
    let version = if m.version == 0 { key.version } else { m.version };
    let wrapped_key = version_keys::judged(ctx, &before, key, version)?;
    ctx.gas().consume_at(OPEN_GAS, "opening a wrapped key")?;
    let private = m.private_key.as_slice().try_into().map_err(|_| Error::PrivateKey)?;
    if cairn_content::public_key(&private).as_slice() != key.public_key {
        return Err(Error::PrivateKey.into());
    }

    escrow::take(ctx, &licensee, &Coin::base(bond))?;
    let bad = !opens(ctx, &before, version, &wrapped_key, &private)?;
    if bad {
        escrow::give(ctx, &licensee, &Coin::base(bond))?;
        slash(ctx, &before, bond_of(&key.bond)?)?;
        escrow::refund(ctx, &before, RefundReason::BadKey)?;
    } else {
        let owner = Address::parse(&asset::asset(ctx, before.asset_id)?.owner)?;
        divide(ctx, bond, &owner)?;
        settle(ctx, &before)?;
    }
    ctx.emit(&EventKeyFaultJudged { license_id: before.id, licensee: m.licensee.clone(), bad });
    Ok(bad)
}

/// The window for faults is over, or a complaint was wrong: the bond is free, the price is income.
pub(crate) fn settle(ctx: &mut Ctx, before: &License) -> Result<()> {
    let key = before.key.as_ref().ok_or(Error::NoKeyDue(before.id))?;
    deposits::unlock(ctx, &Address::parse(&key.bond_owner)?, bond_of(&key.bond)?, 0)?;
    let (after, fee) = escrow::release(ctx, before.clone())?;
    state::replace(ctx, before, &after)?;
    escrow::announce(ctx, &after, fee);
    Ok(())
}

/// No key came in time: half the bond is lost.
pub(crate) fn miss(ctx: &mut Ctx, before: &License) -> Result<()> {
    let key = before.key.as_ref().ok_or(Error::NoKeyDue(before.id))?;
    slash(ctx, before, bond_of(&key.bond)? / 2)?;
    escrow::refund(ctx, before, RefundReason::NotGranted)
}

/// The purchase ended before a key was due: the bond is free, whole.
pub(crate) fn cancel(ctx: &mut Ctx, license: &License) -> Result<()> {
    let Some(key) = &license.key else { return Ok(()) };
    deposits::unlock(ctx, &Address::parse(&key.bond_owner)?, bond_of(&key.bond)?, 0)
}

/// Whether a wrapped key opens to the one that the version commits to.
fn opens(ctx: &Ctx, license: &License, version: u64, wrapped_key: &[u8], private: &[u8; 32]) -> Result<bool> {
    let content = asset::version(ctx, license.asset_id, version)?.content.unwrap_or_default();
    let (Ok(root), Ok(commitment)) = (content.manifest_root.as_slice().try_into(), content.key_commitment.as_slice().try_into()) else {
        return Err(Error::NoKeyDue(license.id).into());
    };
    let opened = cairn_content::open(wrapped_key, root, commitment, license.id, private);
    Ok(opened.is_ok_and(|opened| opened.commitment(root) == *commitment))
}

/// Frees an owner's bond but for `lost`, which is divided between fire and the buyer.
fn slash(ctx: &mut Ctx, license: &License, lost: u128) -> Result<()> {
    let key = license.key.as_ref().ok_or(Error::NoKeyDue(license.id))?;
    deposits::unlock(ctx, &Address::parse(&key.bond_owner)?, bond_of(&key.bond)?, lost)?;
    divide(ctx, lost, &Address::parse(&license.buyer)?)
}

/// Half of a lost bond goes to `to`, rounded down, the rest is burnt: no slash pays a counterparty more.
fn divide(ctx: &mut Ctx, lost: u128, to: &Address) -> Result<()> {
    let paid = lost / 2;
    let burnt = lost.checked_sub(paid).ok_or(Error::Overflow)?;
    escrow::give(ctx, to, &Coin::base(paid))?;
    rewards::forfeit(ctx, &escrow::ACCOUNT.address(), &Coin::base(burnt), cairn_kernel::BPS)?;
    Ok(())
}

/// A bond's amount.
pub(crate) fn bond_of(coin: &Option<cairn_proto::cosmos::base::v1beta1::Coin>) -> Result<u128> {
    coin.as_ref().map_or(Ok(0), |coin| deposits::base(Coin::try_from(coin)?))
}

/// Refuses what is no wrapped key by its length.
pub(crate) fn check_wrapped(wrapped: &[u8]) -> Result<(), Error> {
    if wrapped.len() == WRAPPED_BYTES { Ok(()) } else { Err(Error::WrappedKey(wrapped.len())) }
}
