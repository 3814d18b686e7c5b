//! The rules that governance may change.
use cairn_kernel::{Ctx, Dec, Result};
use cairn_proto::{Duration, cosmos::slashing::v1beta1::Params};
use cairn_staking::time::span;

use crate::{Error, state::PARAMS};

/// Blocks of the longest window: five months at a block a second.
const MAX_WINDOW: u64 = 10_000_000;

/// What a chain starts with, as in the Cosmos SDK: half of 100 blocks signed, ten minutes in jail, 5 % and 1 %.
#[must_use]
pub fn default_params() -> Params {
    let percent = |n| Dec::with_places(n, 2).unwrap_or_default().to_wire().into_bytes();
    Params {
        signed_blocks_window: 100,
        min_signed_per_window: percent(50),
        downtime_jail_duration: Some(Duration { seconds: 600, nanos: 0 }),
        slash_fraction_double_sign: percent(5),
        slash_fraction_downtime: percent(1),
    }
}

/// The rules in numbers.
pub(crate) struct Rules {
    /// Blocks that are looked at.
    pub(crate) window: u64,
    /// Blocks of them that may be missed.
    pub(crate) may_miss: u64,
    /// Nanoseconds in jail for missing more.
    pub(crate) jail: u128,
    /// Part of the stake that missing more costs.
    pub(crate) downtime: Dec,
    /// Part of the stake that signing twice costs.
    pub(crate) double_sign: Dec,
}

/// The rules in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(default_params))
}

/// The rules in force, in numbers.
pub(crate) fn rules(ctx: &Ctx) -> Result<Rules> {
    check(&params(ctx)?)
}

/// Refuses rules outside of their bounds.
pub(crate) fn check(params: &Params) -> Result<Rules> {
    let window = u64::try_from(params.signed_blocks_window).ok().filter(|window| (1..=MAX_WINDOW).contains(window));
    let window = window.ok_or(Error::Params("signed_blocks_window must be from 1 to 10,000,000"))?;
    let least = fraction(&params.min_signed_per_window).ok_or(Error::Params("min_signed_per_window must be from 0 to 1"))?;
    let least = u64::try_from(least.mul_int(window.into())?.round()?).unwrap_or(window);
    Ok(Rules {
        window,
        may_miss: window.saturating_sub(least),
        jail: span(params.downtime_jail_duration.as_ref()).ok_or(Error::Params("downtime_jail_duration must be positive"))?,
        downtime: fraction(&params.slash_fraction_downtime).ok_or(Error::Params("slash_fraction_downtime must be from 0 to 1"))?,
        double_sign: fraction(&params.slash_fraction_double_sign).ok_or(Error::Params("slash_fraction_double_sign must be from 0 to 1"))?,
    })
}

/// The messages carry these as bytes that hold the text of the scaled integer.
fn fraction(bytes: &[u8]) -> Option<Dec> {
    let text = std::str::from_utf8(bytes).ok()?;
    Dec::from_wire(text).ok().filter(|dec| *dec <= Dec::one())
}
