//! The settings: defaults, bounds, and amounts as numbers.
use cairn_kernel::{BPS, Coin, Ctx, Result, bps};
use cairn_proto::cairn::dispute::v1::Params;

use crate::{Error, state::PARAMS};

/// Most appellants of a case; the verdict holds for everybody, whether it complained or not.
pub(crate) const MAX_APPELLANTS: usize = 100;
/// Longest name of a skill or a module, in bytes.
pub(crate) const MAX_NAME: usize = 64;
/// Longest address of a statement, in bytes.
pub(crate) const MAX_URI: usize = 512;
/// Numbers that one draw looks at before it says that too few jurors are eligible. A skill with fewer jurors is looked at whole.
pub(crate) const MAX_TRIES: u32 = 4_096;
/// Work of a block, as `clock::run` counts it.
pub(crate) const BLOCK_BUDGET: u32 = 20_000;
/// Blocks until a failed step is tried again.
pub(crate) const RETRY_BLOCKS: u64 = 10;
/// Failed steps after which a case goes on without its court.
pub(crate) const MAX_FAILURES: u32 = 5;

/// The shortest clock of a side of a match: a match has at most 17 moves (3 levels of runs, a record, 3 levels of nodes, 6 of chunks, a leaf, and
/// room), and one that is made in the next block costs one block.
const MIN_CLOCK: u64 = 20;
/// The longest window, in blocks.
const MAX_BLOCKS: u64 = 10_000_000;
/// The largest jury.
const MAX_JURY: u64 = 101;
/// The largest amount, in base units: no sum of a case comes near 2^128.
const MAX_AMOUNT: u128 = 1_000_000_000_000_000_000_000_000_000_000;

/// The settings of a test network.
#[must_use]
pub fn test_params() -> Params {
    Params {
        commit_blocks: 60,
        reveal_blocks: 60,
        appeal_blocks: 60,
        jury_size: 5,
        second_size: 11,
        quorum: 3,
        juror_bond: "10000000".into(),
        absence_bps: 1_000,
        fee: "100000".into(),
        appeal_bond: "500000".into(),
        min_labels: 200,
        min_kappa_ppm: 500_000,
        max_open: 3,
        clock_blocks: 300,
    }
}

/// The settings of the main network.
#[must_use]
pub fn main_params() -> Params {
    Params {
        commit_blocks: 86_400,
        reveal_blocks: 43_200,
        appeal_blocks: 43_200,
        juror_bond: "200000000".into(),
        fee: "2000000".into(),
        appeal_bond: "5000000".into(),
        clock_blocks: 43_200,
        ..test_params()
    }
}

/// The settings in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(test_params))
}

/// Refuses settings outside their bounds.
pub(crate) fn check_params(params: &Params) -> Result<(), Error> {
    let quorum = u64::from(params.quorum);
    let numbers = [
        ("commit_blocks", 1, MAX_BLOCKS, params.commit_blocks),
        ("reveal_blocks", 1, MAX_BLOCKS, params.reveal_blocks),
        ("appeal_blocks", 1, MAX_BLOCKS, params.appeal_blocks),
        ("quorum", 1, MAX_JURY, quorum),
        ("jury_size", quorum, MAX_JURY, params.jury_size.into()),
        ("second_size", params.jury_size.into(), MAX_JURY, params.second_size.into()),
        ("absence_bps", 0, BPS.into(), params.absence_bps.into()),
        ("min_kappa_ppm", 0, 1_000_000, params.min_kappa_ppm.into()),
        ("max_open", 1, 1_000, params.max_open.into()),
        ("clock_blocks", MIN_CLOCK, MAX_BLOCKS, params.clock_blocks),
    ];
    if let Some((name, least, most, found)) = numbers.into_iter().find(|(_, least, most, found)| !(least..=most).contains(&found)) {
        return Err(Error::Bounds { name, least, most, found });
    }
    for (name, text) in [("juror_bond", &params.juror_bond), ("fee", &params.fee), ("appeal_bond", &params.appeal_bond)] {
        if number(text).map_err(|_| Error::Amount(name))? > MAX_AMOUNT {
            return Err(Error::Amount(name));
        }
    }
    Ok(())
}

/// An amount of `ucairn` from the settings.
pub(crate) fn number(text: &str) -> Result<u128, Error> {
    Coin::parse(cairn_kernel::BASE_DENOM, text).map(|coin| coin.amount).map_err(|_| Error::Broken("an amount cannot be read"))
}

/// The bond of a complaint: half of the claim, at least the parameter. A claim in another denomination cannot be measured against `ucairn`
/// and asks for the parameter.
pub(crate) fn appeal_bond(params: &Params, claim: &Coin) -> Result<u128, Error> {
    let half = if claim.denom == cairn_kernel::BASE_DENOM { claim.amount.div_ceil(2) } else { 0 };
    Ok(number(&params.appeal_bond)?.max(half))
}

/// What a juror loses with each vote that is not revealed.
pub(crate) fn penalty(params: &Params) -> Result<u128, Error> {
    bps(number(&params.juror_bond)?, params.absence_bps).ok_or(Error::Overflow)
}
