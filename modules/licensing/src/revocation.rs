//! Revocation: what a licensee holds is taken away by a jury's verdict and by nothing else.
//!
//! The decision that a case is about is that the licence stands. Its owner complains with a bond; where the jury finds for it, the licence is
//! revoked, otherwise nothing happens to it.
use cairn_asset as asset;
use cairn_dispute::{self as dispute, Case, Complaint, Court, Subject, Verdict};
use cairn_kernel::{Address, Coin, Ctx, Module, Result, key_prefix};
use cairn_proto::{
    cairn::licensing::v1::{EventLicenseRevoked, EventRevocationRejected, License, LicenseStatus, MsgRequestRevocation},
    coin,
};

use crate::{
    Error, Licensing, keys, sessions,
    state::{self, OPEN_SESSIONS},
};

/// A case about whether a licence stands.
const REVOCATION: u32 = 1;

/// Opens a case about a licence. At stake is what was paid for it in ucairn, by which the bond is measured. Gives the case.
pub(crate) fn request(ctx: &mut Ctx, m: &MsgRequestRevocation) -> Result<u64> {
    let appellant = Address::parse(&m.owner)?;
    let before = state::license(ctx, m.license_id)?;
    if asset::asset(ctx, before.asset_id)?.owner != m.owner {
        return Err(Error::NotOwner { asset: before.asset_id, signer: m.owner.clone() }.into());
    }
    state::check_valid(ctx, &before)?;
    check_undisputed(&before)?;
    let statement = m.statement.clone().filter(|statement| !statement.uri.is_empty()).ok_or(Error::NoStatement)?;
    let revocation_requests = before.revocation_requests.checked_add(1).ok_or(Error::Overflow)?;

    let subject = Subject { module: Licensing::NAME.to_owned(), kind: REVOCATION, id: before.id, item: revocation_requests };
    let claim = Coin::base(coin::coins(&before.paid)?.amount_of(cairn_kernel::BASE_DENOM));
    let case = dispute::open(ctx, Complaint { subject, appellant, claim, skill: String::new(), statement })?;
    state::replace(ctx, &before, &License { revocation_case: case, revocation_requests, ..before.clone() })?;
    Ok(case)
}

/// Refuses a licence about which a case is open.
pub(crate) fn check_undisputed(license: &License) -> Result<(), Error> {
    match license.revocation_case {
        0 => Ok(()),
        case => Err(Error::Disputed { license: license.id, case }),
    }
}

/// Licensing before a jury.
pub(crate) struct Revocations;

impl Court for Revocations {
    fn module(&self) -> &'static str {
        Licensing::NAME
    }

    fn is_party(&self, ctx: &mut Ctx, subject: &Subject, account: &Address) -> Result<bool> {
        let license = state::license(ctx, subject.id)?;
        let (owner, account) = (asset::asset(ctx, license.asset_id)?.owner, account.to_string());
        let parties = [&owner, &license.licensee, &license.buyer];
        Ok(parties.contains(&&account) || license.users.contains(&account))
    }

    fn verdict(&self, ctx: &mut Ctx, case: &Case, verdict: Verdict) -> Result<()> {
        let license = state::license(ctx, case.subject.as_ref().map_or(0, |subject| subject.id))?;
        match verdict {
            Verdict::Overturned | Verdict::VoidGold => revoke(ctx, license, case.id),
            Verdict::Upheld | Verdict::NoQuorum => {
                state::replace(ctx, &license, &License { revocation_case: 0, ..license.clone() })?;
                ctx.emit(&EventRevocationRejected { license_id: license.id, case_id: case.id });
                Ok(())
            }
        }
    }

    /// A licence holds no money of its licensee that a jury could be paid from.
    fn jury_fee(&self, _: &mut Ctx, _: &Case, _: Verdict, fee: &Coin) -> Result<Coin> {
        Ok(Coin { amount: 0, denom: fee.denom.clone() })
    }
}

/// Takes a licence away: a price still held is the asset's, sessions begin to close, seats are gone.
fn revoke(ctx: &mut Ctx, mut license: License, case_id: u64) -> Result<()> {
    if license.status() == LicenseStatus::Granted {
        keys::settle(ctx, &license)?;
        license = state::license(ctx, license.id)?;
    }
    let open: Vec<_> = OPEN_SESSIONS.range(ctx, &key_prefix(&license.id)).collect::<Result<_>>()?;
    open.into_iter().try_for_each(|(_, session)| sessions::end_now(ctx, session))?;
    let revoked = state::is_usable(&license);
    let status = if revoked { LicenseStatus::Revoked } else { license.status() };
    let after = License { status: status.into(), revocation_case: 0, ..license.clone() };
    state::replace(ctx, &license, &after)?;
    if revoked {
        ctx.emit(&EventLicenseRevoked { license_id: license.id, case_id });
    }
    Ok(())
}
