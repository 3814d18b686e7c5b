//! Amounts, periods and thresholds: their defaults, their check, and decimals as messages write them.
use cairn_kernel::{Address, Coin, Coins, Ctx, Dec, Instant, Result, sdk};
use cairn_proto::{Duration, coin, cosmos::gov::v1::Params, time};

use crate::state::PARAMS;

/// Digits of a decimal before the point; 18 after it.
const MAX_WHOLE: usize = 20;
const PLACES: usize = 18;
/// What passes with the defaults: 10 CAIRN, 50 when expedited.
const MIN_DEPOSIT: u128 = 10_000_000;
const EXPEDITED_MIN_DEPOSIT: u128 = 50_000_000;
const DAY: i64 = 86_400;

/// What a chain starts with, as in the Cosmos SDK.
#[must_use]
pub fn default_params() -> Params {
    let days = |n: i64| Some(Duration { seconds: DAY.saturating_mul(n), nanos: 0 });
    Params {
        min_deposit: vec![Coin::base(MIN_DEPOSIT).into()],
        expedited_min_deposit: vec![Coin::base(EXPEDITED_MIN_DEPOSIT).into()],
        max_deposit_period: days(2),
        voting_period: days(2),
        expedited_voting_period: days(1),
        quorum: "0.334000000000000000".into(),
        threshold: "0.500000000000000000".into(),
        expedited_threshold: "0.667000000000000000".into(),
        veto_threshold: "0.334000000000000000".into(),
        min_initial_deposit_ratio: "0.000000000000000000".into(),
        proposal_cancel_ratio: "0.500000000000000000".into(),
        proposal_cancel_dest: String::new(),
        burn_vote_quorum: false,
        burn_proposal_deposit_prevote: false,
        burn_vote_veto: true,
        min_deposit_ratio: "0.010000000000000000".into(),
    }
}

/// What is in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(default_params))
}

/// A decimal as text with a point, such as `0.5`.
///
/// # Errors
/// `sdk/18` for anything else, or more than 18 places.
pub(crate) fn decimal(text: &str) -> Result<Dec> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str, most: usize| !s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole, MAX_WHOLE) || !digits(places, PLACES) {
        let shown: String = text.chars().take(60).collect();
        return Err(sdk::invalid_request(format!("expected a decimal of 0 or more with at most {PLACES} places, found {shown:?}")));
    }
    Dec::from_wire(&format!("{whole}{places:0<PLACES$}"))
}

/// A period of the parameters.
pub(crate) fn period(span: Option<&Duration>) -> Result<Instant> {
    let span = time::duration(span.ok_or_else(|| sdk::invalid_request("a period is missing"))?)?;
    if span == Instant::at(0) { Err(sdk::invalid_request("a period must be positive")) } else { Ok(span) }
}

/// What a proposal needs before it is voted on.
pub(crate) fn min_deposit(params: &Params, expedited: bool) -> Result<Coins> {
    coin::coins(if expedited { &params.expedited_min_deposit } else { &params.min_deposit })
}

/// Refuses parameters under which no proposal could be judged.
pub(crate) fn check(params: &Params) -> Result<()> {
    let refuse = |what: String| Err(sdk::invalid_request(what));
    let (least, expedited) = (min_deposit(params, false)?, min_deposit(params, true)?);
    if least.is_empty() || expedited.is_empty() {
        return refuse("invalid minimum deposit: it is empty".into());
    }
    if least.checked_sub(&expedited).is_some() {
        return refuse(format!("expedited minimum deposit must be greater than minimum deposit: {expedited}"));
    }
    period(params.max_deposit_period.as_ref())?;
    let (voting, quick) = (period(params.voting_period.as_ref())?, period(params.expedited_voting_period.as_ref())?);
    if quick >= voting {
        return refuse("expedited voting period must be strictly less that the regular voting period".into());
    }
    for (name, text, may_be_zero) in [
        ("quorum", &params.quorum, true),
        ("vote threshold", &params.threshold, false),
        ("expedited vote threshold", &params.expedited_threshold, false),
        ("veto threshold", &params.veto_threshold, false),
        ("minimum initial deposit ratio of proposal", &params.min_initial_deposit_ratio, true),
        ("burn rate of cancel proposal", &params.proposal_cancel_ratio, true),
        ("minimum deposit ratio", &params.min_deposit_ratio, true),
    ] {
        let value = decimal(text)?;
        if value > Dec::one() || (!may_be_zero && value.is_zero()) {
            return refuse(format!("{name} must be {} 1, found {value}", if may_be_zero { "0 to" } else { "above 0 and at most" }));
        }
    }
    if decimal(&params.expedited_threshold)? <= decimal(&params.threshold)? {
        return refuse("expedited vote threshold must be greater than the regular threshold".into());
    }
    if !params.proposal_cancel_dest.is_empty() {
        Address::parse(&params.proposal_cancel_dest)?;
    }
    Ok(())
}
