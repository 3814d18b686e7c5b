//! What must hold of rewards after every block.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_kernel::{BASE_DENOM, Ctx, Result, bps, report};

use crate::{
    ACCOUNT, Error, amount,
    state::{self, CONTRIBUTIONS, EPOCHS, POOL},
};

/// The module's account holds the pool and every reward that is not claimed yet.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut debts = BTreeMap::from([(BASE_DENOM.to_owned(), unclaimed(ctx)?)]);
        for entry in POOL.range(ctx, &[]) {
            let (denom, held) = entry?;
            let debt = debts.entry(denom).or_insert(0);
            *debt = debt.checked_add(amount::read(&held)?).ok_or(Error::Overflow)?;
        }
        for (denom, debt) in debts {
            let held = bank::balance(ctx, &ACCOUNT.address(), &denom)?;
            if held < debt {
                return Ok(Some(format!("the module holds {held}{denom} and owes {debt}{denom}")));
            }
        }
        Ok(None)
    })())
}

/// Rewards of closed epochs that are not claimed yet, dust included until the last claim.
fn unclaimed(ctx: &Ctx) -> Result<u128> {
    let mut sum = 0_u128;
    for entry in EPOCHS.range(ctx, &[]) {
        let (_, epoch) = entry?;
        if amount::read(&epoch.claimed_weight)? != amount::read(&epoch.weight)? {
            let left = amount::read(&epoch.budget)?.checked_sub(amount::read(&epoch.claimed)?).ok_or(Error::Overflow)?;
            sum = sum.checked_add(left).ok_or(Error::Overflow)?;
        }
    }
    Ok(sum)
}

/// An epoch's weight is the sum of its contributions, and its budget at most 4/5 of it.
pub(crate) fn weights(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut sums = BTreeMap::<u64, u128>::new();
        for entry in CONTRIBUTIONS.range(ctx, &[]) {
            let ((_, number), contribution) = entry?;
            let sum = sums.entry(number).or_insert(0);
            *sum = sum.checked_add(amount::read(&contribution.weight)?).ok_or(Error::Overflow)?;
        }
        for entry in EPOCHS.range(ctx, &[]) {
            let (number, epoch) = entry?;
            let (weight, sum) = (amount::read(&epoch.weight)?, sums.remove(&number).unwrap_or(0));
            if weight != sum {
                return Ok(Some(format!("epoch {number} has weight {weight}, its contributions {sum}")));
            }
            if amount::read(&epoch.budget)? > bps(weight, crate::MAX_CAP_BPS).ok_or(Error::Overflow)? {
                return Ok(Some(format!("epoch {number} pays {} for {weight} burnt", epoch.budget)));
            }
        }
        Ok(sums.first_key_value().map(|(number, _)| format!("contributions to epoch {number}, which does not exist")))
    })())
}

/// Epochs follow each other without a gap and all but the last are closed.
pub(crate) fn succession(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let last = state::CURRENT.get(ctx)?.unwrap_or(0);
        let (mut expected, mut starts) = (0_u64, None);
        for entry in EPOCHS.range(ctx, &[]) {
            let (number, epoch) = entry?;
            expected = expected.checked_add(1).ok_or(Error::Overflow)?;
            let follows = starts.is_none_or(|starts| epoch.starts >= starts);
            if number != expected || epoch.number != number || epoch.closed == (number == last) || !follows {
                return Ok(Some(format!("epoch {number} does not follow the one before it, or {last} is not the open one")));
            }
            starts = epoch.ends.checked_add(1);
        }
        Ok((expected != last).then(|| format!("{expected} epochs, but {last} is the open one")))
    })())
}
