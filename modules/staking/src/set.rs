//! The end of a block: who validates from now on, and what is out of its unbonding time.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Coin, Ctx, Error as Refusal, Result};
use cairn_proto::{
    cosmos::staking::v1beta1::{BondStatus, Validator, ValidatorUpdates},
    tendermint::{
        abci::ValidatorUpdate,
        crypto::{PublicKey, public_key::Sum},
    },
};

use crate::{
    Error, Power, Stake, hooks, params, pools, redelegations,
    state::{BY_POWER, LAST_POWERS, REDELEGATION_QUEUE, UNBONDING_IDS, UNBONDING_QUEUE, UPDATES, VALIDATOR_QUEUE},
    time::{moment, now, timestamp},
    unbonding::{self, completion, height},
    validators::{self, operator_text},
};

/// What consensus is to be told after this block. Each change is taken once: where the hook that elects failed there is nothing.
pub fn take_updates(ctx: &mut Ctx) -> Result<Vec<ValidatorUpdate>> {
    let Some(noted) = UPDATES.get(ctx)? else { return Ok(Vec::new()) };
    UPDATES.remove(ctx)?;
    Ok(noted.updates)
}

/// Elects the first set of a chain, once its genesis file's transactions have made the validators. Consensus is told by whoever begins the chain.
pub fn begin(ctx: &mut Ctx) -> Result<()> {
    elect(ctx, true).map(drop)
}

/// The set that consensus was told last, in the order of operators.
pub fn powers(ctx: &Ctx) -> Result<Vec<Power>> {
    let last = LAST_POWERS.range(ctx, &[]).collect::<Result<Vec<_>>>()?;
    let with_key = |(operator, power)| {
        let consensus = validators::consensus_address(&validators::need(ctx, &operator)?)?;
        Ok(Power { operator, consensus, power })
    };
    last.into_iter().map(with_key).collect()
}

/// Elects, then releases what is out.
pub(crate) fn end_block(ctx: &mut Ctx) -> Result<()> {
    let updates = elect(ctx, true)?;
    note(ctx, updates)?;
    release_validators(ctx)?;
    release_unbondings(ctx)?;
    release_redelegations(ctx)
}

fn note(ctx: &mut Ctx, updates: Vec<ValidatorUpdate>) -> Result<()> {
    if updates.is_empty() { Ok(()) } else { UPDATES.set(ctx, &ValidatorUpdates { updates }) }
}

/// Makes the validators with the most tokens the set; gives what changed. Where nobody can be elected the set stays what it is: consensus
/// cannot go on without validators. `announce`: whether hooks hear of it.
pub(crate) fn elect(ctx: &mut Ctx, announce: bool) -> Result<Vec<ValidatorUpdate>> {
    let elected = candidates(ctx)?;
    if elected.is_empty() {
        return Ok(Vec::new());
    }
    let mut last = LAST_POWERS.range(ctx, &[]).collect::<Result<BTreeMap<_, _>>>()?;
    let (mut updates, mut joined, mut left) = (Vec::new(), 0_u128, 0_u128);
    for validator in elected {
        let (operator, stake) = (validators::operator(&validator)?, Stake::of(&validator)?);
        if validator.status() != BondStatus::Bonded {
            bond(ctx, &validator, announce)?;
            joined = joined.checked_add(stake.tokens).ok_or(Error::TooMuch)?;
        }
        if last.remove(&operator) != Some(stake.power()) {
            LAST_POWERS.set(ctx, &operator, &stake.power())?;
            updates.push(update(&validator, stake.power())?);
        }
    }
    for operator in last.into_keys() {
        let validator = validators::need(ctx, &operator)?;
        begin_unbonding(ctx, &validator, announce)?;
        left = left.checked_add(Stake::of(&validator)?.tokens).ok_or(Error::TooMuch)?;
        LAST_POWERS.remove(ctx, &operator)?;
        updates.push(update(&validator, 0)?);
    }
    pools::shift(ctx, &pools::NOT_BONDED_POOL, &pools::BONDED_POOL, joined.saturating_sub(left))?;
    pools::shift(ctx, &pools::BONDED_POOL, &pools::NOT_BONDED_POOL, left.saturating_sub(joined))?;
    if announce && !updates.is_empty() {
        let set = powers(ctx)?;
        hooks::each(ctx, |hook, ctx| hook.after_set_changed(ctx, &set))?;
    }
    Ok(updates)
}

/// The validators with power that are first in the order, as many as the parameters let in.
fn candidates(ctx: &Ctx) -> Result<Vec<Validator>> {
    let seats = usize::try_from(params(ctx)?.max_validators).unwrap_or(usize::MAX);
    let mut elected = Vec::new();
    for rank in BY_POWER.range_reverse(ctx, &[]).take(seats) {
        let rank = rank?;
        if rank.0 == 0 {
            break;
        }
        elected.push(validators::need(ctx, &validators::ranked(&rank)?)?);
    }
    Ok(elected)
}

fn update(validator: &Validator, power: u64) -> Result<ValidatorUpdate> {
    let key = validators::consensus_key(validator)?.to_vec();
    let power = i64::try_from(power).map_err(|_| Error::TooMuch)?;
    Ok(ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(key)) }), power })
}

