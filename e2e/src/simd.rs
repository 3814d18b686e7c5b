//! An unmodified `simd`, the Cosmos SDK's own chain with CometBFT built in, to compare with: one validator on ports of its own.
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Process,
    network::{rewrite, run},
    ports::Ports,
};

/// The chain id of every such chain.
pub const CHAIN_ID: &str = "simd-1";

/// An account of genesis. Its keys are those that other chains derive from the same words; only the address' prefix, `cosmos`, differs.
#[derive(Debug, Clone, Copy)]
pub struct Funded<'a> {
    /// The name of the key.
    pub name: &'a str,
    /// The words of its mnemonic.
    pub mnemonic: &'a str,
    /// What it holds, such as `1000ucairn,5other`.
    pub coins: &'a str,
}

/// A running chain whose staking denomination is `ucairn`, as ours.
pub struct Simd {
    folder: TempDir,
    ports: Ports,
    agent: ureq::Agent,
    _process: Process,
}

impl Simd {
    /// Makes and starts a chain with `accounts`, of which the first bonds `bond` (`1000000ucairn`) and validates, and waits until it makes
    /// blocks. `change` may change genesis before.
    ///
    /// # Panics
    /// If `simd` is not to be found or does not make blocks.
    #[must_use]
    pub fn start(accounts: &[Funded<'_>], bond: &str, change: impl Fn(&mut Value)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().join("home");
        simd(&home, &["init", "node", "--chain-id", CHAIN_ID, "--default-denom", "ucairn"]);
        for account in accounts {
            add_account(&home, account);
        }
        let validator = accounts.first().expect("a validator").name;
        simd(&home, &["genesis", "gentx", validator, bond, "--chain-id", CHAIN_ID, "--keyring-backend", "test"]);
        simd(&home, &["genesis", "collect-gentxs"]);
        rewrite(&home.join("config/genesis.json"), change);
        let ports = Ports::take(5);
        let process = Process::start("simd", &mut node(&home, ports.first), &folder.path().join("simd.log"));
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).http_status_as_error(false).build().into();
        let chain = Self { folder, ports, agent, _process: process };
        chain.wait_until("simd makes blocks", || chain.height() >= 2);
        chain
    }
    /// The home of the node and of the keys.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }
    /// CometBFT's RPC.
    #[must_use]
    pub fn rpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.first)
    }
    /// The REST door.
    #[must_use]
    pub fn rest(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.first + 2)
    }
    /// The gRPC door, `host:port`.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("127.0.0.1:{}", self.ports.first + 3)
    }
    /// The address of a key: `--bech acc`, `val` or `cons`.
    #[must_use]
    pub fn address(&self, name: &str, bech: &str) -> String {
        let args = ["keys", "show", name, "--address", "--bech", bech, "--keyring-backend", "test"];
        simd(&self.home(), &args).trim().to_owned()
    }
    /// Runs `simd` with `args`, asking this chain, and returns what it prints.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> String {
        simd(&self.home(), &[args, &["--node", &self.rpc()]].concat())
    }
    /// Sends the transaction that `simd tx ARGS` makes, signed by `from`, and returns the `tx_response` of the block that holds it.
    ///
    /// # Panics
    /// If it is not taken, or in no block within a minute. That it succeeded is for the caller to ask (`code`).
    #[must_use]
    pub fn tx(&self, from: &str, args: &[&str]) -> Value {
        let signed = ["--from", from, "--chain-id", CHAIN_ID, "--keyring-backend", "test", "--gas", "900000", "--yes", "--output", "json"];
        let sent: Value = serde_json::from_str(&self.run(&[&["tx"], args, &signed].concat())).expect("simd prints JSON");
        assert_eq!(sent.get("code"), Some(&Value::from(0)), "{sent}");
        let path = format!("/cosmos/tx/v1beta1/txs/{}", sent.get("txhash").and_then(Value::as_str).expect("a hash"));
        let mut found = None;
        self.wait_until("the transaction is in a block", || {
            found = self.ask(&path).and_then(|answer| answer.get("tx_response").cloned());
            found.is_some()
        });
        found.expect("it was found")
    }
    /// The answer of the REST door, whatever its status; `None` if there is none.
    #[must_use]
    pub fn ask(&self, path: &str) -> Option<Value> {
        let text = self.agent.get(format!("{}{path}", self.rest())).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&text).ok()
    }
    /// The last height; 0 while the node does not answer.
    #[must_use]
    pub fn height(&self) -> u64 {
        let block = self.ask("/cosmos/base/tendermint/v1beta1/blocks/latest");
        let height = block.as_ref().and_then(|b| b.pointer("/block/header/height")).and_then(Value::as_str);
        height.and_then(|h| h.parse().ok()).unwrap_or(0)
    }
    /// Waits until `done`.
    ///
    /// # Panics
    /// If it is not within a minute; with `what`, and the end of the node's log.
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            let log = || std::fs::read_to_string(self.folder.path().join("simd.log")).unwrap_or_default();
            assert!(start.elapsed() < Duration::from_secs(60), "not in a minute: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Runs `simd` to its end.
fn simd(home: &Path, args: &[&str]) -> String {
    run(Command::new("simd").args(args).arg("--home").arg(home))
}

/// Puts a key into a home of `simd`, or of its like.
pub(crate) fn recover(program: &str, home: &Path, name: &str, mnemonic: &str) {
    let words = home.join("words");
    std::fs::write(&words, mnemonic).expect("a file can be written");
    let mut recover = Command::new(program);
    recover.args(["keys", "add", name, "--recover", "--keyring-backend", "test", "--home"]).arg(home);
    run(recover.stdin(std::fs::File::open(&words).expect("the words were just written")));
}

fn add_account(home: &Path, account: &Funded<'_>) {
    recover("simd", home, account.name, account.mnemonic);
    simd(home, &["genesis", "add-genesis-account", account.name, account.coins, "--keyring-backend", "test"]);
}

/// The node itself: short pauses between blocks, nothing listening but on loopback.
fn node(home: &Path, base: u16) -> Command {
    let config = home.join("config/config.toml");
    let text = std::fs::read_to_string(&config).expect("simd wrote its configuration");
    let quick: Vec<&str> = text.lines().map(|l| if l.starts_with("timeout_commit") { "timeout_commit = \"200ms\"" } else { l }).collect();
    std::fs::write(&config, quick.join("\n")).expect("a file can be written");
    let at = |offset: u16| format!("127.0.0.1:{}", base + offset);
    let mut command = Command::new("simd");
    command.arg("start").arg("--home").arg(home).args(["--minimum-gas-prices", "0ucairn", "--rpc.pprof_laddr", "", "--log_level", "error"]);
    command.args(["--rpc.laddr", &format!("tcp://{}", at(0)), "--p2p.laddr", &format!("tcp://{}", at(1))]);
    command.args(["--api.enable", "--api.address", &format!("tcp://{}", at(2)), "--grpc.address", &at(3)]);
    command
}
