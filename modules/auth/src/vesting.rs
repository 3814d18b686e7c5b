//! Accounts whose first coins come free over time: what is locked now, and what of it is delegated.
use cairn_kernel::{Address, Coin, Coins, Ctx, Dec, Result};
use cairn_proto::{
    Any, coin,
    cosmos::{
        auth::v1beta1::BaseAccount,
        vesting::v1beta1::{
            BaseVestingAccount, ContinuousVestingAccount, DelayedVestingAccount, Period, PeriodicVestingAccount, PermanentLockedAccount,
        },
    },
    pack, unpack,
};
use prost::Name;

use crate::{Error, state::VESTING};

/// Periods of one schedule, so that a transfer never walks far.
pub const MAX_PERIODS: usize = 100;

/// How the first coins of an account come free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// From one time to another, second by second.
    Continuous {
        /// Seconds since the epoch.
        start: i64,
        /// Seconds since the epoch, after the start.
        end: i64,
    },
    /// All at one time.
    Delayed {
        /// Seconds since the epoch.
        end: i64,
    },
    /// Some at the end of each period.
    Periodic {
        /// When the first period begins, in seconds since the epoch.
        start: i64,
        /// Seconds of each period, and what comes free at its end.
        periods: Vec<(i64, Coins)>,
    },
    /// Never.
    Permanent,
}

/// What an account cannot spend yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vesting {
    schedule: Schedule,
    original: Coins,
    delegated_free: Coins,
    delegated_vesting: Coins,
}

impl Vesting {
    /// Of coins that have just been given.
    ///
    /// # Errors
    /// [`Error::Schedule`] for one that makes no sense.
    pub fn new(schedule: Schedule, original: Coins) -> Result<Self, Error> {
        let vesting = Self { schedule, original, delegated_free: Coins::default(), delegated_vesting: Coins::default() };
        vesting.check()?;
        Ok(vesting)
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |what: &'static str| Err(Error::Schedule(what));
        if self.original.is_empty() {
            return refuse("there are no coins to vest");
        }
        if self.original.checked_sub(&self.delegated_vesting).is_none() {
            return refuse("delegated vesting amount cannot be greater than original vesting amount");
        }
        match &self.schedule {
            Schedule::Continuous { start, end } if start >= end || *end < 0 => refuse("vesting start-time cannot be before end-time"),
            Schedule::Delayed { end } if *end < 0 => refuse("end time cannot be negative"),
            Schedule::Periodic { periods, .. } => self.check_periods(periods),
            Schedule::Continuous { .. } | Schedule::Delayed { .. } | Schedule::Permanent => Ok(()),
        }
    }

    fn check_periods(&self, periods: &[(i64, Coins)]) -> Result<(), Error> {
        if periods.is_empty() || periods.len() > MAX_PERIODS {
            return Err(Error::Schedule("a schedule has 1 to 100 periods"));
        }
        let (mut end, mut sum) = (self.start(), Coins::default());
        for (length, amount) in periods {
            if *length < 1 || amount.is_empty() {
                return Err(Error::Schedule("a period has a length and coins"));
            }
            end = end.checked_add(*length).ok_or(Error::Schedule("cumulative endTime overflowed, and/or is less than startTime"))?;
            amount.iter().try_for_each(|c| sum.add(&c)).map_err(|_| Error::Schedule("the sum of the periods overflows"))?;
        }
        if sum == self.original { Ok(()) } else { Err(Error::Schedule("original vesting coins do not match the sum of all periods")) }
    }

    fn start(&self) -> i64 {
        match &self.schedule {
            Schedule::Continuous { start, .. } | Schedule::Periodic { start, .. } => *start,
            Schedule::Delayed { .. } | Schedule::Permanent => 0,
        }
    }

    fn end(&self) -> i64 {
        match &self.schedule {
            Schedule::Continuous { end, .. } | Schedule::Delayed { end } => *end,
            Schedule::Periodic { start, periods } => periods.iter().fold(*start, |end, (length, _)| end.saturating_add(*length)),
            Schedule::Permanent => 0,
        }
    }

