//! The only code that changes balances and supply: every change is an event, and an amount of zero leaves no entry.
use cairn_kernel::{Address, Coin, Coins, Ctx, ModuleAccount, Result, check_denom, sdk};

use crate::{
    Error,
    state::{BALANCES, OWNERS, SUPPLY},
};

/// How much of `denom` the account holds.
pub(crate) fn balance(ctx: &Ctx, address: &Address, denom: &str) -> Result<u128> {
    amount(BALANCES.get(ctx, &(*address, denom.to_owned()))?)
}

/// How much of `denom` there is.
pub(crate) fn supply(ctx: &Ctx, denom: &str) -> Result<u128> {
    amount(SUPPLY.get(ctx, &denom.to_owned())?)
}

/// A stored amount; nothing stored is zero.
pub(crate) fn amount(stored: Option<String>) -> Result<u128> {
    match stored {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| Error::Corrupt(text).into()),
    }
}

/// Sorted, one entry a denomination, without zeros.
pub(crate) fn tidy(coins: &[Coin]) -> Result<Coins> {
    let mut out = Coins::default();
    coins.iter().try_for_each(|coin| out.add(coin))?;
    Ok(out)
}

/// How much of `denom` the account can spend.
pub(crate) fn spendable(ctx: &Ctx, address: &Address, denom: &str) -> Result<u128> {
    let locked = cairn_auth::vesting::locked(ctx, address)?.amount_of(denom);
    Ok(balance(ctx, address, denom)?.saturating_sub(locked))
}

/// Takes `coins` that have come free from an account. Event `coin_spent`.
///
/// # Errors
/// `sdk/5` if it can spend less.
pub(crate) fn debit(ctx: &mut Ctx, address: &Address, coins: &Coins) -> Result<()> {
    let locked = cairn_auth::vesting::locked(ctx, address)?;
    take(ctx, address, coins, &locked)
}

/// As [`debit`], of coins that have not come free too.
pub(crate) fn debit_locked_too(ctx: &mut Ctx, address: &Address, coins: &Coins) -> Result<()> {
    take(ctx, address, coins, &Coins::default())
}

fn take(ctx: &mut Ctx, address: &Address, coins: &Coins, locked: &Coins) -> Result<()> {
    for Coin { denom, amount } in coins.iter() {
        let held = balance(ctx, address, &denom)?;
        let free = held.saturating_sub(locked.amount_of(&denom));
        if free < amount {
            return Err(sdk::insufficient_funds(format!("spendable balance {free}{denom} is smaller than {amount}{denom}")));
        }
        let left = held.saturating_sub(amount);
        set_balance(ctx, address, denom, held, left)?;
    }
    ctx.emit_raw("coin_spent", &[("spender", &address.to_string()), ("amount", &coins.to_string())]);
    Ok(())
}

/// Gives `coins` to an account. Event `coin_received`.
pub(crate) fn credit(ctx: &mut Ctx, address: &Address, coins: &Coins) -> Result<()> {
    for Coin { denom, amount } in coins.iter() {
        let held = balance(ctx, address, &denom)?;
        let sum = held.checked_add(amount).ok_or_else(|| sdk::invalid_coins(format!("{held}{denom} and {amount} more exceed 2^128-1")))?;
        set_balance(ctx, address, denom, held, sum)?;
    }
    ctx.emit_raw("coin_received", &[("receiver", &address.to_string()), ("amount", &coins.to_string())]);
    Ok(())
}

/// Creates `coins` on a module's account. Event `coinbase`.
pub(crate) fn mint(ctx: &mut Ctx, account: &ModuleAccount, coins: &Coins) -> Result<()> {
    check_registered(ctx, account)?;
    if !account.mints {
        return Err(Error::MayNotMint(account.name).into());
    }
    let address = account.address();
    for Coin { denom, amount: minted } in coins.iter() {
        check_denom(&denom)?;
        let supply = supply(ctx, &denom)?;
        let Some(sum) = supply.checked_add(minted) else {
            return Err(Error::SupplyOverflow { denom, supply, minted }.into());
        };
        set_supply(ctx, denom, sum)?;
    }
    credit(ctx, &address, coins)?;
    cairn_auth::get_or_create(ctx, &address)?;
    ctx.emit_raw("coinbase", &[("minter", &address.to_string()), ("amount", &coins.to_string())]);
    Ok(())
}

/// Destroys `coins` of a module's account. Event `burn`.
pub(crate) fn burn(ctx: &mut Ctx, account: &ModuleAccount, coins: &Coins) -> Result<()> {
    check_registered(ctx, account)?;
    if !account.burns {
        return Err(Error::MayNotBurn(account.name).into());
    }
    let address = account.address();
    debit(ctx, &address, coins)?;
    for Coin { denom, amount: burnt } in coins.iter() {
        // What an account held is part of the supply, so this cannot fall short unless state is damaged.
        let supply = supply(ctx, &denom)?;
        let left = supply.checked_sub(burnt).ok_or_else(|| Error::Corrupt(format!("{supply}{denom}")))?;
        set_supply(ctx, denom, left)?;
    }
    ctx.emit_raw("burn", &[("burner", &address.to_string()), ("amount", &coins.to_string())]);
    Ok(())
}

/// Writes a balance whose value so far was `held`; the index of owners follows when it begins or ends.
pub(crate) fn set_balance(ctx: &mut Ctx, address: &Address, denom: String, held: u128, amount: u128) -> Result<()> {
    if amount == 0 {
        BALANCES.remove(ctx, &(*address, denom.clone()))?;
        return OWNERS.remove(ctx, &(denom, *address));
    }
    if held == 0 {
        OWNERS.insert(ctx, &(denom.clone(), *address))?;
    }
    BALANCES.set(ctx, &(*address, denom), &amount.to_string())
}

/// Writes a supply.
pub(crate) fn set_supply(ctx: &mut Ctx, denom: String, amount: u128) -> Result<()> {
    if amount == 0 { SUPPLY.remove(ctx, &denom) } else { SUPPLY.set(ctx, &denom, &amount.to_string()) }
}

/// The router's list of module accounts is the one that tests and genesis read, so only what is on it has rights.
fn check_registered(ctx: &Ctx, account: &ModuleAccount) -> Result<(), Error> {
    if ctx.hooks::<ModuleAccount>().contains(account) { Ok(()) } else { Err(Error::NotRegistered(account.name)) }
}
