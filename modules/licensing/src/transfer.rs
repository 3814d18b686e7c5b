//! A licence changes hands.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::licensing::v1::{EventLicenseTransferred, KeyGrant, License, MsgTransferLicense};

use crate::{Error, check, keys, msgs, revocation, sessions, state, version_keys};

/// Passes a licence on, with new keys where it has any: those that the old licensee knows must neither spend the new one's money nor be all
/// that it can open the content with.
pub(crate) fn transfer(ctx: &mut Ctx, m: &MsgTransferLicense) -> Result<()> {
    let to = Address::parse(&m.new_licensee)?;
    let before = msgs::held(ctx, m.license_id, &m.licensee)?;
    let content = state::content(ctx, &before)?;
    if !content.transferable {
        return Err(Error::NotTransferable(m.license_id).into());
    }
    if m.new_licensee == m.licensee {
        return Err(Error::SameLicensee(m.licensee.clone()).into());
    }
    revocation::check_undisputed(&before)?;
    if sessions::open_sessions(ctx, before.id)? > 0 {
        return Err(Error::OpenSessions(before.id).into());
    }
    check::keys(&content, before.key.is_some(), &m.public_key, m.signing_key.as_ref())?;
    let key = match before.key.clone() {
        Some(key) => Some(rewrapped(ctx, key, m)?),
        None => None,
    };

    let signing_key = m.signing_key.clone();
    let after = License { licensee: to.to_string(), users: vec![], signing_key, key, ..before.clone() };
    state::replace(ctx, &before, &after)?;
    ctx.emit(&EventLicenseTransferred { license_id: m.license_id, from: m.licensee.clone(), to: m.new_licensee.clone() });
    Ok(())
}

/// The old licensee wraps the key for the new one, between the two of them, so nobody judges it; or leaves that to the owner, who owes the new
/// public key the keys of all versions again.
fn rewrapped(ctx: &Ctx, key: KeyGrant, m: &MsgTransferLicense) -> Result<KeyGrant> {
    keys::check_public(ctx, &m.public_key)?;
    if !m.wrapped_key.is_empty() {
        keys::check_wrapped(&m.wrapped_key)?;
    }
    let (public_key, wrapped_key) = (m.public_key.clone(), m.wrapped_key.clone());
    // Of an account that held it before, with the same key.
    let granted = version_keys::count(ctx, m.license_id, &public_key)?;
    Ok(KeyGrant { public_key, wrapped_key, granted_height: 0, granted, ..key })
}
