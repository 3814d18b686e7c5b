//! The settings: defaults, bounds, and amounts as numbers.
use cairn_kernel::{BASE_DENOM, BPS, Coin, Ctx, Result, bps};
use cairn_proto::cairn::compute::v1::{Job, Params, Verification};

use crate::{Error, state::PARAMS};

/// Jobs and providers that one block handles; the rest carries over in order.
pub(crate) const JOBS_A_BLOCK: u32 = 500;
/// Offers that one block settles; the rest carries over in order.
pub(crate) const OFFERS_A_BLOCK: u32 = 500;
/// Audits that one block carries on; the rest carries over in order.
pub(crate) const AUDITS_A_BLOCK: u32 = 500;
/// Blocks until a step that failed is tried again.
pub(crate) const RETRY_BLOCKS: u64 = 10;
/// Longest address of content, in bytes.
pub(crate) const MAX_URI: usize = 512;
/// Most bytes of the root's certificate of quotes.
const MAX_ROOT: usize = 4_096;
/// Most bytes of all outputs of a result.
pub(crate) const MAX_OUTPUTS: usize = 65_536;
/// The longest window, in blocks.
pub(crate) const MAX_BLOCKS: u64 = 10_000_000;
/// Largest amount of a setting, and largest price, in base units.
const MAX_AMOUNT: u128 = 1_000_000_000_000_000_000_000_000;

/// The settings of a test network.
#[must_use]
pub fn test_params() -> Params {
    Params {
        bond_multiple: 5,
        window_blocks: 60,
        unbonding_blocks: 3_000,
        fee_bps: 100,
        late_bps: 1_000,
        challenge_bps: 500,
        giga_mac_price: "1000".into(),
        max_failures: 3,
        least_bond: "1000000".into(),
        bid_blocks: 12,
        open_blocks: 10,
        deposit_bps: 1_000,
        offer_fee_bps: 10,
        max_offers: 1_000,
        audit_bps: 2_000,
        audit_blocks: 20,
        auditor_late_bps: 1_000,
        audit_fee_bps: 100,
        redundant_multiple: 2,
        proof_bond_multiple: 1,
        circuit_fee: "100000".into(),
        test_keys: true,
        enclave_root: Vec::new(),
        tcb_tolerance: 0,
        min_tcb_evaluation: 0,
    }
}

/// The settings of the main network.
#[must_use]
pub fn main_params() -> Params {
    Params {
        bond_multiple: 20,
        window_blocks: 21_600,
        unbonding_blocks: 907_200,
        fee_bps: 200,
        least_bond: "100000000".into(),
        bid_blocks: 90,
        open_blocks: 60,
        max_offers: 4_096,
        audit_bps: 500,
        audit_blocks: 7_200,
        circuit_fee: "10000000".into(),
        test_keys: false,
        ..test_params()
    }
}

/// The settings in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(test_params))
}

