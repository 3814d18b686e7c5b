//! The rules that governance may change.
use cairn_kernel::{BASE_DENOM, Ctx, Dec, Result, check_denom};
use cairn_proto::{Duration, cosmos::staking::v1beta1::Params};

use crate::{Error, state::PARAMS, time::span};

/// Three weeks.
const UNBONDING_SECONDS: i64 = 21 * 24 * 60 * 60;

/// What a chain starts with, as in the Cosmos SDK but for the denomination.
#[must_use]
pub fn default_params() -> Params {
    Params {
        unbonding_time: Some(Duration { seconds: UNBONDING_SECONDS, nanos: 0 }),
        max_validators: 100,
        max_entries: 7,
        historical_entries: 10_000,
        bond_denom: BASE_DENOM.to_owned(),
        min_commission_rate: Dec::zero().to_wire(),
    }
}

/// The rules in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(default_params))
}

/// The lowest commission that a validator may take.
pub(crate) fn min_commission(ctx: &Ctx) -> Result<Dec> {
    Dec::from_wire(&params(ctx)?.min_commission_rate)
}

/// Refuses rules outside of their bounds.
pub(crate) fn check(params: &Params) -> Result<()> {
    if span(params.unbonding_time.as_ref()).is_none() {
        return Err(Error::Params("unbonding_time must be positive").into());
    }
    if params.max_validators == 0 {
        return Err(Error::Params("max_validators must be positive").into());
    }
    if params.max_entries == 0 {
        return Err(Error::Params("max_entries must be positive").into());
    }
    check_denom(&params.bond_denom)?;
    match Dec::from_wire(&params.min_commission_rate) {
        Ok(rate) if rate <= Dec::one() => Ok(()),
        _ => Err(Error::Params("min_commission_rate must be between 0 and 1").into()),
    }
}