fn bond(ctx: &mut Ctx, validator: &Validator, announce: bool) -> Result<()> {
    let operator = validators::operator(validator)?;
    if validator.status() == BondStatus::Unbonding {
        VALIDATOR_QUEUE.remove(ctx, &(moment(validator.unbonding_time.as_ref())?, operator))?;
    }
    validators::replace(ctx, validator, &with_status(validator, BondStatus::Bonded))?;
    let consensus = validators::consensus_address(validator)?;
    if announce { hooks::each(ctx, |hook, ctx| hook.after_validator_bonded(ctx, &consensus, &operator)) } else { Ok(()) }
}

fn begin_unbonding(ctx: &mut Ctx, validator: &Validator, announce: bool) -> Result<()> {
    let operator = validators::operator(validator)?;
    let out = completion(ctx)?;
    let mut after = with_status(validator, BondStatus::Unbonding);
    after.unbonding_time = Some(timestamp(out));
    after.unbonding_height = height(ctx);
    after.unbonding_ids.push(UNBONDING_IDS.next(ctx)?);
    validators::replace(ctx, validator, &after)?;
    VALIDATOR_QUEUE.insert(ctx, &(out, operator))?;
    let consensus = validators::consensus_address(validator)?;
    if announce { hooks::each(ctx, |hook, ctx| hook.after_validator_begin_unbonding(ctx, &consensus, &operator)) } else { Ok(()) }
}

fn with_status(validator: &Validator, status: BondStatus) -> Validator {
    Validator { status: status.into(), ..validator.clone() }
}

/// The members of a queue whose moment has come.
fn due<K>(queue: impl Iterator<Item = Result<K>>, moment: impl Fn(&K) -> u128, now: u128) -> Result<Vec<K>> {
    queue.take_while(|entry| entry.as_ref().is_ok_and(|key| moment(key) <= now) || entry.is_err()).collect()
}

fn release_validators(ctx: &mut Ctx) -> Result<()> {
    for (out, operator) in due(VALIDATOR_QUEUE.range(ctx, &[]), |k| k.0, now(ctx))? {
        VALIDATOR_QUEUE.remove(ctx, &(out, operator))?;
        let validator = validators::need(ctx, &operator)?;
        let after = with_status(&validator, BondStatus::Unbonded);
        validators::replace(ctx, &validator, &after)?;
        if Stake::of(&after)?.shares.is_zero() {
            validators::remove(ctx, &after)?;
        }
    }
    Ok(())
}

fn release_unbondings(ctx: &mut Ctx) -> Result<()> {
    for key in due(UNBONDING_QUEUE.range(ctx, &[]), |k| k.0, now(ctx))? {
        UNBONDING_QUEUE.remove(ctx, &key)?;
        let (_, delegator, operator) = key;
        match ctx.atomic(|ctx| unbonding::complete(ctx, &delegator, &operator)) {
            Ok(paid) => {
                let (paid, operator) = (shown(ctx, paid)?, operator_text(&operator));
                let delegator = delegator.to_string();
                ctx.emit_raw("complete_unbonding", &[("amount", &paid), ("validator", &operator), ("delegator", &delegator)]);
            }
            Err(error) => failed(ctx, "complete_unbonding", &error),
        }
    }
    Ok(())
}

fn release_redelegations(ctx: &mut Ctx) -> Result<()> {
    for key in due(REDELEGATION_QUEUE.range(ctx, &[]), |k| k.0, now(ctx))? {
        REDELEGATION_QUEUE.remove(ctx, &key)?;
        let (_, delegator, source, destination) = key;
        match ctx.atomic(|ctx| redelegations::complete(ctx, &(delegator, source, destination))) {
            Ok(moved) => {
                let (moved, delegator) = (shown(ctx, moved)?, delegator.to_string());
                let [source, destination] = [source, destination].map(|operator| operator_text(&operator));
                let pairs = [
                    ("amount", moved.as_str()),
                    ("delegator", &delegator),
                    ("source_validator", &source),
                    ("destination_validator", &destination),
                ];
                ctx.emit_raw("complete_redelegation", &pairs);
            }
            Err(error) => failed(ctx, "complete_redelegation", &error),
        }
    }
    Ok(())
}

/// Coins as events show them: nothing is empty.
fn shown(ctx: &Ctx, amount: u128) -> Result<String> {
    let coin = Coin::new(params(ctx)?.bond_denom, amount);
    Ok(if amount == 0 { String::new() } else { coin.to_string() })
}

/// One entry that cannot be released must not hold back the others: it stays on its books, and the block says so.
fn failed(ctx: &mut Ctx, what: &str, error: &Refusal) {
    let code = error.code.to_string();
    ctx.emit_raw("staking_failed", &[("hook", what), ("codespace", error.codespace), ("code", &code)]);
}

/// The validators that consensus was told last.
pub(crate) fn last_validators(ctx: &Ctx) -> Result<Vec<(Address, Validator)>> {
    let operators = LAST_POWERS.range(ctx, &[]).map(|e| e.map(|(operator, _)| operator)).collect::<Result<Vec<_>>>()?;
    operators.into_iter().map(|operator| Ok((operator, validators::need(ctx, &operator)?))).collect()
}
