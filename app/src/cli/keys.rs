//! `cairnd keys`: make, import, show and delete account keys.
use std::{
    io::{BufRead, IsTerminal, Read, Write},
    path::PathBuf,
    str::FromStr,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::Address;
use cairn_proto::adr036;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    home::Home,
    keyring::{AccountKey, Entry, Keyring, new_mnemonic},
    output::Output,
};
use crate::arbitrary;

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
    /// Sign data of any kind with a key, as Keplr's signArbitrary does (ADR-036): a log-in, a statement, nothing that a chain takes.
    SignArbitrary {
        /// The key's name.
        name: String,
        #[command(flatten)]
        data: Data,
    },
    /// Whether an account signed data (ADR-036); fails if not.
    VerifyArbitrary {
        /// The account.
        address: Address,
        #[command(flatten)]
        data: Data,
        /// Its public key, base64.
        #[arg(long)]
        pub_key: Base64,
        /// The signature, base64.
        #[arg(long)]
        signature: Base64,
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

/// What is signed.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Data {
    /// The text that is signed.
    #[arg(long)]
    data: Option<String>,
    /// The file that is signed; - is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Data {
    fn read(self) -> Result<Vec<u8>> {
        match self {
            Self { file: Some(path), .. } if path.as_os_str() == "-" => {
                let mut bytes = Vec::new();
                std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
                Ok(bytes)
            }
            Self { file: Some(path), .. } => std::fs::read(&path).with_context(|| format!("cannot read {}", path.display())),
            Self { data, .. } => Ok(data.unwrap_or_default().into_bytes()),
        }
    }
}

/// Bytes given as base64.
#[derive(Debug, Clone)]
pub(crate) struct Base64(Vec<u8>);

impl FromStr for Base64 {
    type Err = base64::DecodeError;
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        BASE64.decode(text).map(Self)
    }
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
            Self::SignArbitrary { name, data } => output.value(&sign_arbitrary(&open(&ring, &name)?, &data.read()?)),
            Self::VerifyArbitrary { address, data, pub_key, signature } => {
                arbitrary::verify(&address.to_string(), &data.read()?, &pub_key.0, &signature.0)?;
                println!("{address} signed this");
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

/// In the form in which wallets return it.
fn sign_arbitrary(key: &AccountKey, data: &[u8]) -> Value {
    let address = key.address().to_string();
    json!({
        "signer": address,
        "pub_key": { "type": "tendermint/PubKeySecp256k1", "value": BASE64.encode(key.public()) },
        "signature": BASE64.encode(key.sign(&adr036::sign_bytes(&address, data))),
    })
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
