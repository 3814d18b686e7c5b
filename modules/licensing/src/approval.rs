//! Purchases that wait for the owner of the asset: approved, rejected, or refunded when nobody said anything.
use cairn_asset as asset;
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::licensing::v1::{EventLicenseApproved, License, LicenseStatus, RefundReason, TermsContent};

use crate::{Error, check, escrow, keys, sale, state};

/// Lets a waiting purchase through, on the owner's word.
pub(crate) fn approve(ctx: &mut Ctx, owner: &str, id: u64) -> Result<()> {
    let (before, content) = waiting(ctx, owner, id)?;
    check::sellable(ctx, &asset::asset(ctx, before.asset_id)?, &content)?;

    let (after, fee) =
        if before.key.is_some() { (keys::wait(ctx, before.clone())?, None) } else { sale::begin(ctx, before.clone(), &content)? };
    state::replace(ctx, &before, &after)?;
    ctx.emit(&EventLicenseApproved { license_id: id, owner: owner.to_owned(), fee: sale::visible(fee), expires: after.expires });
    Ok(())
}

/// Turns a waiting purchase down, on the owner's word: the buyer has its money back.
pub(crate) fn reject(ctx: &mut Ctx, owner: &str, id: u64) -> Result<()> {
    let (license, _) = waiting(ctx, owner, id)?;
    keys::cancel(ctx, &license)?;
    escrow::refund(ctx, &license, RefundReason::Rejected)
}

fn waiting(ctx: &Ctx, owner: &str, id: u64) -> Result<(License, TermsContent)> {
    let license = state::license(ctx, id)?;
    if asset::asset(ctx, license.asset_id)?.owner != owner {
        return Err(Error::NotOwner { asset: license.asset_id, signer: owner.to_owned() }.into());
    }
    state::check_status(&license, LicenseStatus::Pending)?;
    let content = state::content(ctx, &license)?;
    Ok((license, content))
}
