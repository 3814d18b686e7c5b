//! The command line of a chain made with the Cosmos SDK, for addresses of this chain: `simd-cairn`, as `localnet/tools.sh` builds it.
use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{Network, network::run, simd::recover, until};

/// The program.
const PROGRAM: &str = "simd-cairn";
/// What signs.
const KEYS: [&str; 2] = ["--keyring-backend", "test"];
/// How gas is found, and what is paid for it.
const GAS: [&str; 6] = ["--gas", "auto", "--gas-adjustment", "1.5", "--gas-prices", "0.025ucairn"];

/// A user with a home of their own, who asks the first node of a network.
pub struct CosmosCli {
    home: PathBuf,
    rpc: String,
    chain: String,
}

impl CosmosCli {
    /// With the keys of these accounts, which genesis funded.
    ///
    /// # Panics
    /// If one of them is none of the network's.
    #[must_use]
    pub fn new(network: &Network, names: &[&str]) -> Self {
        let home = network.path().join("cosmos-cli");
        std::fs::create_dir_all(&home).expect("a folder can be made");
        for name in names {
            let account = cairn_driver::accounts::named(network.accounts(), name).expect("an account of the run");
            recover(PROGRAM, &home, name, &account.mnemonic);
        }
        let status = network.ask(0, "/status").expect("the node answers");
        let chain = status["node_info"]["network"].as_str().expect("a chain id").to_owned();
        Self { home, rpc: network.rpc(0).replace("http:", "tcp:"), chain }
    }

    /// A file in the home with what a command takes, and its path.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.join(name);
        std::fs::write(&path, content).expect("a file can be written");
        path.display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).arg("--home").arg(&self.home).stdin(Stdio::null());
        command
    }

    /// Runs a command that asks no node, and returns what it prints.
    #[must_use]
    pub fn local(&self, args: &[&str]) -> String {
        run(&mut self.command(args))
    }

    /// The address of a key.
    #[must_use]
    pub fn address(&self, key: &str) -> String {
        self.local(&[&["keys", "show", key, "--address"], &KEYS[..]].concat()).trim().to_owned()
    }

    fn asked(&self, args: &[&str]) -> Output {
        let asks = ["--node", &self.rpc, "--output", "json"];
        self.command(&[&["query"], args, &asks].concat()).output().expect("the program runs")
    }

    /// What `query ARGS` answers.
    ///
    /// # Panics
    /// If it is no JSON.
    #[must_use]
    pub fn query(&self, args: &[&str]) -> Value {
        let out = self.asked(args);
        let said = String::from_utf8_lossy(&out.stderr);
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("query {args:?}: {e}: {said}"))
    }

    /// A file with the transaction that `tx ARGS` makes, which nobody has signed, with a fee that covers it.
    #[must_use]
    pub fn unsigned(&self, name: &str, args: &[&str]) -> String {
        let made = ["--node", &self.rpc, "--chain-id", &self.chain, "--generate-only", "--gas", "200000", "--fees", "5000ucairn"];
        self.file(name, &self.local(&[&["tx"], args, &made, &KEYS].concat()))
    }

    /// What `tx ARGS` prints of a transaction in a file, such as its signatures.
    #[must_use]
    pub fn signing(&self, args: &[&str]) -> String {
        self.local(&[&["tx"], args, &["--node", &self.rpc, "--chain-id", &self.chain], &KEYS].concat())
    }

    fn send(&self, args: &[&str]) -> Output {
        let sent = ["--node", &self.rpc, "--chain-id", &self.chain, "--yes", "--output", "json"];
        self.command(&[&["tx"], args, &sent, &KEYS].concat()).output().expect("the program runs")
    }

    fn included(&self, args: &[&str], out: &Output) -> Value {
        let said = String::from_utf8_lossy(&out.stderr);
        let sent: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("tx {args:?}: {e}: {said}"));
        assert_eq!(sent["code"], 0, "tx {args:?}: {sent}");
        let hash = sent["txhash"].as_str().expect("a hash");
        let found = until("the transaction in a block", 60, 100, || {
            let out = self.asked(&["tx", hash]);
            serde_json::from_slice::<Value>(&out.stdout).ok()
        });
        assert_eq!(found["code"], 0, "tx {args:?}: {found}");
        found
    }

    /// Sends what `tx ARGS` makes, with gas as the node estimates it, signed by a key; as it stands in its block.
    ///
    /// # Panics
    /// If it fails.
    pub fn tx(&self, from: &str, args: &[&str]) -> Value {
        self.tx_as_named(&[args, &["--from", from]].concat())
    }

    /// The same, of which the key's name stands among the arguments already.
    ///
    /// # Panics
    /// If it fails.
    pub fn tx_as_named(&self, args: &[&str]) -> Value {
        let args = [args, &GAS].concat();
        self.included(&args, &self.send(&args))
    }

    /// Sends a signed transaction in a file.
    ///
    /// # Panics
    /// If it fails.
    pub fn broadcast(&self, file: &str) -> Value {
        let args = ["broadcast", file];
        self.included(&args, &self.send(&args))
    }

    /// Why what `tx ARGS` makes is refused.
    ///
    /// # Panics
    /// If it is sent.
    #[must_use]
    pub fn refused(&self, from: &str, args: &[&str]) -> String {
        let out = self.send(&[args, &["--from", from], &GAS].concat());
        assert!(!out.status.success(), "{args:?} was sent: {}", String::from_utf8_lossy(&out.stdout));
        String::from_utf8_lossy(&out.stderr).into_owned()
    }
}
