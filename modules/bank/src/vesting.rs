//! Messages of `cosmos.vesting.v1beta1`: a new account and the coins that come free on it. The schedules lie with the accounts in auth.
use cairn_auth::vesting::{Schedule, Vesting, read_periods, set_vesting};
use cairn_kernel::{Address, Coins, Ctx, Result, sdk};
use cairn_proto::cosmos::vesting::v1beta1::{
    MsgCreatePeriodicVestingAccount, MsgCreatePeriodicVestingAccountResponse, MsgCreatePermanentLockedAccount,
    MsgCreatePermanentLockedAccountResponse, MsgCreateVestingAccount, MsgCreateVestingAccountResponse, MsgServer,
};

use crate::{
    Bank,
    msgs::{check_enabled, check_open, parse_address, parse_coins},
    send,
};

impl MsgServer for Bank {
    fn create_vesting_account(&self, ctx: &mut Ctx, m: MsgCreateVestingAccount) -> Result<MsgCreateVestingAccountResponse> {
        let (from, to) = parties(&m.from_address, &m.to_address)?;
        let coins = parse_coins(&m.amount)?;
        if m.end_time <= 0 {
            return Err(sdk::invalid_request("invalid end time"));
        }
        let start = i64::try_from(ctx.block().time).unwrap_or(i64::MAX);
        let schedule = if m.delayed { Schedule::Delayed { end: m.end_time } } else { Schedule::Continuous { start, end: m.end_time } };

        open(ctx, &from, &to, schedule, &coins)?;
        Ok(MsgCreateVestingAccountResponse {})
    }

    fn create_permanent_locked_account(
        &self,
        ctx: &mut Ctx,
        m: MsgCreatePermanentLockedAccount,
    ) -> Result<MsgCreatePermanentLockedAccountResponse> {
        let (from, to) = parties(&m.from_address, &m.to_address)?;
        let coins = parse_coins(&m.amount)?;

        open(ctx, &from, &to, Schedule::Permanent, &coins)?;
        Ok(MsgCreatePermanentLockedAccountResponse {})
    }

    fn create_periodic_vesting_account(
        &self,
        ctx: &mut Ctx,
        m: MsgCreatePeriodicVestingAccount,
    ) -> Result<MsgCreatePeriodicVestingAccountResponse> {
        let (from, to) = parties(&m.from_address, &m.to_address)?;
        if m.start_time < 1 {
            return Err(sdk::invalid_request(format!("invalid start time of {}, length must be greater than 0", m.start_time)));
        }
        if let Some((period, place)) = m.vesting_periods.iter().zip(0_u32..).find(|(period, _)| period.length < 1) {
            let text = format!("invalid period length of {} in period {place}, length must be greater than 0", period.length);
            return Err(sdk::invalid_request(text));
        }
        let periods = read_periods(&m.vesting_periods).map_err(|e| if e.codespace == "auth" { sdk::invalid_request(e.log) } else { e })?;
        let mut coins = Coins::default();
        for (_, amount) in &periods {
            amount.iter().try_for_each(|coin| coins.add(&coin))?;
        }

        open(ctx, &from, &to, Schedule::Periodic { start: m.start_time, periods }, &coins)?;
        Ok(MsgCreatePeriodicVestingAccountResponse {})
    }
}

fn parties(from: &str, to: &str) -> Result<(Address, Address)> {
    Ok((parse_address("'from'", from)?, parse_address("'to'", to)?))
}

/// Opens the account and gives it `coins`, which then come free by `schedule`.
fn open(ctx: &mut Ctx, from: &Address, to: &Address, schedule: Schedule, coins: &Coins) -> Result<()> {
    check_enabled(ctx, coins)?;
    check_open(ctx, to)?;
    if cairn_auth::has_account(ctx, to)? {
        return Err(sdk::invalid_request(format!("account {to} already exists")));
    }
    let vesting = Vesting::new(schedule, coins.clone()).map_err(sdk::invalid_request)?;

    cairn_auth::get_or_create(ctx, to)?;
    set_vesting(ctx, to, &vesting)?;
    send(ctx, from, to, &coins.to_vec())
}