/// Refuses settings outside their bounds.
pub(crate) fn check_params(params: &Params) -> Result<(), Error> {
    let numbers = [
        ("bond_multiple", 1, 1_000, params.bond_multiple.into()),
        ("window_blocks", 1, MAX_BLOCKS, params.window_blocks),
        ("unbonding_blocks", 1, MAX_BLOCKS, params.unbonding_blocks),
        ("fee_bps", 0, 2_000, params.fee_bps.into()),
        ("late_bps", 0, BPS.into(), params.late_bps.into()),
        ("challenge_bps", 1, BPS.into(), params.challenge_bps.into()),
        ("max_failures", 1, 100, params.max_failures.into()),
        ("bid_blocks", 1, 100_000, params.bid_blocks),
        ("open_blocks", 10, 100_000, params.open_blocks),
        ("deposit_bps", 1, BPS.into(), params.deposit_bps.into()),
        ("offer_fee_bps", 1, 1_000, params.offer_fee_bps.into()),
        ("audit_bps", 0, BPS.into(), params.audit_bps.into()),
        ("audit_blocks", 1, MAX_BLOCKS, params.audit_blocks),
        ("auditor_late_bps", 0, BPS.into(), params.auditor_late_bps.into()),
        ("audit_fee_bps", 0, 1_000, params.audit_fee_bps.into()),
        ("redundant_multiple", 1, 1_000, params.redundant_multiple.into()),
        ("max_offers", 2, 4_096, params.max_offers.into()),
        ("proof_bond_multiple", 1, 1_000, params.proof_bond_multiple.into()),
        ("tcb_tolerance", 0, 2, params.tcb_tolerance.into()),
    ];
    if let Some((name, least, most, found)) = numbers.into_iter().find(|(_, least, most, found)| !(least..=most).contains(&found)) {
        return Err(Error::Bounds { name, least, most, found });
    }
    if !params.enclave_root.is_empty() && (!params.test_keys || params.enclave_root.len() > MAX_ROOT) {
        return Err(Error::EnclaveRoot);
    }
    for (name, text) in
        [("giga_mac_price", &params.giga_mac_price), ("least_bond", &params.least_bond), ("circuit_fee", &params.circuit_fee)]
    {
        let amount = Coin::parse(BASE_DENOM, text).map_err(|_| Error::Amount(name))?.amount;
        if amount > MAX_AMOUNT {
            return Err(Error::Amount(name));
        }
    }
    Ok(())
}

/// Refuses new settings that genesis alone sets.
pub(crate) fn check_fixed(before: &Params, after: &Params) -> Result<(), Error> {
    match (before.test_keys == after.test_keys, before.enclave_root == after.enclave_root) {
        (true, true) => Ok(()),
        (false, _) => Err(Error::Fixed("test_keys")),
        (_, false) => Err(Error::Fixed("enclave_root")),
    }
}

/// How many times its price a job locks of a bond.
pub(crate) fn bond_multiple(job: &Job) -> Result<u32, Error> {
    let params = of_job(job)?;
    let at_once = matches!(job.verification(), Verification::Groth16 | Verification::Tee);
    Ok(if at_once { params.proof_bond_multiple } else { params.bond_multiple })
}

/// A price or a bond of the module: `ucairn`, more than nothing, at most 10^24.
pub(crate) fn base_amount(coin: Option<&cairn_proto::cosmos::base::v1beta1::Coin>) -> Result<u128> {
    let coin = Coin::try_from(coin.ok_or(Error::Price)?)?;
    if coin.denom != BASE_DENOM || coin.amount == 0 || coin.amount > MAX_AMOUNT {
        return Err(Error::Price.into());
    }
    Ok(coin.amount)
}

/// An amount of `ucairn` from the settings.
pub(crate) fn number(text: &str) -> Result<u128, Error> {
    Coin::parse(BASE_DENOM, text).map(|coin| coin.amount).map_err(|_| Error::Broken("an amount cannot be read"))
}

/// A part of an amount.
pub(crate) fn part(amount: u128, of: u32) -> Result<u128, Error> {
    bps(amount, of).ok_or(Error::Overflow)
}

/// The settings that a job runs under.
pub(crate) fn of_job(job: &Job) -> Result<&Params, Error> {
    job.params.as_ref().ok_or(Error::Broken("a job without settings"))
}

/// The first rival's bond: a part of the price, at least what running the program again costs, at least 1.
pub(crate) fn challenge_bond(params: &Params, price: u128, macs: u64, runs: u32) -> Result<u128, Error> {
    Ok(part(price, params.challenge_bps)?.max(rerun_cost(params, macs, runs)?).max(1))
}

/// What running a program again costs.
pub(crate) fn rerun_cost(params: &Params, macs: u64, runs: u32) -> Result<u128, Error> {
    let work = u128::from(macs).checked_mul(runs.into()).ok_or(Error::Overflow)?;
    Ok(work.checked_mul(number(&params.giga_mac_price)?).ok_or(Error::Overflow)?.div_ceil(1_000_000_000))
}