    /// What has come free until `now`, of one denomination.
    fn vested(&self, now: i64, original: &Coin) -> Result<u128> {
        let amount = original.amount;
        Ok(match &self.schedule {
            Schedule::Permanent => 0,
            Schedule::Delayed { end } => {
                if now >= *end {
                    amount
                } else {
                    0
                }
            }
            Schedule::Continuous { start, end } => match (now <= *start, now >= *end) {
                (true, _) => 0,
                (_, true) => amount,
                _ => share(amount, now.saturating_sub(*start), end.saturating_sub(*start))?,
            },
            Schedule::Periodic { start, periods } => {
                let (mut end, mut free) = (*start, 0_u128);
                for (length, coins) in periods {
                    end = end.saturating_add(*length);
                    if now >= end {
                        free = free.saturating_add(coins.amount_of(&original.denom));
                    }
                }
                free
            }
        })
    }

    /// What has not come free at `now`, delegated or not.
    fn vesting(&self, now: i64) -> Result<Coins> {
        let mut out = Coins::default();
        for original in self.original.iter() {
            let left = original.amount.saturating_sub(self.vested(now, &original)?);
            out.add(&Coin::new(original.denom, left))?;
        }
        Ok(out)
    }

    /// What cannot be spent at `now`: what has not come free and is not delegated.
    fn locked(&self, now: i64) -> Result<Coins> {
        let mut out = Coins::default();
        for Coin { denom, amount } in self.vesting(now)?.iter() {
            let delegated = self.delegated_vesting.amount_of(&denom);
            out.add(&Coin::new(denom, amount.saturating_sub(delegated)))?;
        }
        Ok(out)
    }

    /// Notes a delegation: of what is locked first.
    fn delegate(&mut self, now: i64, coin: &Coin) -> Result<()> {
        let locked = self.locked(now)?.amount_of(&coin.denom);
        let vesting = locked.min(coin.amount);
        self.delegated_vesting.add(&Coin::new(&coin.denom, vesting))?;
        self.delegated_free.add(&Coin::new(&coin.denom, coin.amount.saturating_sub(vesting)))
    }

    /// Notes the end of a delegation: of what was free first. What comes back may be more than what went, by rounding.
    fn undelegate(&mut self, coin: &Coin) {
        let take = |from: &mut Coins, amount: u128| {
            let taken = Coin::new(&coin.denom, from.amount_of(&coin.denom).min(amount));
            let mut one = Coins::default();
            // A single coin cannot overflow an empty set, and what is taken is there.
            if one.add(&taken).is_ok()
                && let Some(left) = from.checked_sub(&one)
            {
                *from = left;
            }
            amount.saturating_sub(taken.amount)
        };
        let rest = take(&mut self.delegated_free, coin.amount);
        take(&mut self.delegated_vesting, rest);
    }

    /// As clients read it, around the account that is its.
    pub(crate) fn packed(&self, account: Option<BaseAccount>) -> Any {
        let base_vesting_account = Some(BaseVestingAccount {
            base_account: account,
            original_vesting: coin::to_proto(&self.original),
            delegated_free: coin::to_proto(&self.delegated_free),
            delegated_vesting: coin::to_proto(&self.delegated_vesting),
            end_time: self.end(),
        });
        match &self.schedule {
            Schedule::Continuous { start, .. } => pack(&ContinuousVestingAccount { base_vesting_account, start_time: *start }),
            Schedule::Delayed { .. } => pack(&DelayedVestingAccount { base_vesting_account }),
            Schedule::Permanent => pack(&PermanentLockedAccount { base_vesting_account }),
            Schedule::Periodic { start, periods } => {
                let period = |(length, amount): &(i64, Coins)| Period { length: *length, amount: coin::to_proto(amount) };
                let vesting_periods = periods.iter().map(period).collect();
                pack(&PeriodicVestingAccount { base_vesting_account, start_time: *start, vesting_periods })
            }
        }
    }

    /// Whether `packed` is of one of the four types.
    pub(crate) fn is(packed: &Any) -> bool {
        let types = [
            ContinuousVestingAccount::type_url(),
            DelayedVestingAccount::type_url(),
            PeriodicVestingAccount::type_url(),
            PermanentLockedAccount::type_url(),
        ];
        types.contains(&packed.type_url)
    }

