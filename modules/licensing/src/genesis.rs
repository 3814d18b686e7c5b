//! The module's part of the genesis file.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::licensing::v1::{Genesis, License, LicenseStatus, LicenseVersionKey, SessionStatus};

use crate::{
    Error, check, check_params,
    deposits::{self, Deposit},
    keys, sessions,
    state::{self, BY_ASSET, IDS, KEY_DEPOSITS, LICENSES, PARAMS, SESSION_IDS, SESSIONS, TERMS, VERSION_KEYS},
};

/// Fills an empty store. Indexes are rebuilt.
pub(crate) fn init(ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
    if let Some(params) = &genesis.params {
        check_params(params)?;
        PARAMS.set(ctx, params)?;
    }
    for terms in &genesis.terms {
        let content = terms.content.as_ref().ok_or(Error::NoContent)?;
        check::content(content)?;
        cairn_asset::asset(ctx, content.asset_id)?;
        let key = check::terms_id(content);
        if terms.id != hex::encode(key) {
            return Err(Error::Genesis(format!("terms {} are not named by the hash of their content", terms.id)).into());
        }
        state::set_terms(ctx, key, content.asset_id, terms)?;
    }
    for license in &genesis.licenses {
        let expected = IDS.next(ctx)?;
        if license.id != expected {
            return Err(Error::Genesis(format!("license {} stands where {expected} is expected", license.id)).into());
        }
        let (_, terms) = state::terms(ctx, &license.terms_id)?;
        if terms.content.is_none_or(|content| content.asset_id != license.asset_id) {
            return Err(Error::Genesis(format!("license {expected} and its terms name different assets")).into());
        }
        check_waiting(license)?;
        state::add(ctx, license)?;
        BY_ASSET.insert(ctx, &(license.asset_id, license.id))?;
    }
    for session in &genesis.sessions {
        let expected = SESSION_IDS.next(ctx)?;
        if session.id != expected {
            return Err(Error::Genesis(format!("session {} stands where {expected} is expected", session.id)).into());
        }
        state::license(ctx, session.license_id)?;
        if (session.deadline > 0) == (session.status() == SessionStatus::Closed) {
            return Err(Error::Genesis(format!("session {expected} has a state and a deadline that do not fit each other")).into());
        }
        sessions::rest(session)?;
        sessions::add(ctx, session)?;
    }
    for deposit in &genesis.key_deposits {
        deposits::set(ctx, &Address::parse(&deposit.owner)?, Deposit::read(deposit)?)?;
    }
    for entry in &genesis.version_keys {
        let key = entry.key.as_ref().ok_or_else(|| Error::Genesis(format!("a key of license {} is empty", entry.license_id)))?;
        state::license(ctx, entry.license_id)?;
        keys::check_wrapped(&key.wrapped_key)?;
        VERSION_KEYS.set(ctx, &(entry.license_id, key.version), key)?;
    }
    Ok(())
}

/// Refuses a licence that waits without an end, or has an end without waiting.
fn check_waiting(license: &License) -> Result<(), Error> {
    let known = LicenseStatus::try_from(license.status).is_ok();
    let waits = matches!(license.status(), LicenseStatus::Pending | LicenseStatus::Paid | LicenseStatus::Granted);
    if known && waits == (license.deadline > 0) && (waits || license.escrow.is_none()) {
        return Ok(());
    }
    Err(Error::Genesis(format!("license {} has a state, a deadline and an escrow that do not fit each other", license.id)))
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    Ok(Genesis {
        params: Some(state::params(ctx)?),
        terms: TERMS.range(ctx, &[]).map(|entry| entry.map(|(_, terms)| terms)).collect::<Result<_>>()?,
        licenses: LICENSES.range(ctx, &[]).map(|entry| entry.map(|(_, license)| license)).collect::<Result<_>>()?,
        sessions: SESSIONS.range(ctx, &[]).map(|entry| entry.map(|(_, session)| session)).collect::<Result<_>>()?,
        key_deposits: KEY_DEPOSITS.range(ctx, &[]).map(|entry| entry.map(|(_, deposit)| deposit)).collect::<Result<_>>()?,
        version_keys: VERSION_KEYS
            .range(ctx, &[])
            .map(|entry| entry.map(|((license_id, _), key)| LicenseVersionKey { license_id, key: Some(key) }))
            .collect::<Result<_>>()?,
    })
}
