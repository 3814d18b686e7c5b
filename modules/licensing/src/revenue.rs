//! Licences paid by a share of what the licensee earns with them.
//!
//! The chain sees only what is reported to it. What it enforces: the share of every report is paid in the same transaction, a licence
//! without a report for a term lapses, and reports stay on record to be held against the licensee.
use cairn_kernel::{Address, Coin, Ctx, Result, bps};
use cairn_proto::{
    cairn::licensing::v1::{EventRevenueReported, License, MsgReportRevenue, MsgReportRevenueResponse, Pricing},
    coin,
};

use crate::{Error, sale, state};

/// Takes the asset's share of reported revenue; under open terms the licence is then valid for a whole term from now on.
pub(crate) fn report(ctx: &mut Ctx, m: &MsgReportRevenue) -> Result<MsgReportRevenueResponse> {
    let licensee = Address::parse(&m.licensee)?;
    let before = state::license(ctx, m.license_id)?;
    if before.licensee != m.licensee {
        return Err(Error::NotLicensee { license: before.id, signer: m.licensee.clone() }.into());
    }
    state::check_final(&before)?;
    let (_, terms) = state::terms(ctx, &before.terms_id)?;
    let open = sale::check_open(&terms);
    let content = terms.content.ok_or(Error::NoContent)?;
    if content.pricing() != Pricing::RevenueShare {
        return Err(Error::NotRevenueShare(before.id).into());
    }
    let revenue = sale::offered(m.revenue.as_ref())?.filter(|coin| coin.amount > 0);
    if revenue.is_none() {
        open.clone()?; // A report of nothing under retired terms would do nothing.
    }

    let (mut paid, mut reported) = (coin::coins(&before.paid)?, coin::coins(&before.revenue)?);
    let mut due = None;
    if let Some(revenue) = &revenue {
        reported.add(revenue)?;
        let amount = bps(revenue.amount, content.revenue_share_bps).ok_or(Error::Overflow)?;
        let share = Coin { denom: revenue.denom.clone(), amount };
        if amount > 0 {
            sale::settle(ctx, &licensee, before.asset_id, &share, state::params(ctx)?.fee_bps)?;
            paid.add(&share)?;
            due = Some(share);
        }
    }
    let renewed = sale::extend(ctx.block().height, content.term_blocks, 1)?;
    let expires = if open.is_ok() { before.expires.max(renewed) } else { before.expires };
    let after = License { expires, paid: coin::to_proto(&paid), revenue: coin::to_proto(&reported), ..before.clone() };
    state::replace(ctx, &before, &after)?;
    ctx.emit(&EventRevenueReported { license_id: before.id, revenue: revenue.map(Into::into), paid: due.clone().map(Into::into), expires });
    Ok(MsgReportRevenueResponse { paid: due.map(Into::into), expires })
}
