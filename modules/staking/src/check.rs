//! What a validator may say of itself.
use cairn_kernel::{Coin, Ctx, Dec, Result, sdk};
use cairn_proto::cosmos::{
    base::v1beta1::Coin as WireCoin,
    staking::v1beta1::{Commission, CommissionRates, Description},
};

use crate::{
    Error, params,
    params::min_commission,
    time::{at, moment, now, timestamp},
};

/// What leaves a field of the description as it is.
const UNCHANGED: &str = "[do-not-modify]";
/// How long a commission stays before it can be changed again: a day.
const DAY_SECONDS: u64 = 86_400;

/// A positive amount of the staked denomination; `what` names it in the refusal.
pub(crate) fn tokens(ctx: &Ctx, coin: Option<&WireCoin>, what: &str) -> Result<u128> {
    let coin = coin.and_then(|coin| Coin::try_from(coin).ok()).filter(|coin| coin.amount > 0);
    let coin = coin.ok_or_else(|| sdk::invalid_request(format!("invalid {what}")))?;
    let wanted = params(ctx)?.bond_denom;
    if coin.denom != wanted {
        return Err(sdk::invalid_request(format!("invalid coin denomination: got {}, expected {wanted}", coin.denom)));
    }
    Ok(coin.amount)
}

/// A positive whole number.
pub(crate) fn min_self_delegation(text: &str) -> Result<u128> {
    let found = text.parse().ok().filter(|n: &u128| *n > 0);
    found.ok_or_else(|| sdk::invalid_request("minimum self delegation must be a positive integer"))
}

/// The description of a new validator.
pub(crate) fn description(said: Option<Description>) -> Result<Description> {
    let said = said.filter(|d| *d != Description::default()).ok_or_else(|| sdk::invalid_request("empty description"))?;
    let bounds = [
        ("moniker", &said.moniker, 70),
        ("identity", &said.identity, 3_000),
        ("website", &said.website, 140),
        ("security contact", &said.security_contact, 140),
        ("details", &said.details, 280),
    ];
    if let Some((field, text, most)) = bounds.into_iter().find(|(_, text, most)| text.len() > *most) {
        return Err(sdk::invalid_request(format!("invalid {field} length; got: {}, max: {most}", text.len())));
    }
    Ok(said)
}

/// A description with those fields of `said` that are to change.
pub(crate) fn redescribe(before: Description, said: Option<Description>) -> Result<Description> {
    let said = said.filter(|d| *d != Description::default()).ok_or_else(|| sdk::invalid_request("empty description"))?;
    let choose = |old: String, new: String| if new == UNCHANGED { old } else { new };
    let merged = Description {
        moniker: choose(before.moniker, said.moniker),
        identity: choose(before.identity, said.identity),
        website: choose(before.website, said.website),
        security_contact: choose(before.security_contact, said.security_contact),
        details: choose(before.details, said.details),
    };
    if merged == Description::default() { Ok(merged) } else { description(Some(merged)) }
}

/// A rate; below zero is `negative`.
fn rate(text: &str, negative: Error) -> Result<Dec> {
    if text.starts_with('-') { Err(negative.into()) } else { Dec::from_wire(text) }
}

/// The commission of a new validator.
pub(crate) fn commission(ctx: &Ctx, rates: Option<CommissionRates>) -> Result<Commission> {
    let rates = rates.ok_or_else(|| sdk::invalid_request("empty commission"))?;
    rates_agree(&rates)?;
    let least = min_commission(ctx)?;
    if Dec::from_wire(&rates.rate)? < least {
        return Err(Error::CommissionBelowMin(least.to_string()).into());
    }
    Ok(Commission { commission_rates: Some(rates), update_time: Some(timestamp(now(ctx))) })
}

/// Refuses rates that contradict each other.
pub(crate) fn rates_agree(rates: &CommissionRates) -> Result<()> {
    let most = rate(&rates.max_rate, Error::CommissionNegative)?;
    if most > Dec::one() {
        return Err(Error::CommissionHuge.into());
    }
    if rate(&rates.rate, Error::CommissionNegative)? > most {
        return Err(Error::CommissionAboveMax.into());
    }
    if rate(&rates.max_change_rate, Error::ChangeNegative)? > most {
        return Err(Error::ChangeAboveMax.into());
    }
    Ok(())
}

/// Another commission: once a day, within what the validator promised. It may fall by any step.
pub(crate) fn recommission(ctx: &Ctx, before: &Commission, text: &str) -> Result<Commission> {
    let refuse = || sdk::invalid_request("commission rate must be between 0 and 1 (inclusive)");
    let new = Dec::from_wire(text).ok().filter(|rate| *rate <= Dec::one()).ok_or_else(refuse)?;
    let least = min_commission(ctx)?;
    if new < least {
        return Err(sdk::invalid_request(format!("commission rate cannot be less than the min commission rate {least}")));
    }
    let rates = before.commission_rates.clone().ok_or(Error::Corrupt("a commission"))?;
    if now(ctx) < moment(before.update_time.as_ref())?.saturating_add(at(DAY_SECONDS, 0)) {
        return Err(Error::CommissionTooSoon.into());
    }
    if new > Dec::from_wire(&rates.max_rate)? {
        return Err(Error::CommissionAboveMax.into());
    }
    let reach = Dec::from_wire(&rates.rate)?.add(&Dec::from_wire(&rates.max_change_rate)?)?;
    if new > reach {
        return Err(Error::CommissionStep.into());
    }
    Ok(Commission { commission_rates: Some(CommissionRates { rate: new.to_wire(), ..rates }), update_time: Some(timestamp(now(ctx))) })
}