    /// Reads what [`Vesting::packed`] wrote, or genesis holds.
    ///
    /// # Errors
    /// [`Error::Schedule`] for what makes no sense, `sdk/34` for bytes that are none.
    pub(crate) fn read(packed: &Any) -> Result<(Option<BaseAccount>, Self)> {
        let (base, schedule) = match packed.type_url.as_str() {
            url if url == ContinuousVestingAccount::type_url() => {
                let read: ContinuousVestingAccount = unpack(packed)?;
                let base = read.base_vesting_account.unwrap_or_default();
                let schedule = Schedule::Continuous { start: read.start_time, end: base.end_time };
                (base, schedule)
            }
            url if url == PeriodicVestingAccount::type_url() => {
                let read: PeriodicVestingAccount = unpack(packed)?;
                let periods = read_periods(&read.vesting_periods)?;
                (read.base_vesting_account.unwrap_or_default(), Schedule::Periodic { start: read.start_time, periods })
            }
            url if url == PermanentLockedAccount::type_url() => {
                (unpack::<PermanentLockedAccount>(packed)?.base_vesting_account.unwrap_or_default(), Schedule::Permanent)
            }
            _ => {
                let base = unpack::<DelayedVestingAccount>(packed)?.base_vesting_account.unwrap_or_default();
                let schedule = Schedule::Delayed { end: base.end_time };
                (base, schedule)
            }
        };
        let vesting = Self {
            schedule,
            original: coin::coins(&base.original_vesting)?,
            delegated_free: coin::coins(&base.delegated_free)?,
            delegated_vesting: coin::coins(&base.delegated_vesting)?,
        };
        vesting.check()?;
        if vesting.end() != base.end_time {
            return Err(Error::Schedule("vesting end time does not match the schedule").into());
        }
        Ok((base.base_account, vesting))
    }
}

/// The periods of a message.
///
/// # Errors
/// [`Error::Schedule`] for too many; `sdk/10` for malformed coins.
pub fn read_periods(periods: &[Period]) -> Result<Vec<(i64, Coins)>> {
    if periods.len() > MAX_PERIODS {
        return Err(Error::Schedule("a schedule has 1 to 100 periods").into());
    }
    periods.iter().map(|p| Ok((p.length, coin::coins(&p.amount)?))).collect()
}

/// `amount * part / whole`, rounded as the Cosmos SDK does: the quotient to 18 decimals first.
fn share(amount: u128, part: i64, whole: i64) -> Result<u128> {
    let int = |n: i64| Dec::from_int(u128::try_from(n).unwrap_or(0));
    Dec::from_int(amount).mul(&int(part).quo(&int(whole))?)?.round()
}

/// Seconds since the epoch of the block.
fn now(ctx: &Ctx) -> i64 {
    i64::try_from(ctx.block().time).unwrap_or(i64::MAX)
}

pub(crate) fn stored(ctx: &Ctx, address: &Address) -> Result<Option<Vesting>> {
    VESTING.get(ctx, address)?.map(|packed| Ok(Vesting::read(&packed)?.1)).transpose()
}

/// What the account cannot spend now; nothing for most accounts.
pub fn locked(ctx: &Ctx, address: &Address) -> Result<Coins> {
    match stored(ctx, address)? {
        Some(vesting) => vesting.locked(now(ctx)),
        None => Ok(Coins::default()),
    }
}

/// Lets the account's coins come free by `vesting`. The account is one that was opened just now.
pub fn set_vesting(ctx: &mut Ctx, address: &Address, vesting: &Vesting) -> Result<()> {
    VESTING.set(ctx, address, &vesting.packed(None))
}

/// Notes that the account delegates `coin`: locked coins first.
pub fn track_delegation(ctx: &mut Ctx, address: &Address, coin: &Coin) -> Result<()> {
    let Some(mut vesting) = stored(ctx, address)? else { return Ok(()) };
    vesting.delegate(now(ctx), coin)?;
    set_vesting(ctx, address, &vesting)
}

/// Notes that `coin` of the account's delegations comes back: free coins first.
pub fn track_undelegation(ctx: &mut Ctx, address: &Address, coin: &Coin) -> Result<()> {
    let Some(mut vesting) = stored(ctx, address)? else { return Ok(()) };
    vesting.undelegate(coin);
    set_vesting(ctx, address, &vesting)
}
