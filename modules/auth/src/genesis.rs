//! Accounts from and to the genesis file.
use std::collections::BTreeSet;

use cairn_kernel::{Address, Ctx, ModuleAccount, Result};
use cairn_proto::{
    Any,
    cosmos::{
        auth::v1beta1::{BaseAccount, GenesisState, ModuleAccount as WireModuleAccount, Params},
        crypto::secp256k1::PubKey,
    },
    unpack,
};
use prost::Name;

use crate::{
    Error, check_params, get_or_create, module_account, queries,
    state::{ACCOUNTS, BY_NUMBER, NUMBERS, PARAMS},
    vesting::{Vesting, set_vesting},
};

/// Fills an empty store. An account numbered 0 gets the next number after the highest one listed, in the order of the list; accounts
/// of modules that are not listed follow. No account is left with number 0, which some wallets take for "not found".
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let params: Params = genesis.params.ok_or(Error::NoParameters)?;
    check_params(&params)?;
    PARAMS.set(ctx, &params)?;

    let accounts = genesis.accounts.iter().enumerate().map(|(i, any)| read(ctx, i, any)).collect::<Result<Vec<_>>>()?;
    check_unique(&accounts)?;
    NUMBERS.set(ctx, accounts.iter().map(|listed| listed.account.account_number).max().unwrap_or(0))?;
    for Listed { address, mut account, vesting } in accounts {
        if let Some(vesting) = vesting {
            set_vesting(ctx, &address, &vesting)?;
        }
        if account.account_number == 0 {
            account.account_number = NUMBERS.next(ctx)?;
        }
        ACCOUNTS.set(ctx, &address, &account)?;
        BY_NUMBER.set(ctx, &account.account_number, &address.as_bytes().to_vec())?;
    }
    for account in ctx.hooks::<ModuleAccount>() {
        get_or_create(ctx, &account.address())?;
    }
    Ok(())
}

/// Every account, by address.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let accounts = ACCOUNTS.range(ctx, &[]).map(|entry| entry.and_then(|(address, account)| queries::show(ctx, &address, account)));
    Ok(GenesisState { params: PARAMS.get(ctx)?, accounts: accounts.collect::<Result<_>>()? })
}

/// An account of the file.
struct Listed {
    address: Address,
    account: BaseAccount,
    vesting: Option<Vesting>,
}

fn read(ctx: &Ctx, index: usize, any: &Any) -> Result<Listed> {
    if any.type_url == WireModuleAccount::type_url() {
        let listed: WireModuleAccount = unpack(any).map_err(|_| Error::Unreadable(index))?;
        let base = listed.base_account.ok_or(Error::Unreadable(index))?;
        let address = Address::parse(&base.address)?;
        if module_account(ctx, &listed.name).is_none_or(|owned| owned.address() != address) {
            return Err(Error::NotAModule { address: base.address, name: listed.name }.into());
        }
        return Ok(Listed { address, account: base, vesting: None });
    }
    if Vesting::is(any) {
        let (base, vesting) = Vesting::read(any)?;
        let base = base.ok_or(Error::Unreadable(index))?;
        return Ok(Listed { address: checked(&base)?, account: base, vesting: Some(vesting) });
    }
    if any.type_url != BaseAccount::type_url() {
        return Err(Error::AccountType(any.type_url.chars().take(120).collect()).into());
    }
    let base: BaseAccount = unpack(any).map_err(|_| Error::Unreadable(index))?;
    Ok(Listed { address: checked(&base)?, account: base, vesting: None })
}

/// The account's address, which must be that of its key if it has one.
fn checked(account: &BaseAccount) -> Result<Address> {
    let address = Address::parse(&account.address)?;
    match &account.pub_key {
        Some(key) if key.type_url == PubKey::type_url() => check_key(&address, key)?,
        _ => {}
    }
    Ok(address)
}

fn check_key(address: &Address, key: &Any) -> Result<()> {
    let mismatch = || Error::KeyMismatch(address.to_string());
    let key: PubKey = unpack(key).map_err(|_| mismatch())?;
    let key = <[u8; 33]>::try_from(key.key.as_slice()).map_err(|_| mismatch())?;
    if Address::from_secp256k1(&key) == *address { Ok(()) } else { Err(mismatch().into()) }
}

fn check_unique(accounts: &[Listed]) -> Result<(), Error> {
    let (mut addresses, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for Listed { address, account, .. } in accounts {
        if !addresses.insert(address) {
            return Err(Error::DuplicateAddress(address.to_string()));
        }
        if account.account_number != 0 && !numbers.insert(account.account_number) {
            return Err(Error::DuplicateNumber(account.account_number));
        }
    }
    Ok(())
}
