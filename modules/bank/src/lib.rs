//! Coins of any denomination: who holds how much, how much there is, and the only ways in which either changes.
mod error;
mod genesis;
mod invariants;
mod ledger;
mod metadata;
mod msgs;
mod queries;
mod state;
#[cfg(test)]
mod tests;
mod vesting;

use std::sync::Arc;

use cairn_kernel::{Address, Coin, Coins, Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cosmos::{
    bank::v1beta1::{GenesisState, Metadata, Params, msg_routes, query_routes},
    vesting::v1beta1 as vesting_wire,
};

pub use error::Error;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Bank;

/// What a chain starts with: users may send every denomination.
#[expect(deprecated, reason = "the retired field is part of the message")]
pub const DEFAULT_PARAMS: Params = Params { send_enabled: Vec::new(), default_send_enabled: true };

/// What higher modules want to hear of. Register with `router.hook::<Arc<dyn bank::Hooks>>(..)`.
pub trait Hooks: Send + Sync {
    /// Before `coin` goes from `from` to `to`, by whatever cause but minting and burning; a refusal stops the transfer.
    fn before_transfer(&self, ctx: &mut Ctx, from: &Address, to: &Address, coin: &Coin) -> Result<()> {
        let _ = (ctx, from, to, coin);
        Ok(())
    }
    /// After a user paid `coins` to `to` by `MsgSend`, or by one output of `MsgMultiSend`; a refusal undoes the message.
    fn after_user_send(&self, ctx: &mut Ctx, from: &Address, to: &Address, coins: &[Coin]) -> Result<()> {
        let _ = (ctx, from, to, coins);
        Ok(())
    }
}

/// How much of `denom` the account holds.
pub fn balance(ctx: &Ctx, address: &Address, denom: &str) -> Result<u128> {
    ledger::balance(ctx, address, denom)
}

/// How much of `denom` there is.
pub fn supply(ctx: &Ctx, denom: &str) -> Result<u128> {
    ledger::supply(ctx, denom)
}

/// Moves coins, opening the recipient's account if it has none. Amounts of zero are passed over; nothing to move is no event.
/// Neither [`Params::default_send_enabled`] nor the closure of module accounts binds modules, only users' messages.
///
/// # Errors
/// `sdk/5` if `from` holds less, or less that has come free; what a hook refuses. State may be half changed then: the caller passes the error on or wraps the call
/// in [`Ctx::atomic`].
pub fn send(ctx: &mut Ctx, from: &Address, to: &Address, coins: &[Coin]) -> Result<()> {
    let coins = ledger::tidy(coins)?;
    if coins.is_empty() {
        return Ok(());
    }
    transfer(ctx, from, to, &coins, ledger::debit)?;
    let from = from.to_string();
    ctx.emit_raw("transfer", &[("recipient", &to.to_string()), ("sender", &from), ("amount", &coins.to_string())]);
    ctx.emit_raw("message", &[("sender", &from)]);
    Ok(())
}

/// How coins leave an account.
type Debit = fn(&mut Ctx, &Address, &Coins) -> Result<()>;

fn transfer(ctx: &mut Ctx, from: &Address, to: &Address, coins: &Coins, debit: Debit) -> Result<()> {
    if coins.is_empty() {
        return Ok(());
    }
    before_transfer(ctx, from, to, coins)?;
    debit(ctx, from, coins)?;
    ledger::credit(ctx, to, coins)?;
    cairn_auth::get_or_create(ctx, to)?;
    Ok(())
}

/// How much of `denom` the account can spend: its balance without what has not come free on it.
pub fn spendable(ctx: &Ctx, address: &Address, denom: &str) -> Result<u128> {
    ledger::spendable(ctx, address, denom)
}

/// Moves coins that an account delegates to a module's account. Coins that have not come free may be delegated; which were is noted
/// with the account. As in the Cosmos SDK they are spent and received, but nobody sent them: there is no event `transfer`.
///
/// # Errors
/// As [`send`], but the whole balance counts.
pub fn delegate(ctx: &mut Ctx, from: &Address, pool: &Address, coins: &[Coin]) -> Result<()> {
    let coins = ledger::tidy(coins)?;
    coins.iter().try_for_each(|coin| cairn_auth::vesting::track_delegation(ctx, from, &coin))?;
    transfer(ctx, from, pool, &coins, ledger::debit_locked_too)
}

/// Moves coins of a delegation back from a module's account, with the events of [`delegate`].
///
/// # Errors
/// As [`send`].
pub fn undelegate(ctx: &mut Ctx, pool: &Address, to: &Address, coins: &[Coin]) -> Result<()> {
    let coins = ledger::tidy(coins)?;
    coins.iter().try_for_each(|coin| cairn_auth::vesting::track_undelegation(ctx, to, &coin))?;
    transfer(ctx, pool, to, &coins, ledger::debit)
}

/// Creates coins on the module's own account.
///
/// # Errors
/// [`Error::NotRegistered`], [`Error::MayNotMint`], [`Error::SupplyOverflow`]; `sdk/10` for what is no denomination.
pub fn mint(ctx: &mut Ctx, account: &ModuleAccount, coins: &[Coin]) -> Result<()> {
    ledger::mint(ctx, account, &ledger::tidy(coins)?)
}

/// Destroys coins of the module's own account.
///
/// # Errors
/// [`Error::NotRegistered`], [`Error::MayNotBurn`]; `sdk/5` if the account holds less.
pub fn burn(ctx: &mut Ctx, account: &ModuleAccount, coins: &[Coin]) -> Result<()> {
    ledger::burn(ctx, account, &ledger::tidy(coins)?)
}

/// How `denom` is shown, if anybody said so.
pub fn metadata(ctx: &Ctx, denom: &str) -> Result<Option<Metadata>> {
    state::METADATA.get(ctx, &denom.to_owned())
}

/// Says how a denomination is shown.
///
/// # Errors
/// [`Error::Metadata`] if the description contradicts itself.
pub fn set_metadata(ctx: &mut Ctx, described: &Metadata) -> Result<()> {
    metadata::check(described)?;
    state::METADATA.set(ctx, &described.base, described)
}

fn before_transfer(ctx: &mut Ctx, from: &Address, to: &Address, coins: &Coins) -> Result<()> {
    for hook in ctx.hooks::<Arc<dyn Hooks>>() {
        for coin in coins.iter() {
            hook.before_transfer(ctx, from, to, &coin)?;
        }
    }
    Ok(())
}

impl Module for Bank {
    const NAME: &'static str = "bank";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).msgs(vesting_wire::msg_routes(self));
    }
    fn default_genesis(&self) -> GenesisState {
        GenesisState { params: Some(DEFAULT_PARAMS), ..GenesisState::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        genesis::export(ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![("balances add up to the supply", invariants::supply), ("owners are indexed", invariants::owners)]
    }
}
