//! A network that operators make who know each other's files alone: each has a home and keys of its own and signs its validator.
use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::{
    Network,
    network::{JOINING, rewrite, run},
    ports::Ports,
    program,
};

/// What each operator has and stakes.
const FUNDS: &str = "20000000ucairn";
const STAKE: &str = "10000000ucairn";

impl Network {
    /// The homes of a network that so many operators made by `cairnd genesis add-account`, `gentx`, `collect` and `validate`, of which none runs.
    /// `change` is what they agree on in the genesis file before they sign.
    ///
    /// # Panics
    /// If they cannot be made, or operators come to different genesis files.
    #[must_use]
    pub fn by_operators(operators: u16, change: impl Fn(&mut Value)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let accounts = cairn_driver::accounts::load_or_create(&folder.path().join("accounts.json")).expect("accounts");
        let network = Self::of(folder, Ports::take((operators + JOINING) * 10), accounts, operators);
        let homes: Vec<_> = (0..usize::from(operators)).map(|node| network.home(node)).collect();
        let [first, others @ ..] = homes.as_slice() else { panic!("a network has an operator") };
        for (node, home) in homes.iter().enumerate() {
            cairnd(home, &["init", &format!("operator{node}"), "--no-validator", "--chain-id", "cairn-local-1"]);
            cairnd(home, &["keys", "add", "operator"]);
            network.place(node, "200ms");
            let address = cairnd(home, &["keys", "show", "operator", "--address"]);
            cairnd(first, &["genesis", "add-account", address.trim(), FUNDS]);
        }
        for account in network.accounts() {
            cairnd(first, &["genesis", "add-genesis-account", &account.address, &format!("{}ucairn", account.funds)]);
        }
        rewrite(&file(first), change);
        others.iter().for_each(|home| copy(&file(first), &file(home)));
        for (node, home) in homes.iter().enumerate() {
            let signed = home.join("gentx.json").display().to_string();
            let port = network.port(node, 1).to_string();
            cairnd(home, &["genesis", "gentx", "operator", STAKE, "--p2p-port", &port, "--output-document", &signed]);
            let name = format!("config/gentx/{node}.json");
            homes.iter().for_each(|to| copy(Path::new(&signed), &to.join(&name)));
        }
        for home in &homes {
            cairnd(home, &["genesis", "collect"]);
            cairnd(home, &["genesis", "validate"]);
            assert_eq!(fs::read(file(home)).ok(), fs::read(file(first)).ok(), "all come to the same file");
        }
        network
    }
}

fn file(home: &Path) -> std::path::PathBuf {
    home.join("config/genesis.json")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
    fs::copy(from, to).expect("a file can be copied");
}

fn cairnd(home: &Path, args: &[&str]) -> String {
    run(Command::new(program("cairnd")).args(args).arg("--home").arg(home))
}
