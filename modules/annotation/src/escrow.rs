//! Money: the buckets of a job, what accounts can withdraw, and what is lost to the pool or burnt. Nothing here pays a user but
//! [`withdraw`]: block hooks only credit.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, ModuleAccount, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::Escrow;
use cairn_rewards as rewards;

use crate::{Error, state::CLAIMABLE};

/// Where the money of all jobs, bonds and earnings lies.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("annotation");

/// The money of one job. `in_total` is the sum of all the others, always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) in_total: u128,
    pub(crate) free: u128,
    pub(crate) reserved: u128,
    pub(crate) extra: u128,
    pub(crate) held: u128,
    pub(crate) fee_held: u128,
    pub(crate) gold_bond: u128,
    pub(crate) claimable: u128,
    pub(crate) refunded: u128,
    pub(crate) burnt: u128,
    pub(crate) pool: u128,
    pub(crate) staged: u128,
    pub(crate) lendable: u128,
    pub(crate) on_loan: u128,
}

impl Money {
    pub(crate) fn read(escrow: &Escrow) -> Result<Self> {
        Ok(Self {
            in_total: number(&escrow.in_total)?,
            free: number(&escrow.free)?,
            reserved: number(&escrow.reserved)?,
            extra: number(&escrow.extra)?,
            held: number(&escrow.held)?,
            fee_held: number(&escrow.fee_held)?,
            gold_bond: number(&escrow.gold_bond)?,
            claimable: number(&escrow.claimable)?,
            refunded: number(&escrow.refunded)?,
            burnt: number(&escrow.burnt)?,
            pool: number(&escrow.pool)?,
            staged: number(&escrow.staged)?,
            lendable: number(&escrow.lendable)?,
            on_loan: number(&escrow.on_loan)?,
        })
    }
    pub(crate) fn write(&self) -> Escrow {
        Escrow {
            in_total: self.in_total.to_string(),
            free: self.free.to_string(),
            reserved: self.reserved.to_string(),
            extra: self.extra.to_string(),
            held: self.held.to_string(),
            fee_held: self.fee_held.to_string(),
            gold_bond: self.gold_bond.to_string(),
            claimable: self.claimable.to_string(),
            refunded: self.refunded.to_string(),
            burnt: self.burnt.to_string(),
            pool: self.pool.to_string(),
            staged: or_empty(self.staged),
            lendable: or_empty(self.lendable),
            on_loan: or_empty(self.on_loan),
        }
    }
    /// What lies in the job's buckets, and with the module.
    pub(crate) fn buckets(&self) -> Result<u128> {
        [self.free, self.reserved, self.extra, self.held, self.fee_held, self.gold_bond, self.lendable].into_iter().try_fold(0, add)
    }
    /// What left the job, for good or on loan.
    pub(crate) fn out(&self) -> Result<u128> {
        [self.claimable, self.refunded, self.burnt, self.pool, self.staged, self.on_loan].into_iter().try_fold(0, add)
    }
}

/// An amount that most jobs never have.
fn or_empty(amount: u128) -> String {
    if amount == 0 { String::new() } else { amount.to_string() }
}

/// Takes `amount` out of one bucket (named for the refusal) and puts it into another.
pub(crate) fn shift(from: &mut u128, to: &mut u128, amount: u128, what: &'static str) -> Result<()> {
    *from = from.checked_sub(amount).ok_or(Error::Escrow(what))?;
    *to = add(*to, amount)?;
    Ok(())
}

/// `a + b`, refused where it cannot be counted.
pub(crate) fn add(a: u128, b: u128) -> Result<u128> {
    Ok(a.checked_add(b).ok_or(Error::Overflow)?)
}

/// A stored number; absent is 0.
pub(crate) fn number(text: &str) -> Result<u128> {
    if text.is_empty() { Ok(0) } else { Ok(text.parse().map_err(|_| Error::Broken("an amount is no number"))?) }
}

/// What `account` can withdraw of `denom`.
pub(crate) fn claimable(ctx: &Ctx, account: &Address, denom: &str) -> Result<u128> {
    CLAIMABLE.get(ctx, &(*account, denom.to_owned()))?.map_or(Ok(0), |text| number(&text))
}

/// Lets `account` withdraw `amount` more. The money is with the module already.
pub(crate) fn credit(ctx: &mut Ctx, account: &Address, denom: &str, amount: u128) -> Result<()> {
    if amount == 0 {
        return Ok(());
    }
    let sum = add(claimable(ctx, account, denom)?, amount)?;
    CLAIMABLE.set(ctx, &(*account, denom.to_owned()), &sum.to_string())
}

/// Takes `amount` from what `account` can withdraw, then from its balance, into the module.
pub(crate) fn collect(ctx: &mut Ctx, account: &Address, denom: &str, amount: u128) -> Result<()> {
    let owed = claimable(ctx, account, denom)?;
    let used = owed.min(amount);
    set_claimable(ctx, account, denom, owed.saturating_sub(used))?;
    bank::send(ctx, account, &ACCOUNT.address(), &[Coin::new(denom, amount.saturating_sub(used))])
}

/// Pays out all that `account` can withdraw of the denominations, or of the first ones it has where none is named.
pub(crate) fn withdraw(ctx: &mut Ctx, account: &Address, denoms: &[String], most: usize) -> Result<Vec<Coin>> {
    let coins = if denoms.is_empty() {
        earnings(ctx, account, most)?
    } else {
        let mut coins = cairn_kernel::Coins::default();
        for denom in denoms {
            if coins.amount_of(denom) == 0 {
                coins.add(&Coin::new(denom.clone(), claimable(ctx, account, denom)?))?;
            }
        }
        coins.to_vec()
    };
    if coins.is_empty() {
        return Err(Error::NothingClaimable(account.to_string()).into());
    }
    for coin in &coins {
        set_claimable(ctx, account, &coin.denom, 0)?;
    }
    bank::send(ctx, &ACCOUNT.address(), account, &coins)?;
    Ok(coins)
}

/// What `account` can withdraw, by denomination, at most `most` of them.
pub(crate) fn earnings(ctx: &Ctx, account: &Address, most: usize) -> Result<Vec<Coin>> {
    let owed = CLAIMABLE.range(ctx, &key_prefix(account)).take(most);
    owed.map(|entry| entry.and_then(|((_, denom), amount)| Ok(Coin::new(denom, number(&amount)?)))).collect()
}

fn set_claimable(ctx: &mut Ctx, account: &Address, denom: &str, amount: u128) -> Result<()> {
    let key = (*account, denom.to_owned());
    if amount == 0 { CLAIMABLE.remove(ctx, &key) } else { CLAIMABLE.set(ctx, &key, &amount.to_string()) }
}

/// Burns `burn_bps` of money that lies with the module and gives the rest to the pool. Only the chain's own denomination is burnt.
pub(crate) fn forfeit(ctx: &mut Ctx, denom: &str, amount: u128, burn_bps: u32) -> Result<rewards::Split> {
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::new(denom, amount), burn_bps)
}

/// Gives money that lies with the module to the pool.
pub(crate) fn fund_pool(ctx: &mut Ctx, denom: &str, amount: u128) -> Result<()> {
    if amount == 0 { Ok(()) } else { rewards::fund_pool(ctx, &ACCOUNT.address(), &[Coin::new(denom, amount)]) }
}
