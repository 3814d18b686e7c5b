//! `cairnd doctor`: what keeps a node from running, and what to do about it.
use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use clap::Args;
use serde_json::Value;

use super::{
    beacon,
    comet::{self, ConsensusKey},
    home::{Home, read_secret},
    output::Output,
    rpc::Rpc,
};
use crate::config::Config;

/// Check this machine, the home and the running node, and say what to do about each fault.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Seconds to wait for the node's height to grow.
    #[arg(long, default_value_t = 10)]
    wait: u64,
}

/// One check: its name and what it found.
type Check = (&'static str, Result<String>);

impl DoctorArgs {
    /// Runs the command; fails if any check did.
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        let mut checks: Vec<Check> = Vec::new();
        let config = home.load_config();
        let binary = config.as_ref().map_or("cometbft", |c| c.comet.binary.as_str());
        checks.push(("CometBFT", comet::version(binary)));
        match &config {
            Err(e) => checks.push(("home", Err(anyhow::anyhow!("{e:#}")))),
            Ok(config) => {
                checks.push(("home", Ok(home.path().display().to_string())));
                checks.push(("settings", settings(config)));
                checks.push(("consensus key", key_file(home, "priv_validator_key.json")));
                checks.push(("node key", key_file(home, "node_key.json")));
                checks.push(("beacon key", beacon_key(home, &config.comet.rpc)));
                checks.extend(node(config, self.wait));
            }
        }
        let failed = checks.iter().filter(|(_, r)| r.is_err()).count();
        let rows: Vec<Vec<String>> = checks.into_iter().map(|(name, result)| row(name, result)).collect();
        output.table(&["", "check", "found"], &rows)?;
        if failed > 0 {
            bail!("{failed} of {} checks failed", rows.len());
        }
        Ok(())
    }
}

fn row(name: &str, result: Result<String>) -> Vec<String> {
    let (mark, text) = match result {
        Ok(text) => ("ok", text),
        Err(e) => ("FAULT", format!("{e:#}")),
    };
    vec![mark.to_owned(), name.to_owned(), text]
}

fn settings(config: &Config) -> Result<String> {
    config.pruning()?;
    config.gas_price()?;
    Ok(format!("pruning {}, minimum gas price {}", config.pruning, config.minimum_gas_price))
}

fn key_file(home: &Home, name: &str) -> Result<String> {
    read_secret(&home.config(name))?;
    Ok("readable by its owner only".to_owned())
}

/// Whether the keys with which this node would take part in the beacon are those that the chain wants: a running node's, else genesis's.
fn beacon_key(home: &Home, rpc: &str) -> Result<String> {
    let held: Vec<[u8; 32]> = home.vrf_keys()?.iter().map(|found| *found.key.public().as_bytes()).collect();
    let own = ConsensusKey::load(home)?.address;
    let (wanted, by) = match beacon::validator(&Rpc::new(rpc), &own) {
        Ok(record) => (record.map(|v| [Some(v.vrf_key), v.next.map(|next| next.vrf_key)]), "the chain"),
        Err(_) => (genesis_key(home, &own)?.map(|key| [Some(key), None]), "genesis"),
    };
    let Some(wanted) = wanted else {
        return Ok(
            if held.is_empty() { "none is needed: this node is no validator" } else { "present; this node is no validator" }.to_owned()
        );
    };
    for key in wanted.into_iter().flatten() {
        if !held.iter().any(|held| *held == *key) {
            bail!(
                "{by} names key {} for this validator, which is not in config; restore its file from its backup, or every block it proposes \
                 with it is refused",
                hex::encode(key)
            );
        }
    }
    Ok(format!("what {by} names is here"))
}

/// The beacon key that genesis names for a validator.
fn genesis_key(home: &Home, address: &[u8; 20]) -> Result<Option<Vec<u8>>> {
    let genesis = home.genesis()?;
    let name = BASE64.encode(address);
    let validators = genesis.pointer("/app_state/beacon/validators").and_then(Value::as_array);
    let mine = validators.into_iter().flatten().find(|v| v.get("address").and_then(Value::as_str) == Some(&name));
    let text = mine.and_then(|v| v.get("vrf_key")).and_then(Value::as_str);
    text.map(|text| BASE64.decode(text).context("genesis.json: a vrf_key is not base64")).transpose()
}

/// Whether a node could listen at `address`.
fn port(name: &'static str, address: SocketAddr, setting: &str) -> Check {
    let bound = TcpListener::bind(address).map(|_| format!("{address} is free; the node is not running"));
    let why = || format!("{address} is taken by another program; stop it, or choose another port: {setting}");
    (name, bound.with_context(why))
}

/// A running node's RPC and growing height, or free ports for one.
fn node(config: &Config, wait: u64) -> Vec<Check> {
    let rpc = Rpc::new(&config.comet.rpc);
    let Ok(before) = rpc.height() else {
        let mut checks =
            vec![port("REST port", config.api.rest, "api.rest in app.toml"), port("gRPC port", config.api.grpc, "api.grpc in app.toml")];
        // A name that must be looked up, or another machine: not ours to bind.
        if let Some(address) = config.comet.rpc.strip_prefix("http://").and_then(|a| a.parse().ok()) {
            checks.push(port("RPC port", address, "rpc.laddr in config.toml and comet.rpc in app.toml"));
        }
        return checks;
    };
    let deadline = std::time::Instant::now().checked_add(Duration::from_secs(wait));
    let grows = loop {
        match rpc.height() {
            Ok(now) if now > before => break Ok(format!("{now}, growing")),
            _ if deadline.is_none_or(|d| std::time::Instant::now() >= d) => {
                break Err(anyhow::anyhow!(
                    "height stays at {before} for {wait} s: fewer than two thirds of the voting power are on line, or the application is gone"
                ));
            }
            _ => std::thread::sleep(Duration::from_millis(500)),
        }
    };
    let peers = rpc.call("net_info", serde_json::json!({})).map(|v| v.get("n_peers").and_then(Value::as_str).unwrap_or("0").to_owned());
    vec![("height", grows), ("peers", peers)]
}
