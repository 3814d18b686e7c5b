//! A network of validators in a folder of its own.
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use cairn_driver::{accounts::Account, run::PASSPHRASE};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Process, join::configure, ports::Ports, program};

/// How a network is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many validators.
    pub validators: u16,
    /// Pause after each commit.
    pub pause: &'static str,
    /// Whether a gateway runs too.
    pub gateway: bool,
    /// What the validators' `app.toml` says besides, as `table.key`.
    pub settings: &'static [(&'static str, i64)],
}

impl Default for Options {
    fn default() -> Self {
        Self { validators: 1, pause: "200ms", gateway: false, settings: &[] }
    }
}

/// How many nodes may join a network.
pub(crate) const JOINING: u16 = 3;

/// Validators, nodes that joined them, and perhaps a gateway, on ports of their own.
pub struct Network {
    folder: TempDir,
    ports: Ports,
    accounts: Vec<Account>,
    pub(crate) nodes: Vec<Option<Process>>,
    gateway: Option<Process>,
    agent: ureq::Agent,
}

impl Network {
    /// Makes and starts a network with the accounts of the main job, and waits until it makes blocks.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn start(options: &Options) -> Self {
        Self::start_with(options, |_| {})
    }
    /// As [`Network::start`], with a genesis file that `change` has changed.
    ///
    /// # Panics
    /// As [`Network::start`].
    #[must_use]
    pub fn start_with(options: &Options, change: impl Fn(&mut Value)) -> Self {
        let mut network = Self::prepare(options, change);
        (0..network.nodes.len()).for_each(|i| network.start_node(i));
        network.wait_for(0, 2);
        if options.gateway {
            network.start_gateway();
        }
        network.import("requester");
        network
    }
    /// The homes of a network as [`Network::start_with`] makes them, of which none runs.
    ///
    /// # Panics
    /// If they cannot be made.
    #[must_use]
    pub fn prepare(options: &Options, change: impl Fn(&mut Value)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let accounts = cairn_driver::accounts::load_or_create(&folder.path().join("accounts.json")).expect("accounts");
        let ports = Ports::take((options.validators + JOINING) * 10);
        let mut init = Command::new(program("cairnd"));
        init.args(["testnet", "--timeout-commit", options.pause, "--base-port", &ports.first.to_string()]);
        init.args(["--validators", &options.validators.to_string()]).arg("--out").arg(folder.path().join("nodes"));
        for account in &accounts {
            init.arg("--account").arg(format!("{}={}ucairn", account.address, account.funds));
        }
        run(&mut init);
        (0..options.validators).for_each(|i| rewrite(&folder.path().join(format!("nodes/node{i}/config/genesis.json")), &change));
        for node in 0..options.validators {
            let settings = options.settings.iter().map(|(name, number)| (*name, toml_edit::value(*number)));
            configure(&folder.path().join(format!("nodes/node{node}/config/app.toml")), settings);
        }
        Self::of(folder, ports, accounts, options.validators)
    }
    /// A network of so many homes in `folder`, of which none runs.
    pub(crate) fn of(folder: TempDir, ports: Ports, accounts: Vec<Account>, validators: u16) -> Self {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
        let nodes = (0..validators).map(|_| None).collect();
        Self { folder, ports, accounts, nodes, gateway: None, agent }
    }
    /// The folder of homes, logs and accounts.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
    /// The accounts that genesis funded.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
    pub(crate) fn port(&self, node: usize, offset: u16) -> u16 {
        self.ports.first + u16::try_from(node).expect("few nodes") * 10 + offset
    }
    /// A node's RPC.
    #[must_use]
    pub fn rpc(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.port(node, 0))
    }
    /// A node's REST door.
    #[must_use]
    pub fn rest(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.port(node, 2))
    }
    /// A node's gRPC door, `host:port`.
    #[must_use]
    pub fn grpc(&self, node: usize) -> String {
        format!("127.0.0.1:{}", self.port(node, 3))
    }
    /// A node's port for metrics and health.
    #[must_use]
    pub fn metrics(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.port(node, 5))
    }
    /// Its CometBFT's port for metrics.
    #[must_use]
    pub fn comet_metrics(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.port(node, 4))
    }
    /// A node's log, its CometBFT's included.
    #[must_use]
    pub fn log_of(&self, node: usize) -> PathBuf {
        self.log(&format!("node{node}"))
    }
    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> String {
        format!("http://127.0.0.1:{}", self.port(0, 9))
    }
    /// A node's home.
    #[must_use]
    pub fn home(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("nodes/node{node}"))
    }
    /// The requester's home.
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.folder.path().join("client")
    }
    /// The log of a process of the network, such as `node0`.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }
    /// Starts a node that is not running.
    pub fn start_node(&mut self, node: usize) {
        let name = format!("node{node}");
        let mut command = Command::new(program("cairnd"));
        command.arg("start").arg("--home").arg(self.home(node));
        let process = Process::start(&name, &mut command, &self.log(&name));
        *self.nodes.get_mut(node).expect("a node of this network") = Some(process);
    }
    /// Kills a node at once; its CometBFT goes with it.
    pub fn kill_node(&mut self, node: usize) {
        if let Some(mut process) = self.nodes.get_mut(node).and_then(Option::take) {
            process.kill();
        }
    }
    /// Asks a node to stop; whether it did so well within ten seconds.
    pub fn stop_node(&mut self, node: usize) -> bool {
        self.nodes.get_mut(node).and_then(Option::take).is_some_and(|mut p| p.stop(Duration::from_secs(10)))
    }
    fn start_gateway(&mut self) {
        let mut command = Command::new(program("cairn-gateway"));
        command.args(["--listen", self.gateway().trim_start_matches("http://"), "--node", &self.rpc(0)]);
        command.arg("--store").arg(self.folder.path().join("content"));
        self.gateway = Some(Process::start("gateway", &mut command, &self.log("gateway")));
    }
    /// Puts the key of an account that genesis funded into the client's home.
    ///
    /// # Panics
    /// If there is no such account, or its key is there already.
    pub fn import(&self, name: &str) {
        self.import_into(&self.client(), name);
    }
    /// As [`Network::import`], into any home.
    ///
    /// # Panics
    /// As [`Network::import`].
    pub fn import_into(&self, home: &Path, name: &str) {
        let account = cairn_driver::accounts::named(&self.accounts, name).expect("an account of the run");
        let phrase = self.folder.path().join(format!("{name}.phrase"));
        std::fs::write(&phrase, &account.mnemonic).expect("a file can be written");
        let mut command = Command::new(program("cairnd"));
        command.args(["keys", "add", name, "--recover", "--home"]).arg(home);
        command.stdin(std::fs::File::open(&phrase).expect("the phrase was just written"));
        run(&mut command);
    }
    /// Runs `cairnd` as the requester and returns what it prints.
    #[must_use]
    pub fn cairnd(&self, args: &[&str]) -> String {
        self.cairnd_at(0, args)
    }
    /// As [`Network::cairnd`], of a command that answers in JSON.
    ///
    /// # Panics
    /// If it does not.
    pub fn cairnd_json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.cairnd(&[args, &["--output", "json"]].concat())).expect("the command answers in JSON")
    }
    /// Runs `cairnd` as the requester, which must refuse, and returns its reason.
    ///
    /// # Panics
    /// If it does what it is asked.
    #[must_use]
    pub fn cairnd_refused(&self, args: &[&str]) -> String {
        let out = self.command(0, args).env("CAIRN_PASSPHRASE", PASSPHRASE).output().expect("the program runs");
        assert!(!out.status.success(), "{args:?} was not refused");
        String::from_utf8(out.stderr).expect("the program prints text")
    }
    /// As [`Network::cairnd`], asking another node.
    #[must_use]
    pub fn cairnd_at(&self, node: usize, args: &[&str]) -> String {
        run(&mut self.command(node, args))
    }
    fn command(&self, node: usize, args: &[&str]) -> Command {
        let mut command = Command::new(program("cairnd"));
        command.args(args).args(["--node", &self.rpc(node)]).env("CAIRN_HOME", self.client());
        command
    }
    /// Asks a node's RPC, `path` being such as `/status`. `None` if it does not answer.
    #[must_use]
    pub fn ask(&self, node: usize, path: &str) -> Option<Value> {
        let text = self.agent.get(format!("{}{path}", self.rpc(node))).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str::<Value>(&text).ok()?.get("result").cloned()
    }
    /// A node's height; 0 if it does not answer.
    #[must_use]
    pub fn height(&self, node: usize) -> u64 {
        let status = self.ask(node, "/status");
        let height = status.as_ref().and_then(|s| s.pointer("/sync_info/latest_block_height")).and_then(Value::as_str);
        height.and_then(|h| h.parse().ok()).unwrap_or(0)
    }
    /// The app hash in a block's header.
    #[must_use]
    pub fn app_hash(&self, node: usize, height: u64) -> Option<String> {
        let block = self.ask(node, &format!("/block?height={height}"))?;
        block.pointer("/block/header/app_hash").and_then(Value::as_str).map(str::to_owned)
    }
    /// Waits until a node has block `height`.
    ///
    /// # Panics
    /// If it has not within two minutes.
    pub fn wait_for(&self, node: usize, height: u64) {
        let start = Instant::now();
        while self.height(node) < height {
            if start.elapsed() > Duration::from_secs(120) {
                let log = std::fs::read_to_string(self.log(&format!("node{node}"))).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(30).collect();
                panic!(
                    "node {node} is at height {}, not at {height}:\n{}",
                    self.height(node),
                    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Changes a JSON file.
pub(crate) fn rewrite(path: &Path, change: impl Fn(&mut Value)) {
    let mut value = serde_json::from_slice(&std::fs::read(path).expect("a genesis file")).expect("JSON");
    change(&mut value);
    std::fs::write(path, serde_json::to_string_pretty(&value).expect("JSON")).expect("a file can be written");
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let out = command.env("CAIRN_PASSPHRASE", PASSPHRASE).output().expect("the program runs");
    assert!(out.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("the program prints text")
}
