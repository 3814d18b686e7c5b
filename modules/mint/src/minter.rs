//! How much is issued. Pure arithmetic, digit for digit that of the Cosmos SDK 0.50.
use cairn_kernel::{Dec, Result};

use crate::params::Rules;

/// Inflation of the next block: it moves towards its bounds by up to `rate_change` a year, up while less than the goal is bonded, else down.
pub(crate) fn next_inflation(inflation: &Dec, bonded_ratio: &Dec, rules: &Rules) -> Result<Dec> {
    let (reached, blocks) = (bonded_ratio.quo(&rules.goal)?, Dec::from_int(rules.blocks_per_year.into()));
    let step = |distance: Dec| distance.mul(&rules.rate_change)?.quo(&blocks);
    let moved = match Dec::one().sub(&reached) {
        Ok(distance) => inflation.add(&step(distance)?)?,
        // Below zero is below the least.
        Err(_) => inflation.sub(&step(reached.sub(&Dec::one())?)?).unwrap_or_else(|_| Dec::zero()),
    };
    Ok(moved.min(rules.max.clone()).max(rules.min.clone()))
}

/// What a year of this inflation issues.
pub(crate) fn annual_provisions(inflation: &Dec, supply: u128) -> Result<Dec> {
    inflation.mul_int(supply)
}

/// What one block of that year issues: whole base units, the rest is not made up for.
pub(crate) fn block_provision(annual: &Dec, rules: &Rules) -> Result<u128> {
    annual.quo_int(rules.blocks_per_year.into())?.truncate()
}

/// The bonded part of the supply.
pub(crate) fn bonded_ratio(bonded: u128, supply: u128) -> Result<Dec> {
    if supply == 0 { Ok(Dec::zero()) } else { Dec::from_int(bonded).quo_int(supply) }
}
