//! What must hold of accounts after every block.
use cairn_kernel::{Ctx, Result};

use crate::state::{ACCOUNTS, BY_NUMBER, NUMBERS};

/// Each account stands under its own address and is the one that its number leads to; no number is 0 or beyond the last one given.
pub(crate) fn numbers(ctx: &Ctx) -> Result<(), String> {
    let last = NUMBERS.last(ctx).map_err(|e| e.to_string())?;
    let mut accounts = 0_u64;
    for entry in ACCOUNTS.range(ctx, &[]) {
        let (address, account) = entry.map_err(|e| e.to_string())?;
        let number = account.account_number;
        if account.address != address.to_string() {
            return Err(format!("account {} is stored under {address}", account.address));
        }
        if number == 0 || number > last {
            return Err(format!("account {address} has number {number}, expected 1 to {last}"));
        }
        let indexed = BY_NUMBER.get(ctx, &number).map_err(|e| e.to_string())?;
        if indexed.as_deref() != Some(address.as_bytes()) {
            return Err(format!("number {number} of account {address} leads to {indexed:?}"));
        }
        accounts = accounts.saturating_add(1);
    }
    let indexed = BY_NUMBER.range(ctx, &[]).count();
    if usize::try_from(accounts) == Ok(indexed) { Ok(()) } else { Err(format!("{accounts} accounts, but {indexed} numbers")) }
}
