//! Accounts: who may sign, with which key, number and sequence, and which accounts belong to modules.
mod error;
mod genesis;
mod invariants;
mod msgs;
mod queries;
mod state;
#[cfg(test)]
mod tests;
pub mod vesting;

use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Invariant, Module, ModuleAccount, Result, Router, Table, sdk};
use cairn_proto::{
    Any,
    cosmos::auth::v1beta1::{BaseAccount, GenesisState, Params, msg_routes, query_routes},
};

pub use error::Error;
use state::{ACCOUNTS, BY_NUMBER, NUMBERS, PARAMS};

/// Where transaction fees go.
pub const FEE_COLLECTOR: ModuleAccount = ModuleAccount::new("fee_collector");

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Auth;

/// The limits and prices that a chain starts with, as in the Cosmos SDK.
pub const DEFAULT_PARAMS: Params = Params {
    max_memo_characters: 256,
    tx_sig_limit: 7,
    tx_size_cost_per_byte: 10,
    sig_verify_cost_ed25519: 590,
    sig_verify_cost_secp256k1: 1_000,
};

/// The limits and prices in force.
pub fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or(DEFAULT_PARAMS))
}

/// The account at `address`, if it exists.
pub fn account(ctx: &Ctx, address: &Address) -> Result<Option<BaseAccount>> {
    ACCOUNTS.get(ctx, address)
}

/// Whether there is an account at `address`.
pub fn has_account(ctx: &Ctx, address: &Address) -> Result<bool> {
    ACCOUNTS.has(ctx, address)
}

/// The account at `address`, opened under the next account number if it does not exist.
pub fn get_or_create(ctx: &mut Ctx, address: &Address) -> Result<BaseAccount> {
    if let Some(account) = ACCOUNTS.get(ctx, address)? {
        return Ok(account);
    }
    let account = BaseAccount { address: address.to_string(), pub_key: None, account_number: NUMBERS.next(ctx)?, sequence: 0 };
    store(ctx, address, &account)?;
    BY_NUMBER.set(ctx, &account.account_number, &address.as_bytes().to_vec())?;
    Ok(account)
}

/// The highest account number given so far; 0 before the first account.
pub fn last_number(ctx: &Ctx) -> Result<u64> {
    NUMBERS.last(ctx)
}

/// Notes the public key that an account signs with. The caller has checked that the address is the key's.
///
/// # Errors
/// `sdk/9` if there is no such account.
pub fn set_pub_key(ctx: &mut Ctx, address: &Address, key: Any) -> Result<()> {
    let account = known(ctx, address)?;
    store(ctx, address, &BaseAccount { pub_key: Some(key), ..account })
}

/// Uses up the account's sequence, so that no signature counts twice. Gives the new one.
///
/// # Errors
/// `sdk/9` if there is no such account.
pub fn bump_sequence(ctx: &mut Ctx, address: &Address) -> Result<u64> {
    let account = known(ctx, address)?;
    let sequence =
        account.sequence.checked_add(1).ok_or_else(|| sdk::wrong_sequence(format!("account {address} has used all sequences")))?;
    store(ctx, address, &BaseAccount { sequence, ..account })?;
    Ok(sequence)
}

/// The module account called `name`: what its owner registered with `Router::hook` in [`Module::routes`]. Rights are code, not state.
#[must_use]
pub fn module_account<'c>(ctx: &Ctx<'c>, name: &str) -> Option<&'c ModuleAccount> {
    ctx.hooks::<ModuleAccount>().iter().find(|account| account.name == name)
}

/// The module account at `address`, if a module owns it.
#[must_use]
pub fn module_account_at<'c>(ctx: &Ctx<'c>, address: &Address) -> Option<&'c ModuleAccount> {
    ctx.hooks::<ModuleAccount>().iter().find(|account| account.address() == *address)
}

/// Who may change parameters: governance's account.
#[must_use]
pub fn authority() -> Address {
    Address::module("gov")
}

/// Refuses a message of the authority that names another as such.
///
/// # Errors
/// `sdk/4`.
pub fn require_authority(claimed: &str) -> Result<()> {
    let authority = authority().to_string();
    if claimed == authority {
        return Ok(());
    }
    let claimed: String = claimed.chars().take(100).collect();
    Err(sdk::unauthorized(format!("invalid authority; expected {authority}, got {claimed}")))
}

/// The account at `address`, which must exist.
fn known(ctx: &Ctx, address: &Address) -> Result<BaseAccount> {
    ACCOUNTS.get(ctx, address)?.ok_or_else(|| sdk::unknown_address(format!("account {address} does not exist")))
}

fn store(ctx: &mut Ctx, address: &Address, account: &BaseAccount) -> Result<()> {
    ACCOUNTS.set(ctx, address, account)
}

/// Refuses parameters under which no transaction could be judged.
fn check_params(params: &Params) -> Result<(), Error> {
    let positive = [
        (params.tx_sig_limit, "tx signature limit"),
        (params.sig_verify_cost_ed25519, "ED25519 signature verification cost"),
        (params.sig_verify_cost_secp256k1, "SECK256k1 signature verification cost"),
        (params.max_memo_characters, "max memo characters"),
        (params.tx_size_cost_per_byte, "tx size cost per byte"),
    ];
    match positive.iter().find(|(value, _)| *value == 0) {
        Some((_, name)) => Err(Error::ZeroParameter(name)),
        None => Ok(()),
    }
}

impl Module for Auth {
    const NAME: &'static str = "auth";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(FEE_COLLECTOR);
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
        vec![("accounts are numbered once", invariants::numbers)]
    }
}
