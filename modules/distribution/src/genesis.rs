//! Rewards from and to the genesis file.
use cairn_bank as bank;
use cairn_kernel::{Address, Ctx, Dec, Result};
use cairn_proto::cosmos::distribution::v1beta1::{
    DelegatorStartingInfoRecord, DelegatorWithdrawInfo, FeePool, GenesisState, ValidatorAccumulatedCommissionRecord,
    ValidatorCurrentRewardsRecord, ValidatorHistoricalRewardsRecord, ValidatorOutstandingRewardsRecord, ValidatorSlashEventRecord,
};
use cairn_staking::{CONSENSUS_PREFIX, OPERATOR_PREFIX, Stake, operator_text};

use crate::{
    DecCoins, Error, f1, invariants, params, pool,
    state::{self, COMMISSION, CURRENT, HISTORY, OUTSTANDING, PARAMS, SLASHES, STARTS, WITHDRAW},
};

/// Fills an empty store. Staking's genesis calls no hooks: its validators and delegations that the file says nothing of begin here, in the
/// order of operators and delegators, as if they were made by messages. The module's account must hold in bank's genesis what lies here.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let rules = params::check(genesis.params.clone().ok_or_else(|| refuse("parameters are missing"))?)?;
    PARAMS.set(ctx, &rules)?;
    let GenesisState { previous_proposer, .. } = &genesis;
    if !previous_proposer.is_empty() {
        Address::parse_with(CONSENSUS_PREFIX, previous_proposer)?;
    }
    for info in &genesis.delegator_withdraw_infos {
        let (delegator, to) = (Address::parse(&info.delegator_address)?, Address::parse(&info.withdraw_address)?);
        WITHDRAW.set(ctx, &delegator, &to.as_bytes().to_vec())?;
    }
    pool::put(ctx, &DecCoins::from_wire(&genesis.fee_pool.clone().unwrap_or_default().community_pool)?)?;
    init_validators(ctx, &genesis)?;
    init_periods(ctx, &genesis)?;
    begin_unknown(ctx)?;
    [invariants::account, invariants::references, invariants::records].iter().try_for_each(|holds| Ok(holds(ctx).map_err(refuse)?))
}

fn refuse(text: impl Into<String>) -> Error {
    Error::Genesis(text.into())
}

/// The operator of a record, whose validator must exist.
fn known(ctx: &Ctx, text: &str) -> Result<Address> {
    let operator = Address::parse_with(OPERATOR_PREFIX, text)?;
    match cairn_staking::validator(ctx, &operator)? {
        Some(_) => Ok(operator),
        None => Err(refuse(format!("{text} is no validator")).into()),
    }
}

fn init_validators(ctx: &mut Ctx, genesis: &GenesisState) -> Result<()> {
    for record in &genesis.outstanding_rewards {
        let operator = known(ctx, &record.validator_address)?;
        state::set_outstanding(ctx, &operator, &DecCoins::from_wire(&record.outstanding_rewards)?)?;
    }
    for record in &genesis.validator_accumulated_commissions {
        let operator = known(ctx, &record.validator_address)?;
        let held = record.accumulated.clone().unwrap_or_default();
        state::set_commission(ctx, &operator, &DecCoins::from_wire(&held.commission)?)?;
    }
    for record in &genesis.validator_current_rewards {
        let operator = known(ctx, &record.validator_address)?;
        let held = record.rewards.clone().filter(|held| held.period > 0);
        let held = held.ok_or_else(|| refuse(format!("{} has no period", record.validator_address)))?;
        state::set_current(ctx, &operator, &DecCoins::from_wire(&held.rewards)?, held.period)?;
    }
    Ok(())
}

fn init_periods(ctx: &mut Ctx, genesis: &GenesisState) -> Result<()> {
    for record in &genesis.validator_historical_rewards {
        let operator = known(ctx, &record.validator_address)?;
        let held = record.rewards.clone().unwrap_or_default();
        DecCoins::from_wire(&held.cumulative_reward_ratio)?;
        HISTORY.set(ctx, &(operator, record.period), &held)?;
    }
    for record in &genesis.validator_slash_events {
        let operator = known(ctx, &record.validator_address)?;
        let event = record.validator_slash_event.clone().unwrap_or_default();
        if event.validator_period != record.period || Dec::from_wire(&event.fraction)? > Dec::one() {
            return Err(refuse(format!("a slash of {} contradicts itself", record.validator_address)).into());
        }
        SLASHES.set(ctx, &(operator, record.period, record.height), &event)?;
    }
    for record in &genesis.delegator_starting_infos {
        let (operator, delegator) = (known(ctx, &record.validator_address)?, Address::parse(&record.delegator_address)?);
        if cairn_staking::delegation(ctx, &delegator, &operator)?.is_none() {
            return Err(refuse(format!("{delegator} delegates nothing to {}", record.validator_address)).into());
        }
        let info = record.starting_info.clone().unwrap_or_default();
        Dec::from_wire(&info.stake)?;
        STARTS.set(ctx, &(operator, delegator), &info)?;
    }
    Ok(())
}

