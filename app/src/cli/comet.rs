//! CometBFT's side of a home: its files, made by its own `init`, with the settings that Cosmos clients need.
use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest, Sha256};
use toml_edit::{DocumentMut, Item, value};

use super::home::{Home, read_json};
use crate::{
    Exit,
    config::at_line,
    files::{MAX_SETTINGS, read_text},
};

/// The line of CometBFT that the application speaks with.
pub(crate) const VERSION_LINE: &str = "0.38.";

/// Where a node listens and whom it calls.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// Name shown to peers.
    pub(crate) moniker: String,
    /// RPC, `tcp://host:port`.
    pub(crate) rpc: String,
    /// Peer to peer, `tcp://host:port`.
    pub(crate) p2p: String,
    /// Prometheus metrics, `host:port`; empty switches them off.
    pub(crate) metrics: String,
    /// `id@host:port`, comma-separated.
    pub(crate) peers: String,
    /// Pause after a commit, e.g. `1s`: with it the time between blocks is set.
    pub(crate) timeout_commit: String,
    /// Several nodes on one host.
    pub(crate) local: bool,
}

/// What `binary version` prints, or why it cannot be run.
pub(crate) fn version(binary: &str) -> Result<String> {
    let run = Command::new(binary).arg("version").output();
    let out = run.with_context(|| format!("cannot run {binary:?}; 'localnet/tools.sh' installs it, or set comet.binary in app.toml"))?;
    let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if !text.starts_with(VERSION_LINE) {
        bail!("{binary:?} is version {text:?}; CometBFT {VERSION_LINE}x is needed");
    }
    Ok(text)
}

/// Creates CometBFT's keys and configuration in `home`; existing ones are kept.
pub(crate) fn init(binary: &str, home: &Home) -> Result<()> {
    version(binary)?;
    let run = Command::new(binary).args(["init", "--home"]).arg(home.path()).stdout(Stdio::null()).output()?;
    if !run.status.success() {
        bail!("'{binary} init' failed: {}", String::from_utf8_lossy(&run.stderr).trim());
    }
    Ok(())
}

/// Writes the settings of `network` into `config/config.toml`, and those that CosmJS, Keplr and explorers rely on.
pub(crate) fn configure(home: &Home, network: &Network) -> Result<()> {
    let (path, mut doc) = (home.config("config.toml"), check_config(home)?);
    set(&mut doc, &["moniker"], value(&network.moniker));
    set(&mut doc, &["rpc", "laddr"], value(&network.rpc));
    set(&mut doc, &["rpc", "cors_allowed_origins"], value(toml_edit::Array::from_iter(["*"])));
    set(&mut doc, &["p2p", "laddr"], value(&network.p2p));
    set(&mut doc, &["p2p", "persistent_peers"], value(&network.peers));
    set(&mut doc, &["tx_index", "indexer"], value("kv"));
    set(&mut doc, &["consensus", "timeout_commit"], value(&network.timeout_commit));
    set(&mut doc, &["mempool", "size"], value(20_000));
    set(&mut doc, &["instrumentation", "prometheus"], value(!network.metrics.is_empty()));
    if !network.metrics.is_empty() {
        set(&mut doc, &["instrumentation", "prometheus_listen_addr"], value(&network.metrics));
    }
    if network.local {
        set(&mut doc, &["p2p", "addr_book_strict"], value(false));
        set(&mut doc, &["p2p", "allow_duplicate_ip"], value(true));
        set(&mut doc, &["p2p", "pex"], value(false));
    }
    std::fs::write(&path, doc.to_string()).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads `config/config.toml`, so that a fault in it is told with its line before CometBFT is started.
pub(crate) fn check_config(home: &Home) -> Result<DocumentMut> {
    let path = home.config("config.toml");
    let text = read_text(&path, MAX_SETTINGS).context(Exit::Config)?;
    text.parse::<DocumentMut>().map_err(|e| at_line(&path, &text, e.span(), e.message()))
}

/// What CometBFT's own files must hold to be taken by it, and what to do where they do not.
const FILES: [(&str, &str, &str); 3] = [
    ("config/priv_validator_key.json", "/priv_key/value", "restore it from its backup"),
    ("config/node_key.json", "/priv_key/value", "restore it from its backup, or delete it: the node gets another name among its peers"),
    // An empty one would let a validator sign again what it has signed.
    (
        "data/priv_validator_state.json",
        "/height",
        "restore the newest one that this validator wrote, or it may sign twice and lose its stake",
    ),
];

/// Refuses keys and the validator's last vote that CometBFT would end over, or begin anew from, where they are there at all.
pub(crate) fn check_files(home: &Home) -> Result<()> {
    for (file, must, advice) in FILES {
        let path = home.path().join(file);
        if std::fs::symlink_metadata(&path).is_err() {
            continue;
        }
        let read = read_json(&path).and_then(|json| json.pointer(must).is_some().then_some(()).context("it is not what CometBFT writes"));
        read.with_context(|| format!("{} is damaged; {advice}", path.display())).context(Exit::Config)?;
    }
    Ok(())
}

/// The node's name.
pub(crate) fn moniker(home: &Home) -> Result<String> {
    let name = check_config(home)?.get("moniker").and_then(Item::as_str).map(str::to_owned);
    name.context("config.toml names no moniker")
}

/// Sets whom the node calls, `id@host:port`, comma-separated.
pub(crate) fn set_peers(home: &Home, peers: &str) -> Result<()> {
    let (path, mut doc) = (home.config("config.toml"), check_config(home)?);
    set(&mut doc, &["p2p", "persistent_peers"], value(peers));
    std::fs::write(&path, doc.to_string()).with_context(|| format!("cannot write {}", path.display()))
}

fn set(doc: &mut DocumentMut, path: &[&str], item: Item) {
    match path {
        [key] => drop(doc.insert(key, item)),
        [table, key] => {
            if let Some(table) = doc.get_mut(table).and_then(Item::as_table_like_mut) {
                table.insert(key, item);
            }
        }
        _ => {}
    }
}

/// A validator's consensus key as CometBFT keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsensusKey {
    /// First 20 bytes of SHA-256 of the key, as CometBFT names the validator.
    pub(crate) address: [u8; 20],
    /// Ed25519.
    pub(crate) pub_key: [u8; 32],
}

