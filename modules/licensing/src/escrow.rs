//! Money that licensing keeps for a while: it is nobody's income until nothing can undo the sale.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, ModuleAccount, Result};
use cairn_proto::cairn::licensing::v1::{EventLicenseRefunded, EventLicenseSettled, License, LicenseStatus, RefundReason};

use crate::{
    sale,
    state::{self, held_price},
};

/// Keeps prices of licences that are not final, deposits of sessions, and deposits for key bonds.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("licensing");

/// Takes `coin` from `payer` into escrow.
pub(crate) fn take(ctx: &mut Ctx, payer: &Address, coin: &Coin) -> Result<()> {
    bank::send(ctx, payer, &ACCOUNT.address(), std::slice::from_ref(coin))
}

/// Pays `coin` out of escrow.
pub(crate) fn give(ctx: &mut Ctx, to: &Address, coin: &Coin) -> Result<()> {
    if coin.amount == 0 {
        return Ok(());
    }
    bank::send(ctx, &ACCOUNT.address(), to, std::slice::from_ref(coin))
}

/// Makes a licence's price the asset's income. Gives the licence as it stands then, with its fee.
pub(crate) fn release(ctx: &mut Ctx, license: License) -> Result<(License, Option<Coin>)> {
    let fee = match held_price(&license)? {
        Some(price) => Some(sale::settle(ctx, &ACCOUNT.address(), license.asset_id, &price, license.fee_bps)?),
        None => None,
    };
    Ok((License { status: LicenseStatus::Final.into(), escrow: None, deadline: 0, ..license }, fee))
}

/// Tells that a price which was held is income now.
pub(crate) fn announce(ctx: &mut Ctx, license: &License, fee: Option<Coin>) {
    ctx.emit(&EventLicenseSettled { license_id: license.id, fee: sale::visible(fee), expires: license.expires });
}

/// Gives a licence's price back to who paid it; the licence permits nothing, for good.
pub(crate) fn refund(ctx: &mut Ctx, before: &License, reason: RefundReason) -> Result<()> {
    let price = held_price(before)?;
    if let Some(price) = &price {
        give(ctx, &Address::parse(&before.buyer)?, price)?;
    }
    let after =
        License { status: LicenseStatus::Refunded.into(), escrow: None, deadline: 0, paid: vec![], users: vec![], ..before.clone() };
    state::replace(ctx, before, &after)?;
    ctx.emit(&EventLicenseRefunded {
        license_id: before.id,
        buyer: before.buyer.clone(),
        amount: price.map(Into::into),
        reason: reason.into(),
    });
    Ok(())
}
