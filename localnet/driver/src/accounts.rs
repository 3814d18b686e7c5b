//! The accounts of a run, made anew for each network: requester, buyer, faucet and crew.
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use cairn_client::keys::{self, address};
use cairn_kernel::Address;
use clap::Args;
use cosmrs::crypto::secp256k1::SigningKey;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::crew::crew;

/// Providers of computation: one honest, one that lies.
pub const PROVIDERS: [&str; 2] = ["provider", "liar"];

/// One account: who it is and the words that control it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// What the report calls it.
    pub name: String,
    /// `cairn1...`
    pub address: String,
    /// BIP-39 phrase.
    pub mnemonic: String,
    /// What genesis gives it, in ucairn.
    pub funds: u128,
}

impl Account {
    fn new(name: &str, funds: u128) -> Result<Self> {
        let mut entropy = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut entropy);
        let mnemonic = bip39::Mnemonic::from_entropy(&entropy).map_err(|e| anyhow::anyhow!("{e}"))?.to_string();
        let key = keys::from_words(&mnemonic)?;
        Ok(Self { name: name.to_owned(), address: address(&key)?.to_string(), mnemonic, funds })
    }
    /// The key behind the words.
    pub fn key(&self) -> Result<SigningKey> {
        keys::from_words(&self.mnemonic)
    }
    /// The address, parsed.
    pub fn parsed(&self) -> Result<Address> {
        Ok(Address::parse(&self.address)?)
    }
}

/// Make the accounts of a run and print what genesis shall give them, one `address=coins` a line.
#[derive(Debug, Args)]
pub struct AccountsArgs {
    /// The file that keeps them; an existing one is used as it is.
    #[arg(long)]
    file: PathBuf,
}

impl AccountsArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let accounts = load_or_create(&self.file)?;
        for account in accounts {
            println!("{}={}ucairn", account.address, account.funds);
        }
        Ok(())
    }
}

/// Reads the accounts, or makes them.
pub fn load_or_create(file: &Path) -> Result<Vec<Account>> {
    if file.exists() {
        return load(file);
    }
    let cairn = 1_000_000;
    let mut accounts =
        vec![Account::new("requester", 1_000 * cairn)?, Account::new("buyer", 500 * cairn)?, Account::new("faucet", 1_000_000 * cairn)?];
    for name in PROVIDERS {
        accounts.push(Account::new(name, 100 * cairn)?);
    }
    for member in crew() {
        accounts.push(Account::new(&member.name, 20 * cairn)?);
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(&serde_json::to_vec_pretty(&accounts)?)?;
    Ok(accounts)
}

/// Reads the accounts of a run.
pub fn load(file: &Path) -> Result<Vec<Account>> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} holds no accounts", file.display()))
}

/// The account called `name`.
pub fn named<'a>(accounts: &'a [Account], name: &str) -> Result<&'a Account> {
    accounts.iter().find(|a| a.name == name).with_context(|| format!("the accounts name no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_made_once_and_controlled_by_their_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.json");
        let first = load_or_create(&file).unwrap();
        let again = load_or_create(&file).unwrap();
        assert_eq!((first.len(), &first[3].address), (19, &again[3].address));
        assert_eq!(address(&first[0].key().unwrap()).unwrap(), first[0].parsed().unwrap());
    }
}