/// Validators and delegations of staking's genesis that nothing is known of here.
fn begin_unknown(ctx: &mut Ctx) -> Result<()> {
    for (operator, validator) in cairn_staking::all_validators(ctx).collect::<Result<Vec<_>>>()? {
        if !CURRENT.has(ctx, &operator)? {
            f1::begin(ctx, &operator)?;
        }
        let tokens = Stake::of(&validator)?.tokens;
        for delegator in cairn_staking::delegators(ctx, &operator).collect::<Result<Vec<_>>>()? {
            if !STARTS.has(ctx, &(operator, delegator))? {
                f1::end_period(ctx, &operator, tokens)?;
                f1::start(ctx, &delegator, &operator)?;
            }
        }
    }
    Ok(())
}

/// What the module's account holds of each denomination that lies here must be what lies here.
pub(crate) fn held(ctx: &Ctx, denom: &str) -> Result<u128> {
    bank::balance(ctx, &crate::ACCOUNT.address(), denom)
}

/// Everything. The proposer before this block is no part of the state, since nothing depends on it, and is left empty.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let mut genesis = GenesisState { params: PARAMS.get(ctx)?, ..GenesisState::default() };
    genesis.fee_pool = Some(FeePool { community_pool: pool::community_pool(ctx)?.to_wire() });
    for entry in WITHDRAW.range(ctx, &[]) {
        let (delegator, to) = entry?;
        let withdraw_address = Address::new(&to)?.to_string();
        genesis.delegator_withdraw_infos.push(DelegatorWithdrawInfo { delegator_address: delegator.to_string(), withdraw_address });
    }
    export_validators(ctx, &mut genesis)?;
    export_periods(ctx, &mut genesis)?;
    Ok(genesis)
}

fn export_validators(ctx: &Ctx, genesis: &mut GenesisState) -> Result<()> {
    for entry in OUTSTANDING.range(ctx, &[]) {
        let (operator, held) = entry?;
        let validator_address = operator_text(&operator);
        genesis.outstanding_rewards.push(ValidatorOutstandingRewardsRecord { validator_address, outstanding_rewards: held.rewards });
    }
    for entry in COMMISSION.range(ctx, &[]) {
        let (operator, held) = entry?;
        let validator_address = operator_text(&operator);
        genesis.validator_accumulated_commissions.push(ValidatorAccumulatedCommissionRecord { validator_address, accumulated: Some(held) });
    }
    for entry in CURRENT.range(ctx, &[]) {
        let (operator, held) = entry?;
        let validator_address = operator_text(&operator);
        genesis.validator_current_rewards.push(ValidatorCurrentRewardsRecord { validator_address, rewards: Some(held) });
    }
    Ok(())
}

fn export_periods(ctx: &Ctx, genesis: &mut GenesisState) -> Result<()> {
    for entry in HISTORY.range(ctx, &[]) {
        let ((operator, period), held) = entry?;
        let validator_address = operator_text(&operator);
        let record = ValidatorHistoricalRewardsRecord { validator_address, period, rewards: Some(held) };
        genesis.validator_historical_rewards.push(record);
    }
    for entry in STARTS.range(ctx, &[]) {
        let ((operator, delegator), info) = entry?;
        let (delegator_address, validator_address) = (delegator.to_string(), operator_text(&operator));
        let record = DelegatorStartingInfoRecord { delegator_address, validator_address, starting_info: Some(info) };
        genesis.delegator_starting_infos.push(record);
    }
    for entry in SLASHES.range(ctx, &[]) {
        let ((operator, period, height), event) = entry?;
        let validator_address = operator_text(&operator);
        let record = ValidatorSlashEventRecord { validator_address, height, period, validator_slash_event: Some(event) };
        genesis.validator_slash_events.push(record);
    }
    Ok(())
}
