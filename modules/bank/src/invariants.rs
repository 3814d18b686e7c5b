//! What must hold of balances after every block.
use cairn_kernel::{Coin, Coins, Ctx, Result};

use crate::{
    ledger,
    state::{BALANCES, OWNERS, SUPPLY},
};

/// Per denomination the balances add up to the supply, and neither has an entry of zero.
pub(crate) fn supply(ctx: &Ctx) -> Result<(), String> {
    let mut sum = Coins::default();
    for entry in BALANCES.range(ctx, &[]) {
        let ((address, denom), text) = entry.map_err(|e| e.to_string())?;
        let held = Coin::new(denom, ledger::amount(Some(text)).map_err(|e| e.to_string())?);
        if held.amount == 0 {
            return Err(format!("{address} has an entry of {held}"));
        }
        sum.add(&held).map_err(|e| e.to_string())?;
    }
    let mut stated = Coins::default();
    for entry in SUPPLY.range(ctx, &[]) {
        let (denom, text) = entry.map_err(|e| e.to_string())?;
        let there = Coin::new(denom, ledger::amount(Some(text)).map_err(|e| e.to_string())?);
        if there.amount == 0 {
            return Err(format!("supply has an entry of {there}"));
        }
        stated.add(&there).map_err(|e| e.to_string())?;
    }
    if sum == stated { Ok(()) } else { Err(format!("balances add up to {sum}, but the supply is {stated}")) }
}

/// The index of owners lists exactly the balances.
pub(crate) fn owners(ctx: &Ctx) -> Result<(), String> {
    for entry in OWNERS.range(ctx, &[]) {
        let (denom, address) = entry.map_err(|e| e.to_string())?;
        if !BALANCES.has(ctx, &(address, denom.clone())).map_err(|e| e.to_string())? {
            return Err(format!("{address} is indexed as an owner of {denom}, but holds none"));
        }
    }
    let (owners, balances) = (OWNERS.range(ctx, &[]).count(), BALANCES.range(ctx, &[]).count());
    if owners == balances { Ok(()) } else { Err(format!("{balances} balances, but {owners} owners")) }
}