impl ConsensusKey {
    /// Of an Ed25519 public key.
    pub(crate) fn new(pub_key: [u8; 32]) -> Self {
        Self { address: hash20(&pub_key), pub_key }
    }
    /// Reads `config/priv_validator_key.json`.
    pub(crate) fn load(home: &Home) -> Result<Self> {
        let path = home.config("priv_validator_key.json");
        let json = read_json(&path)?;
        let text = json.pointer("/pub_key/value").and_then(|v| v.as_str()).with_context(|| format!("{} names no key", path.display()))?;
        let raw: [u8; 32] = BASE64.decode(text)?.try_into().ok().with_context(|| format!("{} holds no Ed25519 key", path.display()))?;
        Ok(Self::new(raw))
    }
}

/// The peer id of a node: first 20 bytes of SHA-256 of its Ed25519 public key, in hexadecimal.
pub(crate) fn node_id(home: &Home) -> Result<String> {
    let path = home.config("node_key.json");
    let json = read_json(&path)?;
    let text = json.pointer("/priv_key/value").and_then(|v| v.as_str()).with_context(|| format!("{} names no key", path.display()))?;
    let raw = BASE64.decode(text)?;
    let public = raw.get(32..64).with_context(|| format!("{} holds no Ed25519 key", path.display()))?;
    Ok(hex::encode(hash20(public)))
}

fn hash20(bytes: &[u8]) -> [u8; 20] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut out = [0; 20];
    out.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    out
}

/// The command that runs CometBFT in `home` against the application at `abci`. Where `setpriv` is there, the child dies with its parent
/// however that ends: an application that was killed leaves a CometBFT behind that answers but makes no blocks.
pub(crate) fn start_command(binary: &str, home: &Path, abci: &str) -> tokio::process::Command {
    let guarded = Command::new("setpriv").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    let mut command = if guarded {
        let mut c = tokio::process::Command::new("setpriv");
        c.args(["--pdeathsig", "KILL", "--"]).arg(binary);
        c
    } else {
        tokio::process::Command::new(binary)
    };
    command.arg("start").arg("--home").arg(home).arg("--proxy_app").arg(abci);
    command
}
