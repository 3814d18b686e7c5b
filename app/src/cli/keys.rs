//! `cairnd keys`: make, import, show and delete account keys.
use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    home::Home,
    keyring::{AccountKey, Entry, Keyring, new_mnemonic},
    output::Output,
};

/// The environment variable that stands in for typing the passphrase, for scripts.
pub(crate) const PASSPHRASE_VAR: &str = "CAIRN_PASSPHRASE";

/// Account keys, each in an encrypted file below the home.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new key and print its 24 words once, or import one with --recover.
    Add {
        /// What to call it.
        name: String,
        /// Read a BIP-39 phrase from standard input instead of making one.
        #[arg(long)]
        recover: bool,
    },
    /// Names and addresses of all keys.
    List,
    /// One key's address and public key.
    Show {
        /// Its name.
        name: String,
        /// Print the address alone.
        #[arg(long)]
        address: bool,
    },
    /// Print the secret key in hexadecimal. Whoever sees it owns the account.
    Export {
        /// Its name.
        name: String,
        /// Confirms that the secret shall be shown.
        #[arg(long)]
        unsafe_show_secret: bool,
    },
    /// Delete a key for ever.
    Delete {
        /// Its name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl KeysCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        let ring = Keyring::new(home.keyring());
        match self {
            Self::Add { name, recover } => add(&ring, &name, recover, output),
            Self::List => output
                .table(&["name", "address"], &ring.list()?.iter().map(|e| vec![e.name.clone(), e.address.clone()]).collect::<Vec<_>>()),
            Self::Show { name, address: true } => {
                println!("{}", ring.entry(&name)?.address);
                Ok(())
            }
            Self::Show { name, .. } => output.value(&show(&ring.entry(&name)?)),
            Self::Export { name, unsafe_show_secret } => {
                if !unsafe_show_secret {
                    bail!("this prints the secret key; add --unsafe-show-secret if nobody watches");
                }
                let key = open(&ring, &name)?;
                println!("{}", hex::encode(key.to_bytes().as_slice()));
                Ok(())
            }
            Self::Delete { name, yes } => {
                ring.entry(&name)?;
                if !yes && ask(&format!("Delete key {name} for ever? Without its 24 words the account is lost. Type its name: "))? != name {
                    bail!("nothing was deleted");
                }
                ring.delete(&name)?;
                eprintln!("deleted {name}");
                Ok(())
            }
        }
    }
}

fn show(entry: &Entry) -> Value {
    json!({ "name": entry.name, "address": entry.address, "pub_key": { "@type": "/cosmos.crypto.secp256k1.PubKey", "key": entry.pub_key } })
}

fn add(ring: &Keyring, name: &str, recover: bool, output: Output) -> Result<()> {
    ring.vacant(name)?;
    let phrase = if recover { Zeroizing::new(ask("The phrase: ")?) } else { new_mnemonic()? };
    let key = AccountKey::from_mnemonic(&phrase)?;
    let entry = ring.add(name, &key, &new_passphrase()?)?;
    let mut shown = show(&entry);
    if !recover && let Some(map) = shown.as_object_mut() {
        map.insert("mnemonic".into(), json!(phrase.as_str()));
    }
    output.value(&shown)?;
    if !recover {
        eprintln!("Write the 24 words down and keep them safe: they are the only way to recover the account.");
    }
    Ok(())
}

/// Opens a key, asking for its passphrase.
pub(crate) fn open(ring: &Keyring, name: &str) -> Result<AccountKey> {
    ring.entry(name)?;
    let passphrase = match std::env::var(PASSPHRASE_VAR) {
        Ok(p) => Zeroizing::new(p),
        Err(_) => Zeroizing::new(prompt(&format!("Passphrase of {name}: "))?),
    };
    ring.open(name, &passphrase)
}

fn new_passphrase() -> Result<Zeroizing<String>> {
    if let Ok(p) = std::env::var(PASSPHRASE_VAR) {
        return Ok(Zeroizing::new(p));
    }
    let first = Zeroizing::new(prompt("A new passphrase (8 characters or more): ")?);
    if *first != prompt("Again: ")? {
        bail!("the two passphrases differ; nothing was written");
    }
    Ok(first)
}

fn prompt(text: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!("a passphrase is needed; set {PASSPHRASE_VAR} or run in a terminal");
    }
    rpassword::prompt_password(text).context("cannot read the passphrase")
}

fn ask(text: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("{text}");
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
