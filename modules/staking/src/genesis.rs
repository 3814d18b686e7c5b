//! Validators and delegations from and to the genesis file.
use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::{Address, Ctx, Dec, Result};
use cairn_proto::cosmos::staking::v1beta1::{
    BondStatus, Delegation, GenesisState, LastValidatorPower, Redelegation, UnbondingDelegation, Validator,
};

use crate::{
    Error, Stake, check, delegations, params, pools, redelegations, set,
    stake::amount,
    state::{
        DELEGATIONS, LAST_POWERS, PARAMS, REDELEGATION_QUEUE, REDELEGATIONS, UNBONDING_IDS, UNBONDING_QUEUE, UNBONDINGS, VALIDATOR_QUEUE,
        VALIDATORS,
    },
    time::moment,
    unbonding,
    validators::{self, OPERATOR_PREFIX, operator_text},
};

/// Fills an empty store. The pools must hold in bank's genesis what lies here. A file that is not marked as exported has no set yet: it is
/// elected at once; hooks hear nothing of either.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let rules = genesis.params.as_ref().ok_or_else(|| refuse("parameters are missing"))?;
    params::check(rules)?;
    PARAMS.set(ctx, rules)?;
    let mut ids = Ids::default();
    let mut sums = Sums::default();
    for validator in &genesis.validators {
        init_validator(ctx, validator, &mut ids, &mut sums)?;
    }
    init_delegations(ctx, &genesis.validators, &genesis.delegations)?;
    genesis.unbonding_delegations.iter().try_for_each(|record| init_unbonding(ctx, record, &mut ids, &mut sums))?;
    genesis.redelegations.iter().try_for_each(|record| init_redelegation(ctx, record, &mut ids))?;
    UNBONDING_IDS.set(ctx, ids.0.last().copied().unwrap_or(0))?;
    sums.agree(ctx)?;
    if genesis.exported { init_set(ctx, &genesis.last_validator_powers) } else { set::elect(ctx, false).map(drop) }
}

fn refuse(text: impl Into<String>) -> Error {
    Error::Genesis(text.into())
}

/// Numbers of what unbonds, each of which may stand once.
#[derive(Default)]
struct Ids(BTreeSet<u64>);

impl Ids {
    fn take(&mut self, id: u64) -> Result<(), Error> {
        if self.0.insert(id) { Ok(()) } else { Err(refuse(format!("unbonding id {id} stands twice"))) }
    }
}

/// What the pools must hold.
#[derive(Default)]
struct Sums {
    bonded: u128,
    not_bonded: u128,
}

impl Sums {
    fn add(&mut self, status: BondStatus, tokens: u128) -> Result<(), Error> {
        let sum = if status == BondStatus::Bonded { &mut self.bonded } else { &mut self.not_bonded };
        *sum = sum.checked_add(tokens).ok_or(Error::TooMuch)?;
        Ok(())
    }
    fn agree(&self, ctx: &Ctx) -> Result<()> {
        for (pool, sum) in [(&pools::BONDED_POOL, self.bonded), (&pools::NOT_BONDED_POOL, self.not_bonded)] {
            let held = pools::held(ctx, pool)?;
            if held != sum {
                return Err(refuse(format!("{} holds {held}, but {sum} belong there", pool.name)).into());
            }
        }
        Ok(())
    }
}

fn init_validator(ctx: &mut Ctx, validator: &Validator, ids: &mut Ids, sums: &mut Sums) -> Result<()> {
    let (operator, consensus) = (validators::operator(validator)?, validators::consensus_address(validator)?);
    let name = &validator.operator_address;
    let known = validators::validator(ctx, &operator)?.is_some() || validators::by_consensus(ctx, &consensus)?.is_some();
    if known || validator.status() == BondStatus::Unspecified || validator.unbonding_on_hold_ref_count != 0 {
        return Err(refuse(format!("validator {name} stands twice, has no status or is on hold")).into());
    }
    check::description(validator.description.clone())?;
    let commission = validator.commission.as_ref().ok_or_else(|| refuse(format!("validator {name} has no commission")))?;
    check::rates_agree(commission.commission_rates.as_ref().ok_or_else(|| refuse(format!("validator {name} has no rates")))?)?;
    moment(commission.update_time.as_ref())?;
    check::min_self_delegation(&validator.min_self_delegation)?;
    let out = moment(validator.unbonding_time.as_ref())?;
    if validator.unbonding_height < 0 {
        return Err(refuse(format!("validator {name} began to unbond before the first block")).into());
    }
    sums.add(validator.status(), Stake::of(validator)?.tokens)?;
    validator.unbonding_ids.iter().try_for_each(|id| ids.take(*id))?;
    validators::insert(ctx, validator)?;
    if validator.status() == BondStatus::Unbonding { VALIDATOR_QUEUE.insert(ctx, &(out, operator)) } else { Ok(()) }
}

