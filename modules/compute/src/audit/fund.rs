//! The fund that audits are paid from: a part of prices, and of what liars lose.
use cairn_kernel::{Ctx, Result};

use crate::{Error, rules, state::AUDIT_FUND};

/// What it holds.
pub(crate) fn load(ctx: &Ctx) -> Result<u128> {
    Ok(AUDIT_FUND.get(ctx)?.map_or(Ok(0), |text| rules::number(&text))?)
}

pub(super) fn set(ctx: &mut Ctx, amount: u128) -> Result<()> {
    AUDIT_FUND.set(ctx, &amount.to_string())
}

/// Puts coins in that the module holds already.
pub(crate) fn add(ctx: &mut Ctx, amount: u128) -> Result<()> {
    let sum = load(ctx)?.checked_add(amount).ok_or(Error::Overflow)?;
    set(ctx, sum)
}

/// Takes coins out, where it holds as many.
pub(super) fn take(ctx: &mut Ctx, amount: u128) -> Result<bool> {
    let Some(left) = load(ctx)?.checked_sub(amount) else { return Ok(false) };
    set(ctx, left)?;
    Ok(true)
}
