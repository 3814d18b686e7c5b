//! The rules that governance may change.
use cairn_kernel::{BASE_DENOM, Ctx, Dec, Result, check_denom};
use cairn_proto::cosmos::mint::v1beta1::Params;

use crate::{Error, state::PARAMS};

/// Blocks of a year of 365.25 days at two seconds a block.
pub const MAIN_BLOCKS_PER_YEAR: u64 = 15_778_800;

/// What a chain starts with: the SDK's rules (inflation from 7 % to 20 % a year, towards two thirds bonded), at the pace of our blocks.
#[must_use]
pub fn default_params() -> Params {
    let percent = |n| Dec::with_places(n, 2).unwrap_or_default().to_wire();
    Params {
        mint_denom: BASE_DENOM.to_owned(),
        inflation_rate_change: percent(13),
        inflation_max: percent(20),
        inflation_min: percent(7),
        goal_bonded: percent(67),
        blocks_per_year: MAIN_BLOCKS_PER_YEAR,
    }
}

/// The rules in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(default_params))
}

/// The rules in numbers.
pub(crate) struct Rules {
    pub(crate) rate_change: Dec,
    pub(crate) max: Dec,
    pub(crate) min: Dec,
    pub(crate) goal: Dec,
    pub(crate) blocks_per_year: u64,
}

impl Rules {
    /// Refuses rules outside of their bounds.
    pub(crate) fn of(params: &Params) -> Result<Self> {
        check_denom(&params.mint_denom)?;
        let rules = Self {
            rate_change: part(&params.inflation_rate_change, "inflation_rate_change must be from 0 to 1")?,
            max: part(&params.inflation_max, "inflation_max must be from 0 to 1")?,
            min: part(&params.inflation_min, "inflation_min must be from 0 to 1")?,
            goal: part(&params.goal_bonded, "goal_bonded must be above 0 and at most 1")?,
            blocks_per_year: params.blocks_per_year,
        };
        if rules.goal.is_zero() {
            return Err(Error::Params("goal_bonded must be above 0 and at most 1").into());
        }
        if rules.blocks_per_year == 0 {
            return Err(Error::Params("blocks_per_year must be positive").into());
        }
        if rules.max < rules.min {
            return Err(Error::Params("inflation_max must not be below inflation_min").into());
        }
        Ok(rules)
    }
}

/// A decimal from 0 to 1.
fn part(text: &str, refusal: &'static str) -> Result<Dec> {
    Ok(Dec::from_wire(text).ok().filter(|dec| *dec <= Dec::one()).ok_or(Error::Params(refusal))?)
}

/// As [`Rules::of`]; the coin that is issued is the one that is staked, of whose supply inflation is a part.
pub(crate) fn check(ctx: &Ctx, params: &Params) -> Result<Rules> {
    let rules = Rules::of(params)?;
    if params.mint_denom != cairn_staking::params(ctx)?.bond_denom {
        return Err(Error::Params("mint_denom must be the staked denomination").into());
    }
    Ok(rules)
}