/// Writes the delegations, which must add up to their validators' shares.
fn init_delegations(ctx: &mut Ctx, validators: &[Validator], delegations: &[Delegation]) -> Result<()> {
    let mut sums: BTreeMap<Address, Dec> = BTreeMap::new();
    for record in delegations {
        let (delegator, operator) = keys(&record.delegator_address, &record.validator_address)?;
        let shares = delegations::shares(record)?;
        if shares.is_zero() || DELEGATIONS.has(ctx, &(delegator, operator))? {
            return Err(refuse(format!("delegation of {delegator} to {} is empty or stands twice", record.validator_address)).into());
        }
        let sum = sums.entry(operator).or_default();
        *sum = sum.add(&shares)?;
        delegations::write(ctx, &delegator, &operator, &shares)?;
    }
    for validator in validators {
        let (sum, shares) = (sums.remove(&validators::operator(validator)?).unwrap_or_default(), Stake::of(validator)?.shares);
        if sum != shares {
            return Err(refuse(format!("delegations to {} add up to {sum} shares, not {shares}", validator.operator_address)).into());
        }
    }
    match sums.into_keys().next() {
        Some(unknown) => Err(refuse(format!("delegation to {}, which is no validator", operator_text(&unknown))).into()),
        None => Ok(()),
    }
}

fn keys(delegator: &str, operator: &str) -> Result<(Address, Address)> {
    Ok((Address::parse(delegator)?, Address::parse_with(OPERATOR_PREFIX, operator)?))
}

fn init_unbonding(ctx: &mut Ctx, record: &UnbondingDelegation, ids: &mut Ids, sums: &mut Sums) -> Result<()> {
    let key = keys(&record.delegator_address, &record.validator_address)?;
    if record.entries.is_empty() || UNBONDINGS.has(ctx, &key)? {
        return Err(refuse(format!("unbonding delegation of {} is empty or stands twice", key.0)).into());
    }
    for entry in &record.entries {
        if entry.unbonding_on_hold_ref_count != 0 {
            return Err(refuse("an unbonding entry is on hold").into());
        }
        ids.take(entry.unbonding_id)?;
        sums.add(BondStatus::Unbonding, amount(&entry.balance)?.min(amount(&entry.initial_balance)?))?;
        UNBONDING_QUEUE.insert(ctx, &(moment(entry.completion_time.as_ref())?, key.0, key.1))?;
    }
    unbonding::write(ctx, key, record)
}

fn init_redelegation(ctx: &mut Ctx, record: &Redelegation, ids: &mut Ids) -> Result<()> {
    let (delegator, source) = keys(&record.delegator_address, &record.validator_src_address)?;
    let destination = Address::parse_with(OPERATOR_PREFIX, &record.validator_dst_address)?;
    let key = (delegator, source, destination);
    if record.entries.is_empty() || REDELEGATIONS.has(ctx, &key)? {
        return Err(refuse(format!("redelegation of {delegator} is empty or stands twice")).into());
    }
    for entry in &record.entries {
        if entry.unbonding_on_hold_ref_count != 0 {
            return Err(refuse("a redelegation entry is on hold").into());
        }
        ids.take(entry.unbonding_id)?;
        amount(&entry.initial_balance)?;
        Dec::from_wire(&entry.shares_dst)?;
        REDELEGATION_QUEUE.insert(ctx, &(moment(entry.completion_time.as_ref())?, delegator, source, destination))?;
    }
    redelegations::write(ctx, &key, record)
}

/// The set as it was exported: the bonded validators, with the powers that consensus knows.
fn init_set(ctx: &mut Ctx, powers: &[LastValidatorPower]) -> Result<()> {
    for last in powers {
        let operator = Address::parse_with(OPERATOR_PREFIX, &last.address)?;
        let power = u64::try_from(last.power).ok().filter(|power| *power > 0);
        let power = power.ok_or_else(|| refuse(format!("power of {} must be positive", last.address)))?;
        LAST_POWERS.set(ctx, &operator, &power)?;
    }
    for entry in VALIDATORS.range(ctx, &[]) {
        let (operator, validator) = entry?;
        if LAST_POWERS.has(ctx, &operator)? != (validator.status() == BondStatus::Bonded) {
            return Err(refuse(format!("{}: exactly the bonded validators have a last power", validator.operator_address)).into());
        }
    }
    match LAST_POWERS.range(ctx, &[]).count() == set::powers(ctx)?.len() {
        true => Ok(()),
        false => Err(refuse("a last power is of no validator").into()),
    }
}

/// Everything but the history, which light clients have read or ask the old chain for.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let powers = set::powers(ctx)?;
    let total: u128 = powers.iter().fold(0, |sum, p| sum.saturating_add(p.power.into()));
    let last = |p: &crate::Power| {
        let power = i64::try_from(p.power).map_err(|_| Error::TooMuch)?;
        Ok(LastValidatorPower { address: operator_text(&p.operator), power })
    };
    Ok(GenesisState {
        params: PARAMS.get(ctx)?,
        last_total_power: total.to_string().into_bytes(),
        last_validator_powers: powers.iter().map(last).collect::<Result<_>>()?,
        validators: VALIDATORS.range(ctx, &[]).map(|e| e.map(|(_, v)| v)).collect::<Result<_>>()?,
        delegations: DELEGATIONS.range(ctx, &[]).map(|e| e.map(|(_, v)| v)).collect::<Result<_>>()?,
        unbonding_delegations: UNBONDINGS.range(ctx, &[]).map(|e| e.map(|(_, v)| v)).collect::<Result<_>>()?,
        redelegations: REDELEGATIONS.range(ctx, &[]).map(|e| e.map(|(_, v)| v)).collect::<Result<_>>()?,
        exported: true,
    })
}
