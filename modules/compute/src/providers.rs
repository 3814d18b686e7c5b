//! Providers and their bonds.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::compute::v1::{EventProviderBonded, EventProviderLeaving, EventProviderSlashed, Provider};

use crate::{
    ACCOUNT, Error, rules,
    state::{LEAVING, NUMBERED, PROVIDER_IDS, PROVIDERS},
};

/// Puts up a bond, or adds to it.
pub(crate) fn bond(ctx: &mut Ctx, account: &Address, amount: u128) -> Result<()> {
    let empty = || Provider { account: account.to_string(), bond: Some(coin(0)), locked: Some(coin(0)), ..Provider::default() };
    let mut provider = PROVIDERS.get(ctx, account)?.unwrap_or_else(empty);
    if provider.leaves > 0 {
        return Err(Error::Leaving(account.to_string()).into());
    }
    let found = bonded(&provider)?.checked_add(amount).ok_or(Error::Overflow)?;
    let least = rules::number(&rules::params(ctx)?.least_bond)?;
    if found < least {
        return Err(Error::LeastBond { least, found }.into());
    }
    bank::send(ctx, account, &ACCOUNT.address(), &[Coin::base(amount)])?;
    if provider.number == 0 {
        provider.number = PROVIDER_IDS.next(ctx)?;
        NUMBERED.set(ctx, &provider.number, &provider.account)?;
    }
    provider.bond = Some(coin(found));
    PROVIDERS.set(ctx, account, &provider)?;
    ctx.emit(&EventProviderBonded { provider: provider.account, bond: provider.bond });
    Ok(())
}

/// Lets a provider without running jobs leave. Gives the height at whose end its bond returns.
pub(crate) fn leave(ctx: &mut Ctx, account: &Address) -> Result<u64> {
    let mut provider = load(ctx, account)?;
    if provider.leaves > 0 {
        return Err(Error::Leaving(account.to_string()).into());
    }
    if locked(&provider)? > 0 {
        return Err(Error::Busy(account.to_string()).into());
    }
    let blocks = rules::params(ctx)?.unbonding_blocks;
    provider.leaves = ctx.block().height.checked_add(blocks).ok_or(Error::Overflow)?;
    PROVIDERS.set(ctx, account, &provider)?;
    LEAVING.insert(ctx, &(provider.leaves, *account))?;
    ctx.emit(&EventProviderLeaving { provider: provider.account, leaves: provider.leaves });
    Ok(provider.leaves)
}

/// Returns the bond of a provider whose time has come.
pub(crate) fn release(ctx: &mut Ctx, account: &Address) -> Result<()> {
    let mut provider = load(ctx, account)?;
    LEAVING.remove(ctx, &(provider.leaves, *account))?;
    bank::send(ctx, &ACCOUNT.address(), account, &[Coin::base(bonded(&provider)?)])?;
    (provider.bond, provider.leaves) = (Some(coin(0)), 0);
    PROVIDERS.set(ctx, account, &provider)?;
    ctx.emit(&EventProviderBonded { provider: provider.account, bond: provider.bond });
    Ok(())
}

/// Locks a part of the bond for a job.
pub(crate) fn lock(ctx: &mut Ctx, account: &Address, needed: u128) -> Result<()> {
    let mut provider = load(ctx, account)?;
    if provider.leaves > 0 {
        return Err(Error::Leaving(account.to_string()).into());
    }
    let before = locked(&provider)?;
    let free = bonded(&provider)?.checked_sub(before).ok_or(Error::Broken("more is locked than bonded"))?;
    if needed > free {
        return Err(Error::BondTooSmall { needed, free }.into());
    }
    provider.locked = Some(coin(before.checked_add(needed).ok_or(Error::Overflow)?));
    PROVIDERS.set(ctx, account, &provider)
}

/// Frees a part of what is locked.
pub(crate) fn free(ctx: &mut Ctx, account: &Address, freed: u128) -> Result<()> {
    let mut provider = load(ctx, account)?;
    provider.locked = Some(coin(locked(&provider)?.checked_sub(freed).ok_or(Error::Broken("a lock that was not there"))?));
    PROVIDERS.set(ctx, account, &provider)
}

/// Takes `lost` from the bond of an auditor; where that goes is for the caller to see to.
pub(crate) fn slash(ctx: &mut Ctx, job: u64, account: &Address, lost: u128) -> Result<()> {
    if lost == 0 {
        return Ok(());
    }
    let mut provider = load(ctx, account)?;
    provider.bond = Some(coin(bonded(&provider)?.checked_sub(lost).ok_or(Error::Broken("a slash above the bond"))?));
    PROVIDERS.set(ctx, account, &provider)?;
    ctx.emit(&EventProviderSlashed { provider: provider.account, job_id: job, lost: Some(coin(lost)) });
    Ok(())
}

/// How a job ended for its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was paid.
    Paid,
    /// It delivered nothing in time.
    Late,
    /// Its result was wrong, or not defended.
    Wrong,
}

/// Frees what a job has locked, and takes `lost` of it from the bond; where that goes is for the caller to see to.
pub(crate) fn unlock(ctx: &mut Ctx, job: u64, account: &Address, freed: u128, lost: u128, end: End) -> Result<()> {
    let mut provider = load(ctx, account)?;
    provider.locked = Some(coin(locked(&provider)?.checked_sub(freed).ok_or(Error::Broken("a lock that was not there"))?));
    provider.bond = Some(coin(bonded(&provider)?.checked_sub(lost).ok_or(Error::Broken("a lock above the bond"))?));
    let count = match end {
        End::Paid => &mut provider.paid,
        End::Late => &mut provider.late,
        End::Wrong => &mut provider.wrong,
    };
    *count = count.checked_add(1).ok_or(Error::Overflow)?;
    PROVIDERS.set(ctx, account, &provider)?;
    if lost > 0 {
        ctx.emit(&EventProviderSlashed { provider: provider.account, job_id: job, lost: Some(coin(lost)) });
    }
    Ok(())
}

/// The provider of an account.
pub(crate) fn load(ctx: &Ctx, account: &Address) -> Result<Provider> {
    Ok(PROVIDERS.get(ctx, account)?.ok_or_else(|| Error::NoProvider(account.to_string()))?)
}

/// What a provider put up.
pub(crate) fn bonded(provider: &Provider) -> Result<u128> {
    Ok(Coin::try_from(provider.bond.as_ref().ok_or(Error::Broken("a provider without a bond"))?)?.amount)
}

/// What running jobs have locked of it.
pub(crate) fn locked(provider: &Provider) -> Result<u128> {
    Ok(Coin::try_from(provider.locked.as_ref().ok_or(Error::Broken("a provider without a lock"))?)?.amount)
}

/// An amount of `ucairn` as it is stored.
pub(crate) fn coin(amount: u128) -> cairn_proto::cosmos::base::v1beta1::Coin {
    Coin::base(amount).into()
}
